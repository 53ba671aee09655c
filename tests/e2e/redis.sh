#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Redis: commands, benchmark with and without pipelining over TCP and its Unix
# socket, snapshot by fork, append-only file, crash and recovery, replication.
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli redis-benchmark
cat >t.sh <<'S'
set -eu
cd "$1"
cli() { redis-cli -p 6399 "$@"; }
up() {  # PORT: until it answers
	n=0
	until [ "$(redis-cli -p "$1" ping 2>/dev/null)" = PONG ]; do n=$((n+1)); [ $n -lt 300 ] || exit 9; sleep 0.03; done
}
start() { redis-server --port 6399 --unixsocket "$1/s" --dir "$1" --appendonly yes --repl-diskless-sync-delay 0 --save "" --logfile log & server=$!; up 6399; }
start "$1"
cli set key value
cli rpush list a b c d
cli lrange list 1 2
cli hset h f1 1 f2 2
cli zadd z 3 c 1 a 2 b
cli zrange z 0 -1
cli eval 'local n = 0; for i = 1, 1000 do n = n + redis.call("incr", "count") end; return n' 0
cli set short x px 60
(printf 'MULTI\nINCR count\nINCR count\nEXEC\n') | cli | tail -2
cli subscribe ch >sub.txt & sub=$!
n=0; until [ "$(cli publish ch hello)" = 1 ]; do n=$((n+1)); [ $n -lt 100 ]; sleep 0.03; done
sleep 0.1
kill $sub; wait $sub || true
tail -1 sub.txt
[ -z "$(cli get short)" ] && echo expired
redis-benchmark -p 6399 -t set,get,incr,lpush -n 4000 -c 20 -r 1000 -q >b1
redis-benchmark -p 6399 -t set,get -n 20000 -c 20 -P 16 -q >b2
redis-benchmark -s "$1/s" -t set,get -n 4000 -c 20 -q >b3
redis-benchmark -p 6399 -t set -n 4000 -c 20 --threads 2 -q >b4
grep -ho 'requests per second' b1 b2 b3 b4 | wc -l
# Saving forks; the child writes what was there at that time.
cli bgsave
n=0; until cli info persistence | grep -q 'rdb_bgsave_in_progress:0'; do n=$((n+1)); [ $n -lt 200 ]; sleep 0.05; done
cli info persistence | tr -d '\r' | grep last_bgsave_status
redis-check-rdb dump.rdb | grep -c 'looks OK'
cli bgrewriteaof
n=0; until cli info persistence | grep -q 'aof_rewrite_in_progress:0'; do n=$((n+1)); [ $n -lt 200 ]; sleep 0.05; done
cli info persistence | tr -d '\r' | grep last_bgrewrite
cli incr count
size=$(cli dbsize)
# A replica is filled by another fork, through a socket.
mkdir r
redis-server --port 6400 --dir r --save "" --replicaof 127.0.0.1 6399 --logfile log & replica=$!
up 6400
n=0; until redis-cli -p 6400 info replication | grep -q 'link_status:up'; do n=$((n+1)); [ $n -lt 200 ]; sleep 0.05; done
[ "$(redis-cli -p 6400 dbsize)" = "$size" ] && redis-cli -p 6400 get key
redis-cli -p 6400 shutdown nosave || true
wait $replica || true
# Killed, all that was appended is there again.
cli config set appendfsync always
cli set last one
kill -9 $server; wait $server || true
start "$1"
[ "$(cli dbsize)" = $((size + 1)) ] && cli mget key last count
cli shutdown
wait $server && echo ended
S
box timeout 100 sh t.sh "$TMP" >out.txt 2>err.txt || { cat out.txt err.txt >&2; tail -5 log >&2 || true; die "status"; }
expect "redis" "OK
4
b
c
2
3
a
b
c
500500
OK
1001
1002
hello
expired
9
Background saving started
rdb_last_bgsave_status:ok
1
Background append only file rewriting started
aof_last_bgrewrite_status:ok
1003
value
OK
OK
value
one
1003
ended" "$(cat out.txt)"
