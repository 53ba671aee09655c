/* SPDX-License-Identifier: Apache-2.0 */
/* abi.h: what differential tests share.  A test prints what it sees; the
 * runner compares the text on Linux with the text on Nacre, so nothing that
 * differs between two runs (pids, addresses, times) may be printed. */
#ifndef ABI_H
#define ABI_H
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((constructor)) static void abi_start(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

static inline const char *abi_errno(int e)
{
	static char buf[16];
#define E_(x) case x: return #x;
	switch (e) {
	E_(EPERM) E_(ENOENT) E_(ESRCH) E_(EINTR) E_(EIO) E_(ENXIO) E_(E2BIG) E_(ENOEXEC) E_(EBADF)
	E_(ECHILD) E_(EAGAIN) E_(ENOMEM) E_(EACCES) E_(EFAULT) E_(ENOTBLK) E_(EBUSY) E_(EEXIST)
	E_(EXDEV) E_(ENODEV) E_(ENOTDIR) E_(EISDIR) E_(EINVAL) E_(ENFILE) E_(EMFILE) E_(ENOTTY)
	E_(ETXTBSY) E_(EFBIG) E_(ENOSPC) E_(ESPIPE) E_(EROFS) E_(EMLINK) E_(EPIPE) E_(EDOM) E_(ERANGE)
	E_(EDEADLK) E_(ENAMETOOLONG) E_(ENOSYS) E_(ENOTEMPTY) E_(ELOOP) E_(ENODATA) E_(EOVERFLOW)
	E_(EOPNOTSUPP) E_(ENOTSOCK) E_(EADDRINUSE) E_(ENOTCONN) E_(EISCONN) E_(ECONNREFUSED)
	E_(ETIMEDOUT) E_(EMSGSIZE) E_(EPROTOTYPE) E_(EPROTONOSUPPORT) E_(EAFNOSUPPORT) E_(ECONNRESET)
	E_(EDESTADDRREQ) E_(EOWNERDEAD) E_(EALREADY) E_(ENOLCK) E_(ENOTUNIQ)
	}
	snprintf(buf, sizeof buf, "errno %d", e);
	return buf;
#undef E_
}
/* The expression and its value. */
#define V(e) do { errno = 0; long long v_ = (long long)(e); \
	if (v_ == -1 && errno) printf("%s = -1 %s\n", #e, abi_errno(errno)); \
	else printf("%s = %lld\n", #e, v_); } while (0)
/* The expression and whether it worked: for values that differ. */
#define OK(e) do { errno = 0; long long v_ = (long long)(e); \
	if (v_ == -1) printf("%s: %s\n", #e, abi_errno(errno)); else printf("%s: ok\n", #e); } while (0)
#define SAY(...) printf(__VA_ARGS__)

static inline void say_status(const char *what, int st)
{
	if (WIFEXITED(st)) printf("%s: exited %d\n", what, WEXITSTATUS(st));
	else if (WIFSIGNALED(st)) printf("%s: signal %d\n", what, WTERMSIG(st));
	else if (WIFSTOPPED(st)) printf("%s: stopped %d\n", what, WSTOPSIG(st));
	else if (WIFCONTINUED(st)) printf("%s: continued\n", what);
}
static inline void wait_say(const char *what, pid_t p)
{
	int st = 0;
	if (waitpid(p, &st, 0) != p) printf("%s: waitpid: %s\n", what, abi_errno(errno));
	else say_status(what, st);
}
/* An empty directory of our own, entered; the runner removes it. */
static inline char *enter_tmp(void)
{
	static char d[256];

	snprintf(d, sizeof d, "%s/abi-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(d) || chdir(d)) { perror("tmp"); exit(2); }
	return d;
}
/* What /proc says a thread does; of one that is not there '?'. */
static inline char thread_state(pid_t tid)
{
	char name[64], state = '?';
	FILE *f;

	snprintf(name, sizeof name, "/proc/%d/stat", (int)tid);
	f = fopen(name, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1) state = '?';
	if (f) fclose(f);
	return state;
}
/* Until the thread whose id appears there is asleep in the call before which it told it, or has ended. */
static inline void until_asleep(const volatile int *tid)
{
	while (!__atomic_load_n(tid, __ATOMIC_ACQUIRE) || !strchr("S?", thread_state(*tid)))
		usleep(500);
}
static inline void tell_tid(volatile int *tid) { __atomic_store_n(tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE); }
static inline void msleep(int ms) { struct timespec t = { ms / 1000, ms % 1000 * 1000000l }; while (nanosleep(&t, &t)) ; }
static inline long long now_ms(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000ll + t.tv_nsec / 1000000; }
#endif
