#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sockets and FIFOs in a directory that is shared with the host: the same as natively for programs
# inside; a program of the host finds the name and nobody behind it.
. "$(dirname "$0")/lib.sh"
need python3
cat >names.py <<'EOF2'
import os, socket, stat, subprocess, threading
U = socket.AF_UNIX

def refused(fn, *args):
    try:
        fn(*args)
        print("not refused")
    except OSError as e:
        print(e.strerror)

s = socket.socket(U)
s.bind("a.sock")
s.listen()
print(oct(os.stat("a.sock").st_mode))
os.chmod("a.sock", 0o700)
print(oct(os.stat("a.sock").st_mode))
c = socket.socket(U)
c.connect("a.sock")
a, _ = s.accept()
c.send(b"hi")
print(a.recv(9), c.getpeername())
refused(socket.socket(U).bind, "a.sock")
os.rename("a.sock", "b.sock")
os.link("b.sock", "l.sock")
for name in "b.sock", "l.sock":
    socket.socket(U).connect(name)
    s.accept()
refused(socket.socket(U).connect, "a.sock")
print([(e.name, stat.S_ISSOCK(e.stat().st_mode)) for e in sorted(os.scandir(), key=lambda e: e.name)])
refused(open, "b.sock")
os.unlink("l.sock")
s.close()
refused(socket.socket(U).connect, "b.sock")
os.unlink("b.sock")
d = socket.socket(U, socket.SOCK_DGRAM)
d.bind(os.getcwd() + "/dg")
socket.socket(U, socket.SOCK_DGRAM).sendto(b"x", "dg")
print(d.recv(3))

def write():
    with open("f", "w") as f:
        f.write("through")

os.mkfifo("f", 0o640)
t = threading.Thread(target=write)
t.start()
print(open("f").read())
t.join()
refused(os.open, "f", os.O_WRONLY | os.O_NONBLOCK)
print(subprocess.run("echo shell >f & cat f; stat -c '%F %a' f dg", shell=True, capture_output=True, text=True).stdout)
live = socket.socket(U)
live.bind("live")
live.listen()
if os.getenv("LOOK"):
    open("ready", "w").close()
    while not os.path.exists("seen"):
        threading.Event().wait(0.05)
    live.setblocking(False)
    refused(live.accept)
EOF2
mkdir native box
(cd native && /usr/bin/python3 ../names.py) >native.out 2>&1 || die "natively: $(cat native.out)"
(cd box && LOOK=1 timeout 60 "$NACRE" do --rw "$TMP/box" --env LOOK -- /usr/bin/python3 "$TMP/names.py") >box.out 2>&1 &
pid=$!
for i in $(seq 200); do [ -e box/ready ] && break; sleep 0.1; done
expect "from the host" "refused" "$(/usr/bin/python3 -c '
import socket
try: socket.socket(socket.AF_UNIX).connect("box/live")
except ConnectionRefusedError: print("refused")')"
touch box/seen
wait $pid || die "inside: $(cat box.out)"
expect "nobody came" "Resource temporarily unavailable" "$(tail -n 1 box.out)"
sed -i '$d' box.out
cmp -s native.out box.out || { diff native.out box.out >&2; die "other output inside"; }
[ -p box/f ] && [ -S box/dg ] || die "no such names on the host"
