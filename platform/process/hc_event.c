/* SPDX-License-Identifier: Apache-2.0 */
/* The event thread: readiness of streams, and the monitor's messages.
 *
 * One epoll set.  Streams are armed one shot at a time by hc_event_arm() from
 * any CPU; the control channel stays in.  The thread sleeps in epoll_wait()
 * without a time-out: nothing happens while nothing happens.
 *
 * The end of the control channel means that the monitor is gone: the sandbox
 * ends (it would be killed by PR_SET_PDEATHSIG too; both, so that neither
 * rests on the other).
 *
 * Trust: the monitor is ours, but its messages are checked all the same. */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "host/isolate/isolate.h"
#include "host/monitor/control.h"
#include "platform/process/hc.h"

HOST_CALLS(sandbox, futex, epoll_wait, epoll_ctl, recvmsg, exit_group);

#define EVENT_STACK (64u << 10)
#define KEY_CONTROL HC_STREAM_COUNT

static int epoll_fd = -1, control_fd = -1;
static bool in_epoll[HC_STREAM_COUNT];  /* false: always ready, epoll refuses it */
static uint32_t tty_size;               /* rows << 16 | columns, atomic */
static uint32_t thread_started;         /* a futex */

void hc_event_arm(uint32_t stream, int fd, uint32_t arm)
{
	struct epoll_event ev = { .events = EPOLLONESHOT, .data.u64 = stream };

	if (arm & HC_POLL_IN)
		ev.events |= EPOLLIN | EPOLLRDHUP;
	if (arm & HC_POLL_OUT)
		ev.events |= EPOLLOUT;
	if (!in_epoll[stream] || raw(SYS_epoll_ctl, epoll_fd, EPOLL_CTL_MOD, fd, &ev))
		process_events_raise(HC_EVENT_STREAM(stream));
}

int hc_tty_size(uint16_t *ret_rows, uint16_t *ret_cols)
{
	uint32_t size = __atomic_load_n(&tty_size, __ATOMIC_RELAXED);

	if (!size)
		return -ENOTTY;
	*ret_rows = (uint16_t)(size >> 16);
	*ret_cols = (uint16_t)size;
	return 0;
}

static __noreturn void monitor_gone(void)
{
	for (;;)
		raw(SYS_exit_group, 125);
}

static void control_read(void)
{
	struct control_msg m;
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long n = raw(SYS_recvmsg, control_fd, &msg, MSG_DONTWAIT | MSG_TRUNC);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n != sizeof(m))
		monitor_gone();
	switch (m.type) {
	case CONTROL_WINCH:
		__atomic_store_n(&tty_size, (m.a & 0xffff) << 16 | (m.b & 0xffff), __ATOMIC_RELAXED);
		process_events_raise(HC_EVENT_WINCH);
		break;
	case CONTROL_SIGNAL:
		if (m.a >= 1 && m.a <= 31)
			process_events_raise(HC_EVENT_SIGNAL(m.a));
		break;
	case CONTROL_TERM:
		process_events_raise(HC_EVENT_TERM);
		break;
	default:
		break;
	}
}

static void *event_thread(void *arg)
{
	struct epoll_event ev[8];
	uint64_t bits;
	long i, n;

	(void)arg;
	stats_thread(STATS_SLOT_EVENTS);
	__atomic_store_n(&thread_started, 1, __ATOMIC_RELEASE);
	raw(SYS_futex, &thread_started, FUTEX_WAKE_PRIVATE, 1);
	for (;;) {
		n = raw(SYS_epoll_wait, epoll_fd, ev, ARRAY_SIZE(ev), -1);
		bits = 0;
		for (i = 0; i < n; i++) {
			if (ev[i].data.u64 == KEY_CONTROL)
				control_read();
			else
				bits |= HC_EVENT_STREAM(ev[i].data.u64);
		}
		if (bits)
			process_events_raise(bits);
	}
	return NULL;
}

int hc_event_init(const struct sandbox_config *cfg)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = KEY_CONTROL };
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t t;
	unsigned i;
	int err;

	control_fd = cfg->control_fd;
	if (cfg->boot.tty_rows || cfg->boot.tty_cols)
		tty_size = (uint32_t)cfg->boot.tty_rows << 16 | cfg->boot.tty_cols;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		return -errno;
	if (control_fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, control_fd, &ev))
		return -errno;
	for (i = 0; i < HC_STREAM_COUNT; i++) {
		ev = (struct epoll_event){ .events = EPOLLONESHOT, .data.u64 = i };
		if (cfg->stream_fd[i] < 0)
			continue;
		/* In the set but not armed: only a hang-up could fire, once. */
		if (!epoll_ctl(epoll_fd, EPOLL_CTL_ADD, cfg->stream_fd[i], &ev))
			in_epoll[i] = true;
		else if (errno != EPERM)
			return -errno;
	}
	/* Kicks and other signals are for CPU threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_attr_init(&attr);
	if (!err)
		err = pthread_attr_setstacksize(&attr, EVENT_STACK);
	if (!err)
		err = pthread_create(&t, &attr, event_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	/* The filter comes next, and libc's first steps of a thread are not in it. */
	while (!err && !__atomic_load_n(&thread_started, __ATOMIC_ACQUIRE))
		raw(SYS_futex, &thread_started, FUTEX_WAIT_PRIVATE, 0, 0);
	return -err;
}
