/* SPDX-License-Identifier: Apache-2.0 */
/* fork, exit codes, wait4, waitid, orphans of a child. */
/* variants: static musl dynamic */
#include "abi.h"
int main(void)
{
	for (int c = 0; c < 260; c += 51) {
		pid_t p = fork();
		if (!p) _exit(c);
		wait_say("child", p);
	}
	V(wait(NULL));
	V(waitpid(-1, NULL, WNOHANG));
	pid_t p = fork();
	if (!p) { raise(SIGKILL); _exit(1); }
	siginfo_t si = { 0 };
	V(waitid(P_PID, p, &si, WEXITED | WNOWAIT));
	SAY("code %d status %d mine %d\n", si.si_code, si.si_status, si.si_pid == p);
	V(waitid(P_ALL, 0, &si, WEXITED));
	SAY("code %d status %d\n", si.si_code, si.si_status);
	V(waitid(P_PID, p, &si, WEXITED));
	p = fork();
	if (!p) { pause(); _exit(0); }
	V(waitpid(p, NULL, WNOHANG));
	V(kill(p, SIGSTOP));
	int st;
	V(waitpid(p, &st, WUNTRACED) == p); say_status("stop", st);
	V(kill(p, SIGCONT));
	V(waitpid(p, &st, WCONTINUED) == p); say_status("cont", st);
	V(kill(p, SIGTERM));
	wait_say("term", p);
	V(waitpid(p, NULL, 0));
	V(waitpid(INT_MIN, NULL, 0));
	V(waitpid(-1, NULL, 0x1000000));
	struct rusage ru;
	p = fork();
	if (!p) _exit(3);
	V(wait4(p, &st, 0, &ru) == p); say_status("wait4", st);
	int fd[2]; V(pipe(fd));
	p = fork();
	if (!p) { if (!fork()) { msleep(50); int pp = getppid(); char c = pp >= 1 ? 'y' : 'n'; write(fd[1], &c, 1); _exit(0); } _exit(0); }
	wait_say("middle", p);
	char c = 0; V(read(fd[0], &c, 1)); SAY("orphan %c\n", c);
	V(waitpid(-1, NULL, 0));
	return 7;
}
