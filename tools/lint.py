#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev lint: rules of this repository, then the analyzers that are installed.

  lint.py [--build DIR] [--rules | --full]

--rules: only our own rules (fast).  --full: the analyzers too (minutes the
first time; what a file said is kept in DIR/lint-cache until it changes).

Errors: a forbidden include, a missing licence line, unfinished work marked in
the sources, a warning of either compiler.  Advice, never an error: files over
700 lines, gcc -fanalyzer, cppcheck, duplicates."""
import argparse
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMIT = 700
JOBS = int(os.environ.get("NACRE_JOBS") or os.cpu_count() or 1)
FREESTANDING = {"stdbool.h", "stddef.h", "stdint.h", "stdarg.h"}
# who may include what: folder -> prefixes of quoted or angled paths
LAYERS = {
    "include": ("base/", "linux_abi/", "platform.h", "hostcall.h", "boot.h", "stats.h"),
    "kernel": ("base/", "linux_abi/", "platform.h", "hostcall.h", "boot.h", "stats.h", "kernel/"),
    "platform/skeleton": ("base/", "linux_abi/", "platform.h", "hostcall.h", "boot.h", "stats.h"),
}
# the kernel's folders are no business of the host side
HOST_SIDE = ("host", "runtime", "lib", "platform/process", "platform/testhost")


def tracked(*suffixes):
    git = ["git", "-c", "safe.directory=" + ROOT, "ls-files"]     # also for a user who does not own the files
    r = subprocess.run(git, cwd=ROOT, capture_output=True, text=True)
    if r.returncode:
        print("lint: not a git checkout")
        sys.exit(77)
    out = r.stdout
    return [p for p in out.splitlines() if p.endswith(suffixes) and os.path.exists(os.path.join(ROOT, p))]


def lines(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read().splitlines()


def rules():
    errors, advice = [], []
    sources = tracked(".c", ".h", ".S", ".py", ".sh", ".lds", "meson.build") + ["dev", ".ci/run"]
    for path in sources:
        text = lines(path)
        if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(text[:3]):
            errors.append(f"{path}:1: no SPDX line")
        if len(text) > LIMIT:
            advice.append(f"{path}: {len(text)} lines; would a reader sit through them?")
        for i, line in enumerate(text, 1):
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line) and path != "tools/lint.py":
                errors.append(f"{path}:{i}: unfinished: {line.strip()[:80]}")
            m = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if not m or not path.endswith((".c", ".h", ".S")):
                continue
            inc = m.group(1)
            if "/vdso/" in path:
                continue
            for layer, allowed in LAYERS.items():
                if path.startswith(layer + "/") and inc not in FREESTANDING and not inc.startswith(allowed):
                    local = os.path.normpath(os.path.join(os.path.dirname(path), inc))
                    if not local.startswith(layer) or not os.path.exists(os.path.join(ROOT, local)):
                        errors.append(f"{path}:{i}: {layer}/ must not include {inc}")
            if path.startswith(HOST_SIDE) and inc.startswith("kernel/"):
                errors.append(f"{path}:{i}: the host side must not include {inc}")
    return errors, advice


def run(title, argv, error=False, limit=40):
    r = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    text = (r.stdout + r.stderr).strip()
    if text:
        print(f"-- {title}\n" + "\n".join(text.splitlines()[:limit]))
    return error and r.returncode != 0


def flags(kernel):
    base = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wvla", "-Wno-unused-parameter", "-fno-strict-aliasing", "-Iinclude", "-I."]
    if not kernel:
        return base + ["-D_GNU_SOURCE"]
    return base + ["-ffreestanding", "-nostdinc", "-mgeneral-regs-only"]


def sources():
    for path in tracked(".c"):
        if "/vdso/" not in path and "/stub/" not in path and \
           path.startswith(("kernel/", "host/", "platform/process", "runtime/", "lib/")):
            yield path


def digest(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update(part if isinstance(part, bytes) else str(part).encode())
        h.update(b"\0")
    return h.hexdigest()


def content(path):
    with open(os.path.join(ROOT, path), "rb") as f:
        return f.read()


def compiler(name, extra, title, error, cache):
    """Every source through one compiler, several at a time.  What a file said
    is kept under the hash of it, all headers and the command."""
    inc = subprocess.run([name, "-print-file-name=include"], capture_output=True, text=True).stdout.strip()
    version = subprocess.run([name, "--version"], capture_output=True).stdout
    headers = digest(version, *[content(p) for p in tracked(".h")])
    os.makedirs(cache, exist_ok=True)

    def one(path):
        kernel = path.startswith("kernel/")
        argv = [name, *flags(kernel), *extra, "-c", path, "-o", "/dev/null"]
        if kernel:
            argv[1:1] = ["-isystem", inc]
        kept = os.path.join(cache, digest(headers, argv, content(path)))
        if os.path.exists(kept):
            with open(kept) as f:
                status, text = f.read().split("\n", 1)
            return path, int(status), text
        r = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
        text = (r.stdout + r.stderr).strip()
        with open(kept + ".new", "w") as f:
            f.write(f"{r.returncode}\n{text}")
        os.rename(kept + ".new", kept)
        return path, r.returncode, text

    bad = False
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, status, text in pool.map(one, sources()):
            if text:
                print(f"-- {title}: {path}\n" + "\n".join(text.splitlines()[:20]), flush=True)
            bad |= error and status != 0
    return bad


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--rules", action="store_true")
    ap.add_argument("--full", action="store_true")
    a = ap.parse_args()
    errors, advice = rules()
    for e in errors:
        print("error:", e)
    for e in advice:
        print("advice:", e)
    bad = bool(errors)
    cache = os.path.join(a.build, "lint-cache")
    if not a.rules:
        for name in ("gcc", "clang"):
            if shutil.which(name):
                bad |= compiler(name, ["-Werror", "-fsyntax-only"], name, True, cache)
    if a.full:
        compiler("gcc", ["-fanalyzer", "-Wno-analyzer-malloc-leak"], "gcc -fanalyzer (advice)", False, cache)
        if shutil.which("cppcheck"):
            run("cppcheck (advice)", ["cppcheck", "--quiet", "-j", str(JOBS), "--enable=warning,portability", "--suppressions-list=tools/cppcheck.list",
                                      "-D__CPPCHECK__", "-Iinclude", "-I.",
                                      "--suppress=missingIncludeSystem", "--std=c11", "kernel", "host", "runtime", "platform/process"])
        if shutil.which("duplicates"):
            run("duplicates (advice)", ["duplicates"])
    print("lint:", "failed" if bad else "clean")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
