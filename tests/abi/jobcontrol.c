/* SPDX-License-Identifier: Apache-2.0 */
/* Process groups, sessions, setpgid errors, orphaned groups. */
#include "abi.h"
int main(void)
{
	V(getpgrp() == getpgid(0)); pid_t p = fork(); if (!p) { V(setsid() == getpid()); V(getsid(0) == getpid()); V(getpgrp() == getpid()); V(setsid()); V(setpgid(0, 0)); _exit(0); } wait_say("session", p);
	int fd[2]; pipe(fd); p = fork(); if (!p) { V(setpgid(0, 0)); V(getpgrp() == getpid()); V(setpgid(0, 999999)); write(fd[1], "x", 1); pause(); _exit(0); } char c; read(fd[0], &c, 1); V(getpgid(p) == p); V(kill(-p, SIGTERM)); wait_say("group", p); V(kill(-p, 0)); V(getpgid(999999)); V(getsid(999999)); V(setpgid(999999, 0)); V(setpgid(0, -1)); 
	p = fork(); if (!p) { pause(); _exit(0); } V(setpgid(p, p)); V(kill(p, SIGSTOP)); int st; V(waitpid(p, &st, WUNTRACED) == p); say_status("stop", st); V(kill(p, SIGCONT)); V(waitpid(p, &st, WCONTINUED) == p); say_status("cont", st); V(killpg(p, SIGKILL)); wait_say("kill", p);
	pid_t a = fork(); if (!a) { setpgid(0, 0); write(fd[1], "a", 1); pause(); _exit(0); } read(fd[0], &c, 1); pid_t b = fork(); if (!b) { V(setpgid(0, a)); V(getpgrp() == a); write(fd[1], "b", 1); pause(); _exit(0); } read(fd[0], &c, 1); V(waitpid(-a, NULL, WNOHANG)); V(kill(-a, SIGINT)); int n = 0; while (waitpid(-a, &st, 0) > 0) { n++; say_status("member", st); } SAY("n %d\n", n); V(waitpid(-a, NULL, 0));
	p = fork(); if (!p) { execl("/bin/sleep", "sleep", "5", NULL); _exit(1); } msleep(200); V(setpgid(p, p)); kill(p, SIGKILL); wait_say("execed", p);
	return 0;
}
