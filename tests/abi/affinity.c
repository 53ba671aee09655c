/* SPDX-License-Identifier: Apache-2.0 */
/* A waiting task whose allowed CPUs change under it still runs. */
#include "abi.h"
static volatile int *n;
int main(void)
{
	n = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t victim = fork(), busy[2];
	if (!victim) for (;;) n[0]++;
	for (int i = 0; i < 2; i++) {
		busy[i] = fork();
		if (!busy[i]) for (;;) getppid();
	}
	for (int i = 0; i < 40; i++) {
		cpu_set_t s;
		CPU_ZERO(&s);
		CPU_SET(i % cpus, &s);
		if (sched_setaffinity(victim, sizeof s, &s)) printf("setaffinity: %s\n", abi_errno(errno));
		int before = n[0];
		for (int k = 0; k < 3000 && n[0] == before; k++) usleep(10000);
		if (n[0] == before) { printf("round %d: it does not run\n", i); break; }
	}
	kill(victim, SIGKILL); kill(busy[0], SIGKILL); kill(busy[1], SIGKILL);
	wait_say("victim", victim); wait_say("busy", busy[0]); wait_say("busy", busy[1]);
	return 0;
}
