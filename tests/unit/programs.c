/* SPDX-License-Identifier: Apache-2.0 */
/* programs.c: user programs of the fake machine; each tests one part of the
 * kernel by its system calls and returns 0, or the line that failed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/futex.h>

#include "platform/testhost/testhost.h"
#include "tests/unit/program.h"
#include "tests/unit/unit.h"

static uint32_t word(uint64_t a) { uint32_t v; u_get(&v, a, 4); return v; }
static void set_word(uint64_t a, uint32_t v) { u_put(a, &v, 4); }

static int prog_hello(int a)
{
	IS(u(SYS_write, 1, S("hello\n"), 6), 6);
	return 0;
}

static int child_exit(int code) { return code; }
static int child_tree(int depth)
{
	if (depth)
		for (int i = 0; i < 2; i++)
			if (u_fork(child_tree, depth - 1) < 0)
				return 9;
	while (u(SYS_wait4, -1, 0, 0, 0) > 0)
		;
	return depth;
}

static int prog_fork(int a)
{
	uint64_t st = u_page() + 4096;

	for (int i = 0; i < 5; i++) {
		long pid = GOOD(u_fork(child_exit, i * 3));

		IS(u(SYS_wait4, pid, st, 0, 0), pid);
		IS(word(st), (i * 3) << 8);
	}
	GOOD(u_fork(child_tree, 4));
	IS(u(SYS_wait4, -1, st, 0, 0) > 0, 1);
	IS(word(st), 4 << 8);
	IS(u(SYS_wait4, -1, st, 0, 0), -ECHILD);
	return 0;
}

static int pipe_writer(int fd)
{
	uint64_t buf = u_page() + 4096;

	for (int i = 0; i < 40; i++)
		GOOD(u(SYS_write, fd, buf, 3001));
	return 0;
}

static int prog_pipe(int a)
{
	uint64_t fds = u_page() + 4096;
	long total = 0, n;
	int r, w;

	GOOD(u(SYS_pipe2, fds, 0));
	r = (int)word(fds);
	w = (int)word(fds + 4);
	GOOD(u_fork(pipe_writer, w));
	GOOD(u(SYS_close, w));
	while ((n = GOOD(u(SYS_read, r, fds, 4096))) > 0)
		total += n;
	IS(total, 40 * 3001);
	IS(u(SYS_wait4, -1, 0, 0, 0) > 0, 1);
	GOOD(u(SYS_close, r));
	return 0;
}

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
static uint64_t shared;
static int thread_main(int n)
{
	for (int i = 0; i < 20; i++) {
		uint32_t v = word(shared);

		set_word(shared, v + 1);
		u(SYS_sched_yield);
	}
	/* done: one word per thread, then wake */
	set_word(shared + 64 + 4 * (uint32_t)n, 1);
	u(SYS_futex, shared + 64 + 4 * (uint32_t)n, FUTEX_WAKE, 10, 0, 0, 0);
	u(SYS_exit, 0);
	return 0;
}

static int prog_threads(int a)
{
	shared = u_page() + 4096;
	for (int i = 0; i < 6; i++)
		GOOD(u_clone(THREAD_FLAGS, thread_main, i));
	for (int i = 0; i < 6; i++)
		while (!word(shared + 64 + 4 * (uint32_t)i)) {
			long r = u(SYS_futex, shared + 64 + 4 * (uint32_t)i, FUTEX_WAIT, 0, 0, 0, 0);

			IS(r == 0 || r == -EAGAIN || r == -EINTR, 1);
		}
	IS(word(shared) > 0, 1);
	return 0;
}

static int seen_signal, seen_count;
static void on_signal(int s) { seen_signal = s; seen_count++; }
static void on_child(int s) { seen_count++; }
static void nested(int s) { if (seen_count++ < 3) u(SYS_kill, u(SYS_getpid), SIGUSR2); }

static long action(int sig, void (*fn)(int), uint64_t flags)
{
	uint64_t sa[4] = { u_code(fn), flags | 0x04000000, U_RESTORER, 0 }, p = u_page() + 3000;

	u_put(p, sa, sizeof sa);
	return u(SYS_rt_sigaction, sig, p, 0, 8);
}

static int signal_sender(int target)
{
	uint64_t ts = u_page() + 4096;
	int64_t t[2] = { 0, 20000000 };

	u_put(ts, t, sizeof t);
	u(SYS_nanosleep, ts, 0);
	u(SYS_kill, target, SIGUSR1);
	return 0;
}

static int prog_signals(int a)
{
	uint64_t set = u_page() + 4096, v = 1ull << (SIGUSR1 - 1);
	long me = u(SYS_getpid);

	seen_count = 0;
	GOOD(action(SIGUSR1, on_signal, 0));
	GOOD(u(SYS_kill, me, SIGUSR1));
	IS(seen_signal, SIGUSR1);
	IS(seen_count, 1);
	u_put(set, &v, 8);
	GOOD(u(SYS_rt_sigprocmask, SIG_BLOCK, set, 0, 8));
	GOOD(u(SYS_kill, me, SIGUSR1));
	GOOD(u(SYS_kill, me, SIGUSR1));
	IS(seen_count, 1);
	v = 0;
	u_put(set + 64, &v, 8);
	IS(u(SYS_rt_sigsuspend, set + 64, 8), -EINTR);
	IS(seen_count, 2);
	GOOD(u(SYS_rt_sigprocmask, SIG_UNBLOCK, set, 0, 8));
	IS(seen_count, 2);
	GOOD(u_fork(signal_sender, (int)me));
	IS(u(SYS_pause), -EINTR);
	IS(seen_count, 3);
	GOOD(u(SYS_wait4, -1, 0, 0, 0));
	/* restart: the read goes on after the handler */
	GOOD(action(SIGUSR1, on_signal, SA_RESTART));
	GOOD(u(SYS_pipe2, set, 0));
	GOOD(u_fork(signal_sender, (int)me));
	GOOD(u(SYS_fcntl, word(set), F_SETFL, 0));
	{
		struct pollfd pf = { (int)word(set), POLLIN, 0 };

		u_put(set + 64, &pf, sizeof pf);
		IS(u(SYS_poll, set + 64, 1, 1000), -EINTR);
	}
	GOOD(u(SYS_wait4, -1, 0, 0, 0));
	seen_count = 0;
	GOOD(action(SIGUSR2, nested, SA_NODEFER));
	GOOD(u(SYS_kill, me, SIGUSR2));
	IS(seen_count, 4);
	seen_count = 0;
	GOOD(action(SIGCHLD, on_child, 0));
	GOOD(u_fork(child_exit, 0));
	while (u(SYS_wait4, -1, 0, 0, 0) == -EINTR)
		;
	IS(seen_count, 1);
	return 0;
}

static int stopper(int a) { for (;;) u(SYS_pause); return 0; }

static int prog_jobs(int a)
{
	uint64_t st = u_page() + 4096;
	long pid = GOOD(u_fork(stopper, 0));

	GOOD(u(SYS_setpgid, pid, pid));
	GOOD(u(SYS_kill, pid, SIGSTOP));
	IS(u(SYS_wait4, pid, st, WUNTRACED, 0), pid);
	IS(word(st), SIGSTOP << 8 | 0x7f);
	GOOD(u(SYS_kill, -pid, SIGCONT));
	IS(u(SYS_wait4, pid, st, WCONTINUED, 0), pid);
	IS(word(st), 0xffff);
	GOOD(u(SYS_kill, -pid, SIGTERM));
	IS(u(SYS_wait4, pid, st, 0, 0), pid);
	IS(word(st), SIGTERM);
	return 0;
}

static int prog_files(int a)
{
	uint64_t buf = u_page() + 4096;
	char text[32];
	long fd, n;

	fd = GOOD(u(SYS_open, S("/tmp/f"), O_CREAT | O_RDWR, 0644));
	IS(u(SYS_write, fd, S("some text"), 9), 9);
	IS(u(SYS_pread64, fd, buf, 100, 5), 4);
	u_get(text, buf, 4);
	IS(memcmp(text, "text", 4), 0);
	GOOD(u(SYS_mkdir, S("/tmp/d"), 0755));
	IS(u(SYS_mkdir, S("/tmp/d"), 0755), -EEXIST);
	GOOD(u(SYS_rename, S("/tmp/f"), S2("/tmp/d/g")));
	IS(u(SYS_open, S("/tmp/f"), O_RDONLY, 0), -ENOENT);
	GOOD(u(SYS_symlink, S("d/g"), S2("/tmp/l")));
	GOOD(u(SYS_close, GOOD(u(SYS_open, S("/tmp/l"), O_RDONLY, 0))));
	GOOD(u(SYS_link, S("/tmp/d/g"), S2("/tmp/h")));
	IS(u(SYS_rmdir, S("/tmp/d")), -ENOTEMPTY);
	for (int i = 0; i < 60; i++) {
		snprintf(text, sizeof text, "/tmp/d/n%d", i);
		GOOD(u(SYS_close, GOOD(u(SYS_open, S(text), O_CREAT | O_WRONLY, 0600))));
	}
	n = GOOD(u(SYS_open, S("/tmp/d"), O_RDONLY | O_DIRECTORY, 0));
	while (GOOD(u(SYS_getdents64, n, buf, 1000)) > 0)
		;
	GOOD(u(SYS_close, n));
	for (int i = 0; i < 60; i++) {
		snprintf(text, sizeof text, "/tmp/d/n%d", i);
		GOOD(u(SYS_unlink, S(text)));
	}
	GOOD(u(SYS_unlink, S("/tmp/d/g")));
	GOOD(u(SYS_unlink, S("/tmp/h")));
	GOOD(u(SYS_rmdir, S("/tmp/d")));
	GOOD(u(SYS_ftruncate, fd, 100000));
	IS(u(SYS_pread64, fd, buf, 10, 50000), 10);
	GOOD(u(SYS_close, fd));
	IS(u(SYS_open, S("/bin/new"), O_CREAT | O_WRONLY, 0600), -EROFS);
	IS(u(SYS_chdir, S("/bin/hello")), -ENOTDIR);
	GOOD(u(SYS_setxattr, S("/tmp"), S2("user.x"), buf, 3, 0));
	return 0;
}

static uint64_t fault_page;
static void repair(int s) { u(SYS_mprotect, fault_page, 4096, PROT_READ | PROT_WRITE); }

static int prog_memory(int a)
{
	uint64_t p = (uint64_t)GOOD(u(SYS_mmap, 0, 16 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), q;

	set_word(p, 11);
	set_word(p + 5 * 4096, 22);
	GOOD(u(SYS_munmap, p + 4096, 4096));
	GOOD(u(SYS_mprotect, p + 2 * 4096, 4096, PROT_READ));
	IS(word(p), 11);
	q = (uint64_t)GOOD(u(SYS_mremap, p + 5 * 4096, 4096, 8 * 4096, MREMAP_MAYMOVE, 0));
	IS(word(q), 22);
	GOOD(action(SIGSEGV, repair, 0));
	fault_page = p + 2 * 4096;
	set_word(fault_page, 33);
	IS(word(fault_page), 33);
	GOOD(u(SYS_madvise, q, 4096, MADV_DONTNEED));
	IS(word(q), 0);
	shared = (uint64_t)GOOD(u(SYS_mmap, 0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	GOOD(u(SYS_brk, 0));
	for (int i = 0; i < 100; i++) {
		uint64_t at = p + 0x10000000 + (testhost_random() % 64) * 4096;

		switch (testhost_random() % 3) {
		case 0: u(SYS_mmap, at, (testhost_random() % 8 + 1) * 4096, testhost_random() % 4, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); break;
		case 1: u(SYS_munmap, at, (testhost_random() % 8 + 1) * 4096); break;
		default: u(SYS_mprotect, at, (testhost_random() % 8 + 1) * 4096, testhost_random() % 4); break;
		}
	}
	return 0;
}

static int event_writer(int fd)
{
	uint64_t p = u_page() + 4096, one = 1;

	u_put(p, &one, 8);
	u(SYS_sched_yield);
	GOOD(u(SYS_write, fd, p, 8));
	return 0;
}

static int prog_events(int a)
{
	uint64_t p = u_page() + 4096;
	struct epoll_event e = { EPOLLIN, { .fd = 7 } }, got;
	long ev = GOOD(u(SYS_eventfd2, 0, 0)), ep = GOOD(u(SYS_epoll_create1, 0)), t;
	int64_t it[4] = { 0, 0, 0, 5000000 };

	u_put(p, &e, sizeof e);
	GOOD(u(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, ev, p));
	IS(u(SYS_epoll_wait, ep, p, 1, 0), 0);
	GOOD(u_fork(event_writer, (int)ev));
	IS(u(SYS_epoll_wait, ep, p, 1, -1), 1);
	u_get(&got, p, sizeof got);
	IS(got.data.fd, 7);
	GOOD(u(SYS_wait4, -1, 0, 0, 0));
	t = GOOD(u(SYS_timerfd_create, 1, 0));
	u_put(p, it, sizeof it);
	GOOD(u(SYS_timerfd_settime, t, 0, p, 0));
	IS(u(SYS_read, t, p, 8), 8);
	IS(word(p), 1);
	GOOD(u(SYS_close, ev));
	IS(u(SYS_epoll_wait, ep, p, 1, 0), 0);
	return 0;
}

static int prog_sockets(int a)
{
	uint64_t p = u_page() + 4096;
	int s0, s1;

	GOOD(u(SYS_socketpair, 1, 1, 0, p));
	s0 = (int)word(p);
	s1 = (int)word(p + 4);
	IS(u(SYS_write, s0, S("over the socket"), 15), 15);
	IS(u(SYS_read, s1, p, 100), 15);
	GOOD(u(SYS_shutdown, s0, 1));
	IS(u(SYS_read, s1, p, 100), 0);
	GOOD(u(SYS_close, s0));
	GOOD(u(SYS_close, s1));
	return 0;
}

static int prog_exec(int a)
{
	uint64_t p = u_page() + 4096, argv[2] = { S("/bin/hello"), 0 };

	u_put(p, argv, sizeof argv);
	IS(u(SYS_execve, S2("/bin/nope"), p, p + 8), -ENOENT);
	u(SYS_execve, S("/bin/hello"), p, p + 8);
	return fail(__LINE__, 0);
}

/* Tasks push each other from CPU to CPU while these switch: every hand-over of
 * a stack that its old CPU has not left yet. */
#define MOVERS 6
static int mover(int rounds)
{
	uint64_t p = u_page() + 4096;
	uint32_t all;

	IS(u(SYS_sched_getaffinity, 0, 8, p) > 0, 1);
	all = word(p);
	for (int i = 0; i < rounds; i++) {
		uint32_t mask = (uint32_t)testhost_random() & all;

		set_word(p, mask ? mask : 1);
		u(SYS_sched_setaffinity, 3 + (long)(testhost_random() % MOVERS), 8, p);
		u(SYS_sched_yield);
	}
	return 0;
}

static int prog_movers(int a)
{
	for (int i = 0; i < MOVERS; i++)
		GOOD(u_fork(mover, 1500));
	for (int i = 0; i < MOVERS; i++) {
		IS(u(SYS_wait4, -1, u_page(), 0, 0) > 0, 1);
		IS(word(u_page()), 0);
	}
	return 0;
}

static int prog_proc(int a)
{
	static const char *const names[] = {
		"/proc/self/status", "/proc/self/stat", "/proc/self/maps", "/proc/self/mountinfo", "/proc/meminfo", "/proc/1/stat",
		"/proc/self/limits", "/proc/cpuinfo", "/proc/mounts", "/proc/self/fdinfo/1", "/proc/self/cmdline", "/proc/stat",
	};
	uint64_t p = u_page() + 4096;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		long fd = GOOD(u(SYS_open, S(names[i]), O_RDONLY, 0)), n, sum = 0;

		while ((n = GOOD(u(SYS_read, fd, p, 777))) > 0)
			sum += n;
		IS(sum > 0, 1);
		GOOD(u(SYS_close, fd));
	}
	GOOD(u(SYS_readlink, S("/proc/self/exe"), p, 100));
	return 0;
}

/* Random calls with random arguments: the kernel must neither crash nor hang
 * its CPU.  Ends when every task sleeps, or after its rounds. */
static uint64_t any_value(void)
{
	static const uint64_t some[] = { 0, 1, 2, 3, 4, 5, 8, 16, 4095, 4096, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, ~0ull, 1ull << 63, 1ull << 47, 0x400000 };
	uint64_t r = testhost_random();

	switch (r % 4) {
	case 0: return some[(r >> 8) % ARRAY_SIZE(some)];
	case 1: return u_page() + (r >> 8) % 16384;
	case 2: return (r >> 8) % 12;
	default: return r >> ((r >> 8) % 64);
	}
}

static int chaos(int rounds)
{
	static const char *const names[] = { "/tmp/a", "/tmp/b/c", "/tmp/b", "/proc/self/fd/0", "/", "/dev/null", "/bin/hello", "/proc/self/maps", "/tmp/../tmp/a/", "" };

	for (int i = 0; i < rounds; i++) {
		uint64_t v[6], r = testhost_random();
		long nr = (long)(r % 336);

		if (nr >= 0 && (nr == SYS_exit || nr == SYS_exit_group || nr == SYS_pause || nr == SYS_rt_sigreturn || nr == SYS_vfork ||
		    nr == SYS_clone || nr == SYS_fork || nr == SYS_execve || nr == SYS_execveat || nr == SYS_rt_sigsuspend))
			continue;
		if (!(r >> 60))
			nr = (long)any_value();
		for (int k = 0; k < 6; k++)
			v[k] = any_value();
		if ((r >> 16) % 3 == 0)
			v[(r >> 20) % 2] = u_str(u_page() + 512 * ((r >> 24) % 2), names[(r >> 32) % ARRAY_SIZE(names)]);
		u_call(nr, (long)v[0], (long)v[1], (long)v[2], (long)v[3], (long)v[4], (long)v[5]);
	}
	return 0;
}

static int prog_chaos(int a)
{
	for (int i = 0; i < 4; i++)
		u_fork(chaos, 400);
	chaos(400);
	return 0;
}

/* Text with call sites in a file; see kernel/mm/patch.c. */
enum { TEXT = 0x1000, TEXT_SIZE = 0x1e00, SITES = 4, SITE_STEP = 0x700 };
static uint64_t patch_site_at(uint64_t text, int i) { return text + 0x10 + (uint64_t)i * SITE_STEP; }
static uint8_t byte_at(uint64_t a) { uint8_t v; u_get(&v, a, 1); return v; }

/* How the text looks through /proc/self/mem. */
static long outside(uint64_t addr)
{
	long fd = u(SYS_openat, AT_FDCWD, S("/proc/self/mem"), O_RDONLY, 0), n;

	if (fd < 0)
		return fd;
	n = u(SYS_pread64, fd, u_page() + 8192, 1, addr);
	u(SYS_close, fd);
	return n < 0 ? n : n == 1 ? byte_at(u_page() + 8192) : -1;
}

static void hammer(uint64_t site, int n)
{
	u_site(site);
	while (n--)
		u(SYS_getppid);
	u_site(0);
}

static long map_text(long fd, unsigned prot)
{
	return u(SYS_mmap, 0, 0x2000, prot, MAP_PRIVATE, fd, TEXT);
}

static int patch_child(int text)
{
	uint64_t m = (uint64_t)(unsigned)text;

	GOOD(u(SYS_munmap, m + 4096, 4096));
	IS(byte_at(patch_site_at(m, 0) - 5), 0xb8);
	return 0;
}

static int prog_patch(int a)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 62, 0, 1 };
	static const uint8_t site[] = { 0xc3, 0xb8, SYS_getppid, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	const uint64_t ehdr[] = { 0, 64, 0, 0x0038004000000000, 1 }, phdr[] = { 0x500000001, TEXT, TEXT, 0, TEXT_SIZE, TEXT_SIZE, 4096 };
	uint64_t buf = u_page() + 4096, m, n;
	long fd = GOOD(u(SYS_memfd_create, S("text"), 0)), v;
	uint8_t first[5], now[5];

	GOOD(u(SYS_ftruncate, fd, 0x3000));
	u_put(buf, ident, sizeof ident);
	IS(u(SYS_pwrite64, fd, buf, sizeof ident, 0), sizeof ident);
	u_put(buf, ehdr, sizeof ehdr);
	IS(u(SYS_pwrite64, fd, buf, sizeof ehdr, 24), sizeof ehdr);
	u_put(buf, phdr, sizeof phdr);
	IS(u(SYS_pwrite64, fd, buf, sizeof phdr, 64), sizeof phdr);
	for (int i = 0; i < SITES; i++) {
		u_put(buf, site, sizeof site);
		IS(u(SYS_pwrite64, fd, buf, sizeof site, patch_site_at(TEXT, i) - 6), sizeof site);
	}
	m = (uint64_t)GOOD(u(SYS_mmap, 0x20000000, 0x2000, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, TEXT));
	hammer(patch_site_at(m, 0), 400);
	if (testhost.fail_at && byte_at(patch_site_at(m, 0) - 5) != 0xe9)
		return 0;                       /* what failed was the patching */
	IS(byte_at(patch_site_at(m, 0) - 5), 0xe9);
	IS(byte_at(patch_site_at(m, 0)), 0x0f);
	IS(outside(patch_site_at(m, 0) - 5), 0xb8);
	IS(outside(m + TEXT_SIZE + 8), 0);
	u_get(first, patch_site_at(m, 0) - 5, 5);
	/* More sites: another version, in which the first is the same. */
	IS(byte_at(patch_site_at(m, 3) - 5), 0xb8);
	hammer(patch_site_at(m, 3), 3000);
	if (testhost.fail_at && byte_at(patch_site_at(m, 3) - 5) != 0xe9)
		return 0;
	IS(byte_at(patch_site_at(m, 3) - 5), 0xe9);
	u_get(now, patch_site_at(m, 0) - 5, 5);
	IS(memcmp(first, now, 5), 0);
	IS(outside(patch_site_at(m, 3) - 5), 0xb8);
	/* A new mapping of a program that is its own loader has it when it calls from
	 * there; one that may be written never. */
	n = (uint64_t)GOOD(map_text(fd, PROT_READ | PROT_EXEC));
	IS(byte_at(patch_site_at(n, 3) - 5), 0xb8);
	hammer(patch_site_at(n, 3), 3000);
	if (testhost.fail_at && byte_at(patch_site_at(n, 3) - 5) != 0xe9)
		return 0;
	IS(byte_at(patch_site_at(n, 3) - 5), 0xe9);
	GOOD(u(SYS_mprotect, n, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC));
	IS(byte_at(patch_site_at(n, 3) - 5), 0xb8);
	u_put(patch_site_at(n, 3) - 5, "\x90", 1);
	GOOD(u(SYS_mprotect, n, 0x2000, PROT_READ | PROT_EXEC));
	hammer(patch_site_at(n, 3), 300);
	IS(byte_at(patch_site_at(n, 3) - 5), 0x90);
	n = (uint64_t)GOOD(map_text(fd, PROT_READ));
	IS(byte_at(patch_site_at(n, 3) - 5), 0xb8);
	/* A piece of the text goes: the rest is the file's. */
	v = GOOD(u_fork(patch_child, (int)m));
	IS(u(SYS_wait4, v, 0, 0, 0), v);
	IS(byte_at(patch_site_at(m, 0) - 5), 0xe9);
	GOOD(u(SYS_mprotect, m + 4096, 4096, PROT_READ));
	IS(byte_at(patch_site_at(m, 0) - 5), 0xb8);
	IS(byte_at(patch_site_at(m, 3) - 5), 0xb8);
	/* Written: nobody gets the old text. */
	u_put(buf, "\xcc", 1);
	IS(u(SYS_pwrite64, fd, buf, 1, patch_site_at(TEXT, 3) - 5), 1);
	n = (uint64_t)GOOD(map_text(fd, PROT_READ | PROT_EXEC));
	IS(byte_at(patch_site_at(n, 3) - 5), 0xcc);
	IS(byte_at(patch_site_at(n, 0) - 5), 0xb8);
	hammer(patch_site_at(n, 1), 400);
	/* As long as it may change unseen, no copy is used. */
	m = (uint64_t)GOOD(u(SYS_mmap, 0, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, TEXT));
	u_put(patch_site_at(m, 1) - 5, "\xbf", 1);
	n = (uint64_t)GOOD(map_text(fd, PROT_READ | PROT_EXEC));
	IS(byte_at(patch_site_at(n, 1) - 5), 0xbf);
	hammer(patch_site_at(n, 1), 400);
	IS(byte_at(patch_site_at(n, 1) - 5), 0xbf);
	return 0;
}

/* Every program's image by hostfs: listed, looked up together, read from what
 * came along; some of it at the same time as others do. */
static int read_images(int a)
{
	uint64_t buf = u_page() + 4096;
	char rec[1024], name[280];
	long n, dir, fd;
	unsigned seen = 0;

	dir = GOOD(u(SYS_open, S("/bin"), O_RDONLY | O_DIRECTORY));
	while ((n = GOOD(u(SYS_getdents64, dir, buf, sizeof rec))) > 0) {
		u_get(rec, buf, (size_t)n);
		for (long at = 0; at < n; at += *(uint16_t *)(rec + at + 16)) {
			if (rec[at + 19] == '.')
				continue;
			snprintf(name, sizeof name, "/bin/%s", rec + at + 19);
			GOOD(u(SYS_stat, S(name), buf + 1024));
			fd = GOOD(u(SYS_open, S(name), O_RDONLY));
			IS(u(SYS_read, fd, buf + 1024, 1000), 1000);
			IS(word(buf + 1024), 0x464c457f);
			IS(u(SYS_pread64, fd, buf + 1024, 3000, 2000), 2096);
			IS(u(SYS_write, fd, buf, 1), -EBADF);
			GOOD(u(SYS_close, fd));
			seen++;
		}
	}
	IS(seen, testhost_program_count);
	GOOD(u(SYS_close, dir));
	return 0;
}

static int prog_hostfs(int a)
{
	uint64_t buf = u_page() + 4096;
	long fd;

	IS(u(SYS_stat, S("/bin/none"), buf), -ENOENT);
	IS(read_images(0), 0);
	IS(u(SYS_stat, S("/bin/none"), buf), -ENOENT);
	for (int i = 0; i < 3; i++)
		GOOD(u_fork(read_images, i));
	IS(read_images(0), 0);
	for (int i = 0; i < 3; i++) {
		GOOD(u(SYS_wait4, -1, buf, 0, 0));
		IS(word(buf), 0);
	}
	fd = GOOD(u(SYS_open, S("/bin/hello"), O_RDONLY));
	IS(u(SYS_lseek, fd, 0, SEEK_END), 4096);
	IS(u(SYS_read, fd, buf, 10), 0);
	IS(u(SYS_open, S("/bin/hello"), O_RDWR), -EROFS);
	IS(u(SYS_open, S("/bin/hello/x"), O_RDONLY), -ENOTDIR);
	IS(u(SYS_unlink, S("/bin/hello")), -EROFS);
	return 0;
}

const struct testhost_program testhost_programs[] = {
	{ "hostfs", prog_hostfs },
	{ "hello", prog_hello }, { "fork", prog_fork }, { "pipe", prog_pipe }, { "threads", prog_threads },
	{ "signals", prog_signals }, { "jobs", prog_jobs }, { "files", prog_files }, { "memory", prog_memory }, { "patch", prog_patch },
	{ "events", prog_events }, { "sockets", prog_sockets }, { "exec", prog_exec }, { "proc", prog_proc },
	{ "movers", prog_movers }, { "chaos", prog_chaos }, { "sockets-model", sockets_model },
	{ "accept-model", accept_model }, { "tcp-model", tcp_model }, { "packets-model", packets_model }, { "rings-model", rings_model },
	{ "walks", walks },
	{ "lockless", lockless }, { "granted-close", granted_close },
};
const unsigned testhost_program_count = ARRAY_SIZE(testhost_programs);
