#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench: one table of costs, natively and in each sandbox.

  run.py [--build DIR] [--rounds N | --quick] [--json FILE] [--only TEXT]

The contenders take turns within one run, so that ratios mean something on a
noisy machine; figures are medians over the rounds.  A contender that is not
installed is left out and named."""
import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def contenders(build, scratch):
    nacre = os.path.join(build, "nacre")
    found, missing = {"native": []}, []
    found["nacre"] = [nacre, "do", "--"]
    if shutil.which("bwrap"):
        found["bwrap"] = ["bwrap", "--bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--dev", "/dev"]
    else:
        missing.append("bwrap")
    for name in ("crun", "runsc"):
        if not shutil.which(name):
            missing.append(name)
        elif os.getuid() != 0:
            missing.append(name + " (needs root here)")
        else:
            found[name] = OciRunner(name, scratch)
    works = {}
    for name, c in found.items():
        try:
            r = subprocess.run(wrap(c, ["/bin/true"]), capture_output=True, timeout=30)
            if r.returncode == 0:
                works[name] = c
            else:
                missing.append(f"{name} (fails: {(r.stderr.decode().strip().splitlines() or ['?'])[-1][:80]})")
        except subprocess.TimeoutExpired:
            missing.append(f"{name} (hangs)")
    return works, missing


class OciRunner:
    """A bundle whose root is the host's root, read-only."""
    count = 0

    def __init__(self, name, scratch):
        self.name, self.dir = name, os.path.join(scratch, name)
        os.mkdir(self.dir)

    def argv(self, cmd):
        OciRunner.count += 1
        bundle = os.path.join(self.dir, str(OciRunner.count))
        os.mkdir(bundle)
        spec = {"ociVersion": "1.0.0", "process": {"user": {"uid": 0, "gid": 0}, "args": cmd, "cwd": "/", "terminal": False,
                "env": ["PATH=" + os.environ["PATH"]], "capabilities": {k: [] for k in ("bounding", "effective", "permitted")}},
                "root": {"path": "/", "readonly": True}, "hostname": "bench",
                "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                           {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}],
                "linux": {"namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts")]}}
        with open(os.path.join(bundle, "config.json"), "w") as f:
            json.dump(spec, f)
        extra = ["--network=none", "--ignore-cgroups", "--platform=systrap"] if self.name == "runsc" else ["--cgroup-manager=disabled"]
        return [self.name, *extra, "--root", os.path.join(self.dir, "state"), "run", "--bundle", bundle,
                f"bench-{os.getpid()}-{OciRunner.count}"]


def wrap(c, cmd):
    return c.argv(cmd) if isinstance(c, OciRunner) else [*c, *cmd]


def start_ms(c):
    t = time.perf_counter()
    subprocess.run(wrap(c, ["/bin/true"]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=30)
    return (time.perf_counter() - t) * 1e3


def tree(pid):
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append(p)
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{task}/children") as f:
                    todo += map(int, f.read().split())
        except OSError:
            pass
    return found


def idle(c, seconds):
    """PSS of all processes of an idle sandbox (MB), and context switches."""
    p = subprocess.Popen(wrap(c, ["/bin/sh", "-c", "echo up; read x"]), stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        p.stdout.readline()
        time.sleep(1.5)
        pids = tree(p.pid)

        def switches():
            n = 0
            for pid in pids:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/status") as f:
                        n += sum(int(x) for x in re.findall(r"ctxt_switches:\s+(\d+)", f.read()))
            return n
        kb = 0
        for pid in pids:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                kb += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))
        a = switches()
        time.sleep(seconds)
        return kb / 1024, switches() - a
    except (OSError, AttributeError):
        return None
    finally:
        p.stdin.close()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()


def handoff(build):
    """The hand-off alone, by the harness of the process platform."""
    exe = os.path.join(build, "tests", "hosted-stub-harness")
    if not os.path.exists(exe):
        return None
    r = subprocess.run([exe, "bench"], capture_output=True, text=True, timeout=120)
    m = re.search(r"getpid round trip, unpinned\s+median\s+([\d.]+)", r.stdout)
    return float(m.group(1)) if m else None


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--json")
    ap.add_argument("--only", default="")
    a = ap.parse_args()
    if a.quick:
        a.rounds = 2
    build = os.path.abspath(a.build)
    scratch = tempfile.mkdtemp(prefix="nacre-bench-")
    try:
        works, missing = contenders(build, scratch)
        data = {name: {} for name in works}
        micro = shutil.copy(os.path.join(build, "bench", "bench-micro"), "/var/tmp/nacre-bench-micro")
        for r in range(a.rounds):
            for name, c in works.items():
                print(f"\rround {r + 1} of {a.rounds}: {name}      ", end="", file=sys.stderr, flush=True)
                if name != "native" and "start".startswith(a.only or "s"):
                    for _ in range(5):
                        data[name].setdefault("start /bin/true (ms)", []).append(start_ms(c))
                try:
                    out = subprocess.run(wrap(c, [micro, *([a.only] if a.only else [])]), capture_output=True, text=True, timeout=180).stdout
                except subprocess.TimeoutExpired:
                    continue
                for line in out.splitlines():
                    key, value = line.rsplit(" ", 1)
                    data[name].setdefault(key, []).append(float(value))
                if name == "nacre" and (h := handoff(build)):
                    data[name].setdefault("hand-off harness", []).append(h)
        if not a.only:
            for name, c in works.items():
                got = idle(c, 2 if a.quick else 10)
                if got and name != "native":
                    data[name]["idle memory, PSS (MB)"] = [got[0]]
                    data[name]["idle switches in 10 s"] = [got[1]]
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if os.path.exists("/var/tmp/nacre-bench-micro"):
            os.unlink("/var/tmp/nacre-bench-micro")
    medians = {n: {k: statistics.median(v) for k, v in d.items()} for n, d in data.items()}
    names = list(works)
    keys = list(dict.fromkeys(k for n in names for k in medians[n]))
    print(f"{'microseconds unless said':26}" + "".join(f"{n:>11}" for n in names) + "   nacre/native")
    for k in keys:
        row = f"{k:26}"
        for n in names:
            row += f"{medians[n][k]:11.2f}" if k in medians[n] else f"{'-':>11}"
        if k in medians.get("nacre", {}) and medians["native"].get(k):
            row += f"{medians['nacre'][k] / medians['native'][k]:12.2f}x"
        print(row)
    if "hand-off harness" in medians.get("nacre", {}) and "getpid" in medians["nacre"]:
        print(f"getpid in nacre / the bare hand-off: {medians['nacre']['getpid'] / medians['nacre']['hand-off harness']:.2f}")
    if missing:
        print("left out:", ", ".join(missing))
    if a.json:
        with open(a.json, "w") as f:
            json.dump({"medians": medians, "all": data, "missing": missing, "host": list(os.uname())}, f, indent=1)


if __name__ == "__main__":
    main()
