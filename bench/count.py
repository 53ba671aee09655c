# SPDX-License-Identifier: Apache-2.0
"""Work per operation, which no noise reaches: `nacre do --stats` of a sandbox
that does an operation few times and many times; the difference is what the
operation costs.  Switches are the host's, of the sandbox and its stubs; they do
depend on how busy the machine is, all else hardly."""
import json
import os

OPERATIONS = ["getpid-libc", "getpid-syscall", "getpid-raw", "getpgid", "read-1B-zero", "write-1B-null", "pread-4K",
              "pread-1M", "stat", "open+close", "create+unlink", "readdir-500", "pipe-roundtrip", "pipe-64K-write",
              "futex-processes", "futex-threads", "unix-roundtrip", "tcp-roundtrip", "tcp-64K-write", "tcp-connect",
              "thread+join", "fork+wait", "fork+exec+wait", "vfork+exec+wait", "mmap+touch+munmap", "mprotect-pair",
              "first-touch", "copy-on-write", "signal-self", "eventfd+epoll", "nanosleep-50us"]
COLUMNS = ["gate", "trap", "fault", "slept", "woken", "switches", "host calls", "stub calls", "gofer", "bytes"]


def flat(s):
    """The columns, and all host calls by name."""
    e, h = s["entries"], s["handoffs"]
    host = s["host_sandbox"]
    return {"gate": e["entry_gate"], "trap": e["entry_trapped"], "fault": e["entry_fault"],
            "slept": h["wait_slept"], "woken": h["stub_woken"], "switches": host["waited"] + host["preempted"],
            "host calls": sum(s["host_calls"].values()), "stub calls": sum(s["stub_calls"].values()),
            "gofer": sum(s["gofer"].values()),
            "bytes": sum(c["bytes_in"] + c["bytes_out"] for c in s["system_calls"].values())}


def one(run, work, peer, name, n):
    path = os.path.join(work.top, "stats.json")
    argv = peer.wrap([work.micro, "ops", work.input, peer.scratch, str(n), name])
    argv.insert(2, "--stats=" + path)
    _, out, _, _ = run(argv, work.env, 30)
    peer.after()
    if f"ok {name}" not in out:
        return None
    with open(path) as f:
        s = json.load(f)
    return flat(s), s["host_calls"]


def count(run, work, peer, picked):
    print("\nwork per operation (nacre do --stats): entries by the gate, trapped, by fault; sleeps of the kernel for an answer;\n"
          "stub threads woken; host switches; host calls of the sandbox and of its stubs; messages to the gofer; bytes copied")
    print(f"{'':20}" + "".join(f"{c:>11}" for c in COLUMNS))
    table = {}
    for name in OPERATIONS:
        if not picked(name):
            continue
        few, many = (5, 45) if "exec" in name or "fork" in name or "thread" in name else (50, 1050)
        a, b = one(run, work, peer, name, few), one(run, work, peer, name, many)
        if not a or not b:
            print(f"{name:20}   FAILED")
            table[name] = {"failed": True}
            continue
        per = {c: (b[0][c] - a[0][c]) / (many - few) for c in COLUMNS}
        calls = {k: (b[1].get(k, 0) - a[1].get(k, 0)) / (many - few) for k in set(a[1]) | set(b[1])}
        table[name] = {**per, "host": {k: v for k, v in calls.items() if v >= 0.01}}
        print(f"{name:20}" + "".join(f"{per[c]:11.0f}" if c == "bytes" else f"{per[c]:11.2f}" for c in COLUMNS), flush=True)
    return table
