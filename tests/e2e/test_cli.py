# SPDX-License-Identifier: Apache-2.0
"""nacre as a command: exit codes, streams, options, bad input, end of life."""
import os
import pty
import random
import select
import signal
import subprocess
import time

from harness import Failure, as_user, slow, timeout


def test_true(t):
    t.expect(t.do("/bin/true"), out="")


def test_exit_status(t):
    for n in (0, 1, 42, 255):
        t.expect(t.sh(f"exit {n}"), status=n)


def test_killed_by_signal(t):
    t.expect(t.sh("kill -TERM $$"), status=143)
    t.expect(t.sh("kill -KILL $$"), status=137)


def test_not_found_127(t):
    r = t.do("no-such-program-here")
    t.expect(r, status=127, err_contains="no-such-program-here")


def test_not_executable_126(t):
    path = t.write("plain", "just text\n")
    t.expect(t.do(path), status=126, err_contains="plain")
    t.expect(t.do("/tmp"), status=126)


def test_pipeline_of_the_issue(t):
    r = t.run(["sh", "-c", f"seq 5 | {t.nacre_path} do -- sort -r | head -1"])
    t.expect(r, out="5\n")


def test_stdin_stdout_stderr(t):
    r = t.sh("cat; echo err >&2", stdin="one\ntwo\n")
    t.expect(r, out="one\ntwo\n", err_contains="err")


def test_large_stdin(t):
    data = "".join(f"{i}\n" for i in range(200000))
    t.expect(t.do("wc", "-c", stdin=data), out=f"{len(data)}\n")


def test_large_stdout(t):
    t.expect(t.run(["sh", "-c", f"{t.nacre_path} do -- head -c 5000000 /dev/zero | wc -c"]), out="5000000\n")


def test_stdout_closed_early(t):
    r = t.run(["bash", "-c", f"set -o pipefail; {t.nacre_path} do -- yes | head -1"])
    t.ok(r.out == "y\n" and r.status in (141, 1), "SIGPIPE ends yes", r)


def test_redirected_files(t):
    t.write("in", "b\na\n")
    r = t.run(["sh", "-c", f"{t.nacre_path} do -- sort <in >out; cat out"])
    t.expect(r, out="a\nb\n")


def test_own_kernel(t):
    r = t.sh("uname -sr; cat /proc/version")
    t.expect(r, contains="Nacre")
    host = os.uname()
    t.ok(host.version not in r.out, "the host's kernel version shows", r)


def test_own_process_tree(t):
    r = t.sh("ps -e | wc -l; ls -d /proc/[0-9]* | wc -l")
    t.ok(r.status == 0 and all(int(x) < 10 for x in r.out.split()), "few processes inside", r)
    r = t.sh(f"test -e /proc/{os.getpid()}x || ls -d /proc/{os.getpid()}")
    t.ok(f"/proc/{os.getpid()}" not in r.out or os.getpid() < 10, "a host pid shows", r)


def test_host_files_visible_and_untouched(t):
    t.write("f", "original")
    r = t.sh("cat f; echo changed > f; echo new > g; rm -rf sub; cat f")
    os.makedirs(os.path.join(t.tmp, "sub"), exist_ok=True)
    t.expect(r, contains="changed")
    with open(os.path.join(t.tmp, "f")) as f:
        t.ok(f.read() == "original", "the host's file changed")
    t.ok(not os.path.exists(os.path.join(t.tmp, "g")), "a file appeared on the host")


def test_environment(t):
    r = t.do("env", opts=["--env", "A_B=c d"], env={"NACRE_LEAK_TEST": "yes"})
    t.expect(r, contains="A_B=c d")


def test_cwd(t):
    t.expect(t.do("pwd", opts=["--cwd", "/usr/share"]), out="/usr/share\n")
    t.expect(t.do("pwd"), out=os.path.realpath(t.tmp) + "\n")


def test_hostname(t):
    t.expect(t.do("uname", "-n", opts=["--hostname", "oyster"]), out="oyster\n")


def test_user(t):
    t.expect(t.do("id", "-u", opts=["--user", "1234:1235"]), out="1234\n")
    t.expect(t.do("id", "-g", opts=["--user", "1234:1235"]), out="1235\n")


def test_cpus(t):
    t.expect(t.do("nproc", opts=["--cpus", "1"]), out="1\n")
    t.expect(t.do("nproc", opts=["--cpus", "2"]), out="2\n")


def test_rw(t):
    d = os.path.join(t.tmp, "shared")
    os.mkdir(d)
    t.expect(t.do("sh", "-c", "echo hello > shared/f; mkdir shared/d; ln -s f shared/l", opts=["--rw", d]))
    with open(os.path.join(d, "f")) as f:
        t.ok(f.read() == "hello\n", "the write did not reach the host")
    t.ok(os.readlink(os.path.join(d, "l")) == "f" and os.path.isdir(os.path.join(d, "d")), "entries are missing")


def test_ro(t):
    d = os.path.join(t.tmp, "shared")
    os.mkdir(d)
    t.write("shared/f", "x")
    r = t.do("sh", "-c", "cat shared/f; echo no > shared/f", opts=["--ro", d])
    t.ok(r.status != 0 and "Read-only" in r.err and r.out == "x", "a read-only directory was written", r)


def test_tmpfs(t):
    d = os.path.join(t.tmp, "scratch")
    os.mkdir(d)
    t.write("scratch/hidden", "x")
    t.expect(t.do("sh", "-c", "ls scratch; echo a > scratch/b; cat scratch/b", opts=["--tmpfs", d]), out="a\n")
    t.ok(os.listdir(d) == ["hidden"], "the host's directory changed")


def test_hide(t):
    t.write("secret/key", "password")
    t.write("single", "password")
    opts = ["--hide", os.path.join(t.tmp, "secret"), "--hide", os.path.join(t.tmp, "single")]
    r = t.do("sh", "-c", "cat secret/key single; ls secret", opts=opts)
    t.ok("password" not in r.out, "a hidden file shows", r)


def test_network_is_off(t):
    r = t.do("python3", "-c", "import socket\ntry:\n s=socket.socket(); s.connect(('127.0.0.1',22)); print('connected')\nexcept OSError as e: print('off')")
    t.expect(r, out="off\n")


def test_unknown_option(t):
    r = t.nacre("do", "--no-such-option", "--", "true")
    t.ok(r.status not in (0,) and "no-such-option" in r.err, "an unknown option is named", r)
    r = t.nacre("frobnicate")
    t.ok(r.status != 0 and "frobnicate" in r.err, "an unknown verb is named", r)
    r = t.nacre("do")
    t.ok(r.status != 0 and r.err, "no program", r)


def test_help_and_version(t):
    t.expect(t.nacre("--help"), contains=["do", "run", "doctor"])
    t.expect(t.nacre("--version"), contains="nacre")


def test_doctor(t):
    t.expect(t.nacre("doctor"), contains="tier")


def test_doctor_tells_the_scheduler_s_groups(t):
    """By the machine's own files, read another way."""
    def text(path):
        try:
            with open(path) as f:
                return f.read()
        except OSError:
            return ""
    groups = {c: line.split(":", 2)[2] for line in text("/proc/self/cgroup").splitlines() for c in line.split(":")[1].split(",")}
    cpu = groups.get("cpu", groups.get("", "/"))
    alone = text("/proc/sys/kernel/sched_autogroup_enabled").strip() == "1" and cpu == "/"
    r = t.expect(t.nacre("doctor"), contains="scheduled as one")
    line = next(li for li in r.out.splitlines() if "scheduled as one" in li)
    if not alone:
        t.ok("share a group" in line, line, r)
    elif os.path.exists("/sys/fs/cgroup/cpu/release_agent"):    # nobody shows us less than the whole
        t.ok("a group of its own" in line, line, r)


def test_doctor_surface(t):
    r = t.expect(t.nacre("doctor", "--surface"))
    import re
    app = re.search(r"app[^\n]*?(\d+)", r.out)
    sandbox = re.search(r"sandbox[^\n]*?(\d+)", r.out)
    t.ok(app and int(app.group(1)) <= 8, "app threads: at most 8 host calls", r)
    t.ok(sandbox and int(sandbox.group(1)) <= 45, "the sandbox process: at most 45 host calls", r)


def test_strace_to_file(t):
    log = os.path.join(t.tmp, "log")
    t.expect(t.do("cat", "/etc/hostname", opts=[f"--strace={log}"]))
    with open(log) as f:
        text = f.read()
    t.ok("openat(" in text and "read(" in text, "decoded calls:\n" + text[:2000])


def test_run_rootfs(t):
    t.need("busybox")
    root = os.path.join(t.tmp, "root")
    for d in ("bin", "etc", "tmp", "proc", "dev"):
        os.makedirs(os.path.join(root, d))
    t.run(["cp", "/bin/busybox", root + "/bin/busybox"])
    for a in ("sh", "cat", "ls", "echo"):
        os.symlink("busybox", root + "/bin/" + a)
    t.write("root/etc/os-release", "NAME=Pearl\n")
    t.expect(t.nacre("run", root, "--", "/bin/sh", "-c", "cat /etc/os-release; echo x > /new; ls /new"), out="NAME=Pearl\n/new\n")
    t.ok(not os.path.exists(root + "/new"), "the root file system was written")


def test_run_missing_root(t):
    r = t.nacre("run", "/no/such/root", "--", "/bin/sh")
    t.ok(r.status != 0 and "/no/such/root" in r.err, "the missing root is named", r)


def test_memory_limit_kills_inside(t):
    r = t.do("sh", "-c", "python3 -c 'b=bytearray(400<<20); print(len(b))'; echo status $?; echo alive",
             opts=["--memory", "128M"], timeout=60)
    t.expect(r, contains=["status 137", "alive"])
    t.ok("memory" in r.err.lower(), "a message says why", r)


def test_memory_limit_leaves_room(t):
    t.expect(t.do("python3", "-c", "b=bytearray(50<<20); print(len(b))", opts=["--memory", "256M"]), out=f"{50 << 20}\n")


def test_huge_argv(t):
    t.expect(t.do("/bin/echo", "x" * 100000), out="x" * 100000 + "\n")
    t.expect(t.sh("set -- $(seq 20000); /bin/echo $# ; /bin/echo \"$@\" | wc -c"), contains="20000")
    r = t.sh("x=$(head -c 200000 /dev/zero | tr '\\0' x); /bin/echo $x $x | wc -c")
    t.ok(r.status != 125, "a huge argument", r)


def test_broken_elf(t):
    with open("/bin/true", "rb") as f:
        good = f.read()
    cases = {"trunc-header": good[:40], "trunc": good[:300], "half": good[:len(good) // 2]}
    bad = bytearray(good)
    bad[56:58] = b"\xff\xff"
    cases["phnum"] = bytes(bad)
    bad = bytearray(good)
    bad[32:40] = b"\xff" * 8
    cases["phoff"] = bytes(bad)
    bad = bytearray(good)
    bad[24:32] = b"\xff" * 8
    cases["entry"] = bytes(bad)
    bad = bytearray(good)
    bad[18:20] = b"\xb7\0"
    cases["machine"] = bytes(bad)
    for name, data in cases.items():
        path = t.write(name, data, 0o755)
        r = t.do(path)
        t.ok(r.status in (126, 127, 132, 135, 137, 139), f"{name}: a clear end", r)


def nacre_children(t):
    out = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    return [line for line in out.splitlines() if t.tmp in line]


def kill_and_look(t, sig, before=""):
    p = subprocess.Popen([t.nacre_path, "do", "--", "sh", "-c", f"{before}echo up {t.tmp}; sleep 100 & sleep 100"], stdout=subprocess.PIPE,
                         cwd=t.tmp, start_new_session=True)
    t.ok(p.stdout.readline().startswith(b"up"), "it starts")
    p.send_signal(sig)
    try:
        p.wait(10)
    except subprocess.TimeoutExpired:
        raise Failure(f"signal {sig} does not end it")
    # the worker's check of leftovers does the rest


def test_killed_sigkill(t):
    kill_and_look(t, signal.SIGKILL)


def test_killed_sigterm(t):
    kill_and_look(t, signal.SIGTERM)


def test_killed_sighup_sigint_sigquit(t):
    for s in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        kill_and_look(t, s)


@timeout(170)
def test_killed_at_any_moment(t):
    """Signals during the start, also before there is a program to take them."""
    rng = random.Random(7)
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGALRM, signal.SIGKILL):
        for _ in range(15):
            delay = rng.uniform(0, 0.012)
            p = subprocess.Popen([t.nacre_path, "do", "--", "sleep", "100"], cwd=t.tmp, start_new_session=True)
            time.sleep(delay)
            p.send_signal(s)
            try:
                st = p.wait(10)
            except subprocess.TimeoutExpired:
                raise Failure(f"{s.name} after {delay * 1000:.1f} ms does not end it")
            # Before nacre takes signals over it dies of them; then it says 128 + N.
            t.ok(st in (-s, 128 + s), f"{s.name} after {delay * 1000:.1f} ms: status {st}")


def test_ends_with_signals_on_their_way(t):
    """What the sandbox had not read when it ended does not hide its exit status."""
    for _ in range(20):
        p = subprocess.Popen([t.nacre_path, "do", "--", "sh", "-c", "echo; exec sleep 100"], cwd=t.tmp,
                             stdout=subprocess.PIPE, start_new_session=True)
        p.stdout.readline()
        p.send_signal(signal.SIGTERM)
        while p.poll() is None:
            for s in signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM:
                os.kill(p.pid, s)
        p.stdout.close()
        t.ok(p.returncode - 128 in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM), f"status {p.returncode}")


def test_killed_sigint_ignored(t):
    """A SIGINT that no keyboard sent ends even a program that ignores it."""
    kill_and_look(t, signal.SIGINT, "trap '' INT; ")


def caller_signals():
    """What nohup, shells and others hand on to the programs that they start."""
    for s in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE, signal.SIGTSTP):
        signal.signal(s, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR1, signal.SIGWINCH, signal.SIGRTMAX])


def test_signals_of_the_caller(t):
    """The program starts with what the caller ignores and blocks, as after a plain execve."""
    show = ["grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status"]
    t.expect(t.do(*show, preexec_fn=caller_signals, restore_signals=False),
             out=t.run(show, preexec_fn=caller_signals, restore_signals=False).out)
    t.expect(t.sh("exit 3", preexec_fn=caller_signals, restore_signals=False), status=3)


def test_signal_ignored_by_the_caller(t):
    """It reaches a handler that the program sets, and ends nothing, however often it comes."""
    prog = t.write("catch.py", "import signal\n"
                   "signal.signal(signal.SIGHUP, lambda *_: print('hup', flush=True))\n"
                   "print('ready', flush=True)\n"
                   "while True:\n    signal.pause()\n")
    p = subprocess.Popen([t.nacre_path, "do", "--", "python3", prog], cwd=t.tmp, stdout=subprocess.PIPE, start_new_session=True,
                         preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    with p.stdout:
        t.ok(p.stdout.readline() == b"ready\n", "the program runs")
        for _ in range(3):
            p.send_signal(signal.SIGHUP)
            t.ok(p.stdout.readline() == b"hup\n", "its handler runs")
        p.send_signal(signal.SIGTERM)
        t.ok(p.wait(20) == 143, f"status {p.returncode}")


def test_background_process_ends_with_init(t):
    t.expect(t.sh("sleep 1000 & echo done"), out="done\n")


def test_reaps_orphans(t):
    t.expect(t.sh("for i in 1 2 3 4 5; do (sleep 0.05 & ) ; done; sleep 0.4; ps -eo stat | grep -c Z || true"), out="0\n")


@timeout(60)
def test_many_in_parallel(t):
    ps = [subprocess.Popen([t.nacre_path, "do", "--", "sh", "-c", "echo $((6*7))"], stdout=subprocess.PIPE) for _ in range(8)]
    t.ok(all(p.communicate(timeout=40)[0] == b"42\n" for p in ps), "eight sandboxes at a time")


class Term:
    """nacre on a terminal of its own."""

    def __init__(self, t, *argv, rows=24, cols=80):
        self.t, self.out = t, ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1="$ ", TERM="dumb", HISTFILE="/dev/null")
            os.chdir(t.tmp)
            os.execv(t.nacre_path, [t.nacre_path, *argv])
        self.size(rows, cols)

    def size(self, rows, cols):
        import fcntl
        import struct
        import termios
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode())

    def expect(self, text, seconds=10):
        end = time.monotonic() + seconds
        while text not in self.out:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise Failure(f"{text!r} did not come; got {self.out[-2000:]!r}")
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            if not data:
                raise Failure(f"the terminal closed before {text!r}; got {self.out[-2000:]!r}")
            self.out += data.decode(errors="replace")
        self.out = self.out[self.out.index(text) + len(text):]

    def wait(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    os.read(self.fd, 4096)
                except OSError:
                    pass
            pid, st = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(st)
        os.kill(self.pid, signal.SIGKILL)
        raise Failure("no end")


def test_tty_interactive_bash(t):
    s = Term(t, "do", "--", "bash", "--norc", "--noprofile", "-i")
    s.send("echo $((40+2)); tty; stty size\n")
    s.expect("42")
    s.expect("/dev/pts/0")
    s.expect("24 80")
    s.send("exit 3\n")
    t.ok(s.wait() == 3, "exit status of an interactive shell")


def test_tty_size_set_at_any_time(t):
    """The terminal's size is what it is in the end, whenever in the start it was set."""
    for i in range(12):
        s = Term(t, "do", "--", "sh", rows=0, cols=0)
        time.sleep(i * 0.0006)
        s.size(33, 99 + i)
        s.send("sleep 0.2; stty size\n")
        s.expect(f"33 {99 + i}")
        s.send("exit\n")
        s.wait()


def test_tty_ctrl_c(t):
    s = Term(t, "do", "--", "bash", "--norc", "--noprofile", "-i")
    s.send("sleep 100; echo st=$?\n")
    time.sleep(0.6)
    s.send("\x03")
    s.send("echo ali''ve $?\n")
    s.expect("alive 130")
    s.send("exit 0\n")
    s.wait()


def test_tty_ctrl_z_and_fg(t):
    s = Term(t, "do", "--", "bash", "--norc", "--noprofile", "-i")
    s.send("sh -c 'echo u''p; exec sleep 3'\n")
    s.expect("up")
    time.sleep(0.4)
    s.send("\x1a")
    s.expect("Stopped")
    s.send("jobs; bg; wait; echo all''done\n")
    s.expect("alldone")
    s.send("exit 0\n")
    t.ok(s.wait() == 0, "exit")


def test_tty_line_editing(t):
    s = Term(t, "do", "--", "bash", "--norc", "--noprofile", "-i")
    s.send("ecko hi\x1b[D\x1b[D\x1b[D\x1b[D\x7fh\x1b[C\n".replace("\x1b[D\x7f", "\x1b[D\x7f"))
    s.send("echo fin''ished\n")
    # The prompt comes after the switch to raw mode: a Ctrl-D that is typed
    # earlier is no end of file to bash, on Linux neither.
    s.expect("finished\r\n$ ")
    s.send("\x04")
    s.wait()


def test_tty_window_size_change(t):
    s = Term(t, "do", "--", "bash", "--norc", "--noprofile", "-i")
    s.send("echo rea''dy\n")
    s.expect("ready")
    s.size(50, 132)
    s.send("until [ \"$(stty size)\" = '50 132' ]; do sleep 0.05; done; echo se''en\n")
    s.expect("seen")
    s.send("exit 0\n")
    s.wait()


def test_tty_restored(t):
    p = subprocess.run(["script", "-qec", f"stty -a > before; {t.nacre_path} do -- true; stty -a > after", "/dev/null"],
                       cwd=t.tmp, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    a, b = (open(os.path.join(t.tmp, n)).read() for n in ("before", "after"))
    t.ok(a == b and a, f"the terminal's settings changed\n{a}\n{b}\n{p.stdout}")


@slow
@as_user("root")
@timeout(40)
def test_idle_means_idle(t):
    p = subprocess.Popen([t.nacre_path, "do", "--", "sh", "-c", "echo up; sleep 30"], stdout=subprocess.PIPE, start_new_session=True)
    try:
        p.stdout.readline()
        time.sleep(1)
        tree, todo = [], [p.pid]
        while todo:
            pid = todo.pop()
            tree.append(pid)
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as f:
                    todo += [int(x) for x in f.read().split()]

        def switches():
            n = 0
            for pid in tree:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/status") as f:
                        n += sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)
            return n
        a = switches()
        time.sleep(10)
        b = switches()
        t.ok(b - a == 0, f"{b - a} context switches in 10 idle seconds")
    finally:
        p.kill()
        p.wait()
