/* SPDX-License-Identifier: Apache-2.0 */
/* model.c: what the models of sockets share. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "tests/unit/model.h"

unsigned model_faults;

void model_say(const char *format, ...)
{
	char text[200];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (n >= (int)sizeof text)
		n = sizeof text - 1;
	u_put(args_page() + 2048, text, (size_t)n);
	u(SYS_write, 2, args_page() + 2048, n);
}

bool no_room(long r) { return r == -EAGAIN || r == -EINTR || r == -ENOBUFS || r == -ENOMEM || r == -ETOOMANYREFS; }

void pause_us(unsigned us)
{
	int64_t t[2] = { 0, us * 1000l };

	u_put(args_page(), t, sizeof t);
	u(SYS_nanosleep, args_page(), 0);
}

long bind_anywhere(int family, bool mapped, long s)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	uint64_t a = args_page();
	uint16_t un = AF_UNIX;
	uint32_t n = 2, room = 128;
	long r;

	if (mapped) {
		in6.sin6_addr = (struct in6_addr)IN6ADDR_ANY_INIT;
		in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
		in6.sin6_addr.s6_addr[12] = 127;
		in6.sin6_addr.s6_addr[15] = 1;
	}
	if (family == AF_INET)
		u_put(a, &in, n = sizeof in);
	else if (family == AF_INET6)
		u_put(a, &in6, n = sizeof in6);
	else
		u_put(a, &un, n);
	r = u(SYS_bind, s, a, n);
	u_put(a + 256, &room, 4);
	return r ? r : u(SYS_getsockname, s, a, a + 256);
}

static void no_op(int signo) { (void)signo; }

void handle_usr1(void)
{
	uint64_t sa[4] = { u_code(no_op), 0x04000000 | (below(2) ? SA_RESTART : 0), U_RESTORER, 0 };

	u_put(args_page(), sa, sizeof sa);
	u(SYS_rt_sigaction, SIGUSR1, args_page(), 0, 8);
}

/* A network name space of our own, lo up: the old one goes with all that its
 * connections left behind. */
static void fresh_network(void)
{
	struct { char name[16]; int16_t flags; char rest[22]; } r = { "lo", 1, "" };
	long s = -1;

	for (unsigned tries = 0; u(SYS_unshare, 0x40000000) && tries < 1000; tries++)
		;
	for (unsigned tries = 0; s < 0 && tries < 1000; tries++)
		s = u(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	u_put(args_page(), &r, sizeof r);
	u(SYS_ioctl, s, 0x8914, args_page());
	u(SYS_close, s);
}

/* Tasks that just ended are freed meanwhile. */
static void settle(void) { pause_us(20000); }

#define SETTLES 250                     /* five seconds, on a busy machine */

int model_rounds(int (*play)(void), unsigned rounds)
{
	uint64_t before = 0, now = 0;

	model_faults = testhost.fail_one_in;
	for (unsigned r = 0; r < rounds; r++) {
		if (play())
			return 1;
		/* The count is not the time for faults. */
		set(testhost.fail_one_in, 0);
		/* Whose parent died early may still wait. */
		u(SYS_kill, -1, SIGKILL);
		fresh_network();
		settle();
		now = testhost_live_blocks();
		set(testhost.fail_one_in, model_faults);
		if (r == 1) {
			before = now;
			testhost_heap_mark();
		}
	}
	for (unsigned i = 0; i < SETTLES && now > before; i++) {
		settle();
		now = testhost_live_blocks();
	}
	if (now <= before)
		return 0;
	testhost_heap_tell();
	model_say("%llu blocks before, %llu after\n", (unsigned long long)before, (unsigned long long)now);
	return 1;
}
