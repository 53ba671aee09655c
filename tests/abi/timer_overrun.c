/* SPDX-License-Identifier: Apache-2.0 */
/* timer_getoverrun: what expired while a timer's signal waited is counted to it, however it is taken. */
/* variants: static */
#include "abi.h"
#include <sys/signalfd.h>

#define SIG (SIGRTMIN + 2)

static volatile int seen, overrun;

static void on_timer(int signo, siginfo_t *si, void *context)
{
	if (!seen++)
		overrun = si->si_overrun;
}

/* A timer whose signal has been blocked for some 30 intervals. */
static timer_t waited(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIG };
	struct itimerspec is = { { 0, 2000000 }, { 0, 2000000 } };
	timer_t tm;

	timer_create(CLOCK_MONOTONIC, &ev, &tm);
	timer_settime(tm, 0, &is, NULL);
	usleep(60000);
	return tm;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO };
	struct timespec soon = { 1, 0 };
	struct signalfd_siginfo record;
	siginfo_t si;
	sigset_t set;
	timer_t tm;
	int fd;

	sigaction(SIG, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIG);
	sigprocmask(SIG_BLOCK, &set, NULL);

	tm = waited();
	V(timer_getoverrun(tm));
	V(sigtimedwait(&set, &si, &soon) == SIG);
	V(si.si_code == SI_TIMER && si.si_overrun >= 5 && si.si_overrun < 1000);
	V(timer_getoverrun(tm) >= 5);
	V(timer_delete(tm));
	while (sigtimedwait(&set, &si, &(struct timespec){ 0, 0 }) > 0)
		;

	tm = waited();
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	V(read(fd, &record, sizeof(record)) == sizeof(record));
	V(record.ssi_overrun >= 5 && record.ssi_overrun < 1000);
	V(timer_getoverrun(tm) >= 5);
	V(timer_delete(tm));
	while (read(fd, &record, sizeof(record)) > 0)
		;

	tm = waited();
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	V(seen >= 1 && overrun >= 5 && timer_getoverrun(tm) >= 0);
	V(timer_delete(tm));
	return 0;
}
