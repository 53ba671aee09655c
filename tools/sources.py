#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""List the source files of a folder, and notice when such a list changes.

  sources.py list DIR [--flat] [--exclude PART]...   one path a line, sorted
  sources.py record FILE            write the whole tree's list (configure time)
  sources.py check FILE BUILD_DIR   compare; on a difference make Meson
                                    configure again at the next ninja run

Meson wants its sources named; this names them, so that adding a file needs no
edit elsewhere.  Nothing outside the listed folders is read."""
import argparse
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("include", "kernel", "platform", "host", "runtime", "lib", "tests/unit", "bench", "fuzz")
SUFFIXES = (".h", ".c", ".S", ".build", ".lds", ".py")


def walk(folder, flat=False, suffixes=(".c", ".S")):
    base = os.path.join(ROOT, folder)
    for path, dirs, files in os.walk(base):
        dirs[:] = [] if flat else sorted(d for d in dirs if d != "__pycache__")
        for name in files:
            if name.endswith(suffixes) and not name.startswith("."):
                yield os.path.relpath(os.path.join(path, name), ROOT)


def tree():
    return sorted(p for f in FOLDERS for p in walk(f, suffixes=SUFFIXES))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    sub = ap.add_subparsers(dest="verb", required=True)
    p = sub.add_parser("list")
    p.add_argument("dir")
    p.add_argument("--flat", action="store_true")
    p.add_argument("--exclude", action="append", default=[])
    p = sub.add_parser("record")
    p.add_argument("file")
    p = sub.add_parser("check")
    p.add_argument("file")
    p.add_argument("build_dir")
    a = ap.parse_args()

    if a.verb == "list":
        for path in sorted(walk(a.dir, a.flat)):
            parts = path.split("/")
            if not any(x in parts or x == path for x in a.exclude):
                print(path)
        return 0
    text = "\n".join(tree()) + "\n"
    if a.verb == "record":
        with open(a.file, "w") as f:
            f.write(text)
        return 0
    try:
        with open(a.file) as f:
            old = f.read()
    except FileNotFoundError:
        old = ""
    if old == text:
        return 0
    # build.ninja depends on this file, so its date makes ninja run Meson.
    os.utime(os.path.join(a.build_dir, "meson-private", "coredata.dat"))
    gone = set(old.split()) - set(text.split())
    new = set(text.split()) - set(old.split())
    for sign, paths in (("+", new), ("-", gone)):
        for path in sorted(paths)[:20]:
            print(sign, path, file=sys.stderr)
    print("source files were added or removed: run the same command again", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
