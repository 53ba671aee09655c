# SPDX-License-Identifier: Apache-2.0
"""What a program sees when the host changes its files meanwhile, and when it
changes them itself through a share.  A guest answers one line for each line:
the command's result.  Names and contents may be one second old (CAVEATS.md);
what is open stays what was opened."""
import json
import os
import subprocess
import time
import zlib

GUEST = r'''
import ctypes, os, sys, time, zlib
files = {}
def show(line):
    op, *a = line.split()
    if op == "stat": return str(os.stat(a[0]).st_size)
    if op == "read":
        with open(a[0]) as f: return f.read().strip()
    if op == "list": return ",".join(sorted(os.listdir(a[0])))
    if op == "count": return str(sum(1 for _ in os.scandir(a[0])))
    if op == "walk":
        n = 0
        for d, _, fs in os.walk(a[0]):
            for f in fs:
                with open(os.path.join(d, f)) as g: n += len(g.read())
        return str(n)
    if op == "sizes": return str(sum(os.stat(os.path.join(d, f)).st_size for d, _, fs in os.walk(a[0]) for f in fs))
    if op == "open": files[a[0]] = open(a[1], "rb", buffering=0); return files[a[0]].read(2).decode()
    if op == "rest": return files[a[0]].read().decode().strip()
    if op == "size": return str(os.fstat(files[a[0]].fileno()).st_size)
    if op == "again": files[a[0]].seek(0); return files[a[0]].read().decode().strip()
    if op == "sum":                         # by large reads, up to the end
        data = os.pread(files[a[0]].fileno(), 1 << 20, int(a[1]))
        return f"{len(data)}-{zlib.crc32(data)}"
    if op == "write":
        with open(a[0], "w") as f: f.write(a[1])
        return "ok"
    if op == "append":
        with open(a[0], "a") as f: f.write(a[1])
        return "ok"
    if op == "used":                        # does reading move the time of access?
        before = os.stat(a[0]).st_atime
        with open(a[0], a[1]) as f: f.read(2)
        return str(os.stat(a[0]).st_atime != before)
    if op == "chmod": os.fchmod(files[a[0]].fileno(), 0o600); return "ok"
    if op == "watch":                       # asks all the time: when does each first show?
        want, end = dict(x.split("=") for x in a), time.time() + 5
        while want and time.time() < end:
            for name, result in list(want.items()):
                try: now = str(os.stat(name).st_size)
                except OSError as e: now = type(e).__name__
                if now == result: del want[name]
        return ",".join(want) or str(time.time())
    if op == "xattr_size": return str(ctypes.CDLL(None).getxattr(a[0].encode(), a[1].encode(), None, 0))
    if op == "setxattr": a[2] = a[2].encode()
    return str(getattr(os, op)(*a))
for line in sys.stdin:
    try: r = show(line)
    except OSError as e: r = type(e).__name__ if type(e) != OSError else str(e)
    print(r, flush=True)
'''


class Guest:
    def __init__(self, t, *opts):
        self.t = t
        script = t.write("guest.py", GUEST)
        self.p = subprocess.Popen([t.nacre_path, "do", *opts, "--", "/usr/bin/python3", "-u", script],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=t.tmp)

    def __call__(self, line, want):
        self.tell(line)
        got = self.answer()
        self.t.ok(got == want, f"{line}: {got!r} instead of {want!r}")

    def tell(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def answer(self):
        return self.p.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if failure[0]:
            self.p.kill()
            self.p.wait()
        else:
            self.close()

    def close(self):
        self.p.stdin.close()
        self.t.ok(self.p.wait(timeout=10) == 0, "the guest failed")


def replace(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def test_host_changes_show_after_a_second(t):
    d = os.path.join(t.tmp, "d")
    os.mkdir(d)
    for i in range(20):
        t.write(f"d/f{i}", f"old{i}")
    g = Guest(t)
    g("count d", "20")
    g("read d/f1", "old1")
    g("stat d/none", "FileNotFoundError")
    t.write("d/none", "here")
    t.write("d/f1", "newer1")
    os.unlink(os.path.join(d, "f2"))
    os.mkdir(os.path.join(d, "f3x"))
    replace(os.path.join(d, "f4"), "replaced")
    time.sleep(1.1)
    g("read d/none", "here")
    g("read d/f1", "newer1")
    g("stat d/f1", "6")
    g("read d/f2", "FileNotFoundError")
    g("list d/f3x", "")
    g("read d/f4", "replaced")
    g("count d", "21")
    # The same size again, at once after it was read.
    g("read d/f5", "old5")
    t.write("d/f5", "wld5")
    time.sleep(1.1)
    g("read d/f5", "wld5")
    g.close()


def test_names_in_constant_use(t):
    """Asking all the time does not keep alive what is no longer so, whichever
    component of the path changed."""
    for options in ([], ["--rw", t.tmp]):
        d = os.path.join(t.tmp, "d" + str(len(options)))
        os.makedirs(os.path.join(d, "sub", "deep"))
        for name in ("gone", "swap", "sub/deep/f"):
            t.write(f"{d}/{name}", "x")
        at = d if not options else "/mnt/" + os.path.basename(d)
        with Guest(t, *options) as g:
            g(f"stat {d}/gone", "1")
            g.tell(f"watch {d}/gone=FileNotFoundError {d}/made=3 {d}/swap=2 "
                   f"{d}/sub/deep/f=FileNotFoundError {d}/moved/deep/f=1")
            time.sleep(0.25)
            os.unlink(os.path.join(d, "gone"))
            t.write(f"{d}/made", "abc")
            replace(os.path.join(d, "swap"), "xy")
            os.rename(os.path.join(d, "sub"), os.path.join(d, "moved"))
            changed = time.time()
            got = g.answer()
            t.ok(got.replace(".", "").isdigit(), f"never seen: {got}")
            t.ok(float(got) - changed < 1.5, f"seen after {float(got) - changed:.2f} s")


def test_replaced_while_it_is_believed(t):
    """Prefetched names whose objects are gone: opened anew or found missing."""
    d = os.path.join(t.tmp, "d")
    os.mkdir(d)
    for i in range(40):
        t.write(f"d/f{i:02}", f"old{i:02}" + "x" * 40000)     # too big to come along
    g = Guest(t)
    g("count d", "40")
    g("stat d/f00", "40005")
    for i in range(40):
        replace(os.path.join(d, f"f{i:02}"), "new")
    os.unlink(os.path.join(d, "f07"))
    g("read d/f05", "new")
    g("read d/f06", "new")
    g("read d/f07", "FileNotFoundError")
    g.close()


def test_open_files_stay_what_they_were(t):
    small, big = "s" * 100, "b" * 50000
    t.write("small", "ab" + small)
    t.write("big", "cd" + big)
    t.write("gone", "ef" + small)
    g = Guest(t)
    g("open 1 small", "ab")
    g("open 2 big", "cd")
    g("open 3 gone", "ef")
    replace(os.path.join(t.tmp, "small"), "xx")
    replace(os.path.join(t.tmp, "big"), "yy")
    os.unlink(os.path.join(t.tmp, "gone"))
    time.sleep(1.1)
    g("rest 1", small)
    g("rest 2", big)
    g("rest 3", small)
    g("size 1", "102")
    g("again 3", "ef" + small)
    g("read small", "xx")
    g("read gone", "FileNotFoundError")
    # The same file, grown on the host.
    t.write("log", "12")
    g("open 4 log", "12")
    with open(os.path.join(t.tmp, "log"), "a") as f:
        f.write("345")
    time.sleep(1.1)
    g("rest 4", "345")
    g.close()


def can_xattr(path):
    try:
        os.setxattr(path, "user.test", b"x")
        os.removexattr(path, "user.test")
    except OSError:
        return False
    return True


def test_reading_shows_in_the_time_of_access(t):
    for name in "abc":
        os.utime(t.write(name, "text"), (1000, 2000))
    with open(os.path.join(t.tmp, "c")) as f:
        f.read()
    moves = str(os.stat(os.path.join(t.tmp, "c")).st_atime != 1000)     # not where the host says noatime
    with Guest(t, "--rw", t.tmp) as g:
        g("used a r+", moves)
        g("used b r", moves)


def test_own_changes_show_at_once(t):
    d = os.path.join(t.tmp, "d")
    os.mkdir(d)
    for i in range(10):
        t.write(f"d/f{i}", f"old{i}")
    g = Guest(t, "--rw", t.tmp)
    g("list d", ",".join(f"f{i}" for i in range(10)))
    g("read d/f1", "old1")
    g("read d/new", "FileNotFoundError")
    g("open 1 d/f1", "ol")
    g("write d/f1 changed", "ok")
    g("again 1", "changed")
    g("read d/f1", "changed")
    g("append d/f1 more", "ok")
    g("read d/f1", "changedmore")
    g("write d/new fresh", "ok")
    g("read d/new", "fresh")
    g("unlink d/f2", "None")
    g("read d/f2", "FileNotFoundError")
    g("open 3 d/f3", "ol")
    g("unlink d/f3", "None")
    g("again 3", "old3")
    g("chmod 3", "ok")
    g("setxattr d/f9 user.colour blue", xattr := "None" if can_xattr(d) else "[Errno 95] Operation not supported: 'd/f9'")
    if xattr == "None":
        g("getxattr d/f9 user.colour", "b'blue'")
        g("xattr_size d/f9 user.colour", "4")
        with Guest(t) as below:
            below("xattr_size d/f9 user.colour", "4")
        g("listxattr d/f9", "['user.colour']")
        t.ok(os.getxattr(os.path.join(d, "f9"), "user.colour") == b"blue", "the host sees the attribute")
        g("removexattr d/f9 user.colour", "None")
        g("getxattr d/f9 user.colour", "[Errno 61] No data available: 'd/f9'")
    g("rename d/f4 d/f5", "None")
    g("read d/f5", "old4")
    g("read d/f4", "FileNotFoundError")
    g("open 6 d/f6", "ol")
    g("rename d/f7 d/f6", "None")
    g("again 6", "old6")
    g("read d/f6", "old7")
    g("mkdir d/sub", "None")
    g("list d", "f0,f1,f5,f6,f8,f9,new,sub")
    g("rmdir d/sub", "None")
    g("list d", "f0,f1,f5,f6,f8,f9,new")
    g("list d/sub", "FileNotFoundError")
    g.close()
    with open(os.path.join(d, "f1")) as f:
        t.ok(f.read() == "changedmore", "the host sees the change")


def test_walked_tree(t):
    """What comes along of the directories that follow is no older than anything
    else, and gives way to our own changes at once."""
    for d in range(40):
        for f in range(5):
            t.write(f"tree/d{d}/f{f}", "12345")
        os.makedirs(os.path.join(t.tmp, f"tree/d{d}/sub"))
    g = Guest(t, "--rw", t.tmp)
    g("sizes tree", "1000")
    g("sizes tree", "1000")
    time.sleep(1.1)
    order = os.listdir(os.path.join(t.tmp, "tree"))
    for d in order:
        g(f"list tree/{d}", "f0,f1,f2,f3,f4,sub")
    g(f"stat tree/{order[0]}/f0", "5")          # and those of the next ones
    g(f"unlink tree/{order[2]}/f1", "None")
    g(f"stat tree/{order[2]}/f1", "FileNotFoundError")
    g(f"write tree/{order[3]}/f2 longer", "ok")
    g(f"stat tree/{order[3]}/f2", "6")
    g(f"rename tree/{order[4]}/f3 tree/{order[4]}/g3", "None")
    g(f"stat tree/{order[4]}/f3", "FileNotFoundError")
    g(f"stat tree/{order[4]}/g3", "5")
    g(f"rename tree/{order[5]} tree/moved", "None")
    g(f"stat tree/{order[5]}/f0", "FileNotFoundError")
    g("stat tree/moved/f0", "5")
    replace(os.path.join(t.tmp, f"tree/{order[6]}/f4"), "of the host")
    os.unlink(os.path.join(t.tmp, f"tree/{order[7]}/f0"))
    time.sleep(1.1)
    g(f"stat tree/{order[6]}/f4", "11")
    g(f"stat tree/{order[7]}/f0", "FileNotFoundError")
    g("sizes tree", str(1000 - 5 + 1 + 6 - 5))
    g("walk tree", str(1000 - 5 + 1 + 6 - 5))
    g.close()


def messages(t, *cmd):
    out = os.path.join(t.tmp, "stats.json")
    t.expect(t.nacre("do", f"--stats={out}", "--", *cmd))
    with open(out) as f:
        return sum(json.load(f)["gofer"].values())


def test_messages_of_a_walk(t):
    """A tree of many small directories does not cost a message for each."""
    for d in range(120):
        for f in range(4):
            t.write(f"tree/d{d}/f{f}", "12345")
    few = messages(t, "find", os.path.join(t.tmp, "tree/d0/f0"), "-size", "+0")
    many = messages(t, "find", os.path.join(t.tmp, "tree"), "-size", "+0")
    t.ok(many - few < 40, f"{many - few} messages for 120 directories")


def test_many_names(t):
    """Directories around the sizes of messages and listings."""
    total = 0
    for k, n in enumerate((1, 127, 128, 129, 700)):
        os.makedirs(os.path.join(t.tmp, f"tree/d{k}/sub"))
        for i in range(n):
            text = "x" * (i * 37 % 3000)
            t.write(f"tree/d{k}/{'n' * (i % 200)}-{i}", text)
            total += len(text)
    for i in range(200):
        os.mkdir(os.path.join(t.tmp, f"tree/many{i}"))
        t.write(f"tree/many{i}/file", "y")
        total += 1
    os.mkdir(os.path.join(t.tmp, "long"))
    for i in range(9000):
        os.symlink("nowhere", os.path.join(t.tmp, f"long/{i}"))
    g = Guest(t)
    g("walk tree", str(total))
    g("walk tree", str(total))
    g("count tree/d4", "701")
    g("count long", "9000")
    g("readlink long/77", "nowhere")
    g.close()


def test_large_file_read_again(t):
    """A file that is mapped after its first passes shows every change at once."""
    data = bytearray(i * 7 % 251 for i in range(300000))
    name = os.path.join(t.tmp, "big")

    def is_now(g, off=0, passes=4):
        part = bytes(data[off:off + (1 << 20)])
        for _ in range(passes):
            g(f"sum a {off}", f"{len(part)}-{zlib.crc32(part)}")

    with open(name, "wb") as f:
        f.write(data)
    with Guest(t, "--rw", t.tmp, "--stats=" + os.path.join(t.tmp, "stats.json")) as g:
        g("open a big", data[:2].decode())
        with open(name, "r+b") as f:
            for change in range(3):
                is_now(g)
                time.sleep(2.2)                 # left alone for so long, it is mapped
                is_now(g)
                is_now(g, 65432)
                f.seek(70000)
                f.write(b"%d" % change)
                f.flush()
                data[70000:70001] = b"%d" % change
                is_now(g)
                time.sleep(2.2)
                is_now(g)
                f.truncate(len(data) - 70001)
                del data[-70001:]
                is_now(g)
                is_now(g, len(data))
                time.sleep(2.2)
                is_now(g)
                f.truncate(len(data) + 5000)
                data += bytes(5000)
                is_now(g)
        os.rename(name, name + ".old")          # what is open stays
        t.write("big", "new")
        time.sleep(2.2)
        is_now(g)
    with open(os.path.join(t.tmp, "stats.json")) as f:
        n = json.load(f)["copies"]["view_reads"]
    t.ok(10 <= n, f"{n} reads of views")
