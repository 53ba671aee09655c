# SPDX-License-Identifier: Apache-2.0
"""Host calls per operation, which no noise reaches: strace -f -c of a whole
sandbox that does an operation few times and many times; the difference is what
the operation costs.  Where perf can count, the host calls and context switches of a free run
come first; strace names the calls, but slows both sides, so that its futex
counts are an upper bound."""
import os
import re
import shutil
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


EVENTS = ("raw_syscalls:sys_enter", "context-switches")


def events(peer, name, n):
    """The counts of EVENTS of one run by perf, or None."""
    out = os.path.join(peer.work.top, "perf.out")
    argv = ["perf", "stat", "-x,", "-e", ",".join(EVENTS), "-o", out,
            *peer.wrap([peer.work.micro, "ops", peer.work.input, peer.scratch, str(n), name])]
    p = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=peer.work.env)
    peer.after()
    if f"ok {name}" not in p.stdout or not os.path.exists(out):
        return None
    with open(out) as f:
        rows = {x[2]: x[0] for x in (line.split(",") for line in f) if len(x) > 2}
    os.unlink(out)
    return [int(rows[e]) for e in EVENTS] if all(rows.get(e, "").isdigit() for e in EVENTS) else None


def free_run(peer, name, few, many):
    """[host calls, switches] per operation, undisturbed, or None."""
    if not shutil.which("perf"):
        return None
    try:
        a, b = events(peer, name, few), events(peer, name, many)
    except (subprocess.TimeoutExpired, OSError):
        return None
    return [max(0, y - x) / (many - few) for x, y in zip(a, b)] if a and b else None


def count(peer):
    print(f"\nhost calls per operation ({peer.name}): calls and context switches of a free run; by name (strace)")
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
        free = free_run(peer, name, few, few + (many - few) * (10 if slow else 50))
        table[name] = {"strace": per, "free": free}
        detail = ", ".join(f"{k} {v:.1f}" for k, v in sorted(per.items(), key=lambda i: -i[1]))
        counts = f"{free[0]:7.1f}{free[1]:7.1f}" if free else f"{'-':>7}{'-':>7}"
        print(f"{name:20}{counts}   {sum(per.values()):.1f}: {detail}", flush=True)
    return table
