/* SPDX-License-Identifier: Apache-2.0 */
/* A level-triggered event that two threads ask for at once: neither finds
 * nothing because the other is just looking. */
#include "abi.h"
#include <sys/epoll.h>

enum { ROUNDS = 100000 };
static int outer;
static volatile bool done;

static void *other(void *arg)
{
	struct epoll_event e;

	while (!done)
		epoll_wait(outer, &e, 1, 0);
	return arg;
}

int main(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int inner = epoll_create1(0), p[2], polls = 0, waits = 0;
	pthread_t t;

	outer = epoll_create1(0);
	if (pipe(p) || write(p[1], "x", 1) != 1 || epoll_ctl(inner, EPOLL_CTL_ADD, p[0], &e) ||
	    epoll_ctl(outer, EPOLL_CTL_ADD, inner, &e))
		return 1;
	pthread_create(&t, NULL, other, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		waits += epoll_wait(outer, &e, 1, 0);
		polls += poll(&(struct pollfd){ outer, POLLIN, 0 }, 1, 0);
	}
	done = true;
	pthread_join(t, NULL);
	/* Linux itself looks without a lock: a few may be missed there. */
	V(waits > ROUNDS - ROUNDS / 100);
	V(polls > ROUNDS - ROUNDS / 100);
	return 0;
}
