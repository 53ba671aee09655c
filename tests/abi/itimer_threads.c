/* SPDX-License-Identifier: Apache-2.0 */
/* SIGPROF and SIGVTALRM of a process with threads come where its CPU time is used, as profilers need it. */
#include "abi.h"
#include <stdatomic.h>

static pthread_t busy;
static atomic_int hits[2];
static volatile int stop;

static void on_timer(int s) { hits[pthread_equal(pthread_self(), busy) != 0]++; }

static void *spin(void *arg)
{
	while (!stop)
		;
	return NULL;
}

static double cpu_of(pthread_t t)
{
	struct timespec ts = { 0 };
	clockid_t id;

	if (!pthread_getcpuclockid(t, &id))
		clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Whoever blocks it gets none; else half as many as is its share of the time: on a machine that is short of
 * CPUs the thread that sleeps uses some as well, and what it used before the timer may count. */
static bool as_it_should(bool blocks, double there, double here)
{
	return hits[blocks ? 0 : 1] >= 10 * (blocks ? 1 : there / (there + here));
}

static void one(int which, int signo, bool blocks)
{
	double here, there;
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, off = { { 0 } };
	sigset_t set;

	hits[0] = hits[1] = stop = 0;
	signal(signo, on_timer);
	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(blocks ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
	pthread_create(&busy, NULL, spin, NULL);        /* with that mask */
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	here = cpu_of(pthread_self());
	setitimer(which, &it, NULL);
	for (int k = 0; k < 10000 && hits[0] + hits[1] < 20; k++)
		usleep(2000);
	setitimer(which, &off, NULL);
	here = cpu_of(pthread_self()) - here;
	there = cpu_of(busy);
	stop = 1;
	pthread_join(busy, NULL);
	printf("signal %d blocked there %d: %s\n", signo, blocks, as_it_should(blocks, there, here) ? "as it should" : "elsewhere");
}

int main(void)
{
	one(ITIMER_PROF, SIGPROF, false);
	one(ITIMER_VIRTUAL, SIGVTALRM, false);
	one(ITIMER_PROF, SIGPROF, true);
	return 0;
}
