#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL 15: initdb, pgbench over TCP and over the Unix socket, a parallel
# query, POSIX and System V shared memory, kill -9 of a backend and of the
# whole server under load: after recovery every committed transaction is there.
. "$(dirname "$0")/lib.sh"
BIN=$(ls -d /usr/lib/postgresql/15/bin 2>/dev/null) || skip "postgresql-15 is not installed"
cat >t.sh <<'S'
set -eu
export PATH=$2:$PATH LC_ALL=C PGHOST=127.0.0.1 PGPORT=6543 PGDATABASE=postgres PGUSER=me
cd "$1"
start() {
	pg_ctl -D data -s -w -t 60 -l log -o "-p 6543 -k $PWD/sock -c listen_addresses='127.0.0.1,::1' $*" start
}
# The four sums of the benchmark's bank are one.
sums() {
	psql -Atc 'select count(*) from (select sum(abalance) from pgbench_accounts union select sum(tbalance) from pgbench_tellers
		union select sum(bbalance) from pgbench_branches union select sum(delta) from pgbench_history) s'
}
mkdir sock
initdb -D data -U me -A trust --no-locale -E UTF8 >initdb.log
start
psql -Atc 'select 6 * 7'
PGHOST=::1 psql -Atc 'select host(inet_client_addr())'
PGHOST=$PWD/sock psql -Atc 'select inet_client_addr() is null'
pgbench -i -q -s 2 2>init.log
pgbench -n -c 8 -j 2 -t 60 >b1
PGHOST=$PWD/sock pgbench -n -c 8 -j 2 -t 60 >b2
pgbench -n -S -M prepared -c 4 -t 200 >b3
grep -h 'actually processed' b1 b2 b3
psql -Atc 'select count(*) from pgbench_history'
sums
psql -Atq <<'Q'
create table t as select i, md5(i::text) m from generate_series(1, 60000) i;
create index on t(m);
set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
select count(*) from t where m like '%00%' and i % 3 = 0;
explain (costs off) select count(*) from t where i % 3 = 0;
listen ch; notify ch, 'heard';
begin; insert into t values (-1, 'gone'); rollback;
select count(*) from t where i < 0;
select pg_advisory_lock(1), pg_sleep(0.05);
Q
# One backend killed: all others are ended, the server recovers by itself.
(psql -Atc 'select pg_sleep(60)' >/dev/null 2>&1 || true) & sleeper=$!
n=0; until pid=$(psql -Atc "select pid from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'") && [ -n "$pid" ]; do
	n=$((n+1)); [ $n -lt 100 ]; sleep 0.05; done
kill -9 "$pid"
wait $sleeper
n=0; until psql -Atc 'select count(*) from t' 2>/dev/null; do n=$((n+1)); [ $n -lt 200 ] || exit 9; sleep 0.05; done
# The server killed while it works, then all of it.
pgbench -n -c 4 -T 30 >/dev/null 2>&1 & bench=$!
n=0; until before=$(psql -Atc 'select count(*) from pgbench_history') && [ "$before" -gt 980 ]; do
	n=$((n+1)); [ $n -lt 100 ] || exit 7; sleep 0.1; done
server=$(head -1 data/postmaster.pid)
kids=$(pgrep -P "$server")
# shellcheck disable=SC2086
kill -9 "$server" $kids
wait $bench || true
for p in $server $kids; do n=0; while [ -e /proc/$p ]; do n=$((n+1)); [ $n -lt 200 ] || exit 8; sleep 0.03; done; done
start -c shared_memory_type=sysv -c dynamic_shared_memory_type=sysv
[ "$(psql -Atc 'select count(*) from pgbench_history')" -ge "$before" ] && echo recovered
sums
ipcs -m | grep -c '^0x' | sed 's/^[1-9].*/shared/'
pgbench -n -c 4 -t 20 >b4
sums
grep -c 'automatic recovery in progress\|was not properly shut down' log
pg_ctl -D data -s -m fast stop
pg_controldata data | grep state
S
mkdir pg
if [ "$(id -u)" = 0 ]; then
	chmod 755 . && chown nobody pg
	set -- setpriv --reuid=nobody --regid=nogroup --clear-groups
fi
box timeout 100 "$@" sh t.sh "$TMP/pg" "$BIN" >out.txt 2>err.txt || { cat out.txt err.txt >&2; die "status"; }
expect "postgres" "42
::1
t
number of transactions actually processed: 480/480
number of transactions actually processed: 480/480
number of transactions actually processed: 800/800
960
1
2166
Finalize Aggregate
  ->  Gather
        Workers Planned: 2
        ->  Partial Aggregate
              ->  Parallel Seq Scan on t
                    Filter: ((i % 3) = 0)
Asynchronous notification \"ch\"
0
|
60000
recovered
1
shared
1
2
Database cluster state:               shut down" "$(sed 's/ with payload.*//' out.txt)"
