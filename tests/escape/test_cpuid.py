# SPDX-License-Identifier: Apache-2.0
"""cpuid in copies of program text (docs/decisions/0010-cpuid.md): programs
started again are answered without asking the processor, a program that is
traced executes the instruction, and no other place has a meaning (that the
replacement elsewhere is a fault as ever is abi/cpuid)."""
import json
import os

from harness import timeout

TRUE = "for i in 1 2 3 4 5 6; do /bin/true; done"


def stats(t, *argv):
    out = os.path.join(t.tmp, "stats.json")
    r = t.do(*argv, opts=("--stats=" + out,))
    t.ok(r.status == 0, "the program failed", r)
    with open(out) as f:
        s = json.load(f)
    return s["sites"]["sites_cpuid"], s["entries"]["cpuid_answered"]


@timeout(60)
def test_answered(t):
    proven, answered = stats(t, "sh", "-c", TRUE)
    if not proven:
        t.skip("this dynamic linker has no cpuid that can be proven")
    t.ok(answered > 0, f"{proven} proven, none answered")


@timeout(60)
def test_differential_is_answered(t):
    """abi/cpuid says that nobody can tell; here, that there was something to tell."""
    p = t.compile(os.path.join(t.root, "tests", "abi", "cpuid.c"), "-I" + os.path.join(t.root, "tests", "abi"), "-pthread")
    proven, answered = stats(t, p)
    t.ok(proven >= 2 and answered > 10, f"{proven} proven, {answered} answered")


@timeout(60)
def test_traced_asks_itself(t):
    t.need("strace")
    proven, answered = stats(t, "strace", "-f", "-o", "/dev/null", "sh", "-c", TRUE)
    t.ok(answered == 0, f"{answered} of a traced program answered")
