#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An interactive shell on a terminal: echo, Ctrl-C, Ctrl-Z, window size, job control.
. "$(dirname "$0")/lib.sh"
[ -x /usr/bin/python3 ] || skip "python3 is not installed"
exec /usr/bin/python3 - "$NACRE" <<'P'
import os, pty, select, struct, sys, time, fcntl, termios, signal

nacre = sys.argv[1]
pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "ready> "
    os.environ["TERM"] = "dumb"
    os.execv(nacre, [nacre, "do", "--", "bash", "--norc", "--noprofile", "-i"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
log = b""

def expect(what, timeout=15, start=[0]):
    global log
    end = time.time() + timeout
    while what not in log[start[0]:]:
        left = end - time.time()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            sys.stderr.write("no %r in %r\n" % (what, log[start[0]:]))
            os.kill(pid, signal.SIGKILL)
            sys.exit(1)
        try:
            d = os.read(fd, 4096)
        except OSError:
            d = b""
        if not d:
            sys.stderr.write("closed; wanted %r, had %r\n" % (what, log[start[0]:]))
            sys.exit(1)
        log += d
    start[0] = log.index(what, start[0]) + len(what)

def send(s):
    os.write(fd, s)

expect(b"ready> ")
send(b"echo one$((1+1))\r"); expect(b"one2"); expect(b"ready> ")
send(b"stty size\r"); expect(b"33 77"); expect(b"ready> ")
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0)); time.sleep(0.5)
send(b"stty size\r"); expect(b"40 90"); expect(b"ready> ")
send(b"sleep 100\r"); time.sleep(0.5); send(b"\x03"); expect(b"ready> ")
send(b"echo st=$?\r"); expect(b"st=130"); expect(b"ready> ")
send(b"sleep 100\r"); time.sleep(0.5); send(b"\x1a"); expect(b"Stopped"); expect(b"ready> ")
send(b"bg\r"); expect(b"ready> ")
send(b"jobs\r"); expect(b"Running"); expect(b"ready> ")
send(b"kill %1\r"); expect(b"ready> ")
send(b"cat\r"); time.sleep(0.3); send(b"typed\x7f\x7fXY\r"); expect(b"typXY"); send(b"\x04"); expect(b"ready> ")
send(b"tty; test -t 0 && echo is-a-tty\r"); expect(b"/dev/pts/"); expect(b"is-a-tty"); expect(b"ready> ")
send(b"exit 9\r")
end = time.time() + 10
while time.time() < end:
    p, st = os.waitpid(pid, os.WNOHANG)
    if p:
        break
    if select.select([fd], [], [], 0.1)[0]:
        try:
            os.read(fd, 4096)
        except OSError:
            pass
else:
    sys.exit("nacre did not end")
if os.waitstatus_to_exitcode(st) != 9:
    sys.exit("status %d" % os.waitstatus_to_exitcode(st))
P
