#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
need sqlite3
cat >t.sql <<'S'
pragma journal_mode=wal;
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i+1 from n where i < 20000) insert into t select i, 'row ' || i, i / 7.0 from n;
create index bi on t(b);
select count(*), round(sum(c), 3) from t;
begin; update t set c = 0 where a % 3 = 0; rollback;
select b from t where b like '%999%' order by a desc limit 3;
delete from t where a > 100; vacuum; pragma integrity_check;
S
same sh -c 'rm -f x.db*; sqlite3 x.db <t.sql; sqlite3 x.db "select max(a) from t"; rm -f x.db*'
