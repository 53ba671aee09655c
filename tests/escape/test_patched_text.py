# SPDX-License-Identifier: Apache-2.0
"""Programs share copies of their files' text in which call sites lead to the
gate (docs/decisions/0004-patched-text.md), and any program has a say in which
sites.  A hostile one (patched_text.c) makes calls from every two bytes of libc
that look like the instruction; another program's libc must have changed in
whole instructions before real calls only, as a disassembler sees them.  That
unsound windows would be found is shown by the units patch-refused: each is a
sequence that the proof turns down and a disassembler would object to."""
import os
import re
import subprocess

from harness import timeout


def program(t):
    return t.compile(os.path.join(t.root, "tests", "escape", "patched_text.c"))


def windows(t, r):
    found = re.findall(r"^([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]{2})$", r.out, re.M)
    return [(int(off, 16), int(size, 16), first) for off, size, first in found]


def instructions(path):
    """Offset -> (size, text) of libc's instructions; its text is mapped at its offset."""
    out = subprocess.run(["objdump", "-d", "-w", "-M", "suffix", path], capture_output=True, text=True, check=True).stdout
    found = {}
    for at, raw, text in re.findall(r"^ *([0-9a-f]+):\t([0-9a-f ]+)\t(.*)$", out, re.M):
        found[int(at, 16)] = (len(raw.split()), text.strip())
    return found


def check_windows(t, r, found):
    known = instructions("/lib/x86_64-linux-gnu/libc.so.6")
    for off, size, first in found:
        t.ok(first == "e9" and off in known and known[off][0] == size, f"window {off:x} +{size} is no instruction", r)
        at = off
        while at < off + 48 and at in known and known[at][1] != "syscall":
            at += known[at][0]
        t.ok(known.get(at, (0, ""))[1] == "syscall", f"window {off:x} leads to no call", r)


@timeout(60)
def test_hostile_sites(t):
    t.need("objdump")
    p = program(t)
    r = t.do("sh", "-c", f"{p} attack && {p} victim")
    t.ok(r.status == 0, "attack or victim failed", r)
    found = windows(t, r)
    t.ok(len(found) >= 20, f"only {len(found)} windows", r)
    check_windows(t, r, found)


def test_own_work_is_patched(t):
    """The counterpart: calls really are led away, and natively nothing is."""
    p = program(t)
    r = t.do(p, "victim")
    t.ok(r.status == 0, "the victim failed", r)
    t.ok(len(windows(t, r)) >= 3, "nothing is patched", r)
    t.expect(t.run([p, "victim"]), out="")


def test_traced_is_not_patched(t):
    t.need("strace")
    p = program(t)
    r = t.do("sh", "-c", f"{p} victim >/dev/null; strace -o /dev/null {p} victim")
    t.expect(r, out="")
