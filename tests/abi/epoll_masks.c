/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that is taken out of an epoll set is out of it whatever other calls were made
 * before: changes of the signal mask, of which every bit was set once, and events of all kinds. */
#include "abi.h"
#include <sys/epoll.h>

enum { ROUNDS = 400 };

static int ep, p[2];

/* A call of no effect between two changes. */
static void apart(void) { (void)syscall(SYS_getpgid, 0); }

static int seen(void)
{
	struct epoll_event e;

	return epoll_wait(ep, &e, 1, 0);
}

static int add(void)
{
	struct epoll_event e = { .events = EPOLLIN };

	return epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e);
}

static int take_out(void)
{
	struct epoll_event e;

	memset(&e, 0xff, sizeof e);
	return epoll_ctl(ep, EPOLL_CTL_DEL, p[0], &e);
}

int main(void)
{
	int stayed = 0, missing = 0, failed = 0;
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	ep = epoll_create1(0);
	if (pipe(p) || write(p[1], "x", 1) != 1)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		failed += add() != 0;
		apart();
		missing += seen() != 1;
		sigprocmask(SIG_SETMASK, &all, NULL);
		apart();
		sigprocmask(SIG_SETMASK, &none, NULL);
		apart();
		failed += take_out() != 0;
		apart();
		stayed += seen() != 0;
	}
	SAY("failed %d, missing %d, still there %d\n", failed, missing, stayed);
	return 0;
}
