#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks of linked artefacts against the boundary headers.

  check_image.py kernel KERNEL.O      imports only platform.h and hostcall.h,
                                      exports only kernel_main, kernel_describe
  check_image.py platform ARCHIVE     exports exactly those functions (_start aside)
  check_image.py ring0 ELF            static, no undefined symbol, no
                                      relocation, no interpreter, no TLS

Prints every difference; exit status 1 when there is one."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FROM_KERNEL = {"kernel_main", "kernel_describe"}


def boundary():
    names = set()
    for header in ("platform.h", "hostcall.h"):
        with open(os.path.join(ROOT, "include", header)) as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        text = re.sub(r"static inline.*?\n?\{.*?\}", "", text, flags=re.S)
        names |= set(re.findall(r"\b((?:plat|hc)_\w+|kernel_(?:main|describe))\s*\(", text))
    return names


def nm(path, *flags):
    out = subprocess.run(["nm", *flags, path], check=True, capture_output=True, text=True).stdout
    return [line.split() for line in out.splitlines() if line and not line.endswith(":")]


def undefined(path):
    return {row[-1] for row in nm(path, "-u") if len(row) >= 2}


def exported(path):
    return {row[-1] for row in nm(path, "-g", "--defined-only") if len(row) == 3}


def report(title, names):
    for n in sorted(names):
        print(f"{title}: {n}", file=sys.stderr)
    return bool(names)


def check_kernel(path):
    bad = report("the kernel imports what no boundary header offers", undefined(path) - boundary())
    return report("the kernel exports more than kernel_main and kernel_describe", exported(path) - FROM_KERNEL) or bad


def check_platform(path):
    want = boundary() - FROM_KERNEL
    have = exported(path) - {"_start"}
    bad = report("declared in platform.h or hostcall.h, not provided", want - have)
    return report("provided, but in no boundary header", have - want) or bad


def check_ring0(path):
    bad = report("undefined symbol", undefined(path))
    text = subprocess.run(["readelf", "-W", "-h", "-l", "-r", path], check=True,
                          capture_output=True, text=True).stdout
    for pattern, what in ((r"^\s*Type:\s+(?!EXEC)\S", "not a static executable"),
                          (r"^\s*INTERP", "has an interpreter"), (r"^\s*DYNAMIC", "has a dynamic section"),
                          (r"^\s*TLS", "has thread-local storage"),
                          (r"^Relocation section", "has relocations")):
        if re.search(pattern, text, re.M):
            print(f"{path}: {what}", file=sys.stderr)
            bad = True
    return bad


def main():
    checks = {"kernel": check_kernel, "platform": check_platform, "ring0": check_ring0}
    if len(sys.argv) < 3 or sys.argv[1] not in checks:
        print(__doc__, file=sys.stderr)
        return 2
    bad = checks[sys.argv[1]](sys.argv[2])
    if not bad and len(sys.argv) > 3:
        with open(sys.argv[3], "w"):
            pass
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
