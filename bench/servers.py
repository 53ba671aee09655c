# SPDX-License-Identifier: Apache-2.0
"""Servers under load, client and server in one place.  A script starts the
server, waits for it, and prints "rate NAME REQUESTS_PER_SECOND" lines; a figure
of the table is the time of one request, so that less is better as elsewhere.
The current directory is empty and writable; LOAD is the length of a load in
seconds.  Servers listen on the loopback of their sandbox."""
from programs import PATH
import shutil

WAIT = "n=0; until %s; do n=$((n+1)); [ $n -lt 300 ] || exit 9; sleep 0.02; done"

REDIS = """
redis-server --port 7399 --unixsocket $PWD/s --save '' --appendonly no --dir $PWD >log & p=$!
""" + WAIT % "redis-cli -p 7399 ping >/dev/null 2>&1" + """
bench() { name=$1; shift
	redis-benchmark -p 7399 -r 1000 --csv -t set,get "$@" >out
	awk -F'"' -v n=$name '$2 == "SET" || $2 == "GET" { print "rate redis-" tolower($2) n, $4 }' out; }
bench "" -c 20 -n $((LOAD * 12000))
bench -pipeline -c 20 -P 16 -n $((LOAD * 60000))
redis-benchmark -s $PWD/s -r 1000 --csv -t get -c 20 -n $((LOAD * 12000)) >out
awk -F'"' '$2 == "GET" { print "rate redis-get-unix", $4 }' out
kill $p; wait $p
"""

NGINX = """
cat >nginx.conf <<END
daemon off; worker_processes 2; pid $PWD/pid; error_log $PWD/error.log crit;
events { worker_connections 512; }
http {
	access_log off; root $PWD/www; sendfile on; keepalive_requests 1000000;
	client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3; uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
	server { listen 127.0.0.1:7480 reuseport; }
}
END
[ $(id -u) != 0 ] || sed -i '1i user root;' nginx.conf
mkdir www; echo hello >www/index.html; head -c 100000 /dev/zero >www/big
nginx -p $PWD -c $PWD/nginx.conf 2>err & p=$!
""" + WAIT % "curl -sf -o /dev/null http://127.0.0.1:7480/" + """
load() { name=$1; shift
	wrk -t1 -c20 -d${LOAD}s "$@" >out
	! grep -q Non-2xx out
	awk -v n=$name '/^Requests.sec/ { print "rate " n, $2 }' out; }
load wrk-nginx http://127.0.0.1:7480/
load wrk-nginx-100K http://127.0.0.1:7480/big
load wrk-nginx-connect -H 'Connection: close' http://127.0.0.1:7480/
kill -QUIT $p; wait $p
"""

MEMCACHED = """
u=; [ $(id -u) != 0 ] || u='-u root'
memcached -l 127.0.0.1 -p 7211 -t 2 $u & p=$!
/usr/bin/python3 - <<'END'
import os, socket, threading, time
for _ in range(300):
    try:
        socket.create_connection(("127.0.0.1", 7211)).close()
        break
    except OSError:
        time.sleep(0.02)
end, done = time.monotonic() + float(os.environ["LOAD"]), []
def client():
    s, n = socket.create_connection(("127.0.0.1", 7211)), 0
    s.sendall(b"set k 0 0 100\\r\\n" + b"v" * 100 + b"\\r\\n")
    assert s.recv(100) == b"STORED\\r\\n"
    while time.monotonic() < end:
        s.sendall(b"get k\\r\\n")
        assert s.recv(1000).endswith(b"END\\r\\n")
        n += 1
    done.append(n)
t = [threading.Thread(target=client) for _ in range(2)]
[x.start() for x in t]; [x.join() for x in t]
print("rate memcached-get", sum(done) / float(os.environ["LOAD"]))
END
kill $p; wait $p
"""


class Server:
    def __init__(self, name, figures, script, needs):
        self.name, self.figures, self.script, self.needs = name, figures, script, needs

    def missing(self):
        gone = [n for n in self.needs if not shutil.which(n, path=PATH)]
        return f"{' '.join(gone)} not installed" if gone else None


SERVERS = [
    Server("redis", ["redis-set", "redis-get", "redis-set-pipeline", "redis-get-pipeline", "redis-get-unix"],
           REDIS, ["redis-server", "redis-benchmark"]),
    Server("nginx", ["wrk-nginx", "wrk-nginx-100K", "wrk-nginx-connect"], NGINX, ["nginx", "wrk", "curl"]),
    Server("memcached", ["memcached-get"], MEMCACHED, ["memcached"]),
]
