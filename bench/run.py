# SPDX-License-Identifier: Apache-2.0
"""./dev bench: native, Nacre and other sandboxes side by side.

Everything is interleaved: a round runs each group of micro-benchmarks, or each
program, in every place one after the other (the order turns), so that what
disturbs the machine disturbs all.  Figures are medians over rounds; rounds go
on until the time of the section is used.  A benchmark that fails or hangs is
shown as failed, with the reason, and not tried again."""
import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import count  # noqa: E402
import idle  # noqa: E402
import peers as places  # noqa: E402
import programs  # noqa: E402
import report  # noqa: E402


class Work:
    """Paths of this run."""
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.nacre = os.path.join(self.build, "nacre")
        self.bench = os.path.join(self.build, "bench")
        self.micro = os.path.join(self.bench, "micro")
        self.handoff = os.path.join(self.bench, "handoff")
        self.top = tempfile.mkdtemp(prefix="nacre-bench-")
        os.chmod(self.top, 0o755)
        self.input = os.path.join(self.top, "input")
        self.scratch = os.path.join(self.top, "scratch")
        os.mkdir(self.input)
        os.mkdir(self.scratch)
        self.env = {"PATH": programs.PATH, "HOME": "/root" if os.getuid() == 0 else os.environ.get("HOME", "/"),
                    "LC_ALL": "C", "I": self.input, "TMPDIR": "/tmp"}


def run(argv, env, timeout):
    """(status or None on a timeout, stdout, stderr, seconds)."""
    t0 = time.monotonic()
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, errors="replace", env=env, start_new_session=True, cwd="/")
    try:
        out, err = p.communicate(timeout=timeout)
        status = p.returncode
    except subprocess.TimeoutExpired as e:
        os.killpg(p.pid, signal.SIGKILL)
        try:
            out, err = p.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            out, err = (e.stdout or b"").decode(errors="replace"), ""
        status = None
    return status, out, err, time.monotonic() - t0


def last_line(text):
    lines = [x.strip() for x in text.splitlines() if x.strip()]
    return lines[-1][:160] if lines else ""


def reason(status, out, err):
    if status is None:
        return "no end in time; " + last_line(err or out)
    how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    line = last_line(err)
    return f"{how}; {line}" if line else how


class Setting:
    """spare: as it is; one-core: everything on one CPU; loaded: a busy process on each CPU."""
    def __init__(self, name):
        self.name, self.hogs = name, []
        self.prefix = []
        if name == "one-core":
            self.prefix = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]

    def __enter__(self):
        if self.name == "loaded":
            self.hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                         for _ in os.sched_getaffinity(0)]
        return self

    def __exit__(self, *_):
        for h in self.hogs:
            h.kill()
            h.wait()


def micro_list(work):
    groups = {}
    for line in subprocess.run([work.micro, "list"], capture_output=True, text=True, check=True).stdout.splitlines():
        group, name = line.split()
        groups.setdefault(group, []).append(name)
    return groups


def micro_run(work, peer, setting, names, ms, cells):
    """One round of one group in one place; starts again behind a failure."""
    left = [n for n in names if not cells[n].failed and not cells[n].skipped]
    while left:
        argv = setting.prefix + peer.wrap([work.micro, "run", work.input, peer.scratch, str(ms), *left])
        status, out, err, _ = run(argv, work.env, 8 + 0.5 * len(left))
        peer.after()
        begun, ended = None, set()
        for line in out.splitlines():
            f = line.split(None, 2)
            if len(f) < 2 or f[1] not in cells:
                continue
            if f[0] == "begin":
                begun = f[1]
            elif f[0] == "ok" and len(f) == 3:
                cells[f[1]].ns.append(float(f[2].split()[0]))
                ended.add(f[1])
            elif f[0] == "skip":
                cells[f[1]].skipped = f[2] if len(f) == 3 else "?"
                ended.add(f[1])
            elif f[0] == "fail":
                cells[f[1]].failed = f[2] if len(f) == 3 else "?"
                ended.add(f[1])
        rest = [n for n in left if n not in ended]
        if rest:
            bad = begun if begun in rest else rest[0]
            cells[bad].failed = reason(status, "", err)
            rest.remove(bad)
        if rest == left:
            break
        left = rest


def turned(items, n):
    n %= len(items)
    return items[n:] + items[:n]


def bench_micro(work, here, setting, groups, rounds, ms, seconds):
    names = [n for g in groups.values() for n in g]
    cells = {p.name: {n: report.Cell() for n in names} for p in here}
    end = time.monotonic() + seconds
    for k in range(rounds):
        if k >= 2 and time.monotonic() > end:
            break
        for members in groups.values():
            for peer in turned(here, k):
                micro_run(work, peer, setting, members, ms, cells[peer.name])
        progress(f"micro ({setting.name}): round {k + 1} of {rounds}")
    return names, cells


def program_run(work, peer, setting, program):
    script = (f"mkdir -p {peer.scratch}/w && cd {peer.scratch}/w && {{ {program.prepare}; }} && "
              f"exec {work.micro} time sh -ec {shlex.quote(program.run)}")
    result = run(setting.prefix + peer.wrap(["sh", "-c", script]), work.env, 20)
    peer.after()
    return result


def bench_programs(work, here, setting, chosen, rounds, seconds):
    names = [p.name for p in chosen]
    cells = {p.name: {n: report.Cell() for n in names} for p in here}
    end = time.monotonic() + seconds
    for k in range(rounds):
        for program in chosen:
            why = program.missing()
            for peer in turned(here, k):
                cell = cells[peer.name][program.name]
                if why:
                    cell.skipped = why
                if cell.failed or cell.skipped or (cell.ns and time.monotonic() > end):
                    continue
                if k == 0 and peer is here[0]:  # the host's page cache is warm for all
                    program_run(work, peer, setting, program)
                status, out, err, _ = program_run(work, peer, setting, program)
                f = next((x.split() for x in out.splitlines() if x.startswith("ok time ")), None)
                if status == 0 and f:
                    cell.ns.append(float(f[2]))
                else:
                    cell.failed = reason(status, out, err)
            progress(f"programs ({setting.name}): round {k + 1} of {rounds}, {program.name}")
    return names, cells


def bench_startup(work, here, setting, rounds):
    cells = {p.name: {"start /bin/true": report.Cell()} for p in here}
    for k in range(rounds):
        for peer in turned(here, k):
            cell = cells[peer.name]["start /bin/true"]
            if cell.failed:
                continue
            argv = [work.micro, "time", *peer.wrap(["/bin/true"])]
            status, out, err, _ = run(setting.prefix + argv, work.env, 20)
            peer.after()
            f = next((x.split() for x in out.splitlines() if x.startswith("ok time ")), None)
            if status == 0 and f:
                cell.ns.append(float(f[2]))
            else:
                cell.failed = reason(status, out, err)
        progress(f"start-up: round {k + 1} of {rounds}")
    return ["start /bin/true"], cells


def bench_handoff(work, cells, one_core):
    """The bare mechanism beside Nacre's getpid in the same run."""
    status, out, err, _ = run([work.handoff, "same", "apart", "free"], work.env, 60)
    raw = {f[1]: float(f[2]) for f in map(str.split, out.splitlines()) if len(f) == 3 and f[2].isdigit()}
    print("\nhand-off of one system call: Nacre against the bare mechanism (bench/handoff.c)")
    pairs = [("trapped, unpinned", "free-trap", cells, "getpid-raw"),
             ("patched or direct, unpinned", "free-call", cells, "getpgid"),
             ("trapped, one core", "same-trap", one_core, "getpid-raw"),
             ("patched or direct, one core", "same-call", one_core, "getpgid")]
    for label, key, where, name in pairs:
        ours = where["nacre"][name].median if where else None
        text = f"{label:30} bare {report.time_text(raw[key]) if key in raw else 'FAILED':>9}"
        if ours:
            text += f"   nacre {name} {report.time_text(ours):>9}"
            text += f"   {ours / raw[key]:.2f}x" if raw.get(key) else ""
        print(text)
    for key in ("apart-trap", "apart-call"):
        if key in raw:
            print(f"{key:30} bare {report.time_text(raw[key]):>9}   (pinned apart, endless spin: the floor)")
    if status:
        print("  FAILED  handoff: " + reason(status, out, err))
    return raw


def bench_idle(here, seconds, many):
    print("\nidle sandbox (a sleeping shell): memory of all its processes, context switches")
    out = {}
    for peer in here:
        out[peer.name] = r = idle.measure(peer, seconds)
        if "failed" in r:
            print(f"{peer.name:10} FAILED: {r['failed']}")
            continue
        sw = ", ".join(f"{r[f'switches_{s}s']} in {s} s" for s in seconds)
        print(f"{peer.name:10}{r['pss_kb'] / 1024:8.1f} MB in {r['processes']} processes;  switches: {sw}", flush=True)
    if many:
        for peer in here:
            if peer.name not in ("nacre", "bwrap"):
                continue
            r = out[peer.name]["density"] = idle.density(peer, many)
            if "failed" in r:
                print(f"{peer.name:10} {many} at once FAILED: {r['failed']}")
            else:
                print(f"{peer.name:10}{r['pss_kb_each'] / 1024:8.1f} MB each of {many} at once;  CPU in 3 s: {r['cpu_ms_in_3s']} ms")
    return out


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def arguments():
    a = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0])
    a.add_argument("--build", default="build")
    a.add_argument("--json", metavar="FILE", help="default: bench.json in the build directory")
    a.add_argument("--quick", action="store_true", help="fewer rounds, under 2 minutes")
    a.add_argument("--one-core", action="store_true", help="also with everything on one CPU")
    a.add_argument("--loaded", action="store_true", help="also with a busy process on each CPU")
    a.add_argument("--peers", action="store_true", help="fetch runsc (Debian trixie) and compare with it too")
    a.add_argument("--no-peers", action="store_true", help="native and nacre only")
    a.add_argument("--only", metavar="TEXT", action="append", help="benchmarks whose name contains TEXT")
    a.add_argument("--sections", default="micro,programs,start,handoff,idle",
                   help="some of micro,programs,start,handoff,idle")
    a.add_argument("--density", type=int, metavar="N", help="idle sandboxes at once (default 20, 0 with --quick)")
    a.add_argument("--count", action="store_true", help="host calls per operation (strace), and nothing else")
    return a.parse_args()


def main():
    opt = arguments()
    work = Work(opt.build)
    everyone = [places.Native(work), places.Nacre(work)]
    if not opt.no_peers:
        everyone += [places.Bwrap(work), places.Crun(work), places.Runsc(work, opt.peers)]
    try:
        return bench(opt, work, everyone)
    except KeyboardInterrupt:
        return 130
    finally:
        for peer in everyone:
            peer.close()
        shutil.rmtree(work.top, ignore_errors=True)


def bench(opt, work, everyone):
    programs.make_inputs(work.input)
    here = [p for p in everyone if not p.reason]
    absent = {p.name: p.reason for p in everyone if p.reason}
    if "nacre" in absent:
        print(f"bench: {work.nacre}: {absent['nacre']}", file=sys.stderr)
        return 1
    names = [p.name for p in here]
    wanted = set(opt.sections.split(","))
    result = {"host": {"kernel": os.uname().release, "cpus": len(os.sched_getaffinity(0)),
                       "load_at_start": os.getloadavg()[0]}, "absent": absent, "settings": {}}
    print(f"Linux {os.uname().release}, {result['host']['cpus']} CPUs, load {os.getloadavg()[0]:.1f} at the start"
          + (" (the machine is busy: trust ratios, not times)" if os.getloadavg()[0] > 0.7 else ""))
    for name, why in absent.items():
        print(f"without {name}: {why}")
    if opt.count:
        result["host_calls"] = count.count(here[1])
        return save(opt, work, result, 0)

    picked = lambda n: not opt.only or any(t in n for t in opt.only)     # noqa: E731
    groups = {g: [n for n in m if picked(n)] for g, m in micro_list(work).items()}
    groups = {g: m for g, m in groups.items() if m}
    chosen = [p for p in programs.PROGRAMS if picked(p.name)]
    settings = ["spare"] + ["one-core"] * opt.one_core + ["loaded"] * opt.loaded
    rounds, ms, micro_s, program_s = (3, 10, 40, 50) if opt.quick else (9, 30, 140, 160)
    if len(settings) > 1:
        micro_s, program_s = micro_s / len(settings), program_s / len(settings)
    micro_cells = {}
    for s in settings:
        r = result["settings"][s] = {}
        title = {"spare": "unpinned", "one-core": "one core", "loaded": "a busy process on each CPU"}[s]
        with Setting(s) as setting:
            if "micro" in wanted and groups:
                n, cells = bench_micro(work, here, setting, groups, rounds, ms, micro_s)
                micro_cells[s] = cells
                progress("")
                report.print_table(f"micro-benchmarks, {title} (median of rounds; ratios to native)", n, cells, names)
                r["micro"] = as_json(n, cells, names)
            if "programs" in wanted and chosen:
                n, cells = bench_programs(work, here, setting, chosen, 2 if opt.quick else 6, program_s)
                progress("")
                report.print_table(f"everyday programs, {title}", n, cells, names, program=True)
                r["programs"] = as_json(n, cells, names)
            if "start" in wanted and not opt.only:
                n, cells = bench_startup(work, here, setting, 9 if opt.quick else 21)
                progress("")
                report.print_table(f"start-up, {title}", n, cells, names)
                r["start"] = as_json(n, cells, names)
    if "handoff" in wanted and "micro" in wanted and not opt.only:
        if "one-core" not in micro_cells:       # two cells of it are wanted all the same
            two = {"entry": ["getpid-raw", "getpgid"]}
            with Setting("one-core") as setting:
                _, micro_cells["one-core"] = bench_micro(work, here[:2], setting, two, 3, ms, 10)
        result["handoff"] = bench_handoff(work, micro_cells["spare"], micro_cells["one-core"])
    if "idle" in wanted and not opt.only:
        many = opt.density if opt.density is not None else 0 if opt.quick else 20
        result["idle"] = bench_idle(here, (5,) if opt.quick else (5, 10), many)
    failed = sum(part["means"]["nacre"]["failed"] for s in result["settings"].values() for part in s.values())
    return save(opt, work, result, 1 if failed else 0)


def as_json(names, cells, peers):
    return {"means": report.means(names, cells, peers),
            "cells": {p: {n: cells[p][n].as_json() for n in names} for p in peers}}


def save(opt, work, result, status):
    path = opt.json or os.path.join(work.build, "bench.json")
    with open(path, "w") as f:
        json.dump(result, f, indent=1)
    print(f"\nall samples: {path}")
    return status


if __name__ == "__main__":
    sys.exit(main())
