/* SPDX-License-Identifier: Apache-2.0 */
/* getrlimit, setrlimit, prlimit and what they limit. */
#include "abi.h"
static void h(int s) { SAY("SIGXFSZ\n"); }
int main(void)
{
	struct rlimit r = { 20, 30 }, o; V(setrlimit(RLIMIT_NOFILE, &r)); V(getrlimit(RLIMIT_NOFILE, &o)); SAY("%lu %lu\n", (long)o.rlim_cur, (long)o.rlim_max); int last = -1, f; while ((f = open("/dev/null", O_RDONLY)) >= 0) last = f; SAY("last %d %s\n", last, abi_errno(errno)); V(dup2(0, 25)); V(fcntl(0, F_DUPFD, 25)); int p[2]; V(pipe(p)); for (int i = 3; i < 20; i++) close(i); r = (struct rlimit){ 10, 5 }; V(setrlimit(RLIMIT_NOFILE, &r)); V(setrlimit(99, &r)); V(getrlimit(99, &r));
	enter_tmp(); signal(SIGXFSZ, h); r = (struct rlimit){ 100, RLIM_INFINITY }; V(setrlimit(RLIMIT_FSIZE, &r)); f = open("f", O_CREAT | O_RDWR, 0600); char b[200] = { 0 }; V(write(f, b, 90)); V(write(f, b, 90)); V(write(f, b, 90)); V(ftruncate(f, 1000)); r.rlim_cur = RLIM_INFINITY; setrlimit(RLIMIT_FSIZE, &r);
	V(prlimit(0, RLIMIT_CORE, NULL, &o)); r = (struct rlimit){ 1 << 20, 1 << 20 }; V(prlimit(getpid(), RLIMIT_CPU, &r, &o)); V(prlimit(getpid(), RLIMIT_CPU, NULL, &o)); SAY("%lu\n", (long)o.rlim_cur); V(prlimit(999999, RLIMIT_CPU, NULL, &o)); pid_t c = fork(); if (!c) { r = (struct rlimit){ 64 << 20, 64 << 20 }; setrlimit(RLIMIT_AS, &r); V(mmap(0, 256 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)); _exit(0); } wait_say("as", c); c = fork(); if (!c) { getrlimit(RLIMIT_NOFILE, &o); SAY("inherited %lu\n", (long)o.rlim_cur); _exit(0); } wait_say("inherit", c); c = fork(); if (!c) { r = (struct rlimit){ 1, 1 }; setrlimit(RLIMIT_CPU, &r); for (;;) ; } wait_say("cpu", c);
	V(getpriority(PRIO_PROCESS, 0)); V(setpriority(PRIO_PROCESS, 0, 5)); V(getpriority(PRIO_PROCESS, 0)); V(nice(100)); cpu_set_t cs; OK(sched_getaffinity(0, sizeof cs, &cs)); SAY("%d\n", CPU_COUNT(&cs) >= 1); V(sched_setaffinity(0, sizeof cs, &cs)); CPU_ZERO(&cs); V(sched_setaffinity(0, sizeof cs, &cs)); V(sched_yield()); V(sched_getscheduler(0)); V(sched_get_priority_max(SCHED_FIFO));
	return 0;
}
