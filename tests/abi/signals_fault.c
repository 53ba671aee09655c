/* SPDX-License-Identifier: Apache-2.0 */
/* Faults as signals: codes, addresses, repair in a handler, longjmp. */
#include "abi.h"
#include <setjmp.h>
#include <ucontext.h>
static sigjmp_buf jb; static volatile int code; static void *volatile addr;
static void h(int s, siginfo_t *i, void *u) { code = i->si_code; addr = i->si_addr; siglongjmp(jb, s); }
static char *page;
static void fix(int s, siginfo_t *i, void *u) { code = i->si_code; mprotect(page, 4096, PROT_READ | PROT_WRITE); }
#define TRY(e) do { int s_ = sigsetjmp(jb, 1); if (!s_) { e; SAY("%s: no signal\n", #e); } else SAY("%s: signal %d code %d\n", #e, s_, code); } while (0)
int main(void)
{
	struct sigaction sa = { .sa_sigaction = h, .sa_flags = SA_SIGINFO };
	int all[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
	for (int i = 0; i < 5; i++) sigaction(all[i], &sa, NULL);
	TRY(*(volatile int *)0x10 = 1); SAY("addr %p\n", addr);
	page = mmap(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TRY(*(volatile char *)page = 1); SAY("mine %d\n", addr == page);
	munmap(page + 4096, 4096); TRY(*(volatile char *)(page + 4096));
	TRY(((void (*)(void))page)());
	volatile int z = 0; TRY(z = 1 / z);
	TRY(__asm__ volatile("ud2")); TRY(__asm__ volatile("int3")); TRY(__asm__ volatile("hlt"));
	TRY(*(volatile int *)0xffff800000000000ul = 1);
	enter_tmp(); int fd = open("f", O_RDWR | O_CREAT, 0600); ftruncate(fd, 4096);
	char *m = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); m[0] = 1; TRY(*(volatile char *)(m + 4096) = 1); SAY("mine %d\n", addr == m + 4096);
	sa.sa_sigaction = fix; sigaction(SIGSEGV, &sa, NULL); page[0] = 'k'; SAY("repaired %c code %d\n", page[0], code);
	signal(SIGSEGV, SIG_DFL); pid_t p = fork(); if (!p) { struct rlimit r = { 0, 0 }; setrlimit(RLIMIT_CORE, &r); *(volatile int *)0 = 1; _exit(0); } wait_say("segv", p);
	p = fork(); if (!p) { sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, NULL); *(volatile int *)0 = 1; _exit(0); } wait_say("blocked segv", p);
	p = fork(); if (!p) { signal(SIGSEGV, SIG_IGN); *(volatile int *)0 = 1; _exit(0); } wait_say("ignored segv", p);
	V(write(1, (void *)0x10, 5)); V(read(0, (void *)1, 1) <= 0);
	return 0;
}
