/* SPDX-License-Identifier: Apache-2.0 */
/* cpuid in program text that a kernel may have replaced answers as the
 * instruction does in memory that nobody replaces, and "int $0x42" that a
 * program itself has is what it always was. */
/* variants: dynamic static */
#include "abi.h"
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { PAGE = 4096, MANY = 3000, ERR = 19, TRAPNO = 20, RIP = 16 };

/* long out[5] = rax, rbx, rcx, rdx, flags after cpuid with rax = leaf, rcx = sub;
 * all bits set elsewhere, carry set.  One in the text, one to copy elsewhere. */
#define CPUID_BODY(label) \
	"push %rbx\nmov %rdx,%r8\nmov %rdi,%rax\nmov %rsi,%rcx\nmov $-1,%rbx\nmov $-1,%rdx\nstc\n" \
	label "cpuid\nmov %rax,(%r8)\nmov %rbx,8(%r8)\nmov %rcx,16(%r8)\nmov %rdx,24(%r8)\n" \
	"pushfq\npop 32(%r8)\npop %rbx\nret\n"
__asm__(".text\n.balign 4096\n.globl my_cpuid\n.type my_cpuid,@function\nmy_cpuid: .cfi_startproc\n"
	CPUID_BODY("my_cpuid_at: ") ".cfi_endproc\n"
	/* Steps itself over nop, cpuid, nop. */
	".globl my_step\nmy_step: .cfi_startproc\npush %rbx\nxor %eax,%eax\nxor %ecx,%ecx\n"
	"pushfq\norq $0x100,(%rsp)\npopfq\nnop\nmy_step_at: cpuid\nnop\nnop\n"
	"pushfq\nandq $-0x101,(%rsp)\npopfq\npop %rbx\nret\n.cfi_endproc\n"
	".globl my_int\nmy_int: .cfi_startproc\nmy_int_at: int $0x42\nret\n.cfi_endproc\n"
	".globl my_getppid\nmy_getppid: .cfi_startproc\nmov $110,%eax\nsyscall\nret\n.cfi_endproc\n"
	".balign 4096\n.data\ncopy: " CPUID_BODY("") "copy_end:\n.text\n");
void my_cpuid(long leaf, long sub, unsigned long *out), my_step(void), my_int(void);
long my_getppid(void);
extern char my_cpuid_at[], my_step_at[], my_int_at[], copy[], copy_end[];

typedef void (*asker)(long leaf, long sub, unsigned long *out);
static asker plain;

/* Parts that tell one core from another, and flags that steps do not keep. */
static void mask(unsigned leaf, unsigned long *o)
{
	if (leaf == 1)
		o[1] &= 0xffffff;
	if (leaf == 0xb || leaf == 0x1f)
		o[3] = 0;
	o[4] &= 0x8d5;
}

static int differs(long leaf, long sub)
{
	unsigned long a[5], b[5];

	my_cpuid(leaf, sub, a);
	plain(leaf, sub, b);
	mask((unsigned)leaf, a);
	mask((unsigned)leaf, b);
	return memcmp(a, b, sizeof a) != 0;
}

static void compare(const char *when)
{
	int bad = 0;

	for (unsigned sub = 0; sub < 4; sub++) {
		for (unsigned leaf = 0; leaf <= 0x20; leaf++)
			bad += differs(leaf, sub);
		for (unsigned leaf = 0x80000000; leaf <= 0x80000008; leaf++)
			bad += differs(leaf, sub);
	}
	/* Upper halves do not count. */
	bad += differs(0x1234567800000007l, -1l << 32) + differs(-1l << 32 | 4, 0x7fffffff00000001l);
	SAY("%s: different answers %d\n", when, bad);
}

/* ---- faults ---- */

static sigjmp_buf back;
static volatile long steps[8], stepped;

static void fault(int s, siginfo_t *si, void *ctx)
{
	greg_t *g = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	SAY("signal %d code %d address %lx trap %lld error %llx at its place %d\n", s, si->si_code, (long)si->si_addr,
	    (long long)g[TRAPNO], (long long)g[ERR],
	    g[RIP] == (long)my_int_at || g[RIP] == (long)my_cpuid_at || g[RIP] == (long)plain);
	siglongjmp(back, 1);
}

static void step(int s, siginfo_t *si, void *ctx)
{
	long at = ((ucontext_t *)ctx)->uc_mcontext.gregs[RIP] - (long)my_step_at;

	if (stepped < 8)
		steps[stepped++] = at * 100 + si->si_code * 10 + (si->si_addr == (char *)my_step_at + at);
}

static void try(void (*f)(void))
{
	if (!sigsetjmp(back, 1))
		f();
}

static void ask_at_site(void) { unsigned long o[5]; my_cpuid(0, 0, o); }

/* Other contents where a cpuid was: its replacement has no meaning there. */
static void replaced(void)
{
	/* The same question: eax and ecx 0. */
	static const unsigned char code[] = { 0x31, 0xc0, 0x31, 0xc9, 0xcd, 0x42, 0xc3 };
	char *page = (char *)((long)my_cpuid_at & -PAGE), *m;
	pid_t p = fork();

	if (!p) {
		ask_at_site();
		m = mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		V(m == page);
		memcpy(my_cpuid_at - 4, code, sizeof code);
		V(mprotect(page, PAGE, PROT_READ | PROT_EXEC));
		try((void (*)(void))(my_cpuid_at - 4));
		_exit(0);
	}
	wait_say("replaced", p);
	p = fork();
	if (!p) {
		ask_at_site();
		V(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
		SAY("bytes %02x %02x\n", (unsigned char)my_cpuid_at[0], (unsigned char)my_cpuid_at[1]);
		memcpy(my_cpuid_at - 4, code, sizeof code);
		try((void (*)(void))(my_cpuid_at - 4));
		_exit(0);
	}
	wait_say("rewritten", p);
}

static void *thread(void *arg)
{
	long bad = 0;

	for (int i = 0; i < 300; i++)
		bad += differs(i & 1 ? 7 : 4, i & 3);
	return (void *)bad;
}

static void threads(void)
{
	pthread_t t[4];
	long bad = 0;
	void *r;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, thread, NULL);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &r);
		bad += (long)r;
	}
	SAY("threads: different answers %ld\n", bad);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };
	unsigned char none[] = { 0xcd, 0x42, 0xc3 };
	long sum = 0;
	pid_t p;
	char *m;

	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(m, copy, (size_t)(copy_end - copy));
	plain = (asker)m;
	compare("at first");
	msleep(2200);                   /* a file as new as ours may be left as it is */
	for (int i = 0; i < MANY; i++)
		sum += my_getppid() == getppid();
	V(sum == MANY);
	compare("later");
	threads();
	p = fork();
	if (!p) {
		compare("child");
		_exit(0);
	}
	wait_say("child", p);
	sigaction(SIGSEGV, &sa, NULL);
	try(my_int);
	memcpy(m, none, sizeof none);
	try((void (*)(void))plain);
	replaced();
	sa.sa_sigaction = step;
	sigaction(SIGTRAP, &sa, NULL);
	my_step();
	for (int i = 0; i < stepped; i++)
		SAY("step %ld\n", steps[i]);
	return 0;
}
