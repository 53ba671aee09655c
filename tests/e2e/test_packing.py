# SPDX-License-Identifier: Apache-2.0
"""Which programs share a virtual CPU (docs/decisions/0008-packing.md)."""
import json
import os

TALK = """
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	int a[2], b[2];
	char c = 'x';
	if (pipe(a) || pipe(b))
		return 1;
	if (!fork()) {
		close(a[1]);
		while (read(a[0], &c, 1) == 1)
			write(b[1], &c, 1);
		_exit(0);
	}
	for (int i = 0; i < 1000; i++) {
		for (int k = 0; k < 50; k++)
			write(a[1], &c, 1);
		for (int k = 0; k < 50; k++)
			read(b[0], &c, 1);
	}
	close(a[1]);
	wait(NULL);
	return 0;
}
"""

HOGS = """
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int first = fork();
	for (clock_t end = clock() + CLOCKS_PER_SEC / 10; clock() < end;)
		for (int i = 0; i < 1000; i++)
			if (argc > 1)
				syscall(SYS_getpgid, 0);
			else
				__asm__ volatile("" : : "r"(i));
	if (first)
		wait(NULL);
	return 0;
}
"""

# Wakes somebody, and never sleeps itself.
CALLER = """
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static void ignore(int s) {}
int main(void)
{
	volatile int *woken = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigset_t set, none;
	int child;
	signal(SIGUSR1, ignore);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	child = fork();
	for (; !child; ++*woken)
		sigsuspend(&none);
	for (int i = 0; i < 400000 || *woken < 100; i++)
		kill(child, SIGUSR1);
	printf("%d\\n", *woken);
	kill(child, SIGKILL);
	wait(NULL);
	return 0;
}
"""


def scheduler(t, prog, *args):
    out = os.path.join(t.tmp, "s.json")
    t.expect(t.do(prog, *args, opts=("--cpus", "2", "--stats=" + out)), out="")
    with open(out) as f:
        return json.load(f)["scheduler"]


def test_woken_by_one_that_never_sleeps(t):
    """Left in the caller's queue, each would be taken from there, after 2 ms."""
    prog, out = t.compile(CALLER, name="caller"), os.path.join(t.tmp, "s.json")
    woken = int(t.do(prog, opts=("--cpus", "2", "--stats=" + out)).out)
    with open(out) as f:
        steals = json.load(f)["scheduler"]["steals"]
    t.ok(steals < woken / 4, f"{woken} wake-ups, {steals} times it had waited in a queue")


def test_apart(t):
    prog = t.compile(HOGS, name="hogs")
    for args in [], ["calls"]:
        s = scheduler(t, prog, *args)
        t.ok(s["steals"] >= 1, f"two that never sleep stayed on one CPU: {args} {s}")


def test_together(t):
    """Spread after 50 us each time, these 1000 rounds come apart 2000 to 6000
    times.  On a busy machine a call may look slow: several tries."""
    prog = t.compile(TALK, name="talk")
    for _ in range(5):
        s = scheduler(t, prog)
        if s["steals"] < 1500:
            return
    t.ok(False, f"a conversation comes apart: {s}")
