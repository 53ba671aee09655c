/* SPDX-License-Identifier: Apache-2.0 */
/* A handler may use every register; what was interrupted keeps its own. */
#include "abi.h"
static volatile int n;
static void h(int s) { double d = n; float f = n; for (int i = 0; i < 50; i++) { d = d * 1.5 + i; f = f / 3 + i; } __asm__ volatile("vxorps %%ymm0,%%ymm0,%%ymm0\n vxorps %%ymm15,%%ymm15,%%ymm15" ::: "xmm0", "xmm15"); n += d > 0 || f > 0 || 1; }
int main(void)
{
	if (!__builtin_cpu_supports("avx")) { SAY("no avx\n"); return 0; }
	struct sigaction sa = { .sa_handler = h }; sigaction(SIGALRM, &sa, NULL);
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } }; setitimer(ITIMER_REAL, &it, NULL);
	unsigned long bad = 0; uint8_t in[32], out[32], out15[32]; for (int i = 0; i < 32; i++) in[i] = i * 7;
	while (n < 50) {
		__asm__ volatile("vmovdqu %3,%%ymm0\n vmovdqu %3,%%ymm15\n mov $200000,%%ecx\n1: dec %%ecx\n jnz 1b\n vmovdqu %%ymm0,%0\n vmovdqu %%ymm15,%1" : "=m"(out), "=m"(out15), "+m"(bad) : "m"(in) : "ecx", "xmm0", "xmm15");
		if (memcmp(in, out, 32) || memcmp(in, out15, 32)) bad++;
	}
	SAY("bad %lu\n", bad);
	memset(&it, 0, sizeof it); setitimer(ITIMER_REAL, &it, NULL); pid_t p = fork(); if (!p) _exit(0); wait_say("child", p);
	return 0;
}
