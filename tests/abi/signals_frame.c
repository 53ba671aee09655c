/* SPDX-License-Identifier: Apache-2.0 */
/* The extended state in a signal's frame: a handler sees it, changes it, and
 * what it changed is in the registers afterwards; frames that are broken end as
 * on Linux.  Often enough that a kernel may have found a shorter way. */
/* variants: dynamic static musl */
#include "abi.h"
#include <ucontext.h>

enum { ROUNDS = 400, SW = 464, HEADER = 512, EXTENDED = 576, MXCSR = 24, ST0 = 32, XMM0 = 160 };
enum { MAGIC1 = 0x46505853, MAGIC2 = 0x46505845, SSE_AND_AVX = 6 };

struct sw { uint32_t magic1, extended_size; uint64_t features; uint32_t xstate_size; };

/* Before and after: xmm1 and the upper half of ymm1, mxcsr, the control word. */
struct seen { uint8_t ymm[32]; uint32_t mxcsr; uint16_t fcw; uint64_t k1; uint8_t zmm17[64]; };

static int has_avx, has_avx512, rounds_bad;
static void (*change)(ucontext_t *uc, uint8_t *fp);
static void (*volatile how)(void);
static uint32_t handler_mxcsr;
static uint16_t handler_fcw;
static uint8_t handler_xmm[16];
static pid_t self;

static uint8_t *fp_of(ucontext_t *uc) { return (uint8_t *)uc->uc_mcontext.fpregs; }

/* Nothing may touch the registers before they are looked at. */
void handler_c(int sig, siginfo_t *si, ucontext_t *uc);
__asm__(".text\n.globl handler_entry\nhandler_entry:\n"
	"stmxcsr handler_mxcsr_(%rip)\nfnstcw handler_fcw_(%rip)\nmovups %xmm1,handler_xmm_(%rip)\n"
	"jmp handler_c\n"
	".bss\n.balign 16\nhandler_mxcsr_: .skip 4\nhandler_fcw_: .skip 12\nhandler_xmm_: .skip 16\n.text\n");
extern uint32_t handler_mxcsr_ __attribute__((visibility("hidden")));
extern uint16_t handler_fcw_ __attribute__((visibility("hidden")));
extern uint8_t handler_xmm_[16] __attribute__((visibility("hidden")));
extern void handler_entry(void) __attribute__((visibility("hidden")));

void handler_c(int sig, siginfo_t *si, ucontext_t *uc)
{
	(void)sig;
	(void)si;
	handler_mxcsr = handler_mxcsr_;
	handler_fcw = handler_fcw_;
	memcpy(handler_xmm, handler_xmm_, 16);
	if (change)
		change(uc, fp_of(uc));
}

static void by_libc(void) { kill(self, SIGUSR1); }
static void by_instruction(void)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(SYS_kill), "D"(self), "S"(SIGUSR1) : "rcx", "r11", "memory");
}
/* Not by a call of the program's own. */
static void by_fault(void) { __asm__ volatile("ud2\nnop" ::: "memory"); }

/* Load everything, have a signal, store everything.  The ways there use no such
 * register; a mask and what is above 256 bits only where they exist. */
static void pass(struct seen *s)
{
	static struct seen in;
	void (*call)(void) = how;

	for (int i = 0; i < 32; i++)
		in.ymm[i] = (uint8_t)(i * 7 + 1);
	for (int i = 0; i < 64; i++)
		in.zmm17[i] = (uint8_t)(i * 5 + 3);
	in.mxcsr = 0x5f80;
	in.fcw = 0x0b7f;
	in.k1 = 0x1234;
	*s = in;
	if (has_avx512)
		__asm__ volatile("vmovdqu64 %0,%%zmm17\nkmovw %k1,%%k1" :: "m"(in.zmm17), "r"(in.k1));
	if (has_avx)
		__asm__ volatile("vmovdqu %0,%%ymm1" :: "m"(in.ymm));
	else
		__asm__ volatile("movups %0,%%xmm1" :: "m"(in.ymm));
	__asm__ volatile("ldmxcsr %0\nfldcw %1\ncall *%2" :: "m"(in.mxcsr), "m"(in.fcw), "r"(call)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
	__asm__ volatile("stmxcsr %0\nfnstcw %1" : "=m"(s->mxcsr), "=m"(s->fcw));
	if (has_avx)
		__asm__ volatile("vmovdqu %%ymm1,%0" : "=m"(s->ymm));
	else
		__asm__ volatile("movups %%xmm1,%0" : "=m"(s->ymm));
	if (has_avx512) {
		__asm__ volatile("kmovw %%k1,%k0" : "=r"(s->k1));
		__asm__ volatile("vmovdqu64 %%zmm17,%0" : "=m"(s->zmm17));
	}
	__asm__ volatile("fninit\nldmxcsr %0" :: "m"((uint32_t){ 0x1f80 }));
}

static void show(const char *what, const struct seen *s)
{
	printf("%s: xmm %02x %02x, ymm %02x %02x, mxcsr %x, fcw %x", what, s->ymm[0], s->ymm[15],
	       has_avx ? s->ymm[16] : 0, has_avx ? s->ymm[31] : 0, s->mxcsr & 0xffff, s->fcw);
	if (has_avx512)
		printf(", k1 %lx, zmm17 %02x %02x %02x", (unsigned long)s->k1, s->zmm17[0], s->zmm17[32], s->zmm17[63]);
	printf(", in the handler %x %x %d\n", handler_mxcsr & 0xffff, handler_fcw, handler_xmm[0] | handler_xmm[15]);
}

static const struct { const char *name; void (*way)(void); } ways[] = {
	{ "libc", by_libc }, { "instruction", by_instruction }, { "fault", by_fault },
};

/* The same each time, whatever way the kernel goes. */
static void all_ways(const char *what, void (*c)(ucontext_t *, uint8_t *))
{
	for (unsigned w = 0; w < 3; w++) {
		struct seen first, s;
		char name[64];

		change = c;
		how = ways[w].way;
		pass(&first);
		snprintf(name, sizeof name, "%s by %s", what, ways[w].name);
		show(name, &first);
		for (int i = 0; i < ROUNDS; i++) {
			pass(&s);
			rounds_bad += memcmp(&s, &first, sizeof s) != 0;
		}
	}
	V(rounds_bad);
}

static void after_fault(ucontext_t *uc)
{
	if (uc->uc_mcontext.gregs[REG_TRAPNO] == 6 && *(uint16_t *)uc->uc_mcontext.gregs[REG_RIP] == 0x0b0f)
		uc->uc_mcontext.gregs[REG_RIP] += 2;
}

static void nothing(ucontext_t *uc, uint8_t *fp) { (void)fp; after_fault(uc); }

static void look(ucontext_t *uc, uint8_t *fp)
{
	struct sw sw;
	uint32_t magic2;
	static int said;

	after_fault(uc);
	if (said++)
		return;
	memcpy(&sw, fp + SW, sizeof sw);
	memcpy(&magic2, fp + sw.xstate_size, 4);
	SAY("aligned %d magic %d %d sizes %d in use %d sw %d header %d\n", !((uintptr_t)fp & 63), sw.magic1 == MAGIC1,
	    magic2 == MAGIC2, sw.extended_size == sw.xstate_size + 4, (fp[HEADER] & 7) == (has_avx ? 7 : 3),
	    (sw.features & 7) == (has_avx ? 7 : 3), !memcmp(fp + HEADER + 8, fp + HEADER + 16, 48) && !fp[HEADER + 8]);
	SAY("xmm1 %02x mxcsr %02x%02x fcw %02x%02x ymm1 %02x\n", fp[XMM0 + 16], fp[MXCSR + 1], fp[MXCSR], fp[1], fp[0],
	    has_avx ? fp[EXTENDED + 16] : 0);
}

static void other_values(ucontext_t *uc, uint8_t *fp)
{
	after_fault(uc);
	memset(fp + XMM0 + 16, 0xa1, 16);
	if (has_avx)
		memset(fp + EXTENDED + 16, 0xb2, 16);
	fp[MXCSR + 1] = 0x7f;
	fp[1] = 0x0f;
	memset(fp + ST0, 0x11, 10);
}

/* All of the extended part that Intel's and AMD's processors lay out alike. */
static void not_in_use(ucontext_t *uc, uint8_t *fp)
{
	after_fault(uc);
	fp[HEADER] &= ~SSE_AND_AVX;
}

static void fewer_features(ucontext_t *uc, uint8_t *fp)
{
	after_fault(uc);
	fp[SW + 8] &= ~4;
	fp[XMM0 + 16] = 0x77;
}

static void legacy_only(ucontext_t *uc, uint8_t *fp)
{
	after_fault(uc);
	fp[SW] ^= 1;                    /* the mark */
	fp[XMM0 + 16] = 0x78;
}

static void no_end_mark(ucontext_t *uc, uint8_t *fp)
{
	struct sw sw;

	after_fault(uc);
	memcpy(&sw, fp + SW, sizeof sw);
	fp[sw.xstate_size] ^= 1;
	fp[XMM0 + 16] = 0x79;
}

static void too_large(ucontext_t *uc, uint8_t *fp)
{
	after_fault(uc);
	fp[SW + 17] += 0x20;            /* xstate_size */
	fp[XMM0 + 16] = 0x7a;
}

static void small_extended_size(ucontext_t *uc, uint8_t *fp)
{
	after_fault(uc);
	memset(fp + SW + 4, 0, 4);
	fp[XMM0 + 16] = 0x7b;
}

static void no_state(ucontext_t *uc, uint8_t *fp)
{
	(void)fp;
	after_fault(uc);
	uc->uc_mcontext.fpregs = NULL;
}

static void elsewhere(ucontext_t *uc, uint8_t *fp)
{
	static uint8_t copy[1 << 14] __attribute__((aligned(64)));
	struct sw sw;

	after_fault(uc);
	memcpy(&sw, fp + SW, sizeof sw);
	memcpy(copy, fp, sw.xstate_size + 4);
	memset(fp, 0xee, sw.xstate_size + 4);
	copy[XMM0 + 16] = 0x7c;
	uc->uc_mcontext.fpregs = (void *)copy;
}

static void reserved_word_7(ucontext_t *uc, uint8_t *fp)
{
	after_fault(uc);
	fp[HEADER + 56] = 1;
}

/* Those that end the program. */
static void mxcsr_reserved(ucontext_t *uc, uint8_t *fp) { after_fault(uc); fp[MXCSR + 2] = 1; }
static void unknown_feature(ucontext_t *uc, uint8_t *fp) { after_fault(uc); fp[HEADER + 7] |= 0x20; }
static void compacted(ucontext_t *uc, uint8_t *fp) { after_fault(uc); fp[HEADER + 15] = 0x80; }
static void reserved_word_2(ucontext_t *uc, uint8_t *fp) { after_fault(uc); fp[HEADER + 16] = 1; }
static void misaligned(ucontext_t *uc, uint8_t *fp) { after_fault(uc); uc->uc_mcontext.fpregs = (void *)(fp + 8); }
static void unmapped(ucontext_t *uc, uint8_t *fp)
{
	(void)fp;
	after_fault(uc);
	uc->uc_mcontext.fpregs = (void *)0x1000;
}

static void not_ours(ucontext_t *uc, uint8_t *fp)
{
	(void)fp;
	after_fault(uc);
	uc->uc_mcontext.fpregs = (void *)0x7ff000000000;
}

static int times;
static void (*late_change)(ucontext_t *, uint8_t *);
static void late(ucontext_t *uc, uint8_t *fp)
{
	after_fault(uc);
	if (!--times)
		late_change(uc, fp);
}

static void on_segv(int sig, siginfo_t *si, void *uc)
{
	static const char said[] = "SIGSEGV handled\n";

	(void)sig;
	(void)si;
	(void)uc;
	_exit(write(1, said, sizeof said - 1) == sizeof said - 1 ? 3 : 4);
}

static void fatal(const char *what, void (*c)(ucontext_t *, uint8_t *), int n, bool caught)
{
	for (unsigned w = 0; w < 2; w++) {
		pid_t p = fork();

		if (!p) {
			struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
			struct seen s;

			self = getpid();
			if (caught)
				sigaction(SIGSEGV, &sa, NULL);
			times = n;
			late_change = c;
			change = late;
			how = ways[w].way;
			for (int i = 0; i < n; i++)
				pass(&s);
			_exit(0);
		}
		printf("%s by %s, time %d: ", what, ways[w].name, n);
		wait_say("end", p);
	}
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = (void (*)(int, siginfo_t *, void *))handler_entry, .sa_flags = SA_SIGINFO };
	static const struct { const char *name; void (*c)(ucontext_t *, uint8_t *); } bad[] = {
		{ "mxcsr", mxcsr_reserved }, { "feature", unknown_feature }, { "compacted", compacted },
		{ "word 2", reserved_word_2 }, { "misaligned", misaligned }, { "unmapped", unmapped }, { "not ours", not_ours },
	};

	has_avx = __builtin_cpu_supports("avx");
	has_avx512 = __builtin_cpu_supports("avx512f");
	self = getpid();
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	all_ways("unchanged", nothing);
	all_ways("looked at", look);
	all_ways("changed", other_values);
	all_ways("not in use", not_in_use);
	all_ways("fewer features", fewer_features);
	all_ways("legacy", legacy_only);
	all_ways("no end mark", no_end_mark);
	all_ways("too large", too_large);
	all_ways("extended size", small_extended_size);
	all_ways("no state", no_state);
	all_ways("elsewhere", elsewhere);
	all_ways("reserved word 7", reserved_word_7);
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		fatal(bad[i].name, bad[i].c, 1, false);
		fatal(bad[i].name, bad[i].c, 200, false);
	}
	fatal("caught", compacted, 200, true);
	return 0;
}
