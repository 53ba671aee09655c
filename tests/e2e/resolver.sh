#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# getaddrinfo() with files and a name server of our own: what it answers is what it answers on
# Linux in fresh name spaces with the same files.
. "$(dirname "$0")/lib.sh"
need python3 unshare
[ "$(id -u)" = 0 ] || skip "only root may put files into /etc"
unshare -mn true 2>/dev/null || skip "no name spaces of our own"

mkdir etc
cat >etc/hosts <<'X'
127.0.0.1 localhost
::1 localhost ip6-localhost
192.0.2.7 seven seven.test
2001:db8::7 seven
192.0.2.8 only4
2001:db8::9 only6
X
printf 'hosts: files dns\nservices: files\n' >etc/nsswitch.conf
printf 'search one.test two.test\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >etc/resolv.conf

cat >resolve.py <<'X'
import socket as S
import struct
import sys
import threading

ZONE = {"a.test": (["192.0.2.1"], ["2001:db8::1"]), "four.test": (["192.0.2.4"], []), "six.test": ([], ["2001:db8::6"]),
        "short.two.test": (["192.0.2.22"], []), "many.test": ([f"198.51.100.{n}" for n in range(1, 90)], [])}

def answer(q, tcp):
    at, labels = 12, []
    while q[at]:
        labels.append(q[at + 1:at + 1 + q[at]].decode())
        at += q[at] + 1
    kind, = struct.unpack(">H", q[at + 1:at + 3])
    found = ZONE.get(".".join(labels).lower())
    rrs = []
    if found and kind in (1, 28):
        pack = lambda a: S.inet_pton(S.AF_INET if kind == 1 else S.AF_INET6, a)
        rrs = [b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(pack(a))) + pack(a) for a in found[kind == 28]]
    cut = not tcp and len(rrs) > 20                 # too much for a datagram: come by TCP
    head = q[:2] + struct.pack(">HHHHH", 0x8180 | (cut << 9) | (0 if found else 3), 1, 0 if cut else len(rrs), 0, 0)
    return head + q[12:at + 5] + (b"" if cut else b"".join(rrs))

def serve_udp(u):
    while True:
        q, who = u.recvfrom(2000)
        u.sendto(answer(q, False), who)

def serve_tcp(l):
    while True:
        c, _ = l.accept()
        with c:
            n = c.recv(2, S.MSG_WAITALL)
            if len(n) == 2:
                a = answer(c.recv(struct.unpack(">H", n)[0], S.MSG_WAITALL), True)
                c.sendall(struct.pack(">H", len(a)) + a)

def ask(*args, **kw):
    try:
        got = [(f.name, t.name, p, c, *a[:2]) for f, t, p, c, a in S.getaddrinfo(*args, **kw)]
        print(args, kw, *(got if len(got) < 10 else (len(got), sorted(got)[0])), sep="\n  ")
    except S.gaierror as e:
        print(args, kw, e)

if sys.argv[1] == "server":
    u, l = S.socket(S.AF_INET, S.SOCK_DGRAM), S.socket()
    u.bind(("127.0.0.1", 53))
    l.bind(("127.0.0.1", 53))
    l.listen()
    for f, s in (serve_udp, u), (serve_tcp, l):
        threading.Thread(target=f, args=(s,), daemon=True).start()
T = {"type": S.SOCK_STREAM}
for name in "localhost seven SEVEN.test only4 only6 a.test four.test six.test short a.test. nowhere.test many.test".split():
    ask(name, 80, **T)
for family in S.AF_INET, S.AF_INET6:
    for name in "localhost", "only4", "only6", "a.test", "four.test", "127.0.0.1", "::1":
        ask(name, "http", family, **T)
for flags in ("AI_ADDRCONFIG", "AI_PASSIVE", "AI_CANONNAME", "AI_NUMERICHOST", "AI_V4MAPPED", "AI_NUMERICSERV"):
    for name in "localhost", "a.test", "127.0.0.1", None:
        ask(name, "http", flags=getattr(S, flags), **T)
ask("only4", 80, S.AF_INET6, flags=S.AI_V4MAPPED, **T)
ask("a.test", 80, S.AF_INET6, flags=S.AI_V4MAPPED | S.AI_ALL, **T)
ask("localhost", "domain")
ask("localhost", "nosuchservice")
ask("localhost", 80, 99)
ask("fe80::1%lo", 80, **T)
ask("fe80::1%nolink", 80, **T)
ask("1.2.3", 80, **T)
ask("", 80, **T)
ask(b"x" * 300, 80, **T)
def tell(f, *args):
    try:
        print(f.__name__, args, f(*args))
    except OSError as e:
        print(f.__name__, args, e)

tell(S.gethostbyname, "a.test")
tell(S.gethostbyname_ex, "seven")
tell(S.getservbyname, "https")
tell(S.getservbyport, 53, "udp")
for sa, flags in ((("127.0.0.1", 80), 0), (("192.0.2.7", 443), 0), (("192.0.2.7", 443), S.NI_NUMERICHOST),
                  (("192.0.2.99", 9), S.NI_NUMERICSERV), (("::1", 22), 0)):
    tell(S.getnameinfo, sa, flags)
X
for mode in server none; do
	timeout 60 unshare -mn sh -c "ip link set lo up; for f in hosts nsswitch.conf resolv.conf; do
		mount --bind \$(pwd)/etc/\$f \$(readlink -f /etc/\$f) || exit 9; done; /usr/bin/python3 resolve.py $mode" >native.out 2>native.err ||
		skip "natively: $(tail -1 native.err)"
	timeout 60 "$NACRE" do -- sh -c "cd $TMP; for f in hosts nsswitch.conf resolv.conf; do
		rm -f /etc/\$f; cp etc/\$f /etc/\$f; done; /usr/bin/python3 resolve.py $mode" >box.out 2>box.err || die "$mode: $(tail -3 box.err)"
	cmp -s native.out box.out || { diff native.out box.out | head -40 >&2; die "$mode: other answers inside"; }
	[ "$(wc -l <box.out)" -gt 100 ] || die "$mode: too few answers"
done
