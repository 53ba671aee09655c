#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run Nacre's tests.

Suites: unit (kernel units on testhost), abi (the same program on Linux and on
Nacre must print the same), e2e (whole programs through build/nacre), escape
(attacks from inside), fault (things that break).

Every test runs in a worker process of its own, in its own session, with a time
limit.  The worker is a subreaper, so it sees whatever the test left running,
however deep; leftovers fail the test and are killed (only those: descendants of
that worker).  Mounts and cgroups are compared before and after the whole run, and the
temporary directory must be empty.
Root runs most tests twice, the second time as an ordinary user."""
import argparse
import concurrent.futures
import ctypes
import glob
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import harness  # noqa: E402

# One that every user may run; a private one of root's is of no use to others.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
PR_SET_CHILD_SUBREAPER = 36
PASS, FAIL, SKIP = 0, 1, 77
MODULE_SUITES = ("e2e", "escape", "fault")


def subreaper():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(top):
    children = {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                with open(f"/proc/{d}/stat") as f:
                    text = f.read()
            except OSError:
                continue
            rest = text[text.rindex(")") + 2:].split()
            children.setdefault(int(rest[1]), []).append((int(d), rest[0], text[text.index("(") + 1:text.rindex(")")]))
    found, todo = [], [top]
    while todo:
        for pid, state, comm in children.get(todo.pop(), []):
            todo.append(pid)
            found.append((pid, state, comm))
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def leftovers(grace):
    """Descendants that are alive after a moment's grace."""
    end = time.monotonic() + grace
    while True:
        reap()
        alive = [d for d in descendants(os.getpid()) if d[1] not in "ZX"]
        if not alive or time.monotonic() > end:
            return alive
        time.sleep(0.02)


# ---- one test, in the worker ------------------------------------------------

def load(path):
    name = "nacre_" + os.path.basename(path)[:-3]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def become_user():
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    os.environ.update(HOME="/tmp", USER="nobody", LOGNAME="nobody")
    # The change of identity made this process undumpable.
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)


def worker(build, ident, user):
    subreaper()
    if user == "user" and os.getuid() == 0:
        become_user()
    os.umask(0o022)
    for name in ("LANGUAGE", "LC_CTYPE"):
        os.environ.pop(name, None)
    os.environ["LC_ALL"] = "C.UTF-8"
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    t = harness.Test(build, user)
    status = PASS
    try:
        suite, rest = ident.split("/", 1)
        if suite == "abi":
            run_abi(t, rest)
        elif rest.endswith(".sh"):
            run_script(t, os.path.join(HERE, suite, rest))
        else:
            path, func = rest.split(":")
            getattr(load(os.path.join(HERE, suite, path + ".py")), func)(t)
    except harness.Skip as e:
        print(e)
        status = SKIP
    except harness.Failure as e:
        print(e)
        status = FAIL
    except Exception:
        traceback.print_exc(file=sys.stdout)
        status = FAIL
    left = leftovers(3.0)
    if left:
        print("left running:", ", ".join(f"{pid} ({comm})" for pid, _, comm in left))
        for pid, _, _ in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        status = FAIL
    t.cleanup()
    sys.stdout.flush()
    return status


# ---- differential tests -----------------------------------------------------

def abi_variants(path):
    """The first lines may say: variants: static musl dynamic."""
    with open(path) as f:
        for line in f.read(2000).splitlines()[:12]:
            if "variants:" in line:
                return line.split("variants:")[1].replace("*/", "").split()
    return ["static"]


LINUX_AGAIN = 2


def run_abi(t, rest):
    name, variant = rest.split("@")
    source = os.path.join(HERE, "abi", name + ".c")
    flags = {"static": ("cc", ["-static"]), "dynamic": ("cc", []), "musl": ("musl-gcc", ["-static"])}
    cc, extra = flags[variant]
    if cc == "musl-gcc":
        t.need("musl-gcc")
    prog = t.compile(source, "-D_GNU_SOURCE", "-I" + os.path.join(HERE, "abi"), "-pthread", *extra, cc=cc)
    native = t.run([prog], timeout=20)
    ours = t.do(prog, timeout=30)
    # On a busy host Linux is not always like itself (what goes over lo may be delivered
    # a moment later): it is asked up to three times.  Nacre is run once.
    for again in range(LINUX_AGAIN):
        if (native.status, native.out) == (ours.status, ours.out):
            break
        native = t.run([prog], timeout=20)
        if (native.status, native.out) == (ours.status, ours.out):
            print(f"again: Linux was not like itself, run {again + 2} was like Nacre")
    if native.status != ours.status or native.out != ours.out:
        import difflib
        diff = "\n".join(difflib.unified_diff(native.out.splitlines(), ours.out.splitlines(),
                                              "linux", "nacre", lineterm="", n=1))
        t.ok(False, f"status {native.status} on Linux, {ours.status} on Nacre\n{diff[-3000:]}"
                    f"\n--- stderr\n{ours.err[-1500:]}")


# ---- shell scripts: exit status 0 passed, 77 skipped --------------------------

def run_script(t, path):
    # A group of its own per script, ended with it.
    r = t.run([path], env={"NACRE": t.nacre_path, "TMP": t.tmp, "BUILD": t.build}, timeout=170, stdin=None)
    if r.status == SKIP:
        raise harness.Skip((r.out + r.err).strip().splitlines()[-1].removeprefix("skip: "))
    t.ok(r.status == 0, "the script failed", r)


# ---- collecting -------------------------------------------------------------

class Item:
    def __init__(self, ident, user, timeout, slow=False, argv=None):
        self.ident, self.user, self.timeout, self.slow, self.argv = ident, user, timeout, slow, argv

    @property
    def name(self):
        return self.ident + (" [user]" if self.user == "user" and os.getuid() == 0 else "")


def collect(build, full):
    items = []
    me = ["root", "user"] if os.getuid() == 0 else ["user"]
    for kind in ("asan", "tsan"):
        exe = os.path.join(build, "platform", "testhost", f"unit-{kind}")
        if os.path.exists(exe):
            items.append(Item(f"unit/{kind}", me[0], 400, argv=[exe]))
            items.append(Item(f"unit/sockets-model-{kind}", me[0], 400, argv=[exe, "--sockets", "300" if full else "30"]))
    for path in sorted(glob.glob(os.path.join(build, "tests", "hosted-*"))):
        if os.access(path, os.X_OK) and os.path.isfile(path):
            items.append(Item(f"unit/{os.path.basename(path)[7:]}", me[0], 120, argv=[path]))
    items.append(Item("lint/rules", me[0], 60, argv=[PYTHON, os.path.join(ROOT, "tools", "lint.py"), "--rules"]))
    for path in sorted(glob.glob(os.path.join(HERE, "abi", "*.c"))):
        name = os.path.basename(path)[:-2]
        for i, variant in enumerate(abi_variants(path)):
            items.append(Item(f"abi/{name}@{variant}", me[0], 90, slow=i > 0))
            if len(me) > 1:
                items.append(Item(f"abi/{name}@{variant}", "user", 90, slow=True))
    for suite in MODULE_SUITES:
        for path in sorted(glob.glob(os.path.join(HERE, suite, "*.sh"))):
            if os.access(path, os.X_OK):
                for user in me:
                    items.append(Item(f"{suite}/{os.path.basename(path)}", user, 180))
        for path in sorted(glob.glob(os.path.join(HERE, suite, "test_*.py"))):
            module = load(path)
            for func in [n for n in vars(module) if n.startswith("test_")]:
                f = getattr(module, func)
                for user in getattr(f, "users", ("root", "user")):
                    if user in me:
                        items.append(Item(f"{suite}/{os.path.basename(path)[:-3]}:{func}", user,
                                          getattr(f, "timeout", 120), getattr(f, "slow", False)))
    return items


def run_item(item, build):
    argv = item.argv or [PYTHON, os.path.abspath(__file__), "--build", build,
                         "--worker", item.ident, "--user", item.user]
    if not item.argv and not os.path.exists(os.path.join(build, "nacre")):
        return FAIL, "build/nacre is missing"
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         start_new_session=True)
    try:
        out, _ = p.communicate(timeout=item.timeout)
        status = p.returncode
    except subprocess.TimeoutExpired:
        victims = [p.pid] + [pid for pid, _, _ in descendants(p.pid)]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        out, _ = p.communicate()
        out += f"\nno end after {item.timeout} s, killed".encode()
        status = FAIL
    return status, out.decode(errors="replace")


def host_state():
    """Mounts and cgroups of the host: a test run must not change them.  (The
    host mounts tracefs by itself when somebody looks.)"""
    with open("/proc/self/mountinfo") as f:
        state = {"mount " + line.split()[4] for line in f if " - tracefs " not in line}
    for top, dirs, _ in os.walk("/sys/fs/cgroup"):
        state |= {"cgroup " + os.path.join(top, d) for d in dirs if "nacre" in d}
    return state


def usual_signals():
    """What the caller ignores (nohup, a shell's background) is not the tests' own setting."""
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def own_tmp():
    """A directory where all the tests' temporary files go."""
    path = tempfile.mkdtemp(prefix="nacre-tests-")
    os.chmod(path, 0o1777)
    os.environ["TMPDIR"] = path
    tempfile.tempdir = None
    return path


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--build", default=os.path.join(ROOT, "build"))
    ap.add_argument("--full", action="store_true")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--only", action="append", default=[], metavar="TEXT")
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--stop-after", type=int, default=0, metavar="N", help="give up after N failures")
    ap.add_argument("--as", dest="who", choices=("root", "user"), help="only the runs as this user")
    ap.add_argument("--verbose", action="store_true", help="print the output of passed tests too")
    ap.add_argument("--worker", help=argparse.SUPPRESS)
    ap.add_argument("--user", default="root", help=argparse.SUPPRESS)
    a = ap.parse_args()
    if a.worker:
        return worker(a.build, a.worker, a.user)

    a.build = os.path.abspath(a.build)
    items = [i for i in collect(a.build, a.full) if (a.full or a.only or not i.slow)
             and (not a.only or any(x in i.name for x in a.only)) and a.who in (None, i.user)]
    if a.list:
        print("\n".join(i.name for i in items))
        return 0
    usual_signals()
    subreaper()
    before, tmp = host_state(), own_tmp()
    counts = {PASS: 0, FAIL: 0, SKIP: 0}
    failed, lock = [], threading.Lock()

    def note(name, status, out, seconds):
        word = {PASS: "ok  ", SKIP: "skip"}.get(status, "FAIL")
        with lock:
            counts[status if status in counts else FAIL] += 1
            told = status == SKIP or out.startswith("again: ")
            reason = " - " + (out.strip().splitlines() or ["no reason given"])[-1] if told else ""
            print(f"{word} {name} ({seconds:.1f} s){reason}", flush=True)
            if status not in (PASS, SKIP):
                failed.append(name)
                print("     " + out.strip()[-6000:].replace("\n", "\n     "), flush=True)
            elif a.verbose and out.strip():
                print("     " + out.strip().replace("\n", "\n     "), flush=True)

    def go(item):
        if a.stop_after and len(failed) >= a.stop_after:
            return
        start = time.monotonic()
        status, out = run_item(item, a.build)
        seconds = time.monotonic() - start
        lines = [line for line in out.splitlines() if line.startswith(("ok ", "not ok ", "skip "))]
        if item.argv and lines:         # a program with several tests of its own
            for line in lines:
                word, rest = ("not ok", line[7:]) if line.startswith("not ok ") else line.split(" ", 1)
                note(f"{item.name}/{rest.split(':')[0].strip()}", {"ok": PASS, "skip": SKIP}.get(word, FAIL),
                     rest if word == "skip" else out if word == "not ok" else "", seconds / len(lines))
            if status not in (PASS, SKIP) and not any(line.startswith("not ok") for line in lines):
                note(item.name, FAIL, f"exit status {status}\n{out}", seconds)
        else:
            note(item.name, status, out if status in (PASS, FAIL, SKIP) else f"exit status {status}\n{out}", seconds)

    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for f in [pool.submit(go, i) for i in items]:
            f.result()
    reap()
    left = host_state() - before | {"file " + name for name in os.listdir(tmp)}
    shutil.rmtree(tmp, ignore_errors=True)
    if left:
        note("host/nothing-left", FAIL, "left behind: " + ", ".join(sorted(left)), 0)
    elif items:
        note("host/nothing-left", PASS, "", 0)
    if failed:
        print("failed:", *failed, sep="\n  ")
    print(f"{counts[PASS]} passed, {counts[FAIL]} failed, {counts[SKIP]} skipped")
    return 1 if counts[FAIL] else 0


if __name__ == "__main__":
    sys.exit(main())
