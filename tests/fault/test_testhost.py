# SPDX-License-Identifier: Apache-2.0
"""Failures injected below the kernel (testhost): allocations, kernel stacks,
address spaces, memory objects, host calls.  Each run names program, seed, the
first operation that fails and how many in a row: it repeats exactly.  Any
exit is fine but a panic, a sanitizer's report or a hang."""
import os
import random
import subprocess

from harness import slow, timeout

PROGRAMS = ("hello", "fork", "pipe", "threads", "signals", "jobs", "files", "memory", "events", "sockets", "exec", "proc")


def inject(t, program, seed, first, count):
    exe = os.path.join(t.build, "platform", "testhost", "unit-asan")
    if not os.path.exists(exe):
        t.skip("unit-asan is not built")
    try:
        r = subprocess.run([exe, program, str(seed), str(first), str(count)], capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        t.ok(False, f"{program} {seed} {first} {count}: no end")
    text = (r.stdout + r.stderr).decode(errors="replace")
    t.ok(r.returncode >= 0 and "panic" not in text and "ERROR: " not in text and "runtime error" not in text,
         f"{program} {seed} {first} {count}: status {r.returncode}\n{text[-2000:]}")


def some(t, runs, longest):
    rng = random.Random(longest)
    for _ in range(runs):
        inject(t, rng.choice(PROGRAMS), rng.randrange(1000), rng.randrange(1, 400), rng.randrange(1, longest))


@timeout(170)
def test_one_failure(t):
    some(t, 60, 2)


@timeout(170)
def test_several_in_a_row(t):
    some(t, 60, 12)


@timeout(170)
def test_all_from_then_on(t):
    """The host is out of everything for good."""
    rng = random.Random(3)
    for program in PROGRAMS:
        for _ in range(3):
            inject(t, program, rng.randrange(1000), rng.randrange(1, 200), 1 << 40)


@slow
@timeout(400)
def test_chaos(t):
    rng = random.Random(4)
    for _ in range(80):
        inject(t, "chaos", rng.randrange(10000), rng.randrange(1, 3000), rng.choice((1, 3, 20, 1000)))
