# SPDX-License-Identifier: Apache-2.0
"""Host calls per operation, which no noise reaches: strace -f -c of a whole
sandbox that does an operation few times and many times; the difference is what
the operation costs.  (strace slows the two sides differently, so waiting calls
can differ from a free run: read futex counts as an upper bound.)"""
import os
import re
import subprocess

OPERATIONS = ["getpid-libc", "getpid-raw", "read-1B-zero", "pread-4K", "pread-1M", "stat", "open+close",
              "create+unlink", "readdir-500", "pipe-roundtrip", "futex-processes", "unix-roundtrip", "thread+join",
              "fork+wait", "fork+exec+wait", "vfork+exec+wait", "mmap+touch+munmap", "mprotect-pair",
              "first-touch", "copy-on-write", "signal-self", "eventfd+epoll"]


def calls(peer, name, n):
    out = os.path.join(peer.work.top, "strace.out")
    argv = ["strace", "-f", "-c", "-U", "calls,name", "-o", out,
            *peer.wrap([peer.work.micro, "ops", peer.work.input, peer.scratch, str(n), name])]
    p = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=peer.work.env)
    peer.after()
    if f"ok {name}" not in p.stdout:
        return None
    with open(out) as f:
        return {m[2]: int(m[1]) for m in re.finditer(r"^\s*(\d+)\s+(\w+)\s*$", f.read(), re.M) if m[2] != "total"}


def count(peer):
    print(f"\nhost calls per operation ({peer.name}, strace -f -c)")
    table = {}
    for name in OPERATIONS:
        slow = "exec" in name or "fork" in name
        few, many = (5, 25) if slow else (20, 220)
        try:
            a, b = calls(peer, name, few), calls(peer, name, many)
        except (subprocess.TimeoutExpired, OSError) as e:
            a = b = None
            print(f"{name:20} FAILED {e}")
        if a is None or b is None:
            continue
        per = {k: (b.get(k, 0) - a.get(k, 0)) / (many - few) for k in set(a) | set(b)}
        per = {k: v for k, v in per.items() if v >= 0.05}
        table[name] = per
        detail = ", ".join(f"{k} {v:.1f}" for k, v in sorted(per.items(), key=lambda i: -i[1]))
        print(f"{name:20}{sum(per.values()):8.1f}  {detail}", flush=True)
    return table
