# SPDX-License-Identifier: Apache-2.0
"""./dev bench: native, Nacre and other sandboxes side by side.

Sections: micro, programs, servers (redis, nginx, memcached), start, handoff,
counts (work per operation), idle, density.  Settings: a core to spare, one
core, a busy process on each CPU.  A table on stdout, all samples as JSON and a
plot as SVG beside it."""
import argparse
import json
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import count  # noqa: E402
import peers as places  # noqa: E402
import plot  # noqa: E402
import programs  # noqa: E402
import report  # noqa: E402
import sections  # noqa: E402

SECTIONS = "micro,programs,servers,start,handoff,counts,idle,density"
# Small, and each of another kind.
QUICK_PROGRAMS = ("sh-fork", "sh-pipeline", "python-start", "python-threads", "gcc", "git", "tar", "grep-r", "find", "sqlite", "dd")


def arguments():
    a = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0],
                                epilog="A default run takes about 15 minutes, --quick about one.")
    a.add_argument("--build", default="build")
    a.add_argument("--json", metavar="FILE", help="default: bench.json in the build directory; the plot beside it")
    a.add_argument("--quick", action="store_true", help="native and nacre, few rounds, the small programs, no servers or density")
    a.add_argument("--settings", metavar="LIST", help="some of spare,one-core,loaded (default all; with --quick spare)")
    a.add_argument("--one-core", action="store_true", help="as --settings spare,one-core")
    a.add_argument("--loaded", action="store_true", help="as --settings spare,loaded")
    a.add_argument("--peers", action="store_true", help="fetch runsc (Debian trixie) into the build directory and compare with it too")
    a.add_argument("--no-peers", action="store_true", help="native and nacre only")
    a.add_argument("--only", metavar="TEXT", action="append", help="benchmarks whose name contains TEXT")
    a.add_argument("--sections", help="some of " + SECTIONS)
    a.add_argument("--rounds", type=int, metavar="N", help="at most so many rounds")
    a.add_argument("--density", type=int, metavar="N", help="idle sandboxes at once (default 100)")
    a.add_argument("--busy", type=int, metavar="N", default=64, help="busy sandboxes at once (default 64)")
    a.add_argument("--minutes", type=float, metavar="N", help="begin nothing after so long (default 15; with --quick 1.5)")
    a.add_argument("--count", action="store_true", help="as --sections counts")
    opt = a.parse_args()
    if not opt.sections:
        opt.sections = "counts" if opt.count else "density" if opt.density else \
            "micro,programs,start,handoff,counts,idle" if opt.quick else SECTIONS
    if not opt.settings:
        opt.settings = "spare" + ",one-core" * opt.one_core + ",loaded" * opt.loaded
        if opt.settings == "spare" and not opt.quick:
            opt.settings = "spare,one-core,loaded"
    for what, known in ((opt.sections, SECTIONS), (opt.settings, "spare,one-core,loaded")):
        for word in what.split(","):
            if word not in known.split(","):
                a.error(f"unknown: {word}; known: {known}")
    return opt


def main():
    opt = arguments()
    top = tempfile.mkdtemp(prefix="nacre-bench-")
    os.chmod(top, 0o755)
    work = sections.Work(opt.build, top, programs.PATH, opt.minutes or (1.5 if opt.quick else 15))
    everyone = [places.Native(work), places.Nacre(work)]
    if not opt.no_peers:
        if opt.quick and not opt.peers:
            everyone += [places.Peer(work, "--quick", n) for n in ("bwrap", "crun", "runsc")]
        else:
            everyone += [places.Bwrap(work), places.Crun(work), places.Runsc(work, opt.peers)]
    try:
        return bench(opt, work, everyone)
    except KeyboardInterrupt:
        return 130
    finally:
        for peer in everyone:
            peer.close()
        shutil.rmtree(top, ignore_errors=True)


def bench(opt, work, everyone):
    programs.make_inputs(work.input)
    time.sleep(2)           # files that were changed a moment ago are read another way (0017)
    here = [p for p in everyone if not p.reason]
    absent = {p.name: p.reason for p in everyone if p.reason}
    if "nacre" in absent:
        print(f"bench: {work.nacre}: {absent['nacre']}", file=sys.stderr)
        return 1
    load = os.getloadavg()[0]
    result = {"host": {"kernel": os.uname().release, "cpus": len(os.sched_getaffinity(0)),
                       "load_at_start": load}, "absent": absent, "settings": {}}
    print(f"Linux {os.uname().release}, {result['host']['cpus']} CPUs, load {load:.1f} at the start"
          + (" (the machine is busy: trust ratios and counts, not times)" if load > 0.7 else ""))
    for name, why in absent.items():
        print(f"without {name}: {why}")
    picked = lambda n: not opt.only or any(t in n for t in opt.only)     # noqa: E731
    wanted = set(opt.sections.split(","))
    micro_cells = {}
    for i, name in enumerate(opt.settings.split(",")):
        with sections.Setting(name) as setting:
            result["settings"][name] = bench_setting(opt, work, here, setting, wanted, picked, micro_cells)
        if i == 0:              # the other settings come last: the time may not suffice for them
            bench_once(opt, work, here, wanted, picked, micro_cells, result)
    failed = sum(part["means"]["nacre"]["failed"] for s in result["settings"].values() for part in s.values())
    return save(opt, work, result, 1 if failed else 0)


def bench_once(opt, work, here, wanted, picked, micro_cells, result):
    """The sections that are not taken in each setting."""
    if "handoff" in wanted and "spare" in micro_cells and not opt.only:
        with sections.Setting("one-core") as setting:
            _, one_core = sections.bench_micro(work, here[:2], setting, {"entry": ["getpid-raw", "getpgid"]}, 3, 10, 10)
        result["handoff"] = sections.bench_handoff(work, micro_cells["spare"], one_core)
    if "counts" in wanted:
        result["counts"] = count.count(sections.run, work, here[1], picked)
    if "idle" in wanted and not opt.only:
        result["idle"] = sections.bench_idle(here, (5,) if opt.quick else (5, 10))
    if "density" in wanted and not opt.only:
        result["density"] = sections.bench_density(work, here, opt.density or 100, opt.busy, 5)


def bench_setting(opt, work, here, setting, wanted, picked, micro_cells):
    """The sections that are taken in each setting; beside a core to spare with
    fewer rounds, and without those who are as fast as native."""
    out, main_one = {}, setting.name == "spare"
    if not main_one:
        here = [p for p in here if p.name in ("native", "nacre", "runsc")]
    names = [p.name for p in here]
    groups = {g: [n for n in m if picked(n)] for g, m in sections.micro_list(work).items()}
    groups = {g: m for g, m in groups.items() if m}
    chosen = [p for p in programs.PROGRAMS if picked(p.name) and (not opt.quick or opt.only or p.name in QUICK_PROGRAMS)]
    loads = [s for s in sections.SERVERS if any(map(picked, s.figures))]
    rounds = lambda n: min(n, opt.rounds or n)  # noqa: E731

    def show(key, title, found, program=False):
        n, cells = found
        sections.progress("")
        report.print_table(f"{title}, {setting.title}", n, cells, names, program=program,
                           one_core=setting.name == "one-core")
        out[key] = {"means": report.means(n, cells, names),
                    "cells": {p: {x: cells[p][x].as_json() for x in n} for p in names}}
        return cells

    if "micro" in wanted and groups:
        ms, seconds = (10, 12) if opt.quick else (30, 100) if main_one else (15, 40)
        micro_cells[setting.name] = show(
            "micro", "micro-benchmarks (median of rounds; ratios to native)",
            sections.bench_micro(work, here, setting, groups, rounds(9), ms, seconds))
    if "programs" in wanted and chosen:
        show("programs", "everyday programs",
             sections.bench_programs(work, here, setting, chosen, rounds(2 if opt.quick else 5 if main_one else 2),
                                     15 if opt.quick else 130 if main_one else 45), True)
    if "servers" in wanted and loads and (main_one or opt.rounds):
        show("servers", "servers under load (time of one request)",
             sections.bench_servers(work, here, setting, loads, rounds(3), 1, 90))
    if "start" in wanted and not opt.only:
        show("start", "start-up", sections.bench_startup(work, here, setting, rounds(9 if opt.quick else 15)))
    return out


def save(opt, work, result, status):
    path = opt.json or os.path.join(work.build, "bench.json")
    with open(path, "w") as f:
        json.dump(result, f, indent=1)
    picture = os.path.splitext(path)[0] + ".svg"
    plot.plot(result, picture)
    print(f"\nall samples: {path}\nplot: {picture}")
    return status


if __name__ == "__main__":
    sys.exit(main())
