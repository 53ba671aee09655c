#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ip(8) and ss(8) print what they print on Linux in a fresh network name space, of the same
# sockets, addresses, routes and rules.
. "$(dirname "$0")/lib.sh"
need python3 ip ss unshare
if [ "$(id -u)" = 0 ]; then fresh="unshare -n"; else fresh="unshare -cn --keep-caps"; fi
$fresh ip link set lo up 2>/dev/null || skip "no network name space of our own"

cat >tools.py <<'EOF2'
import os
import re
import socket as S
import subprocess
import time

keep = []

def make(family, kind, name=None, listen=0, to=None):
    s = S.socket(family, kind)
    keep.append(s)
    if name:
        s.bind(name)
    if listen:
        s.listen(listen)
    if to:
        s.connect(to)
    return s

def host(port):
    return ("127.0.0.1", port)

listener = make(S.AF_INET, S.SOCK_STREAM, host(7001), 5)
client = make(S.AF_INET, S.SOCK_STREAM, host(7101), to=host(7001))
keep.append(listener.accept()[0])
client.setsockopt(S.SOL_SOCKET, S.SO_KEEPALIVE, 1)
client.send(b"12345")
half = make(S.AF_INET, S.SOCK_STREAM, host(7106), to=host(7001))
keep.append(listener.accept()[0])
half.shutdown(S.SHUT_WR)
make(S.AF_INET6, S.SOCK_STREAM, ("::1", 7002), 9)
make(S.AF_INET6, S.SOCK_STREAM, ("::", 7003), 9)
make(S.AF_INET, S.SOCK_DGRAM, host(7004))
make(S.AF_INET, S.SOCK_DGRAM, host(7104), to=host(7004))
make(S.AF_INET6, S.SOCK_DGRAM, ("::1", 7005))
make(S.AF_UNIX, S.SOCK_STREAM, "\0abs", 3)
make(S.AF_UNIX, S.SOCK_STREAM, to="\0abs")
keep += S.socketpair(S.AF_UNIX, S.SOCK_SEQPACKET)
make(S.AF_UNIX, S.SOCK_DGRAM, "\0dg")
time.sleep(0.3)

def run(cmd):
    r = subprocess.run(cmd, shell=True, capture_output=True, text=True)
    out = re.sub(r"pid=\d+", "pid=P", r.stdout)
    out = re.sub(r" cgroup:/\S*", "", re.sub(r"sk:[0-9a-f]+", "sk:K", re.sub(r"ino:\d+", "ino:I", out)))
    out = re.sub(r"(?m)^u_.*", lambda m: re.sub(r" \d+(?= )", " N", re.sub(r" +", " ", m[0]) + " "), out)
    print("$", cmd, r.returncode, *sorted(x.strip() for x in out.splitlines()), r.stderr.strip(), sep="\n")

for cmd in """ss -Htln; ss -Htan; ss -Huan; ss -Htuln4; ss -Htuln6; ss -Htlnp; ss -Htane; ss -Htano; ss -Hxl; ss -Hxa
ss -Htan '( sport = :7001 )'; ss -Htan state established; ss -Htn dst 127.0.0.1:7001; ss -Htan src [::1]
ip addr; ip -4 addr show lo; ip -br addr; ip -j addr; ip link; ip -o link; ip route; ip route show table local
ip -6 route show table all; ip rule; ip -6 rule; ip neigh; ip route get 127.0.0.1; ip route get 8.8.8.8
cat /proc/net/if_inet6; cat /proc/net/route; CHANGES; ip link add dummy0 type nosuchkind; ip addr add 10.1.2.3/24 dev lo; ip addr show lo; ip route
ip route show table local; ip route add 10.9.0.0/16 dev lo; ip route add unreachable 10.8.0.0/16; ip route
ip route get 10.8.1.1; ip rule add from 10.0.0.0/8 table 100 prio 50; ip rule; ip rule del prio 50; ip rule
ip addr del 10.1.2.3/24 dev lo; ip link set lo mtu 1500; ip link show lo; ip addr add 2001:db8::1/64 dev lo
ip -6 route; ip link set lo down; ip addr; ip route show table local; ip link set lo up; ip addr
ip addr flush dev lo; ip addr; ip link set nothere up; cat /proc/net/if_inet6; cat /proc/net/route""".replace("\n", "; ").split("; "):
    if cmd == "CHANGES" and os.getuid():
        break
    run(cmd)
EOF2
$fresh sh -c "ip link set lo up; exec /usr/bin/python3 tools.py" >native.out 2>native.err || die "natively: $(cat native.err)"
timeout 60 "$NACRE" do -- sh -c "cd $TMP && /usr/bin/python3 tools.py" >box.out 2>box.err || die "$(cat box.err)"
cmp -s native.out box.out || { diff native.out box.out | head -60 >&2; die "other output inside"; }

# Each name space has its own sockets, Unix ones included, and its own sysctl.
cat >apart.py <<'EOF2'
import os, socket, subprocess
a = socket.socket(socket.AF_UNIX); a.bind("\0apart"); a.listen()
b = socket.socket(); b.bind(("127.0.0.1", 7070)); b.listen()
def count(prefix):
    out = lambda cmd: subprocess.run(prefix + cmd, shell=True, capture_output=True, text=True).stdout
    return ("@apart" in out("ss -Hxl"), ":7070" in out("ss -Htln"), "@apart" in out("cat /proc/net/unix"),
            out("cat /proc/sys/net/unix/max_dgram_qlen").strip(), out("ip -o link").split(":")[1].strip())
subprocess.run("echo 33 >/proc/sys/net/unix/max_dgram_qlen", shell=True)
print(count(""), count("unshare -n "), count(f"nsenter -t {os.getpid()} -n "))
d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d.bind("\0q")
c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); c.setblocking(False)
n = 0
try:
    while c.sendto(b"x", "\0q"): n += 1
except BlockingIOError:
    print(n)
EOF2
[ "$(id -u)" = 0 ] || exit 0
expect "name spaces" "(True, True, True, '33', 'lo') (False, False, False, '10', 'lo') (True, True, True, '33', 'lo')
34" "$(timeout 30 "$NACRE" do -- /usr/bin/python3 "$TMP/apart.py" 2>err.txt)"
