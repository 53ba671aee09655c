/* SPDX-License-Identifier: Apache-2.0 */
/* nanosleep, clocks, itimers, POSIX timers, alarm. */
/* variants: static dynamic */
#include "abi.h"
static volatile int n; static void h(int s) { n++; } static int val; static void hi(int s, siginfo_t *i, void *u) { n++; val = i->si_value.sival_int; }
int main(void)
{
	struct timespec a, b, r; clock_gettime(CLOCK_MONOTONIC, &a); struct timespec t = { 0, 30000000 }; V(nanosleep(&t, NULL)); clock_gettime(CLOCK_MONOTONIC, &b); long d = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000; SAY("%d\n", d >= 30 && d < 1000); t.tv_nsec = -1; V(nanosleep(&t, NULL)); t = b; t.tv_nsec += 20000000; if (t.tv_nsec >= 1000000000) { t.tv_nsec -= 1000000000; t.tv_sec++; } V(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL)); V(clock_nanosleep(99, 0, &t, NULL)); 
	int cl[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI, 77 }; for (int i = 0; i < 10; i++) { V(clock_gettime(cl[i], &r)); V(clock_getres(cl[i], &r)); } struct timeval tv; V(gettimeofday(&tv, NULL)); SAY("%d\n", labs(time(NULL) - tv.tv_sec) <= 1); V(clock_settime(CLOCK_MONOTONIC, &r));
	long long prev = 0, bad = 0; for (int i = 0; i < 20000; i++) { clock_gettime(CLOCK_MONOTONIC, &r); long long x = r.tv_sec * 1000000000ll + r.tv_nsec; bad += x < prev; prev = x; } SAY("backwards %lld\n", bad);
	signal(SIGALRM, h); struct itimerval it = { { 0, 0 }, { 0, 20000 } }, o; V(setitimer(ITIMER_REAL, &it, NULL)); V(pause()); SAY("n %d\n", n); V(getitimer(ITIMER_REAL, &o)); SAY("%ld\n", (long)o.it_value.tv_usec); V(alarm(100)); V(alarm(0) > 90); V(setitimer(99, &it, NULL)); it.it_value.tv_usec = 1000000; V(setitimer(ITIMER_REAL, &it, NULL));
	n = 0; signal(SIGVTALRM, h); it.it_value.tv_usec = 20000; V(setitimer(ITIMER_VIRTUAL, &it, NULL)); long long s = now_ms(); while (!n && now_ms() - s < 5000) for (volatile int i = 0; i < 100000; i++) ; SAY("virtual %d\n", n);
	timer_t tm; struct sigaction sa = { .sa_sigaction = hi, .sa_flags = SA_SIGINFO }; sigaction(SIGRTMIN + 1, &sa, NULL); struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 55 }; V(timer_create(CLOCK_MONOTONIC, &ev, &tm)); struct itimerspec is = { { 0, 10000000 }, { 0, 10000000 } }; n = 0; V(timer_settime(tm, 0, &is, NULL)); s = now_ms(); while (n < 3 && now_ms() - s < 5000) usleep(1000); SAY("%d val %d\n", n >= 3, val); V(timer_gettime(tm, &is)); SAY("%ld\n", is.it_interval.tv_nsec); V(timer_getoverrun(tm) >= 0); V(timer_delete(tm)); V(timer_delete((timer_t)12345));
	signal(SIGALRM, SIG_DFL); pid_t p = fork(); if (!p) { alarm(1); pause(); pause(); _exit(0); } wait_say("alarm", p); struct rusage ru; V(getrusage(RUSAGE_SELF, &ru)); SAY("%d\n", ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec > 0); V(getrusage(9, &ru));
	return 0;
}
