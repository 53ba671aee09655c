/* SPDX-License-Identifier: Apache-2.0 */
/* execve: arguments, environment, close-on-exec, errors, scripts. */
/* variants: static dynamic */
#include "abi.h"
int main(int argc, char **argv, char **envp)
{
	if (argc > 1 && !strcmp(argv[1], "child")) {
		for (int i = 1; i < argc; i++) SAY("arg %d '%s'\n", i, argv[i]);
		for (char **e = envp; *e; e++) SAY("env %s\n", *e);
		SAY("fd 10 %s\n", fcntl(10, F_GETFD) < 0 ? "closed" : "open");
		SAY("fd 11 %s\n", fcntl(11, F_GETFD) < 0 ? "closed" : "open");
		struct sigaction sa;
		sigaction(SIGUSR1, NULL, &sa); SAY("usr1 %s\n", sa.sa_handler == SIG_IGN ? "ignored" : "default");
		sigaction(SIGUSR2, NULL, &sa); SAY("usr2 %s\n", sa.sa_handler == SIG_DFL ? "default" : "other");
		sigset_t s; sigprocmask(0, NULL, &s); SAY("hup blocked %d\n", sigismember(&s, SIGHUP));
		return 5;
	}
	char self[PATH_MAX] = { 0 };
	OK(readlink("/proc/self/exe", self, sizeof self - 1));
	enter_tmp();
	signal(SIGUSR1, SIG_IGN); signal(SIGUSR2, (void (*)(int))main);
	sigset_t s; sigemptyset(&s); sigaddset(&s, SIGHUP); sigprocmask(SIG_BLOCK, &s, NULL);
	dup2(1, 10); dup2(1, 11); fcntl(11, F_SETFD, FD_CLOEXEC);
	pid_t p = fork();
	if (!p) { char *a[] = { "x", "child", "", "two words", NULL }, *e[] = { "A=1", "EMPTY=", NULL }; execve(self, a, e); _exit(9); }
	wait_say("child", p);
	char *a[] = { "x", NULL }, *e[] = { NULL };
	V(execve("/nonexistent", a, e));
	V(execve("/tmp", a, e));
	V(execve("/etc/passwd/x", a, e));
	close(open("plain", O_CREAT | O_WRONLY, 0644));
	V(execve("./plain", a, e));
	close(open("empty", O_CREAT | O_WRONLY, 0755));
	V(execve("./empty", a, e));
	int fd = open("junk", O_CREAT | O_WRONLY, 0755); write(fd, "\177ELFjunk", 8); close(fd);
	V(execve("./junk", a, e));
	fd = open("script", O_CREAT | O_WRONLY, 0755); dprintf(fd, "#!/bin/sh -e\necho script \"$0\" \"$@\"\nexit 4\n"); close(fd);
	p = fork();
	if (!p) { char *b[] = { "zero", "one", "two", NULL }; execve("./script", b, environ); _exit(9); }
	wait_say("script", p);
	fd = open("bad", O_CREAT | O_WRONLY, 0755); dprintf(fd, "#!/nonexistent/interp\n"); close(fd);
	V(execve("./bad", a, e));
	fd = open("loop", O_CREAT | O_WRONLY, 0755); dprintf(fd, "#!./loop\n"); close(fd);
	V(execve("./loop", a, e));
	V(execve((char *)1, a, e));
	static char big[3 << 20]; memset(big, 'x', sizeof big - 1);
	char *c[] = { "x", big, NULL };
	V(execve(self, c, e));
	fd = open(self, O_RDONLY | O_CLOEXEC);
	p = fork();
	if (!p) { char *b[] = { "x", "child", NULL }, *ee[] = { "FX=1", NULL }; fexecve(fd, b, ee); SAY("fexecve %s\n", abi_errno(errno)); _exit(9); }
	wait_say("fexecve", p);
	return 0;
}
