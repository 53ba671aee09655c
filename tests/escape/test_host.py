# SPDX-License-Identifier: Apache-2.0
"""From inside a sandbox to the host's files, sockets, processes, descriptors.

Each attack is tests/escape/probe.c, run twice: natively, where it must work
(the positive control), and by `nacre do`, where it must not."""
import ctypes
import os
import re
import socket
import subprocess
import threading
import time

from harness import as_user, timeout

SECRET = "host-secret-7f3a"


def probe(t):
    return t.compile(os.path.join(t.root, "tests", "escape", "probe.c"), "-D_GNU_SOURCE", "-static")


def attack(t, args, opts=(), native=True, control_args=None, allow=(), **kw):
    """native: False when the control cannot be shown (print why)."""
    p = probe(t)
    if native:
        r = t.run([p, *(control_args or args)], **kw)
        t.ok(r.status == 0, "the control failed: the attack does not even work natively", r)
    r = t.do(p, *args, opts=opts, **kw)
    t.ok(r.status == 1 and r.out.startswith("refused"), "not refused inside", r)
    return r


def secret_dir(t):
    os.chmod(t.tmp, 0o755)
    os.makedirs(os.path.join(t.tmp, "shared"), exist_ok=True)
    t.write("outside/secret", SECRET)
    return os.path.join(t.tmp, "shared"), os.path.join(t.tmp, "outside", "secret")


def test_unix_socket(t):
    path = os.path.join(t.tmp, "sock")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen(8)
        os.chmod(path, 0o777)
        attack(t, ["connect", path])
        attack(t, ["connect", path], opts=("--rw", t.tmp))
        attack(t, ["connect", path], opts=("--ro", t.tmp))


def test_abstract_socket(t):
    name = f"nacre-escape-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("\0" + name)
        s.listen(8)
        attack(t, ["connect", "@" + name])


def test_socket_through_symlink(t):
    path = os.path.join(t.tmp, "sock")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen(8)
        os.symlink(path, os.path.join(t.tmp, "link"))
        attack(t, ["connect", os.path.join(t.tmp, "link")], opts=("--rw", t.tmp))


def test_fifo(t):
    path = os.path.join(t.tmp, "fifo")
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        attack(t, ["fifo", path])
        attack(t, ["fifo", path], opts=("--rw", t.tmp))
    finally:
        os.close(fd)


@as_user("root")
def test_devices(t):
    path = os.path.join(t.tmp, "kmsg")
    try:
        # A number that Nacre has no device of its own for.
        os.mknod(path, 0o20666, os.makedev(1, 11))
        os.close(os.open(path, os.O_RDWR))
    except OSError:
        t.skip("device nodes cannot be made or opened here: no control")
    attack(t, ["open-rdwr", path])
    attack(t, ["open-rdwr", path], opts=("--rw", t.tmp))
    # Made inside, it is a node of Nacre's: nothing of the host's appears.
    t.do(probe(t), "mknod", os.path.join(t.tmp, "made"), opts=("--rw", t.tmp))
    t.ok(not os.path.exists(os.path.join(t.tmp, "made"))
         or not os.stat(os.path.join(t.tmp, "made")).st_rdev, "a device node on the host")


def test_symlinks_and_dotdot(t):
    shared, secret = secret_dir(t)
    os.symlink(secret, os.path.join(shared, "absolute"))
    os.symlink("../outside/secret", os.path.join(shared, "relative"))
    os.symlink("..", os.path.join(shared, "up"))
    opts = ("--hide", os.path.dirname(secret), "--rw", shared)
    for name in ("absolute", "relative", "../outside/secret", "up/outside/secret",
                 "../shared/../outside/secret", "up/up/" + secret[1:]):
        attack(t, ["holds", os.path.join(shared, name), SECRET], opts=opts,
               control_args=["holds", os.path.join(shared, name if not name.startswith("up/up") else "up/outside/secret"), SECRET])
    # Shared elsewhere, the links of the directory lead into the sandbox's root.
    root = os.path.join(t.tmp, "root")
    os.makedirs(os.path.join(root, "in"))
    p = probe(t)
    t.run(["cp", p, os.path.join(root, "probe")])
    for name in ("absolute", "relative", "../outside/secret", "../../../../../../.." + secret):
        r = t.nacre("run", "--rw", shared + ":/in", root, "--", "/probe", "holds", "/in/" + name, SECRET)
        t.ok(r.status == 1 and r.out.startswith("refused"), f"{name}: not refused", r)


def test_magic_links(t):
    shared, secret = secret_dir(t)
    with open(secret) as f:
        fd = f.fileno()
        for who in (os.getpid(), "self"):
            os.symlink(f"/proc/{who}/fd/{fd}", os.path.join(shared, f"magic-{who}"))
        os.symlink(f"/proc/{os.getpid()}/root{secret}", os.path.join(shared, "root-link"))
        os.symlink(f"/proc/{os.getpid()}/cwd", os.path.join(shared, "cwd-link"))
        opts = ("--hide", os.path.dirname(secret), "--rw", shared)
        attack(t, ["holds", os.path.join(shared, f"magic-{os.getpid()}"), SECRET], opts=opts)
        attack(t, ["holds", os.path.join(shared, "root-link"), SECRET], opts=opts)
        # Of the process itself, with the file passed on natively as control.
        attack(t, ["holds", os.path.join(shared, "magic-self"), SECRET], opts=opts, pass_fds=(fd,))


def exchange(a, b, stop, libc=ctypes.CDLL(None)):
    a, b = a.encode(), b.encode()
    while not stop.is_set():
        for _ in range(50):
            libc.renameat2(-100, a, -100, b, 2)         # RENAME_EXCHANGE


@timeout(60)
def test_renames_raced_against_lookups(t):
    """A directory and a symlink out of the shared tree change places all the time."""
    shared, secret = secret_dir(t)
    t.write("shared/dir/secret", "harmless")
    os.symlink(os.path.dirname(secret), os.path.join(shared, "way-out"))
    t.write("shared/deep/a/b/c/secret", "harmless")
    root = os.path.join(t.tmp, "root")
    os.makedirs(os.path.join(root, "in"))
    t.run(["cp", probe(t), os.path.join(root, "probe")])
    for pair, path in ((("dir", "way-out"), "dir/secret"),
                       (("deep/a/b", "deep-b"), "deep/a/b/c/../../../../../outside/secret")):
        if pair[1] == "deep-b":
            os.makedirs(os.path.join(shared, "deep-b", "c"), exist_ok=True)
        stop = threading.Event()
        # The race is run from the host: its names change under the gofer.
        mover = threading.Thread(target=exchange, args=(*(os.path.join(shared, x) for x in pair), stop))
        mover.start()
        try:
            if pair[0] == "dir":
                r = t.run([probe(t), "race", os.path.join(shared, path), SECRET, "3"])
                t.ok(r.status == 0, "control: the race is not won natively either", r)
            r = t.nacre("run", "--rw", shared + ":/in", root, "--", "/probe", "race", "/in/" + path, SECRET, "3")
        finally:
            stop.set()
            mover.join()
        t.ok(r.status == 1 and r.out.startswith("refused"), "the race led out of the shared directory", r)


def test_host_processes(t):
    with subprocess.Popen(["sleep", "100"]) as p:
        try:
            time.sleep(0.05)
            # A high pid of the host's is nobody's inside.
            attack(t, ["holds", f"/proc/{p.pid}/cmdline", "sleep"])
            attack(t, ["holds", f"/proc/{p.pid}/environ", "PATH="])
            attack(t, ["kill", str(p.pid)], control_args=["kill", str(p.pid)])
        finally:
            p.kill()
    with subprocess.Popen(["sleep", "100"]) as p:
        try:
            r = t.run([probe(t), "ptrace", str(p.pid)])
            if r.status == 0:           # Yama may forbid the control
                attack(t, ["ptrace", str(p.pid)], native=False)
            else:
                print("note: ptrace of a stranger is forbidden natively too: no control")
        finally:
            p.kill()


def test_memory_of_host_processes(t):
    text = ctypes.create_string_buffer(SECRET.encode())
    args = ["memory", str(os.getpid()), hex(ctypes.addressof(text)), SECRET]
    r = t.run([probe(t), *args])
    attack(t, args, native=False)
    if r.status != 0:
        print("note: the host forbids reading a stranger's memory natively too: no control")


def test_pid_one_inside(t):
    """Whoever pid 1 is inside, it is not a process of the host's."""
    attack(t, ["memory", "1", "0x4c0000", SECRET], native=False)
    r = t.do("sh", "-c", "cat /proc/1/comm; readlink /proc/1/exe; readlink /proc/1/root; ls /proc/1/fd | wc -l")
    t.ok("nacre" not in r.out.split("\n", 1)[0] or "sandbox" not in r.out, "pid 1 is the host's sandbox process", r)
    r = t.do("sh", "-c", "for p in $(seq 2 400); do kill -0 $p 2>/dev/null && [ $p != $$ ] && cat /proc/$p/comm; done; true")
    t.ok("nacre" not in r.out, "Nacre's own processes are seen inside", r)


def test_proc_of_the_host(t):
    with open("/proc/sys/kernel/random/boot_id") as f:
        boot = f.read().strip()
    attack(t, ["holds", "/proc/sys/kernel/random/boot_id", boot])
    with open("/proc/version") as f:
        version = f.read().strip()
    attack(t, ["holds", "/proc/version", version])
    with open("/proc/self/mountinfo") as f:
        source = max((line.strip().split(" - ")[1] for line in f), key=len)
    attack(t, ["holds", "/proc/self/mountinfo", source])
    with open("/proc/cmdline") as f:
        attack(t, ["holds", "/proc/cmdline", f.read().strip()])
    # The addresses of the stub and the sandbox do not show.
    r = t.do("cat", "/proc/self/maps")
    t.ok(not re.search(r"(^|-)7ff0[0-9a-f]{8}\b", r.out, re.M) and "nacre" not in r.out, "the stub area in maps", r)


def test_self_mem(t):
    """/proc/self/mem is Nacre's: it does not reach the stub's own pages."""
    code = r"""
import os, sys
fd = os.open('/proc/self/mem', os.O_RDWR)
for at in (0x7ff000000000, 0x7ff000100000, 0x7ff000102000, 0x7ff000110000):
    for f in (lambda: os.pread(fd, 8, at), lambda: os.pwrite(fd, b'x' * 8, at)):
        try:
            n = f()
            if n: print('reached', hex(at))
        except OSError as e:
            pass
print('done')
"""
    t.need("python3")
    r = t.do("/usr/bin/python3", "-c", code)
    if r.status and "mem" in r.err:
        return                          # no such file: refused as well
    t.expect(r, out="done\n")


def test_inherited_descriptors(t):
    shared, secret = secret_dir(t)
    with open(secret) as f:
        d = os.open(os.path.dirname(secret), os.O_RDONLY | os.O_DIRECTORY)
        try:
            for fd in (f.fileno(), d):
                os.set_inheritable(fd, True)
            attack(t, ["fd", str(f.fileno()), SECRET], pass_fds=(f.fileno(),))
            attack(t, ["fd-path", str(d), "secret"], pass_fds=(d,))
            r = t.do("sh", "-c", "ls /proc/self/fd", pass_fds=(d, f.fileno()))
            t.ok(sorted(r.out.split()) == ["0", "1", "2", "3"], "descriptors inside", r)
        finally:
            os.close(d)


def test_environment(t):
    env = {"NACRE_ESCAPE_SECRET": SECRET}
    attack(t, ["env", "NACRE_ESCAPE_SECRET"], opts=("--clear-env",), env=env)
    r = t.do("sh", "-c", "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'", opts=("--clear-env",), env=env)
    t.ok(SECRET not in r.out, "the caller's environment is in /proc", r)
    r = t.do("env", env={"NACRE_INTERNAL": "1"})
    t.ok("GOFER" not in r.out, "Nacre's own variables inside", r)


@as_user("root")
def test_file_handles(t):
    shared, _ = secret_dir(t)
    r = t.run([probe(t), "handle", shared])
    attack(t, ["handle", shared], opts=("--rw", shared), native=False)
    if r.status:
        print("note: this host's file system has no file handles: no control")


def test_writes_do_not_reach_the_host(t):
    path = t.write("keep", "before")
    t.run(["chmod", "666", path])
    script = f"echo after > {path}; rm -f {path}; mkdir {t.tmp}/new; ln -s x {t.tmp}/new2; true"
    t.sh(script)
    with open(path) as f:
        t.ok(f.read() == "before", "a write reached the host")
    t.ok(not os.path.lexists(t.tmp + "/new") and not os.path.lexists(t.tmp + "/new2"), "a name reached the host")
    t.run(["sh", "-c", script])
    t.ok(not os.path.exists(path) and os.path.exists(t.tmp + "/new"), "control: natively it does")
