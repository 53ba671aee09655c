/* SPDX-License-Identifier: Apache-2.0 */
/* connect() to a listener whose queue stays full: TCP_USER_TIMEOUT, TCP_SYNCNT, and who is
 * waited for by itself. tcp(7), tcp_syn_linear_timeouts (ip-sysctl). */
#include "abi.h"
#include "inet.h"

/* One that nobody accepts from, and that has no room. */
static int full_listener(void)
{
	int l = listener(0);
	struct pollfd p = { l, POLLIN, 0 };

	dial(l);
	poll(&p, 1, -1);        /* connect() may return before it is there */
	return l;
}

static long long begun;

static void say_time(const char *what, long long least_ms)
{
	long long ms = now_ms() - begun;

	printf("%s: %s\n", what, ms < least_ms ? "too early" : ms > least_ms + 15000 ? "too late" : "in time");
}

static void blocking(int l)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), ms = 300;
	socklen_t n = sizeof(struct sockaddr_in);
	struct sockaddr_in a;

	V(setsockopt(s, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms));
	V(dial_with(s, l));
	say_time("300 ms", 900);        /* the first SYN has its second */
	V(tcp_state(s));
	say_poll("after", s);
	V(int_opt(s, SOL_SOCKET, SO_ERROR));
	V(getsockname(s, (void *)&a, &n));
	V(getpeername(s, (void *)&a, &n));
	V(dial_with(s, listener(1)));
	V(tcp_state(s));
	close(s);
}

static void waiting(int l)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), tries = 1;
	struct pollfd p = { s, POLLOUT, 0 };

	V(setsockopt(s, IPPROTO_TCP, TCP_SYNCNT, &tries, sizeof tries));
	V(dial_with(s, l) == -1 && errno == EINPROGRESS);
	V(poll(&p, 1, 20000));
	say_time("1 SYN", 2900);
	say_poll("after", s);
	V(dial_with(s, l));
	V(int_opt(s, SOL_SOCKET, SO_ERROR));
	say_poll("told", s);
	close(s);
}

/* Both wait for the other to accept. */
static void crosswise(void)
{
	int l[2] = { full_listener(), full_listener() };
	pid_t p[2];

	for (int i = 0; i < 2; i++) {
		p[i] = fork();
		if (p[i])
			continue;
		int s = socket(AF_INET, SOCK_STREAM, 0), ms = 1;

		setsockopt(s, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
		_exit(dial_with(s, l[1 - i]) && errno == ETIMEDOUT);
	}
	for (int i = 0; i < 2; i++)
		wait_say("crosswise", p[i]);
}

int main(void)
{
	int l = full_listener();
	pid_t p = fork();

	begun = now_ms();
	if (!p) {
		crosswise();
		blocking(l);
		return 0;
	}
	wait_say("blocking", p);
	begun = now_ms();
	waiting(l);
	return 0;
}
