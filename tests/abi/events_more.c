/* SPDX-License-Identifier: Apache-2.0 */
/* poll, select, epoll, eventfd, timerfd and signalfd as test suites of the system calls try them: wrong
 * arguments and their order, limits, who is woken by what, what is written back. */
#include "unix.h"
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define BAD ((void *)8)
#define SIG8 8
static long sys_ppoll(void *p, unsigned n, void *t, void *m, size_t z) { return syscall(SYS_ppoll, p, n, t, m, z); }
static long sys_pselect(int n, void *r, void *t, void *m) { return syscall(SYS_pselect6, n, r, NULL, NULL, t, m); }
static long pwait2(int ep, void *e, int n, void *t, void *m, size_t z)
{
	return syscall(SYS_epoll_pwait2, ep, e, n, t, m, z);
}
static long pwait(int ep, void *e, int n, int ms, void *m, size_t z) { return syscall(SYS_epoll_pwait, ep, e, n, ms, m, z); }
static void nothing(int s) { (void)s; }
static void alarm_in(int ms)
{
	struct itimerval v = { { 0, 0 }, { ms / 1000, ms % 1000 * 1000 } };

	setitimer(ITIMER_REAL, &v, NULL);
}
/* A call that a signal ends: it comes again, in case it came before the call. */
#define ALARMED(e) do { \
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 50000 }, { 0, 50000 } }, NULL); \
	V(e); \
	alarm_in(0); \
} while (0)
static int ep_op(int ep, int op, int fd, unsigned events, uint64_t data)
{
	struct epoll_event e = { events, { .u64 = data } };

	return epoll_ctl(ep, op, fd, &e);
}

static void polls(void)
{
	struct timespec zero = { 0, 0 }, neg = { 0, -1 }, bad = { 0, 1000000001 }, minus = { -1, 0 }, ms = { 0, 10000000 };
	struct timespec left = { 30, 0 };
	struct pollfd p = { -1, POLLIN, 7 }, many[4];
	struct { void *m; size_t z; } arg;
	sigset_t mask;
	int v[2];

	sigemptyset(&mask);
	V(poll(NULL, 1, 1));
	V(poll(NULL, (nfds_t)-1, 1));
	V(poll(NULL, 0, 10));
	V(poll(BAD, 1, 0));
	V(poll(&p, 1, 0));
	SAY("%d\n", p.revents);
	p.fd = 9999;
	V(poll(&p, 1, 0));
	SAY("%x %x\n", p.events, p.revents);
	V(poll(&p, 1, -1));
	ALARMED(poll(NULL, 0, -1));
	ALARMED(poll(NULL, 0, -77));
	V(sys_ppoll(NULL, 1, &zero, &mask, SIG8));
	V(sys_ppoll(NULL, -1, &zero, &mask, SIG8));
	V(sys_ppoll(NULL, 0, &ms, NULL, 0));
	SAY("left %ld %ld\n", (long)ms.tv_sec, ms.tv_nsec);
	V(sys_ppoll(NULL, 0, &neg, NULL, 0));
	V(sys_ppoll(NULL, 0, &bad, NULL, 0));
	V(sys_ppoll(NULL, 0, &minus, NULL, 0));
	V(sys_ppoll(NULL, 0, BAD, NULL, 0));
	V(sys_ppoll(NULL, 0, &zero, &mask, 128));
	V(sys_ppoll(NULL, 0, &zero, &mask, 4));
	V(sys_ppoll(NULL, 0, &zero, BAD, SIG8));
	V(sys_ppoll(NULL, 0, &zero, NULL, 77));
	ALARMED(sys_ppoll(NULL, 0, NULL, NULL, 0));
	ALARMED(sys_ppoll(NULL, 0, &left, NULL, 0));
	SAY("left %d\n", left.tv_sec > 0 && left.tv_sec < 30 && left.tv_nsec > 0);
	/* A mask that lets a blocked signal in, and one that keeps one out. */
	sigset_t block, old;
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, &old);
	alarm_in(50);
	V(sys_ppoll(NULL, 0, &left, &old, SIG8));
	alarm_in(50);
	arg.m = &old;
	arg.z = SIG8;
	V(sys_pselect(0, NULL, &left, &arg));
	sigprocmask(SIG_SETMASK, &old, NULL);
	ms = (struct timespec){ 0, 100000000 };
	alarm_in(20);
	V(sys_ppoll(NULL, 0, &ms, &block, SIG8));
	SAY("left %ld %ld\n", (long)ms.tv_sec, ms.tv_nsec);

	upair(SOCK_STREAM, v);
	for (int i = 0; i < 4; i++)
		many[i] = (struct pollfd){ i == 2 ? 9999 : v[i & 1], POLLOUT, 0 };
	V(poll(many, 4, 0));
	SAY("%x %x %x\n", many[0].revents, many[2].revents, many[3].revents);
	many[0].events = 0;
	V(poll(many, 1, 0));
	many[0].events = POLLMSG | POLLREMOVE | 0x8000;
	V(poll(many, 1, 0));
	close(v[1]);
	many[0].events = 0;
	V(poll(many, 1, 0));
	SAY("%x %x\n", many[0].events, many[0].revents);
	close(v[0]);
	struct rlimit r, was;
	getrlimit(RLIMIT_NOFILE, &was);
	r = was;
	r.rlim_cur = 100;
	setrlimit(RLIMIT_NOFILE, &r);
	static struct pollfd lots[101];
	for (int i = 0; i < 101; i++)
		lots[i] = (struct pollfd){ 0, 0, 0 };
	V(poll(lots, 100, 0));
	V(poll(lots, 101, 0));
	setrlimit(RLIMIT_NOFILE, &was);

	fd_set s;
	struct timeval tv = { 0, 10000 };
	FD_ZERO(&s);
	V(select(0, NULL, NULL, NULL, &tv));
	SAY("%ld %ld\n", (long)tv.tv_sec, (long)tv.tv_usec);
	V(select(-1, NULL, NULL, NULL, &tv));
	V(select(INT_MIN, NULL, NULL, NULL, &tv));
	tv = (struct timeval){ 0, -1 };
	V(select(1, NULL, NULL, NULL, &tv));
	tv = (struct timeval){ -1, 0 };
	V(select(1, NULL, NULL, NULL, &tv));
	tv = (struct timeval){ 0, 3000000 / 100 };
	V(select(1, NULL, NULL, NULL, &tv));
	V(select(1, BAD, NULL, NULL, &tv));
	V(select(1, NULL, BAD, NULL, &tv));
	V(select(1, NULL, NULL, BAD, &tv));
	V(select(0, BAD, BAD, BAD, &tv));
	V(syscall(SYS_select, 1, NULL, NULL, NULL, BAD));
	V(select(70000, NULL, NULL, NULL, &(struct timeval){ 0, 0 }));
	int d = dup(1);
	close(d);
	FD_SET(d, &s);
	V(select(d + 1, &s, NULL, NULL, &(struct timeval){ 0, 0 }));
	V(FD_ISSET(d, &s));
	V(select(d, &s, NULL, NULL, &(struct timeval){ 0, 0 }));
	memset(&s, 0xfe, sizeof s);
	V(select(1, &s, NULL, NULL, &(struct timeval){ 0, 0 }));
	ms = (struct timespec){ 0, 10000000 };
	V(sys_pselect(1, NULL, &ms, NULL));
	SAY("%ld %ld\n", (long)ms.tv_sec, ms.tv_nsec);
	V(sys_pselect(1, NULL, &minus, NULL));
	V(sys_pselect(1, NULL, &bad, NULL));
	SAY("%ld %ld\n", (long)bad.tv_sec, bad.tv_nsec);
	arg.m = NULL;
	arg.z = 7;
	V(sys_pselect(0, NULL, &zero, &arg));
	arg.m = &mask;
	V(sys_pselect(0, NULL, &zero, &arg));
	V(sys_pselect(0, NULL, &zero, BAD));
	arg.m = BAD;
	arg.z = 8;
	V(sys_pselect(0, NULL, &zero, &arg));
	ALARMED(select(0, NULL, NULL, NULL, NULL));
	tv = (struct timeval){ 30, 0 };
	ALARMED(select(0, NULL, NULL, NULL, &tv));
	SAY("left %d\n", tv.tv_sec > 0 && tv.tv_sec < 30);
}

static void epolls(void)
{
	static struct epoll_event e[64];
	struct timespec zero = { 0, 0 }, bad = { 0, 1000000000 }, neg = { -1, 0 };
	int ep = epoll_create1(0), ep2 = epoll_create1(EPOLL_CLOEXEC), p[2], ev = eventfd(0, 0), v[2], c[4];
	uint64_t one = UINT64_MAX - 1;
	sigset_t mask;

	sigemptyset(&mask);
	V(epoll_create(0));
	V(epoll_create(-1));
	V(epoll_create(INT_MIN));
	V(epoll_create1(1));
	V(epoll_create1(-1));
	V(epoll_create1(EPOLL_CLOEXEC | 1));
	V(fcntl(ep2, F_GETFD));
	V(fcntl(ep2, F_GETFL));
	(void)!pipe2(p, O_NONBLOCK);
	V(epoll_wait(ep, e, 0, 0));
	V(epoll_wait(ep, e, -1, 0));
	V(epoll_wait(ep, e, INT_MAX, 0));
	V(epoll_wait(ep, e, INT_MAX / (int)sizeof *e, 0));
	V(epoll_wait(ep, NULL, 1, 0));
	V(epoll_wait(ep, BAD, 1, 0));
	V(epoll_wait(-1, e, 1, 0));
	V(epoll_wait(p[0], e, 1, 0));
	V(epoll_wait(p[0], e, 0, 0));
	V(pwait2(ep, e, 1, &zero, NULL, 0));
	V(pwait2(ep, e, 1, &bad, NULL, 0));
	V(pwait2(ep, e, 1, &neg, NULL, 0));
	V(pwait2(ep, e, 1, BAD, NULL, 0));
	V(pwait2(ep, e, 1, &zero, &mask, 8));
	V(pwait2(ep, e, 1, &zero, &mask, 7));
	V(pwait2(ep, e, 1, &zero, BAD, 8));
	V(pwait(ep, e, 1, 0, &mask, 8));
	V(pwait(ep, e, 1, 0, &mask, 16));
	V(pwait(ep, e, 1, 0, BAD, 8));
	V(pwait(ep, e, 1, 0, NULL, 3));
	V(pwait(-1, e, 1, 0, NULL, 8));
	V(pwait(p[0], e, 1, 0, NULL, 8));
	V(ep_op(-1, EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
	V(ep_op(ep, EPOLL_CTL_ADD, -1, EPOLLIN, 0));
	V(ep_op(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 0));
	V(ep_op(p[0], EPOLL_CTL_ADD, p[1], EPOLLIN, 0));
	V(ep_op(ep, -1, p[0], EPOLLIN, 0));
	V(ep_op(ep, 4, p[0], EPOLLIN, 0));
	V(ep_op(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 0));
	V(ep_op(ep, EPOLL_CTL_DEL, p[0], EPOLLIN, 0));
	V(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], NULL));
	V(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], BAD));
	V(epoll_ctl(-1, EPOLL_CTL_ADD, p[0], NULL));
	V(ep_op(ep, EPOLL_CTL_ADD, open(".", O_RDONLY), EPOLLIN, 0));
	V(ep_op(ep, EPOLL_CTL_ADD, open("/dev/null", O_RDONLY), EPOLLIN, 0));
	V(ep_op(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDNORM, 0));
	V(ep_op(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP, 0));
	V(ep_op(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0));
	V(ep_op(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLWAKEUP, 0));
	V(ep_op(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 0));
	V(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	V(ep_op(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 5));
	V(ep_op(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 5));
	V(ep_op(ep, EPOLL_CTL_MOD, p[0], 0, 6));
	V(epoll_wait(ep, e, 9, 0));
	close(p[1]);
	V(epoll_wait(ep, e, 9, 0));
	SAY("%x %d\n", e[0].events, (int)e[0].data.u64);
	close(p[0]);
	V(epoll_wait(ep, e, 9, 0));
	/* An eventfd: writable until it is full. */
	V(ep_op(ep, EPOLL_CTL_ADD, ev, EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM | EPOLLPRI, 1));
	V(epoll_wait(ep, e, 9, 0));
	SAY("%x\n", e[0].events);
	V(write(ev, &one, 8));
	V(epoll_wait(ep, e, 9, 0));
	SAY("%x\n", e[0].events);
	V(read(ev, &one, 8));
	V(ep_op(ep, EPOLL_CTL_MOD, ev, EPOLLOUT | EPOLLET, 2));
	V(epoll_wait(ep, e, 9, 0));
	V(epoll_wait(ep, e, 9, 0));
	V(write(ev, &one, 8));
	V(epoll_wait(ep, e, 9, 0));
	V(read(ev, &one, 8));
	V(epoll_wait(ep, e, 9, 0));
	V(epoll_wait(ep, e, 9, 0));
	V(ep_op(ep, EPOLL_CTL_MOD, ev, EPOLLOUT | EPOLLET | EPOLLONESHOT, 2));
	V(epoll_wait(ep, e, 9, 0));
	V(write(ev, &one, 8));
	V(read(ev, &one, 8));
	V(epoll_wait(ep, e, 9, 0));
	V(ep_op(ep, EPOLL_CTL_MOD, ev, EPOLLIN | EPOLLET, 2));
	one = 1;
	V(write(ev, &one, 8));
	V(epoll_wait(ep, e, 9, 0));
	V(write(ev, &one, 8));
	V(epoll_wait(ep, e, 9, 0));
	V(epoll_wait(ep, e, 9, 0));
	V(epoll_ctl(ep, EPOLL_CTL_DEL, ev, NULL));
	/* Circles. */
	V(ep_op(ep, EPOLL_CTL_ADD, ep2, EPOLLIN, 0));
	V(ep_op(ep2, EPOLL_CTL_ADD, ep, EPOLLIN, 0));
	V(ep_op(ep2, EPOLL_CTL_ADD, ep, EPOLLIN | EPOLLEXCLUSIVE, 0));
	for (int i = 0; i < 4; i++)
		c[i] = epoll_create1(0);
	for (int i = 0; i < 3; i++)
		V(ep_op(c[i + 1], EPOLL_CTL_ADD, c[i], EPOLLIN, 0));
	V(ep_op(c[0], EPOLL_CTL_ADD, c[3], EPOLLIN, 0));
	/* No more than asked for, everybody in turn, the quiet never. */
	int q[13][2], seen[13] = { 0 }, n, calls = 0, total = 0;
	char b;
	close(ep);
	ep = epoll_create1(0);
	for (int i = 0; i < 13; i++) {
		(void)!pipe(q[i]);
		ep_op(ep, EPOLL_CTL_ADD, q[i][0], EPOLLIN, (uint64_t)i);
		if (i < 9)
			(void)!write(q[i][1], "x", 1);
	}
	while ((n = epoll_wait(ep, e, 4, 0)) > 0 && calls++ < 20) {
		SAY("%d ", n);
		for (int i = 0; i < n; i++, total++) {
			seen[e[i].data.u64]++;
			(void)!read(q[e[i].data.u64][0], &b, 1);
		}
	}
	SAY("calls %d of %d, quiet %d\n", calls, total, seen[9] + seen[10] + seen[11] + seen[12]);
	/* Removed while it is ready, closed while it is ready, two ready and one wrong address. */
	(void)!write(q[0][1], "x", 1);
	(void)!write(q[1][1], "x", 1);
	V(epoll_wait(ep, BAD, 4, 0));
	V(epoll_wait(ep, e, 4, 0));
	V(epoll_ctl(ep, EPOLL_CTL_DEL, q[0][0], NULL));
	V(epoll_wait(ep, e, 4, 0));
	close(q[1][0]);
	V(epoll_wait(ep, e, 4, 0));
	upair(SOCK_STREAM, v);
	V(ep_op(ep, EPOLL_CTL_ADD, v[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 3));
	V(shutdown(v[1], SHUT_WR));
	V(epoll_wait(ep, e, 4, 0));
	SAY("%x\n", e[0].events);
	close(v[1]);
	V(epoll_wait(ep, e, 4, 0));
	SAY("%x\n", e[0].events);
	close(v[0]);
	ALARMED(epoll_wait(ep, e, 4, -1));
	ALARMED(pwait2(ep, e, 4, NULL, NULL, 0));
	V(read(ep, e, 4));
	V(write(ep, e, 4));
	V(ioctl(ep, FIONBIO, &n));
}

static void eventfds(void)
{
	uint64_t v[16] = { 1 };
	int e = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE), f = eventfd(7, EFD_CLOEXEC);

	V(eventfd(0, 1 << 20));
	V(eventfd(0, -1));
	V(syscall(SYS_eventfd, 3) > 0);
	V(fcntl(e, F_GETFL));
	V(fcntl(f, F_GETFD));
	V(read(e, v, 8));
	V(write(e, v, 4));
	V(write(e, v, 8));
	V(read(e, v, 4));
	V(read(e, v, 8));
	V(read(e, v, 8));
	v[0] = 16;
	V(write(e, v, 8));
	V(read(e, v, sizeof v));
	SAY("%d\n", (int)v[0]);
	v[0] = UINT64_MAX;
	V(write(e, v, 8));
	v[0] = UINT64_MAX - 1;
	V(write(e, v, 8));
	v[0] = UINT64_MAX - 1 - 15;
	V(write(e, v, 8));
	POLL(e);
	v[0] = 0;
	V(write(e, v, 8));
	V(read(e, NULL, 8));
	V(write(e, NULL, 8));
	V(pread(e, v, 8, 0));
	V(pwrite(e, v, 8, 0));
	struct iovec io[2] = { { v, 4 }, { (char *)v + 4, 4 } };
	v[0] = 9;
	V(writev(f, io, 1));
	V(writev(f, &(struct iovec){ v, 8 }, 1));
	v[0] = 0;
	V(readv(f, io, 2));
	SAY("%d\n", (int)v[0]);
	V(readv(e, io, 1));
	V(lseek(e, 5, SEEK_SET));
}

static void timers(void)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM,
		CLOCK_BOOTTIME_ALARM, CLOCK_PROCESS_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_TAI, 99, -1 };
	struct itimerspec t = { { 0, 0 }, { 0, 20000000 } }, later = { .it_value.tv_sec = 1000 }, old;
	struct pollfd p = { .events = POLLIN };
	uint64_t v;

	for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++)
		if (clocks[i] != CLOCK_REALTIME_ALARM && clocks[i] != CLOCK_BOOTTIME_ALARM)
			V(timerfd_create(clocks[i], 0) >= 0);
	V(timerfd_create(CLOCK_REALTIME, -1));
	V(timerfd_create(CLOCK_REALTIME, 1));
	int f = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	p.fd = f;
	V(fcntl(f, F_GETFL));
	V(fcntl(f, F_GETFD));
	V(read(f, &v, 8));
	V(read(f, &v, 4));
	V(write(f, &v, 8));
	V(pread(f, &v, 8, 0));
	V(pwrite(f, &v, 8, 0));
	V(timerfd_settime(f, 4, &t, NULL));
	V(timerfd_settime(f, -1, &t, NULL));
	V(timerfd_settime(f, 0, NULL, NULL));
	V(timerfd_settime(f, 0, BAD, NULL));
	V(timerfd_settime(f, 0, &t, BAD));
	V(timerfd_gettime(f, BAD));
	V(timerfd_gettime(-1, &t));
	V(timerfd_gettime(0, &old));
	V(timerfd_settime(-1, 0, &t, NULL));
	V(timerfd_settime(0, 0, &t, NULL));
	t.it_value.tv_nsec = 1000000000;
	V(timerfd_settime(f, 0, &t, NULL));
	t.it_value.tv_nsec = -1;
	V(timerfd_settime(f, 0, &t, NULL));
	t.it_value = (struct timespec){ -1, 0 };
	V(timerfd_settime(f, 0, &t, NULL));
	t.it_value = (struct timespec){ 0, 20000000 };
	V(timerfd_settime(f, 0, &t, &old));
	poll(&p, 1, -1);
	POLL(f);
	V(read(f, NULL, 8));
	V(timerfd_settime(f, 0, &later, &old));
	SAY("%ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
	V(read(f, &v, 8));
	V(timerfd_settime(f, 0, &t, NULL));
	poll(&p, 1, -1);
	V(ioctl(f, FIONREAD, &v));
	V(read(f, &v, 8));
	SAY("%d\n", (int)v);
	V(read(f, &v, 8));
	memset(&t, 0, sizeof t);
	V(timerfd_settime(f, 0, &t, NULL));
	V(timerfd_gettime(f, &old));
	SAY("%ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
	t.it_value.tv_nsec = 1;
	V(timerfd_settime(f, TFD_TIMER_ABSTIME, &t, NULL));
	poll(&p, 1, -1);
	V(read(f, &v, 8));
	SAY("%d\n", (int)v);
	t.it_value.tv_sec = 1000;
	t.it_interval.tv_sec = 5;
	V(timerfd_settime(f, TFD_TIMER_CANCEL_ON_SET, &t, NULL));
	V(timerfd_gettime(f, &old));
	SAY("%d %ld\n", old.it_value.tv_sec >= 999, (long)old.it_interval.tv_sec);
	V(timerfd_settime(f, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL));
}

static void signals(void)
{
	struct signalfd_siginfo i[3];
	sigset_t mask, none;
	union sigval val = { .sival_int = 101 };
	int f, p[2];

	sigemptyset(&none);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, 64);
	sigaddset(&mask, SIGKILL);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	(void)!pipe(p);
	V(signalfd(-1, &mask, 1));
	V(signalfd(-2, &mask, 0));
	V(signalfd(999, &mask, 0));
	V(signalfd(p[0], &mask, 0));
	V(syscall(SYS_signalfd4, -1, &mask, 16, 0));
	V(syscall(SYS_signalfd4, -1, &mask, 4, 0));
	V(syscall(SYS_signalfd4, -1, BAD, 8, 0));
	V(syscall(SYS_signalfd4, -1, NULL, 8, 0));
	f = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	V(fcntl(f, F_GETFL));
	V(fcntl(f, F_GETFD));
	V(read(f, i, sizeof i));
	POLL(f);
	sigqueue(getpid(), 64, val);
	val.sival_int = 102;
	sigqueue(getpid(), 64, val);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	POLL(f);
	V(read(f, i, sizeof *i - 1));
	V(read(f, NULL, sizeof *i));
	V(read(f, i, sizeof i));
	for (int k = 0; k < 3; k++)
		SAY("%d %d %d %d\n", i[k].ssi_signo, i[k].ssi_int, i[k].ssi_code, i[k].ssi_pid == (uint32_t)getpid());
	V(read(f, i, sizeof i));
	raise(SIGUSR1);
	V(signalfd(f, &none, 0) == f);
	V(read(f, i, sizeof i));
	V(signalfd(f, &mask, 0) == f);
	V(read(f, i, sizeof i));
	V(write(f, i, sizeof i));
	V(pread(f, i, sizeof i, 0));
	if (!fork()) {
		V(raise(SIGUSR1));
		V(read(f, i, sizeof *i));
		V(kill(getppid(), SIGUSR1));
		V(read(f, i, sizeof *i));
		_exit(0);
	}
	wait(NULL);
	V(read(f, i, sizeof *i));
	SAY("%d %d\n", i[0].ssi_signo, i[0].ssi_code);
	if (!fork()) {
		sigfillset(&mask);
		sigprocmask(SIG_BLOCK, &mask, NULL);
		signalfd(-1, &mask, 0);
		raise(SIGKILL);
		_exit(0);
	}
	int st;
	wait(&st);
	say_status("killed", st);
}

/* Who waits only to hear that the other side is gone hears it; else a signal ends the wait. */
static struct { int fd, events, n, got; volatile int tid, done; } waiter;
static void *wait_poll(void *x)
{
	struct pollfd p = { waiter.fd, (short)waiter.events, 0 };

	tell_tid(&waiter.tid);
	waiter.n = poll(&p, 1, -1);
	waiter.got = p.revents;
	__atomic_store_n(&waiter.done, 1, __ATOMIC_RELEASE);
	return x;
}
static void hangup(int type, int who, int how, int want)
{
	pthread_t t;
	int p[2];

	upair(type, p);
	waiter.fd = p[0];
	waiter.events = want ? POLLRDHUP : 0;
	waiter.tid = waiter.done = 0;
	pthread_create(&t, NULL, wait_poll, NULL);
	until_asleep(&waiter.tid);
	if (how < 3)
		shutdown(p[who], how);
	else if (who)
		close(p[1]);
	/* Whoever was woken sleeps no more. */
	while (!__atomic_load_n(&waiter.done, __ATOMIC_ACQUIRE))
		if (thread_state(waiter.tid) == 'S' && !waiter.done)
			pthread_kill(t, SIGALRM);
	pthread_join(t, NULL);
	SAY("type %d side %d how %d for %d: %d %x\n", type, who, how, want, waiter.n, waiter.got);
	close(p[0]);
	close(p[1]);
}
static void hangups(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };

	for (int i = 0; i < 3; i++)
		for (int who = 0; who < 2; who++)
			for (int how = 0; how < 4; how++)
				for (int want = 0; want < 2; want++)
					hangup(types[i], who, how, want);
}

int main(void)
{
	struct sigaction a = { .sa_handler = nothing };

	enter_tmp();
	sigaction(SIGALRM, &a, NULL);
	polls();
	epolls();
	eventfds();
	timers();
	signals();
	hangups();
	return 0;
}
