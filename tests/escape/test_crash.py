# SPDX-License-Identifier: Apache-2.0
"""A crash of Nacre's own processes ends the sandbox: exit status 125, a report
that names cause, trace and build, and nothing left behind (the runner sees
leftovers of every test).  And the counts of `nacre doctor --surface`."""
import os
import re
import signal
import subprocess
import time


def stat_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        text = f.read()
    return text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()


def tree(top):
    """pid -> (name, parent) of everything below top."""
    all_ = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                name, rest = stat_of(d)
            except OSError:
                continue
            all_[int(d)] = (name, int(rest[1]))
    found, todo = {}, [top]
    while todo:
        p = todo.pop()
        for pid, (name, parent) in all_.items():
            if parent == p:
                found[pid] = (name, parent)
                todo.append(pid)
    return found


def alive(pid):
    try:
        return stat_of(pid)[1][0] not in "ZX"
    except OSError:
        return False


def start(t, script="echo up; sleep 100 & sleep 100"):
    p = subprocess.Popen([t.nacre_path, "do", "--", "sh", "-c", script], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=t.tmp)
    t.ok(p.stdout.readline() == "up\n", "the sandbox does not come up")
    time.sleep(0.3)
    return p, tree(p.pid)


def one(t, procs, name):
    pids = sorted(pid for pid, (n, _) in procs.items() if n == name)
    t.ok(pids, f"no {name} among {procs}")
    return pids


def ended(t, p, procs, status=125, *words):
    try:
        out, err = p.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        t.ok(False, "the sandbox hangs after the crash")
    t.ok(p.returncode == status, f"exit status {p.returncode}, wanted {status}; {err}")
    for w in words:
        t.ok(re.search(w, err), f"{w!r} is not in the report:\n{err}")
    end = time.monotonic() + 3
    while [x for x in procs if alive(x)] and time.monotonic() < end:
        time.sleep(0.02)
    left = [(x, procs[x]) for x in procs if alive(x)]
    t.ok(not left, f"left behind: {left}")
    return err


REPORT = ("kernel panic on CPU [0-9]+", "\n  at 0x[0-9a-f]+", "\n  build .*[0-9a-f]{8}", r"\n  task (\d+ \(|none)")


def test_kernel_fault(t):
    for sig in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT):
        p, procs = start(t)
        os.kill(one(t, procs, "nacre-sandbox")[0], sig)
        ended(t, p, procs, 125, *REPORT, f"signal {int(sig)} ")


def test_kernel_fault_while_busy(t):
    p, procs = start(t, "echo up; while :; do /bin/true; done")
    os.kill(one(t, procs, "nacre-sandbox")[0], signal.SIGSEGV)
    ended(t, p, procs, 125, *REPORT)


def test_sandbox_killed(t):
    p, procs = start(t)
    os.kill(one(t, procs, "nacre-sandbox")[0], signal.SIGKILL)
    ended(t, p, procs, 125, "sandbox was killed by signal 9")


def test_gofer_killed(t):
    p, procs = start(t)
    os.kill(one(t, procs, "nacre-gofer")[0], signal.SIGKILL)
    ended(t, p, procs, 125, "gofer .*ended unexpectedly")


def test_template_killed(t):
    p, procs = start(t)
    sandbox = one(t, procs, "nacre-sandbox")[0]
    # The first of the sandbox's stubs is the one that all others come from.
    template = min(x for x, (n, parent) in procs.items() if n == "nacre-stub" and parent == sandbox)
    os.kill(template, signal.SIGKILL)
    # Not a bug of the kernel's: a word, no trace.
    ended(t, p, procs, 125, "nacre: .*copied from.*signal 9")


def test_stub_killed(t):
    """The death of a program's stub is that program's death and no more."""
    p, procs = start(t, "echo up; sleep 100; echo status $?")
    stubs = one(t, procs, "nacre-stub")
    # Which stub is whose is not to be seen from here: all but the template,
    # the youngest first, until the program has ended.
    for pid in reversed(stubs[1:]):
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        if p.poll() is not None:
            break
    t.ok(p.poll() is None or p.returncode in (0, 137), f"status {p.returncode}")
    # The sandbox works on or has ended in order; it has not crashed.
    if p.poll() is None:
        p.terminate()
    out, err = p.communicate(timeout=10)
    t.ok("a program's process was ended by the host: signal or status 9\n" in err, f"no cause in the log: {err}")
    t.ok("panic" not in err, err)


def test_surface(t):
    r = t.nacre("doctor", "--surface")
    t.ok(r.status == 0, "doctor --surface", r)
    counts = {m[1].strip(): int(m[2]) for m in re.finditer(r"^(.+?) +(\d+) host calls", r.out, re.M)}
    t.ok(counts.get("stub app thread", 99) <= 8, "more than 8 host calls for app threads", r)
    t.ok(counts.get("sandbox", 99) <= 45, "more than 45 host calls for the sandbox process", r)
    for line in r.out.splitlines():
        if line.startswith("stub app thread"):
            for name in ("open", "socket", "read", "write", "execve", "clone", "kill", "ioctl"):
                t.ok(name not in line.split(": ")[1].split(), f"{name} in the app threads' list", r)
        if line.startswith("sandbox"):
            for name in ("open", "openat", "openat2", "execve", "socket", "ptrace", "mount", "connect", "bind"):
                t.ok(name not in line.split(": ")[1].split(), f"{name} in the sandbox's list", r)


def test_no_test_hooks_in_the_product(t):
    """What switches defences off for the controls exists in the test build only."""
    t.need("nm")
    r = t.run(["nm", t.nacre_path])
    t.ok(r.status == 0 and "plat_panic" in r.out, "no symbols to look at", r)
    for name in ("test_step", "test_off"):
        t.ok(f" {name}\n" not in r.out, f"{name} is in the product")
    control = os.path.join(t.build, "tests", "hosted-stub-controls")
    if os.path.exists(control):
        t.ok(" test_off\n" in t.run(["nm", control]).out, "the control does not have it either")
