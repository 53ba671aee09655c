/* SPDX-License-Identifier: Apache-2.0 */
/* event.c: signals, eventfd with epoll, timers. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "micro.h"

static volatile sig_atomic_t delivered;
static int event, poller;

static void on_signal(int sig) { delivered += sig != 0; }

static const char *setup_signal(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	bench_check(sigaction(SIGUSR1, &sa, NULL), "sigaction");
	return NULL;
}

static uint64_t run_signal(unsigned n)
{
	pid_t self = getpid();

	while (n--) {
		sig_atomic_t before = delivered;

		bench_check(kill(self, SIGUSR1), "kill");
		if (delivered == before)
			bench_die("the signal was not delivered before kill returned");
	}
	return 0;
}

static const char *setup_event(void)
{
	struct epoll_event ev = { .events = EPOLLIN };

	event = eventfd(0, EFD_NONBLOCK);
	bench_check(event, "eventfd");
	poller = epoll_create1(0);
	bench_check(poller, "epoll_create1");
	bench_check(epoll_ctl(poller, EPOLL_CTL_ADD, event, &ev), "epoll_ctl");
	return NULL;
}

static uint64_t run_event(unsigned n)
{
	struct epoll_event ev;
	uint64_t v = 1;

	while (n--)
		if (write(event, &v, 8) != 8 || epoll_wait(poller, &ev, 1, -1) != 1 || read(event, &v, 8) != 8 || v != 1)
			bench_die("eventfd and epoll");
	return 0;
}

static void end_event(void)
{
	close(poller);
	close(event);
}

static uint64_t run_nanosleep(unsigned n)
{
	struct timespec ts = { .tv_nsec = 50000 };

	while (n--)
		bench_check(nanosleep(&ts, NULL), "nanosleep");
	return 0;
}

const struct bench bench_event[] = {
	{ "signal-self", setup_signal, run_signal, NULL, 0 },
	{ "eventfd+epoll", setup_event, run_event, end_event, 0 },
	{ "nanosleep-50us", NULL, run_nanosleep, NULL, 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
