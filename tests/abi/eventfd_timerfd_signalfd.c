/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd, timerfd and signalfd. */
#include "abi.h"
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
int main(void)
{
	uint64_t v = 0; int e = eventfd(5, EFD_NONBLOCK);
	V(read(e, &v, 8)); SAY("%llu\n", (unsigned long long)v); V(read(e, &v, 8)); V(read(e, &v, 4)); v = 7; V(write(e, &v, 8)); V(write(e, &v, 8)); V(read(e, &v, 8)); SAY("%llu\n", (unsigned long long)v);
	v = UINT64_MAX; V(write(e, &v, 8)); v = UINT64_MAX - 1; V(write(e, &v, 8)); v = 1; V(write(e, &v, 8)); struct pollfd p = { e, POLLIN | POLLOUT, 0 }; V(poll(&p, 1, 0)); SAY("%#x\n", p.revents);
	int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK); V(read(s, &v, 8)); SAY("%llu\n", (unsigned long long)v); V(read(s, &v, 8)); V(read(s, &v, 8)); V(eventfd(0, 0x7777));
	int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK); V(read(t, &v, 8)); struct itimerspec it = { { 0, 10000000 }, { 0, 20000000 } }, cur;
	V(timerfd_settime(t, 0, &it, NULL)); V(timerfd_gettime(t, &cur)); SAY("interval %ld\n", cur.it_interval.tv_nsec); p.fd = t; p.events = POLLIN; V(poll(&p, 1, 2000)); msleep(45); V(read(t, &v, 8)); SAY("many %d\n", v >= 3 && v < 200);
	memset(&it, 0, sizeof it); V(timerfd_settime(t, 0, &it, &cur)); V(poll(&p, 1, 30)); V(timerfd_create(99, 0)); it.it_value.tv_nsec = 2000000000; V(timerfd_settime(t, 0, &it, NULL));
	clock_gettime(CLOCK_MONOTONIC, &it.it_value); V(timerfd_settime(t, TFD_TIMER_ABSTIME, &it, NULL)); V(poll(&p, 1, 1000)); V(read(t, &v, 8)); SAY("%llu\n", (unsigned long long)v);
	sigset_t m; sigemptyset(&m); sigaddset(&m, SIGUSR1); sigaddset(&m, SIGCHLD); sigprocmask(SIG_BLOCK, &m, NULL); int sf = signalfd(-1, &m, SFD_NONBLOCK); struct signalfd_siginfo si[2];
	V(read(sf, si, sizeof si)); raise(SIGUSR1); V(read(sf, si, sizeof si)); SAY("signo %u pid %d\n", si[0].ssi_signo, si[0].ssi_pid == (unsigned)getpid()); V(read(sf, si, 10));
	pid_t c = fork(); if (!c) _exit(3); p.fd = sf; V(poll(&p, 1, 3000)); V(read(sf, si, sizeof *si)); SAY("signo %u status %d code %d\n", si[0].ssi_signo, si[0].ssi_status, si[0].ssi_code); wait_say("c", c); V(signalfd(0, &m, 0)); 
	return 0;
}
