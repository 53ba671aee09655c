#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs that fill every queue of the network that they can reach: the kernel's memory
# stays below what THREAT_MODEL.md says, and the sandbox lives.
. "$(dirname "$0")/lib.sh"
need python3
cat >grow.py <<'EOF2'
import ctypes, os, resource, select, socket as S, struct, sys

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
keep, HUGE = [], 1 << 30

def until_refused(f, most=HUGE):
    n = 0
    try:
        while n < most:
            f()
            n += 1
    except OSError:
        pass
    return n

def sock(family=S.AF_INET, kind=S.SOCK_STREAM, proto=0):
    s = S.socket(family, kind, proto)
    s.setblocking(False)
    for opt in S.SO_SNDBUF, S.SO_RCVBUF:
        s.setsockopt(S.SOL_SOCKET, opt, HUGE)
    keep.append(s)
    return s

def listener(backlog):
    l = S.socket()
    l.setsockopt(S.SOL_SOCKET, S.SO_REUSEADDR, 1)
    l.bind(("127.0.0.1", 0))
    l.listen(backlog)
    keep.append(l)
    return l

def tcp_queues():
    l, data = listener(4096), bytes(1 << 20)
    for _ in range(400):
        c = sock()
        c.connect_ex(l.getsockname())
        a, _ = l.accept()
        a.setblocking(False)
        keep.append(a)
        until_refused(lambda: c.send(data))
        until_refused(lambda: a.send(data))

def backlogs():
    ls = [listener(HUGE) for _ in range(20)]
    for _ in range(200):
        for l in ls:
            c = sock()
            c.connect_ex(l.getsockname())
            until_refused(lambda: c.send(bytes(1000)), 1)

def full_backlog():
    l = listener(0)
    for _ in range(8000):
        sock().connect_ex(l.getsockname())

def udp_queues():
    c = sock(kind=S.SOCK_DGRAM)
    for _ in range(200):
        r = sock(kind=S.SOCK_DGRAM)
        r.bind(("127.0.0.1", 0))
        for n in [1] * 300 + [60000] * 20:
            c.sendto(bytes(n), r.getsockname())

def unix_queues():
    for kind in S.SOCK_STREAM, S.SOCK_DGRAM, S.SOCK_SEQPACKET:
        for _ in range(150):
            for s in S.socketpair(S.AF_UNIX, kind):
                keep.append(s)
                s.setblocking(False)
                s.setsockopt(S.SOL_SOCKET, S.SO_SNDBUF, HUGE)
        for s in keep[-300:]:
            until_refused(lambda: s.send(bytes(100000)))
            until_refused(lambda: s.send(b"1"), 1000)

def descriptors_in_flight():
    for _ in range(60):
        a, b = S.socketpair()
        a.setblocking(False)
        until_refused(lambda: S.send_fds(a, [b"x"], [a.fileno(), b.fileno()] * 100), 300)

def chain_in_flight():
    a, b = S.socketpair()
    for _ in range(20000):
        c, d = S.socketpair()
        if not until_refused(lambda: S.send_fds(c, [b"x"], [a.fileno(), b.fileno()]), 1):
            break
        a.close(), b.close()
        a, b = c, d

def netlink_answers():
    ask = struct.pack("IHHII", 20, 18, 0x301, 1, 0) + bytes(4)
    for _ in range(100):
        s = sock(S.AF_NETLINK, S.SOCK_RAW)
        until_refused(lambda: s.send(ask), 1000)

def error_queues():
    for _ in range(3000):
        s = sock(kind=S.SOCK_DGRAM)
        s.setsockopt(S.IPPROTO_IP, 11, 1)
        for _ in range(16):
            until_refused(lambda: s.sendto(bytes(60000), ("127.0.0.1", 9)), 1)

def corked():
    for _ in range(4000):
        s = sock(kind=S.SOCK_DGRAM)
        s.connect(("127.0.0.1", 9))
        s.setsockopt(S.IPPROTO_UDP, 1, 1)
        until_refused(lambda: s.send(bytes(60000)), 1)

def groups():
    for k in range(1500):
        s = sock(kind=S.SOCK_DGRAM)
        for g in range(24):
            where = S.inet_aton(f"239.{k >> 8}.{k & 255}.{g}") + S.inet_aton("127.0.0.1")
            until_refused(lambda: s.setsockopt(0, S.IP_ADD_MEMBERSHIP, where), 1)

def epolls():
    socks, eps = [sock() for _ in range(300)], []
    for _ in range(200):
        e = select.epoll()
        for s in socks + eps[-3:]:
            until_refused(lambda: e.register(s, 1), 1)
        eps.append(e)
    keep.extend(eps)

def time_wait():
    l = listener(100)
    for _ in range(20000):
        c = S.socket()
        c.connect(l.getsockname())
        a, _ = l.accept()
        c.close(), a.close()

def name_spaces():
    libc = ctypes.CDLL(None)
    for _ in range(3000):
        if libc.unshare(0x40000000):
            break
        keep.append(os.open("/proc/self/ns/net", 0))

def huge_defaults():
    for name in "rmem_default", "wmem_default":
        try:
            with open("/proc/sys/net/core/" + name, "w") as f:
                f.write(str(2**31 - 1))
        except PermissionError:
            pass                # an ordinary user: nothing to see
    to, c = S.socket(S.AF_INET, S.SOCK_DGRAM), S.socket(S.AF_INET, S.SOCK_DGRAM)
    to.bind(("127.0.0.1", 0))
    c.connect(to.getsockname())
    a, b = S.socketpair(S.AF_UNIX, S.SOCK_STREAM)
    a.setblocking(False)
    keep.extend([to, c, a, b])
    until_refused(lambda: c.send(bytes(60000)), 4000)
    until_refused(lambda: a.send(bytes(60000)), 4000)

globals()[sys.argv[1]]()
print("alive")
EOF2
# WHAT MOST: kernel memory in MiB, at its highest.  A socket and its file are 2 KB each.
grow() {
	_out=$(timeout 100 "$NACRE" do --stats=s.json -- /usr/bin/python3 "$TMP/grow.py" "$1" 2>err.txt) || { tail -5 err.txt >&2; die "$1: status $?"; }
	expect "$1" alive "$_out"
	_peak=$(sed -n 's/.*"kernel_memory_peak": *\([0-9]*\).*/\1/p' s.json)
	[ -n "$_peak" ] && [ "$_peak" -lt $(($2 << 20)) ] || die "$1: $_peak bytes of kernel memory, at most $2 MiB wanted"
	[ -z "${SHOW:-}" ] || echo "$1 $((_peak >> 10)) KiB"
}
for what in tcp_queues:260 backlogs:80 full_backlog:40 udp_queues:100 unix_queues:620 descriptors_in_flight:40 \
	chain_in_flight:80 netlink_answers:110 error_queues:100 corked:100 groups:30 epolls:60 time_wait:30 name_spaces:180 \
	huge_defaults:40; do
	grow "${what%:*}" "${what#*:}"
done
