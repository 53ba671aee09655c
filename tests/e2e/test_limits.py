# SPDX-License-Identifier: Apache-2.0
"""What there may be of something: processes, and where the clocks start."""
import time

FORKS = """
import os, errno, signal, sys
kids = []
try:
    for i in range(int(sys.argv[1])):
        p = os.fork()
        if p == 0:
            signal.pause()
        kids.append(p)
    print("all")
except OSError as e:
    print(errno.errorcode[e.errno], len(kids))
for k in kids:
    os.kill(k, signal.SIGKILL)
for k in kids:
    os.wait()
p = os.fork()
if p == 0:
    os._exit(7)
print("again", os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]))
"""


def test_pids(t):
    r = t.do("python3", "-c", FORKS, "100", opts=["--pids", "40"])
    t.expect(r, contains=["EAGAIN", "again 7"])
    t.ok(30 <= int(r.out.split()[1]) < 40, "about as many as were allowed", r)
    t.expect(t.do("python3", "-c", FORKS, "60"), out="all\nagain 7\n")
    t.expect(t.do("python3", "-c", "import threading as t, time\n"
                  "try:\n"
                  " for i in range(50): t.Thread(target=time.sleep, args=(1,)).start()\n"
                  "except RuntimeError as e: print('no more')", opts=["--pids", "20"]), contains=["no more"])
    for bad in ("x", "-1", "30001", ""):
        r = t.do("true", opts=["--pids", bad])
        t.ok(r.status != 0 and "--pids" in r.err, "a bad number is named", r)


def test_pids_of_descriptors(t):
    """Descriptors run out before processes: that is EAGAIN as well."""
    r = t.run(["sh", "-c", 'ulimit -n 400; exec "$@"', "sh", t.nacre_path, "do", "--", "python3", "-c", FORKS, "400"])
    t.expect(r, contains=["EAGAIN", "again 7"])


def test_clock_starts_with_the_sandbox(t):
    """An hour after boot, so that no program takes "now" for "never"; or as the host, if that was just booted."""
    up = min(3600, time.clock_gettime(time.CLOCK_MONOTONIC) // 1)
    r = t.do("sh", "-c", "cat /proc/uptime; python3 -c 'import time; print(time.monotonic(), "
             "time.clock_gettime(time.CLOCK_BOOTTIME)); a = time.time(); b = time.monotonic(); time.sleep(0.1); "
             "print(abs(time.time() - a - time.monotonic() + b) < 0.02)'; date +%s; grep btime /proc/stat")
    f = r.out.split()
    t.ok(all(0 <= float(f[i]) - up < 100 for i in (0, 2)) and abs(float(f[3]) - float(f[2])) < 1, "from an hour", r)
    t.ok(f[4] == "True", "both clocks go on alike", r)
    t.ok(abs(int(f[5]) - int(f[7]) - up) < 100, "booted then", r)
