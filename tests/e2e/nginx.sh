#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nginx with two workers: curl gets every byte, a proxy to a Unix socket, reload
# under wrk's load without an error, orderly end.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
need nginx curl wrk python3
cat >nginx.conf <<EOC
daemon off;
worker_processes 2;
pid $TMP/pid;
error_log $TMP/error.log;
events { worker_connections 512; }
http {
	access_log $TMP/access.log;
	client_body_temp_path $TMP/t1; proxy_temp_path $TMP/t2; fastcgi_temp_path $TMP/t3;
	uwsgi_temp_path $TMP/t4; scgi_temp_path $TMP/t5;
	sendfile on; tcp_nopush on; gzip on; gzip_types text/plain;
	server {
		listen 127.0.0.1:8080 backlog=1024 reuseport; listen [::1]:8080;
		root $TMP/www;
		location /echo { proxy_pass http://unix:$TMP/up.sock; }
		location /api { return 200 "answer\\n"; }
	}
	server { listen unix:$TMP/up.sock; location / { return 200 "from upstream \$request_uri\\n"; } }
}
EOC
if [ "$(id -u)" = 0 ]; then sed -i '1i user root;' nginx.conf; fi
mkdir www
head -c 3000000 /dev/urandom >www/big
seq 20000 >www/text.txt
echo small >www/index.html
cat >t.sh <<'S'
set -eu
cd "$1"
nginx -p "$1" -c "$1/nginx.conf" 2>start.err & server=$!
n=0; until curl -sf -o /dev/null http://127.0.0.1:8080/; do n=$((n+1)); [ $n -lt 200 ] || { cat start.err error.log; exit 9; }; sleep 0.05; done
curl -s http://127.0.0.1:8080/
curl -s -g 'http://[::1]:8080/api'
curl -s http://localhost:8080/echo/x
curl -s http://127.0.0.1:8080/big | cmp - www/big && echo big
curl -s -r 1000000-1999999 http://127.0.0.1:8080/big | wc -c
curl -s --compressed http://127.0.0.1:8080/text.txt | cmp - www/text.txt && echo gzip
curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8080/none
curl -s -o /dev/null -w '%{num_connects}\n' -o /dev/null http://127.0.0.1:8080/api http://127.0.0.1:8080/api
i=0; while [ $i -lt 20 ]; do curl -s http://127.0.0.1:8080/big | cmp - www/big || echo differs; i=$((i+1)); done & getting=$!
wrk --timeout 20s -t2 -c40 -d2s http://127.0.0.1:8080/ >wrk1 &
wrk=$!
sleep 0.7
kill -HUP $server
wait $wrk
wait $getting
wrk --timeout 20s -t1 -c20 -d1s http://127.0.0.1:8080/text.txt >wrk2
grep -c 'Requests/sec' wrk1 wrk2
# A worker that is told to end closes its idle connections: wrk calls that a read error.
grep -h 'Socket errors\|Non-2xx' wrk1 wrk2 | grep -v 'connect 0, read [0-9]*, write 0, timeout 0' || true
kill -QUIT $server
wait $server && echo ended
[ ! -e pid ] && ! grep -i 'emerg\|crit\|alert' error.log && [ "$(wc -l <access.log)" -gt 200 ] && echo clean
S
box timeout 60 sh t.sh "$TMP" >out.txt 2>err.txt || { cat out.txt err.txt >&2; die "status"; }
expect "nginx" "small
answer
from upstream /echo/x
big
1000000
gzip
404
1
0
wrk1:1
wrk2:1
ended
clean" "$(cat out.txt)"
