#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# memcached with four threads: text protocol over TCP, UDP and a Unix socket,
# many clients, eviction.
. "$(dirname "$0")/lib.sh"
PY=/usr/bin/python3
need memcached
cat >t.py <<'P'
import os, socket, struct, subprocess, sys, threading, time

user = ["-u", "root"] if os.getuid() == 0 else []
s = subprocess.Popen(["memcached", "-l", "127.0.0.1", "-p", "11311", "-U", "11311", "-t", "4", "-m", "8", *user])

def dial():
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", 11311)).makefile("rwb")
        except ConnectionRefusedError:
            time.sleep(0.03)
    sys.exit("no server")

def ask(f, text, lines=1):
    f.write(text)
    f.flush()
    return b"".join(f.readline() for _ in range(lines))

f = dial()
print(ask(f, b"set a 5 0 3\r\nxyz\r\n"), ask(f, b"get a\r\n", 3), ask(f, b"set n 0 0 1\r\n0\r\n"))
print(ask(f, b"delete nothing\r\n"), ask(f, b"set e 0 1 1\r\n1\r\n"))

def client(i, bad):
    g = dial()
    for k in range(200):
        ask(g, b"incr n 1\r\n")
        data = b"%d" % (i * k) * 20
        if ask(g, b"set k%d-%d 0 0 %d\r\n" % (i, k, len(data)) + data + b"\r\n") != b"STORED\r\n":
            bad.append("set")
        if ask(g, b"get k%d-%d\r\n" % (i, k), 3).split(b"\r\n")[1] != data:
            bad.append("get")
bad = []
ts = [threading.Thread(target=client, args=(i, bad)) for i in range(20)]
[t.start() for t in ts]; [t.join() for t in ts]
print(bad, ask(f, b"get n\r\n", 3))
# many requests at once
f.write(b"get a\r\n" * 5000)
f.flush()
print(all(f.readline() + f.readline() + f.readline() == b"VALUE a 5 3\r\nxyz\r\nEND\r\n" for _ in range(5000)))
for i in range(40):     # more than fits
    ask(f, b"set big%d 0 0 500000\r\n" % i + b"z" * 500000 + b"\r\n")
f.write(b"stats\r\n")
f.flush()
stats = dict(line.split(b" ")[1:3] for line in iter(f.readline, b"END\r\n"))
print(int(stats[b"evictions"]) > 0, int(stats[b"threads"]), int(stats[b"total_connections"]) >= 21)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.settimeout(5)
u.sendto(struct.pack(">HHHH", 77, 0, 1, 0) + b"get a\r\n", ("127.0.0.1", 11311))
print(u.recv(1400))
time.sleep(1.1)
print(ask(f, b"get e\r\n"))
s.terminate()
print(s.wait())
s = subprocess.Popen(["memcached", "-s", "mc.sock", *user])
for _ in range(200):
    try:
        x = socket.socket(socket.AF_UNIX)
        x.connect("mc.sock")
        break
    except OSError:
        time.sleep(0.03)
print(ask(x.makefile("rwb"), b"set u 0 0 1\r\n1\r\n"))
s.terminate()
print(s.wait())
P
expect "memcached" "b'STORED\\r\\n' b'VALUE a 5 3\\r\\nxyz\\r\\nEND\\r\\n' b'STORED\\r\\n'
b'NOT_FOUND\\r\\n' b'STORED\\r\\n'
[] b'VALUE n 0 4\\r\\n4000\\r\\nEND\\r\\n'
True
True 4 True
b'\\x00M\\x00\\x00\\x00\\x01\\x00\\x00VALUE a 5 3\\r\\nxyz\\r\\nEND\\r\\n'
b'END\\r\\n'
0
b'STORED\\r\\n'
0" "$(box timeout 60 $PY t.py 2>err.txt)"
