/* SPDX-License-Identifier: Apache-2.0 */
/* close_range, dup3, F_DUPFD limits, execveat, FD_CLOEXEC, close twice. */
#include "abi.h"
#define CR(a, b, f) syscall(SYS_close_range, a, b, f)
static void fds(const char *what) { printf("%s:", what); for (int i = 3; i < 40; i++) { int r = fcntl(i, F_GETFD); if (r >= 0) printf(" %d%s", i, r ? "c" : ""); } printf("\n"); }
static int ex(int d, const char *p, int f) { char *av[] = { "sh", "-c", "exit 5", NULL }, *ev[] = { NULL }; pid_t c = fork(); int st; if (!c) { syscall(SYS_execveat, d, p, av, ev, f); _exit(100 + errno); } waitpid(c, &st, 0); return WEXITSTATUS(st); }
static void *th(void *a) { unshare(CLONE_FILES); return NULL; }
int main(void)
{
	struct rlimit rl = { 64, 64 }, old;
	int i, d, s;
	for (i = 3; i < 64; i++) close(i);
	for (i = 0; i < 8; i++) open("/dev/null", O_RDONLY);
	fds("start"); V(CR(5, 6, 0)); fds("5-6"); V(CR(7, 8, 4)); fds("cloexec 7-8"); V(CR(9, 8, 0)); V(CR(3, 3, 1)); V(CR(1000, -1, 0)); V(CR(3, 4, 2)); fds("unshare"); V(CR(9, ~0u, 0)); fds("9-"); V(CR(3, ~0u, 4 | 2)); fds("all"); V(CR(0x80000000u, ~0u, 0));
	V(dup3(1, 20, O_CLOEXEC)); V(fcntl(20, F_GETFD)); V(dup3(1, 1, 0)); V(dup3(1, 21, O_NONBLOCK)); V(dup3(99, 21, 0)); V(dup2(1, 1)); V(dup2(99, 99)); V(dup2(1, -1)); V(dup2(1, 1 << 30)); V(fcntl(1, F_DUPFD, 30)); V(fcntl(1, F_DUPFD_CLOEXEC, 30)); V(fcntl(31, F_GETFD)); V(fcntl(1, F_DUPFD, 1 << 30)); V(fcntl(1, F_DUPFD, -1)); V(fcntl(1, F_SETFD, 0xff)); V(fcntl(1, F_GETFD)); V(fcntl(1, F_SETFD, 0)); V(fcntl(99, F_GETFD)); V(fcntl(1, 9999)); V(close(-1)); V(close(50)); V(dup(50));
	getrlimit(RLIMIT_NOFILE, &old); rl.rlim_max = old.rlim_max; V(setrlimit(RLIMIT_NOFILE, &rl)); V(dup2(1, 64)); V(fcntl(1, F_DUPFD, 64)); while ((i = dup(1)) >= 0) s = i; V(s); V(errno == EMFILE); V(open("/dev/null", O_RDONLY)); { int p[2]; V(pipe(p)); V(socketpair(AF_UNIX, SOCK_STREAM, 0, p)); } V(CR(3, ~0u, 0)); setrlimit(RLIMIT_NOFILE, &old);
	d = open("/bin", O_PATH | O_DIRECTORY); s = open("/bin/sh", O_RDONLY | O_CLOEXEC); V(ex(d, "sh", 0)); V(ex(d, "nope", 0) - 100); V(ex(s, "", AT_EMPTY_PATH)); V(ex(s, "", 0) - 100); V(ex(AT_FDCWD, "/bin/sh", 0)); V(ex(d, "sh", 0x8000) - 100); V(ex(99, "sh", 0) - 100); V(ex(s, "sh", 0) - 100); V(ex(d, "", AT_EMPTY_PATH) - 100); V(ex(99, "", AT_EMPTY_PATH) - 100);
	enter_tmp(); symlink("/bin/sh", "l"); V(ex(AT_FDCWD, "l", 0)); V(ex(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW) - 100); i = open("script", O_WRONLY | O_CREAT, 0755); write(i, "#!/bin/sh\nexit 6\n", 17); close(i); i = open("script", O_RDONLY); V(ex(i, "", AT_EMPTY_PATH)); close(i); i = open("script", O_RDONLY | O_CLOEXEC); V(ex(i, "", AT_EMPTY_PATH) - 100); V(ex(AT_FDCWD, "script", 0)); chmod("script", 0644); V(ex(AT_FDCWD, "script", 0) - 100);
	i = open("busy", O_WRONLY | O_CREAT, 0755); V(ex(AT_FDCWD, "busy", 0) - 100); close(i); V(ex(AT_FDCWD, "busy", 0) - 100); mkdir("dir", 0755); V(ex(AT_FDCWD, "dir", 0) - 100); V(ex(AT_FDCWD, "busy/x", 0) - 100);
	return 0;
}
