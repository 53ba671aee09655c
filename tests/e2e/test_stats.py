# SPDX-License-Identifier: Apache-2.0
"""nacre do --stats and nacre stats: the numbers are those of the work done."""
import json
import os
import signal
import subprocess
import time

from harness import as_user

COUNTED = """
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
	char b[1000];
	int fd = open("/dev/zero", O_RDONLY);
	for (int i = 0; i < 300; i++)
		syscall(SYS_getpgid, 0);
	for (int i = 0; i < 70; i++)
		if (pread(fd, b, sizeof b, 0) != sizeof b)
			return 1;
	syscall(500);
	usleep(20000);
	return 7;
}
"""


def test_report(t):
    prog = t.compile(COUNTED, name="counted")
    out = os.path.join(t.tmp, "s.json")
    r = t.do(prog, opts=("--stats=" + out,))
    t.expect(r, out="", status=7)
    t.ok(r.err == "", "something was said", r)
    with open(out) as f:
        s = json.load(f)
    calls = s["system_calls"]
    t.ok(calls["getpgid"]["count"] == 300, f"getpgid {calls['getpgid']}")
    t.ok(calls["pread64"]["bytes_out"] >= 70000, f"pread64 {calls['pread64']}")
    t.ok(calls["clock_nanosleep"]["time_ns"] > 15000000, f"clock_nanosleep {calls['clock_nanosleep']}")
    t.ok(calls["number-500"]["count"] == 1, "an unknown call is counted by its number")
    e = s["entries"]
    t.ok(e["entry_gate"] + e["entry_trapped"] >= sum(c["count"] for c in calls.values()), f"entries {e}")
    # The loops' call sites are led to the gate after a while.
    t.ok(e["entry_gate"] > 50 and s["sites"]["sites_proven"] >= 2 and s["sites"]["sites_copies"] >= 1 and
         s["sites"]["sites_moved"] + s["sites"]["sites_mapped"] >= 1, f"{e} {s['sites']}")
    t.ok(s["scheduler"]["switches"] > 0 and s["handoffs"]["stubs_made"] >= 1, f"{s['handoffs']}")
    t.ok(s["host_calls"]["futex"] > 0 and sum(s["gofer"].values()) > 0, f"{s['host_calls']} {s['gofer']}")
    t.ok(s["host_sandbox"]["waited"] > 0, f"{s['host_sandbox']}")


CLOCKS = """
#include <time.h>
#include <unistd.h>
int main(void)
{
	struct timespec last = { 0 }, now;
	usleep(5000);
	for (int i = 0; i < 100000; i++, last = now) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec < last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec))
			return 1;
	}
	return 0;
}
"""


def test_clocks_are_read_without_a_call(t):
    """The counter's rate is known only some time after the start."""
    prog = t.compile(CLOCKS, name="clocks")
    out = os.path.join(t.tmp, "s.json")
    t.expect(t.do(prog, opts=("--stats=" + out,)), out="")
    with open(out) as f:
        calls = json.load(f)["system_calls"]
    n = calls.get("clock_gettime", {"count": 0})["count"]
    t.ok(n < 100, f"{n} of 100,000 looks at the clock trapped")


ASKED = """
#include <sched.h>
#include <time.h>
int main(void)
{
	struct timespec now;
	for (int i = 0; i < 5000; i++)
		if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) || sched_getcpu() < 0)
			return 1;
	return 0;
}
"""


def test_the_vdso_asks_by_the_gate(t):
    prog = t.compile(ASKED, name="asked")
    out = os.path.join(t.tmp, "s.json")
    t.expect(t.do(prog, opts=("--stats=" + out,)), out="")
    with open(out) as f:
        s = json.load(f)
    t.ok(s["system_calls"]["clock_gettime"]["count"] >= 5000 and s["entries"]["entry_trapped"] < 1000, f"{s['entries']}")


def test_table_on_stderr(t):
    r = t.do("sh", "-c", "echo out; exit 3", opts=("--stats",))
    t.expect(r, out="out\n", status=3, err_contains=["system calls", "write", "messages to the gofer", "time (ms)"])
    r = t.do("true", opts=("--stats=/nowhere/file",))
    t.expect(r, status=125, err_contains="/nowhere/file")


def test_nothing_inside(t):
    """The program sees neither the counters nor that somebody counts."""
    script = "ls /proc/self/fd | wc -l; cat /proc/mounts; grep -c stats /proc/self/maps; env | grep -i stats; ls -d /proc/[a-z]*"
    r = t.sh(script)
    s = t.do("sh", "-c", script, opts=("--stats=" + os.path.join(t.tmp, "s"),))
    t.ok(r.out == s.out, "it shows", s)
    t.ok("nacre-stats" not in s.out, "a name shows", s)


def start(t):
    p = subprocess.Popen([t.nacre_path, "do", "--", "sh", "-c", "echo go; for i in 1 2 3; do true; done; sleep 100"],
                         stdout=subprocess.PIPE, cwd=t.tmp, text=True)
    p.stdout.readline()
    return p


def stop(p):
    p.send_signal(signal.SIGTERM)
    p.wait()
    p.stdout.close()


def test_running(t):
    p = start(t)
    try:
        time.sleep(0.1)
        s = json.loads(t.expect(t.nacre("stats", "--json", str(p.pid))).out)
        t.ok(s["system_calls"]["execve"]["count"] >= 1 and "time_ns" not in s["system_calls"]["execve"], f"{s}")
        t.expect(t.nacre("stats", str(p.pid)), contains="system call by")
        t.expect(t.nacre("stats"), contains=f"{p.pid}  ")
    finally:
        stop(p)
    t.expect(t.nacre("stats", str(p.pid)), status=125, err_contains=f"process {p.pid}")
    t.expect(t.nacre("stats", "1x"), status=125, err_contains="process id")
    # A process that is no monitor.
    t.expect(t.nacre("stats", str(os.getpid())), status=125, err_contains="not the monitor")


@as_user("root")
def test_owner_only(t):
    p = start(t)
    try:
        r = t.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", t.nacre_path, "stats", str(p.pid)])
        t.expect(r, out="", status=125, err_contains="Permission denied")
    finally:
        stop(p)


def test_hostile_counters(t):
    """A process that pretends to be a monitor: garbage is printed as numbers,
    what is no such file is refused."""
    p = start(t)
    try:
        fd = next(f for f in os.listdir(f"/proc/{p.pid}/fd")
                  if os.readlink(f"/proc/{p.pid}/fd/{f}") == "/memfd:nacre-stats (deleted)")
        size = os.stat(f"/proc/{p.pid}/fd/{fd}").st_size
        with open(f"/proc/{p.pid}/fd/{fd}", "rb") as f:
            magic = f.read(8)
    finally:
        stop(p)
    me = str(os.getpid())
    for data, good in ((magic + os.urandom(size - 8), True), (magic + b"\xff" * (size - 8), True),
                       (os.urandom(size), False), (magic, False), (magic + b"\0" * (2 * size), False), (b"", False)):
        fd = os.memfd_create("nacre-stats")
        try:
            os.write(fd, data)
            for args in ((), ("--json",)):
                r = t.nacre("stats", *args, me)
                t.ok(r.status == (0 if good else 125), f"{len(data)} bytes", r)
                t.ok(r.out.isprintable() or set(r.out) <= set(map(chr, range(32, 127))) | {"\n"}, "not only text", r)
            if good:
                json.loads(r.out)
        finally:
            os.close(fd)
