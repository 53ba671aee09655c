#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev fuzz [SECONDS]: each fuzzer for SECONDS (default 20).

  chaos      random system calls on testhost under ASan and UBSan; a seed that
             fails repeats exactly: build/platform/testhost/unit-asan chaos SEED
  packets    hostile rings and filters of packet sockets: unit-asan packets-model SEED
  rings      packet rings of all versions, fan-out, ports that are shared: unit-asan rings-model SEED
  faults     every program of testhost with the n-th operation failing, n on and on
  syscalls   fuzz/syscalls.c inside `nacre do`: any panic ends it with 125

Exit status 1 when one found something."""
import argparse
import os
import random
import subprocess
import sys
import time

PROGRAMS = ("hello", "fork", "pipe", "threads", "signals", "jobs", "files", "memory", "events", "sockets", "exec", "proc")


def run(argv, seconds):
    try:
        r = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
        return r.returncode, r.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return "hang", ""


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("seconds", nargs="?", type=float, default=20)
    a = ap.parse_args()
    unit = os.path.join(a.build, "platform/testhost/unit-asan")
    found = 0

    def loop(name, argv_of, bad):
        nonlocal found
        end, n = time.monotonic() + a.seconds, 0
        while time.monotonic() < end:
            argv = argv_of(n)
            status, out = run(argv, 60)
            n += 1
            if bad(status):
                found += 1
                print(f"{name}: status {status}: {' '.join(argv)}\n{out[-3000:]}")
                break
        print(f"{name}: {n} runs")

    def crashed(status):
        return status == "hang" or status < 0 or status == 125

    base = random.randrange(1 << 32)
    if os.path.exists(unit):
        loop("chaos", lambda n: [unit, "chaos", str(base + n)], crashed)
        loop("packets", lambda n: [unit, "packets-model", str((base + n) & ~1)], lambda s: s != 0)
        loop("rings", lambda n: [unit, "rings-model", str((base + n) & ~1)], lambda s: s != 0)
        loop("faults", lambda n: [unit, PROGRAMS[n % len(PROGRAMS)], "0", str(1 + n // len(PROGRAMS))], crashed)
    inside = os.path.join(a.build, "fuzz", "fuzz-syscalls")
    if os.path.exists(inside):
        loop("syscalls", lambda n: [os.path.join(a.build, "nacre"), "do", "--", os.path.abspath(inside), str(base + n), "2", "2000"],
             lambda s: s == "hang" or s == 125)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
