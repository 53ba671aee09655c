# SPDX-License-Identifier: Apache-2.0
"""The sections of a run.  Everything is interleaved: a round runs each group of
micro-benchmarks, or each program, in every place one after the other (the
order turns), so that what disturbs the machine disturbs all.  Figures are
medians over rounds; rounds go on until the time of the section is used.  A
benchmark that fails or hangs is shown as failed, with the reason, and not tried
again; one that the time did not suffice for says so."""
import os
import shlex
import signal
import subprocess
import sys
import time

import density
import idle
import report
import servers


class Work:
    """Paths and the end of this run."""
    def __init__(self, build, top, path, minutes):
        self.build = os.path.abspath(build)
        self.nacre = os.path.join(self.build, "nacre")
        self.bench = os.path.join(self.build, "bench")
        self.micro = os.path.join(self.bench, "micro")
        self.handoff = os.path.join(self.bench, "handoff")
        self.top = top
        self.input = os.path.join(top, "input")
        self.scratch = os.path.join(top, "scratch")
        os.mkdir(self.input)
        os.mkdir(self.scratch)
        self.env = {"PATH": path, "HOME": "/root" if os.getuid() == 0 else os.environ.get("HOME", "/"),
                    "LC_ALL": "C", "I": self.input, "TMPDIR": "/tmp"}
        self.end = time.monotonic() + minutes * 60

    def late(self):
        return time.monotonic() > self.end


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
    TITLES = {"spare": "a core to spare (unpinned)", "one-core": "one core", "loaded": "a busy process on each CPU"}

    def __init__(self, name):
        self.name, self.title, self.hogs = name, self.TITLES[name], []
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


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def turned(items, n):
    n %= len(items)
    return items[n:] + items[:n]


def cells_of(here, names):
    return {p.name: {n: report.Cell() for n in names} for p in here}


def mark_late(cells):
    for row in cells.values():
        for cell in row.values():
            if not cell.ns and not cell.failed and not cell.skipped:
                cell.skipped = "no time left"


# -- micro --

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


def bench_micro(work, here, setting, groups, rounds, ms, seconds):
    names = [n for g in groups.values() for n in g]
    cells = cells_of(here, names)
    end = time.monotonic() + seconds
    for k in range(rounds):
        if work.late() or (k >= 1 and time.monotonic() > end):
            break
        for members in groups.values():
            for peer in turned(here, k):
                micro_run(work, peer, setting, members, ms, cells[peer.name])
        progress(f"micro ({setting.name}): round {k + 1} of {rounds}")
    mark_late(cells)
    return names, cells


# -- programs and servers: a script in an empty directory --

def script_run(work, peer, setting, prepare, body, timeout, env=None):
    script = f"mkdir -p {peer.scratch}/w && cd {peer.scratch}/w && {{ {prepare}; }} && {body}"
    result = run(setting.prefix + peer.wrap(["env", *(env or []), "sh", "-c", script]), work.env, timeout)
    peer.after()
    return result


def program_run(work, peer, setting, program):
    return script_run(work, peer, setting, program.prepare,
                      f"exec {work.micro} time sh -ec {shlex.quote(program.run)}", 30)


def bench_programs(work, here, setting, chosen, rounds, seconds):
    names = [p.name for p in chosen]
    cells = cells_of(here, names)
    end = time.monotonic() + seconds
    for k in range(rounds):
        for program in chosen:
            why = program.missing()
            for peer in turned(here, k):
                cell = cells[peer.name][program.name]
                if why:
                    cell.skipped = why
                if cell.failed or cell.skipped or work.late() or (cell.ns and time.monotonic() > end):
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
    mark_late(cells)
    return names, cells


def bench_servers(work, here, setting, chosen, rounds, load, seconds):
    names = [f for s in chosen for f in s.figures]
    cells = cells_of(here, names)
    end = time.monotonic() + seconds
    for k in range(rounds):
        for server in chosen:
            why = server.missing()
            for peer in turned(here, k):
                mine = [cells[peer.name][f] for f in server.figures]
                for c in mine:
                    c.skipped = why
                if why or mine[0].failed or work.late() or (mine[0].ns and time.monotonic() > end):
                    continue
                status, out, err, _ = script_run(work, peer, setting, ":", f"exec sh -ec {shlex.quote(server.script)}",
                                                 40 + 30 * load, [f"LOAD={load}"])
                for line in out.splitlines():
                    f = line.split()
                    if len(f) == 3 and f[0] == "rate" and f[1] in server.figures and float(f[2]) > 0:
                        cells[peer.name][f[1]].ns.append(1e9 / float(f[2]))
                for c in mine:
                    if status != 0 or len(c.ns) <= k and not c.skipped:
                        c.failed = c.failed or reason(status, out, err)
            progress(f"servers ({setting.name}): round {k + 1} of {rounds}, {server.name}")
    mark_late(cells)
    return names, cells


def bench_startup(work, here, setting, rounds):
    name = "start /bin/true"
    cells = cells_of(here, [name])
    for k in range(rounds):
        for peer in turned(here, k):
            cell = cells[peer.name][name]
            if cell.failed or work.late():
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
    mark_late(cells)
    return [name], cells


# -- the rest --

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


def bench_idle(here, seconds):
    print("\nidle sandbox (a sleeping shell): memory of all its processes, context switches")
    out = {}
    for peer in here:
        out[peer.name] = r = idle.measure(peer, seconds)
        if "failed" in r:
            print(f"{peer.name:10} FAILED: {r['failed']}")
            continue
        sw = ", ".join(f"{r[f'switches_{s}s']} in {s} s" for s in seconds)
        print(f"{peer.name:10}{r['pss_kb'] / 1024:8.1f} MB in {r['processes']} processes;  switches: {sw}", flush=True)
    return out


def bench_density(work, here, count, busy, seconds):
    """Idle and busy sandboxes, many at once."""
    out = {"idle": {}, "busy": {}}
    print(f"\n{count} idle sandboxes at once: memory of each, CPU time and switches of all in 3 s")
    for peer in here:
        if peer.name not in ("nacre", "bwrap"):
            continue
        out["idle"][peer.name] = r = density.idle_many(peer, count)
        print(f"{peer.name:10}" + (f"FAILED: {r['failed']}" if "failed" in r else
              f"{r['pss_kb_each'] / 1024:8.1f} MB each;  {r['cpu_ms_in_3s']} ms;  {r['switches_in_3s']} switches"), flush=True)
    cpus = len(os.sched_getaffinity(0))
    print(f"{busy} busy sandboxes on {cpus} CPUs: rounds of work per second, all together, and the least of one")
    for peer in here:
        if peer.name not in ("native", "nacre"):
            continue
        out["busy"][peer.name] = r = density.busy_many(work, peer, busy, seconds)
        base = out["busy"].get("native", {}).get("per_second")
        print(f"{peer.name:10}" + (f"FAILED: {r['failed']}" if "failed" in r else
              f"{r['per_second']:10.0f} /s   {r['per_second'] / base if base else 0:5.2f} of native   least {r['least']:.1f} /s"
              + ("   (not all had started at the beginning)" if r["late"] else "")), flush=True)
    return out


SERVERS = servers.SERVERS
