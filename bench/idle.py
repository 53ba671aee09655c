# SPDX-License-Identifier: Apache-2.0
"""What a sandbox with a sleeping shell costs: the memory of all its processes
(PSS, the program's own included) and their context switches."""
import os
import signal
import subprocess
import time

IDLE = ["sh", "-c", "sleep 300; true"]


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def processes(start, mark):
    """start, its descendants, and every process whose command line or
    environment names mark (a container's processes leave their parent)."""
    parent, found = {}, {start}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = read(f"/proc/{name}/stat").rpartition(")")[2].split()
            if fields:
                parent[int(name)] = int(fields[1])
            if mark and mark in read(f"/proc/{name}/cmdline"):
                found.add(int(name))
    while True:
        more = {p for p, up in parent.items() if up in found and p not in found}
        if not more:
            return found
        found |= more


def pss_kb(pids):
    total = 0
    for pid in pids:
        for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def switches(pids):
    total = 0
    for pid in pids:
        try:
            tasks = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for tid in tasks:
            for line in read(f"/proc/{pid}/task/{tid}/status").splitlines():
                if "ctxt_switches:" in line:
                    total += int(line.split()[1])
    return total


def start(peer):
    argv = peer.wrap(IDLE)
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True, env=peer.work.env)
    return p, argv[-1] if argv[-1].startswith("nacre-bench-") else None


def stop(p, pids):
    """Only what was started here: its session and the processes found in it."""
    try:
        os.killpg(p.pid, signal.SIGTERM)
        p.wait(3)
    except (subprocess.TimeoutExpired, OSError):
        pass
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    p.wait()


def measure(peer, seconds):
    """A dictionary of figures, or {"failed": why}."""
    p, mark = start(peer)
    time.sleep(1.5)
    pids = processes(p.pid, mark)
    try:
        if p.poll() is not None:
            return {"failed": f"ended with {p.returncode}"}
        out = {"processes": len(pids), "pss_kb": pss_kb(pids)}
        before, t0 = switches(pids), time.monotonic()
        for s in seconds:
            time.sleep(max(0, t0 + s - time.monotonic()))
            out[f"switches_{s}s"] = switches(pids) - before
        return out
    finally:
        stop(p, pids)
        peer.after()
