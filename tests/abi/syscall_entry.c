/* SPDX-License-Identifier: Apache-2.0 */
/* How a call gets in: of its number 32 bits count, odd flags survive it, a
 * tracer may replace number and result, and the vDSO moves as a whole. */
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "abi.h"

#define FAKE 12345

static long raw(long nr, long a)
{
	register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(0l), "d"(0l), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static void numbers(int fd)
{
	static const uint32_t high[] = { 0, 1, 0x40000000, 0x7fffffff, 0x80000000, 0xffffffff };
	static const uint32_t low[] = { SYS_read, SYS_writev, 512, 0x3fffffff, 0x7ffffffe, 0x80000000, 0xffffffff };

	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < 7; k++)
			SAY("%x:%x %ld\n", high[i], low[k], raw((long)((uint64_t)high[i] << 32 | low[k]), fd));
}

static volatile int traps;

static void on_trap(int sig)
{
	(void)sig;
	traps++;
}

static void flags(void)
{
	static const struct { uint64_t set; const char *name; } odd[] = {
		{ 0x4000, "NT" }, { 0x100, "TF" }, { 0x4100, "NT TF" }, { 0x40000, "AC" }, { 0x40100, "AC TF" },
		{ 0x400, "DF" }, { 0x500, "DF TF" }, { 0x200000, "ID" }, { 0x44500, "NT AC DF TF" },
	};

	signal(SIGTRAP, on_trap);
	for (size_t i = 0; i < 9; i++) {
		uint64_t before, after, want;
		long ret = SYS_getppid;

		traps = 0;
		__asm__ volatile("pushfq; pop %0" : "=r"(before));
		want = before | odd[i].set;
		__asm__ volatile("push %2; popfq; syscall; pushfq; pop %1; push %3; popfq"
				 : "+a"(ret), "=&r"(after) : "r"(want), "r"(before) : "rcx", "r11", "memory");
		SAY("%s: %s, kept %d, traps %d\n", odd[i].name, ret == getppid() ? "right" : "wrong",
		    (after & odd[i].set) == odd[i].set, traps);
	}
	signal(SIGTRAP, SIG_DFL);
}

static const struct change { long nr, ret; const char *name; } changes[] = {
	{ SYS_getpid, FAKE, "result ahead" },           { -1, FAKE, "-1" },
	{ 0xffffffff, FAKE, "32 bits of -1" },          { 0x7fffffff, FAKE, "far too large" },
	{ -2, FAKE, "-2" },                             { (long)(0xffffffffull << 32 | SYS_getppid), FAKE, "high bits" },
	{ 5000, FAKE, "no such call" },
};

#define CHANGES (sizeof(changes) / sizeof(changes[0]))

static void traced(void)
{
	struct user_regs_struct r;
	pid_t p = fork();
	int st;

	if (p == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (size_t i = 0; i < CHANGES; i++) {
			long ret = raw(SYS_getuid, 0);

			ret = ret == getpid() || ret == getppid() ? 1 : ret;
			raise(SIGUSR1);         /* suppressed: where the tracer counts on */
			SAY("traced, %s: %ld\n", changes[i].name, ret);
		}
		_exit(0);
	}
	waitpid(p, &st, 0);
	ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (size_t i = 0; i < CHANGES; i++) {
		do {
			ptrace(PTRACE_SYSCALL, p, 0, 0);
			waitpid(p, &st, 0);
			ptrace(PTRACE_GETREGS, p, 0, &r);
		} while (WSTOPSIG(st) != (SIGTRAP | 0x80) || r.orig_rax != SYS_getuid);
		r.orig_rax = (unsigned long)changes[i].nr;
		r.rax = (unsigned long)changes[i].ret;
		ptrace(PTRACE_SETREGS, p, 0, &r);
		ptrace(PTRACE_SYSCALL, p, 0, 0);
		waitpid(p, &st, 0);
		ptrace(PTRACE_CONT, p, 0, 0);
		waitpid(p, &st, 0);
	}
	ptrace(PTRACE_CONT, p, 0, 0);
	wait_say("traced", p);
}

static int vdso_pages(unsigned char *vdso)
{
	int n = 1;
	char line[256];
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from == (unsigned long)vdso)
			n = (int)((to - from) / 4096);
	}
	if (f)
		fclose(f);
	return n;
}

static void vdso(void)
{
	unsigned char *at = (void *)getauxval(AT_SYSINFO_EHDR), *to;
	size_t size = 4096 * (size_t)vdso_pages(at);

	to = mmap(NULL, size + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SAY("moved %d\n", mremap(at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	SAY("an image there: %d\n", !memcmp(to, "\177ELF", 4));
}

int main(void)
{
	int fd = open("/dev/null", O_RDWR);

	numbers(fd);
	for (int i = 0; i < 2000; i++)
		raw(SYS_getpid, 0);
	numbers(fd);
	flags();
	traced();
	fflush(stdout);
	if (fork() == 0) {
		vdso();
		raw(SYS_exit_group, 0);
	}
	wait(NULL);
	return 0;
}
