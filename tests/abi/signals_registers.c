/* SPDX-License-Identifier: Apache-2.0 */
/* The registers in a signal's frame: they are what was interrupted, and what
 * the handler leaves there is what goes on, all of it.  Often enough that a
 * kernel may have found a shorter way; unwinders see through the handler. */
/* variants: dynamic static musl */
#include "abi.h"
#include <ucontext.h>
#ifdef __GLIBC__
#include <execinfo.h>
#endif

enum { ROUNDS = 300, REGS = 17, ARITHMETIC = 0x8d5, DIRECTION = 0x400, ALIGNMENT = 0x40000 };

/* In the order of the frame: r8 to rip, flags. */
static uint64_t want[REGS + 1], got[REGS + 1];
static uint8_t stack[4096] __attribute__((aligned(64)));
static uint64_t *const back_sp = (uint64_t *)(stack + sizeof stack - 64);
static volatile int handled;
static pid_t self;

/* Kill oneself by libc with all that can be set; never comes back: the handler
 * sends it to landed, which stores everything and returns to who called. */
void leave_and_land(int (*call)(pid_t, int), pid_t pid, uint64_t *save);
extern const char landed[];
__asm__(".text\n.globl leave_and_land, landed\nleave_and_land:\n"
	"push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\npush %rdx\n"
	"mov %rsp,saved_sp(%rip)\nmov %rdi,%rax\nmov %esi,%edi\nmov $10,%esi\nsub $8,%rsp\ncall *%rax\nud2\n"
	"landed: mov %rsp,landed_sp(%rip)\nmov saved_sp(%rip),%rsp\n"
	"pushfq\ncld\nxchg %rax,8(%rsp)\n"                     /* rax: where to */
	"mov %r8,(%rax)\nmov %r9,8(%rax)\nmov %r10,16(%rax)\nmov %r11,24(%rax)\nmov %r12,32(%rax)\nmov %r13,40(%rax)\n"
	"mov %r14,48(%rax)\nmov %r15,56(%rax)\nmov %rdi,64(%rax)\nmov %rsi,72(%rax)\nmov %rbp,80(%rax)\n"
	"mov %rbx,88(%rax)\nmov %rdx,96(%rax)\nmov 8(%rsp),%rdx\nmov %rdx,104(%rax)\nmov %rcx,112(%rax)\n"
	"mov landed_sp(%rip),%rdx\nmov %rdx,120(%rax)\nlea landed(%rip),%rdx\nmov %rdx,128(%rax)\n"
	"pop %rdx\nmov %rdx,136(%rax)\n"
	"add $8,%rsp\npushq $0x202\npopfq\npop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\nret\n"
	".bss\n.balign 8\nsaved_sp: .skip 8\nlanded_sp: .skip 8\n.text\n");

static uint64_t *regs_of(ucontext_t *uc) { return (uint64_t *)uc->uc_mcontext.gregs; }

static void on_usr1(int sig, siginfo_t *si, void *ctx)
{
	uint64_t *r = regs_of(ctx);

	(void)sig;
	(void)si;
	handled++;
	/* What a system call leaves: its result, where it was, the flags. */
	if (r[13] != 0 || r[14] != r[16] || (r[3] & ARITHMETIC) != (r[17] & ARITHMETIC) || r[8] != (uint64_t)self ||
	    r[9] != SIGUSR1)
		_exit(7);
	memcpy(r, want, sizeof want);
}

static int round_trip(unsigned seed, uint64_t flags)
{
	for (int i = 0; i < REGS; i++)
		want[i] = 0x9e3779b97f4a7c15ull * (seed * 32 + (unsigned)i + 1);
	want[15] = (uint64_t)back_sp;
	want[16] = (uint64_t)landed;
	want[17] = flags | 0x202;
	leave_and_land(kill, self, got);
	for (int i = 0; i <= REGS; i++)
		if (got[i] != want[i])
			return i + 1;
	return 0;
}

/* A handler inside of a handler. */
static volatile int depth, most;
static void nested(int sig)
{
	int here = ++depth;

	if (here > most)
		most = here;
	if (here < 4)
		kill(self, sig == SIGUSR1 ? SIGUSR2 : SIGUSR1);
	depth--;
}

/* Two at once: one frame on top of the other. */
static volatile char order[8];
static volatile unsigned orders;
static void note(int sig) { if (orders < sizeof order) order[orders++] = sig == SIGUSR1 ? '1' : '2'; }

static bool came_as(int first, int second, const sigset_t *set)
{
	sigset_t old;

	for (int i = 0; i < ROUNDS; i++) {
		sigprocmask(SIG_BLOCK, set, &old);
		kill(self, SIGUSR1);
		kill(self, SIGUSR2);
		orders = 0;
		sigprocmask(SIG_SETMASK, &old, NULL);
		if (orders != 2 || order[0] != first || order[1] != second) {
			SAY("round %d: %u, %c first\n", i, orders, order[0]);
			return false;
		}
	}
	return true;
}

static void two_at_once(void)
{
	struct sigaction sa = { .sa_handler = note };
	sigset_t set;

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	if (!came_as('2', '1', &set))
		return;
	SAY("two at once\n");
	/* The second comes when the first one's mask is undone. */
	sa.sa_mask = set;
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	if (came_as('1', '2', &set))
		SAY("one after the other\n");
}

static volatile int frames_seen;
static void unwind(int sig)
{
	(void)sig;
#ifdef __GLIBC__
	void *at[64];

	frames_seen = backtrace(at, 64);
#else
	frames_seen = 8;
#endif
}

__attribute__((noinline)) static int deep(int n)
{
	if (n)
		return deep(n - 1) + 1;
	return kill(self, SIGUSR1);
}

/* Stacks that a frame does not fit on: SIGSEGV, which has nowhere to go either. */
static void bad_stack(const char *what, void *sp, size_t size, int n)
{
	pid_t p = fork();

	if (!p) {
		stack_t ss = { .ss_sp = sp, .ss_size = size };
		struct sigaction sa = { .sa_handler = note, .sa_flags = SA_ONSTACK };

		self = getpid();
		sigaction(SIGUSR1, &sa, NULL);
		for (int i = 0; i < n; i++)
			kill(self, SIGUSR1);
		if (sigaltstack(&ss, NULL))
			_exit(2);
		kill(self, SIGUSR1);
		_exit(1);
	}
	printf("%s after %d: ", what, n);
	wait_say("end", p);
}

int main(void)
{
	static const uint64_t flags[] = { 0, ARITHMETIC, 1, 0x800, DIRECTION, DIRECTION | ARITHMETIC, ALIGNMENT | 0x40 };
	struct sigaction sa = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO };
	long page = sysconf(_SC_PAGESIZE);
	size_t size = 16 * (size_t)page;
	uint8_t *area;

	self = getpid();
	sigaction(SIGUSR1, &sa, NULL);
	for (unsigned f = 0; f < sizeof flags / sizeof flags[0]; f++) {
		int bad = 0;

		for (unsigned i = 0; i < ROUNDS && !bad; i++)
			bad = round_trip(i, flags[f]);
		SAY("flags %llx: first wrong %d\n", (unsigned long long)flags[f], bad);
	}
	V(handled);
	sa = (struct sigaction){ .sa_handler = nested, .sa_flags = SA_NODEFER };
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	for (int i = 0; i < ROUNDS; i++)
		kill(self, SIGUSR1);
	V(most);
	two_at_once();
	sa = (struct sigaction){ .sa_handler = unwind };
	sigaction(SIGUSR1, &sa, NULL);
	V(deep(5));
	for (int i = 0; i < ROUNDS; i++) {
		frames_seen = 0;
		deep(5);
		if (frames_seen < 8) {
			SAY("the unwinder stops after %d\n", frames_seen);
			break;
		}
	}
	area = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(area, 1, 3 * size);
	for (int n = 0; n <= 200; n += 200) {
		bad_stack("good", area, size, n);
		bad_stack("small", area, 2048, n);
		mprotect(area + size, size, PROT_READ);
		bad_stack("read only", area + size, size, n);
		mprotect(area + size, size, PROT_NONE);
		bad_stack("none", area + size, size, n);
		/* The state's end is there, its start is not; and the other way round. */
		bad_stack("lower half missing", area + size, size + (size_t)page, n);
		mprotect(area + size, size, PROT_READ | PROT_WRITE);
		mprotect(area + 2 * size - page, (size_t)page, PROT_READ);
		bad_stack("upper half read only", area + size, size, n);
		mprotect(area + 2 * size - page, (size_t)page, PROT_READ | PROT_WRITE);
		bad_stack("in the kernel's half", (void *)0xffff800000000000, size, n);
	}
	return 0;
}
