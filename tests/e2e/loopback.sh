#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Servers and clients on the sandbox's own loopback.
. "$(dirname "$0")/lib.sh"
need python3

cat >http.sh <<'EOF'
mkdir www; head -c 300000 /dev/urandom >www/f; cd www
python3 -m http.server 8000 >/dev/null 2>&1 &
server=$!
for i in 1 2 3 4 5 6 7 8 9 10; do
	python3 -c 'import socket; socket.create_connection(("localhost", 8000))' 2>/dev/null && break
	sleep 0.2
done
python3 - <<'PY'
import urllib.request
for host in "127.0.0.1", "localhost":
    assert urllib.request.urlopen(f"http://{host}:8000/f").read() == open("f", "rb").read()
print("urllib")
PY
if command -v curl >/dev/null; then
	curl -s -o ../g http://127.0.0.1:8000/f && cmp f ../g || echo "curl failed"
fi
kill $server
EOF
expect "http.server" urllib "$(timeout 60 "$NACRE" do -- sh -c "cd $TMP && sh http.sh" 2>err.txt)"

cat >many.py <<'EOF'
import asyncio
N = 500
async def handle(r, w):
    while True:
        d = await r.read(65536)
        if not d:
            break
        w.write(d)
        await w.drain()
    w.close()
async def client(port, i, host):
    r, w = await asyncio.open_connection(host, port)
    msg = (b"%d " % i) * 200
    for _ in range(3):
        w.write(msg)
        await w.drain()
        assert await r.readexactly(len(msg)) == msg
    w.write_eof()
    assert await r.read() == b""
    w.close()
    await w.wait_closed()
async def main():
    s = await asyncio.start_server(handle, "::1", 0, backlog=1000)
    t = await asyncio.start_server(handle, "127.0.0.1", 0)
    await asyncio.gather(*[client(s.sockets[0].getsockname()[1], i, "::1") for i in range(N)])
    await asyncio.gather(*[client(t.sockets[0].getsockname()[1], i, "127.0.0.1") for i in range(N)])
    print("all", N)
asyncio.run(main())
EOF
expect "asyncio" "all 500" "$(timeout 60 "$NACRE" do -- python3 "$TMP/many.py" 2>err.txt)"

cat >ifs.py <<'EOF'
import socket
print(socket.if_nameindex())
s = socket.socket()
try:
    s.connect(("192.0.2.1", 80))
except OSError as e:
    print(e.strerror)
EOF
expect "interfaces" "[(1, 'lo')]
Network is unreachable" "$(timeout 20 "$NACRE" do -- python3 "$TMP/ifs.py" 2>err.txt)"

if command -v ip >/dev/null && command -v ss >/dev/null; then
	expect "ip" "127.0.0.1/8" "$(timeout 20 "$NACRE" do -- ip -o -4 addr 2>err.txt | awk '{print $4}')"
	expect "unshare -n" 0 "$(timeout 20 "$NACRE" do -- unshare -n ip -o addr 2>err.txt | wc -l)"
	expect "ss" "LISTEN 127.0.0.1:7007" "$(timeout 20 "$NACRE" do -- python3 -c '
import socket, subprocess
s = socket.socket()
s.bind(("127.0.0.1", 7007))
s.listen()
print(subprocess.run(["ss", "-Hltn"], capture_output=True, text=True).stdout)' 2>err.txt | awk 'NF {print $1, $4}')"
fi
