# SPDX-License-Identifier: Apache-2.0
"""What tests use: run nacre, compare, skip.  Only the standard library.

A test is a function test_NAME(t) of a module tests/SUITE/test_*.py; t is a
Test.  It passes by returning.  @as_user("root", "user") says who runs it
(default: both, as far as the caller can); @slow leaves it to --full;
@timeout(seconds) changes the limit."""
import os
import shutil
import signal
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Skip(Exception):
    pass


class Failure(Exception):
    pass


def as_user(*users):
    def mark(f):
        f.users = users
        return f
    return mark


def slow(f):
    f.slow = True
    return f


def timeout(seconds):
    def mark(f):
        f.timeout = seconds
        return f
    return mark


class Result:
    def __init__(self, argv, status, out, err):
        self.argv, self.status, self.out, self.err = argv, status, out, err

    def __str__(self):
        return (f"$ {' '.join(self.argv)}\nexit status {self.status}\n"
                f"--- stdout\n{self.out[-3000:]}\n--- stderr\n{self.err[-3000:]}")


class Test:
    def __init__(self, build, user):
        self.build = os.path.abspath(build)
        self.nacre_path = os.path.join(self.build, "nacre")
        self.user = user                # "root" or "user"
        self.tmp = tempfile.mkdtemp(prefix="nacre-test-")
        self.root = ROOT

    def cleanup(self):
        subprocess.run(["chmod", "-R", "u+rwX", self.tmp], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.tmp, ignore_errors=True)

    # -- running --
    def run(self, argv, stdin="", timeout=30, env=None, cwd=None, text=True, **kw):
        """Run a command to its end; the process group is killed on timeout."""
        full = dict(os.environ, TMPDIR=self.tmp)
        full.update(env or {})
        data = stdin.encode() if isinstance(stdin, str) else stdin
        p = subprocess.Popen(argv, stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=full,
                             cwd=cwd or self.tmp, start_new_session=True, **kw)
        try:
            out, err = p.communicate(data, timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            out, err = p.communicate()
            raise Failure(f"no end after {timeout} s\n"
                          + str(Result(argv, "timeout", out.decode(errors="replace"), err.decode(errors="replace"))))
        if text:
            out, err = out.decode(errors="replace"), err.decode(errors="replace")
        return Result([str(a) for a in argv], p.returncode, out, err)

    def nacre(self, *args, **kw):
        return self.run([self.nacre_path, *args], **kw)

    def do(self, *args, opts=(), **kw):
        """nacre do OPTS -- ARGS"""
        return self.nacre("do", *opts, "--", *args, **kw)

    def sh(self, script, **kw):
        return self.do("sh", "-c", script, **kw)

    # -- judging --
    def ok(self, condition, what, result=None):
        if not condition:
            raise Failure(what + ("\n" + str(result) if result is not None else ""))

    def expect(self, result, out=None, status=0, contains=None, err_contains=None):
        self.ok(result.status == status, f"exit status {result.status}, expected {status}", result)
        if out is not None:
            self.ok(result.out == out, f"unexpected output, expected {out!r}", result)
        for text in [contains] if isinstance(contains, str) else contains or []:
            self.ok(text in result.out, f"{text!r} is not in the output", result)
        for text in [err_contains] if isinstance(err_contains, str) else err_contains or []:
            self.ok(text in result.err, f"{text!r} is not in the messages", result)
        return result

    def skip(self, why):
        raise Skip(why)

    def need(self, *programs):
        for p in programs:
            if not shutil.which(p):
                raise Skip(f"{p} is not installed")

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.tmp, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(text, bytes) else "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def compile(self, source, *flags, cc="cc", name=None):
        """Build a C file (path, or text with a newline in it); cached by content."""
        if "\n" in source:
            source = self.write("t%x.c" % (hash(source) & 0xffffffff), source)
        out = os.path.join(self.tmp, name or os.path.basename(source)[:-2])
        r = self.run([cc, "-O1", "-w", "-o", out, source, *flags], timeout=60)
        self.ok(r.status == 0, "compiling failed", r)
        return out
