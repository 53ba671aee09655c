/* SPDX-License-Identifier: Apache-2.0 */
/* stub_layout.h: what a stub looks like, for both sides of the hand-off.
 *
 * A stub is a host process that holds one program's memory below USER_HI and
 * the stub area above it:
 *
 *   STUB_BASE           image: code, constant tables, seccomp programs (RX)
 *   STUB_WAKE           words that app threads of all stubs sleep on (read-only in the stubs)
 *   STUB_CTL            control file of this stub, shared with the kernel:
 *     CTL_CMD             mapper's command page        (read-only in the stub)
 *     CTL_ACK             mapper's acknowledgement     (read-only in the stub)
 *     CTL_SCRATCH         bytes nobody believes        (writable)
 *     CTL_BOX(cpu)        mailbox of the app thread of each CPU (writable)
 *
 * The seccomp programs test addresses and sizes apart: an address below
 * USER_HI plus a size below SIZE_BOUND cannot reach STUB_BASE.
 *
 * Trust: the stub's code is ours, everything writable in a stub is hostile.
 * Included by C and assembly. */
#ifndef NACRE_PROCESS_STUB_LAYOUT_H
#define NACRE_PROCESS_STUB_LAYOUT_H

#define USER_LO 0x10000
#define USER_HI 0x7f0000000000
#define SIZE_BOUND 0x00f000000000       /* exclusive */
#define STUB_BASE 0x7ff000000000
#define STUB_BASE_HI32 0x7ff0
#define USER_HI_HI32 0x7f00
#define SIZE_BOUND_HI32 0x00f0
#define USER_TOP 0x7ffffffff000         /* end of what a host process can map */

/* Image. */
#define IMAGE_SIZE 0xa000
#define IMAGE_CODE_SIZE 0x8000          /* calls from here may be allowed */
#define IMAGE_CONFIG 0x8000             /* struct stub_config */
#define CONFIG_BOX_FIRST 24
#define CONFIG_BOX_COUNT 32
#define IMAGE_PROG_APP 0x8080           /* struct sock_fprog */
#define IMAGE_PROG_MAPPER 0x8090
#define IMAGE_INSNS_APP 0x8100
#define IMAGE_INSNS_MAPPER 0x9000
#define IMAGE_MAGIC 0x4e61637265537475

/* Behind the image: a page of futexes of the whole sandbox. */
#define STUB_WAKE 0x7ff00000a000
#define WAKE_SIZE 0x1000
#define WAKE_WORDS 1024
#define WAKE_STRIDE 167                 /* between the words of a stub's threads */
#define STUB_FIXED_SIZE (IMAGE_SIZE + WAKE_SIZE)

/* Control file. */
#define STUB_CTL 0x7ff000100000
#define CTL_CMD 0x0000
#define CTL_ACK 0x2000
#define CTL_RO_SIZE 0x3000
#define CTL_SCRATCH 0x3000
#define BOX_SHIFT 16
#define BOX_SIZE 0x10000
#define CTL_BOX(cpu) (BOX_SIZE * (1 + (cpu)))

/* Descriptors of a stub; the first received one becomes FD_FREE, the lowest
 * free number. */
#define FD_CTL 0
#define FD_SOCK 1
#define FD_FREE 2
#define MAPPER_FDS_MAX 4                /* received by one message */

/* Command page. */
#define CMD_SEQ 0
#define CMD_COUNT 4
#define CMD_CHILD_COUNT 8
#define CMD_AWAITED 12                  /* somebody may sleep on the acknowledgement */
#define CMD_LIST 64
#define CMD_LIST_MAX 48
#define CMD_CHILD_LIST 0x1000
#define CMD_MSGHDR 0x1800
#define CMD_IOVEC 0x1840
#define CALL_SIZE 64
#define CALL_NR 0
#define CALL_FLAGS 4
#define CALL_ARGS 8
#define CALL_IGNORE 1                   /* go on when it fails */
#define CALL_FORK 2                     /* result 0: child, go on with the child list */
#define CALL_THREAD 4                   /* result 0: an app thread begins */
#define CALL_VALUE 8                    /* publish the result (24 bits) */

#define ACK_WAKE 64                     /* word of STUB_WAKE that the first app thread sleeps on */
#define ACK_WORD 0                      /* low half: errno, ACK_PENDING */
#define ACK_VALUE 8                     /* two times 12 bits, in 16 bits each */
#define ACK_PENDING 0xffff
#define ACK_DEAD 0xdead0000

/* Mailbox.  The gate's stack and frame lie outside the signal stack, so that a
 * signal that comes while the gate is used has its frame at the usual place.
 * A frame that resumes a trap by the gate lies GATE_BELOW the usual place. */
#define BOX_DATA 0x1fc0
#define BOX_DATA_SIZE 0x2040
#define BOX_AHEAD_MAX 0x1000            /* its first part: a copy ahead of a trap; the rest rides */
#define BOX_AHEAD_SIZE (BOX_AHEAD_MAX + 0x40)
#define BOX_COPY_REST (BOX_DATA + BOX_AHEAD_SIZE + 0x40)        /* the order's copy, behind what the line has */
#define BOX_GATE_STACK 0x4c00           /* its top */
#define BOX_GATE_STACK_SIZE 0xa80
#define BOX_POSTABLE 0x4c00              /* which calls the gate may take without a trap */
#define BOX_POSTABLE_SIZE 0x200
#define BOX_POSTS 0x4e00                /* the calls that it took: struct stub_post */
#define BOX_POSTS_SIZE 0x280
#define BOX_SLOTS 0x5080                /* struct stub_slot, SLOTS_MAX of them */
#define SLOT_SIZE 0xc0
#define SLOTS_MAX 8
#define BOX_SLOTS_END (BOX_SLOTS + SLOTS_MAX * SLOT_SIZE)
#define BOX_GRANTS BOX_SLOTS_END        /* reads that the gate may answer: struct stub_grants */
#define BOX_GRANT_DATA (BOX_GRANTS + 0x40)
#define BOX_GRANT_DATA_SIZE 0x1000
#define BOX_GRANTS_END (BOX_GRANT_DATA + BOX_GRANT_DATA_SIZE)
#define BOX_STACK 0x8000                /* alternate signal stack */
#define BOX_STACK_SIZE 0x8000
#define GATE_BELOW 0x8000

/* Offsets in struct stub_box. */
#define BOX_TURN 0
#define BOX_RESULT 16
#define BOX_RIP 128
#define BOX_RAX 136
#define BOX_RDI 144
#define BOX_RSI 152
#define BOX_RDX 160
#define BOX_R10 168
#define BOX_R8 176
#define BOX_R9 184
#define BOX_RSP 192
#define BOX_RBX 200
#define BOX_RBP 208
#define BOX_R12 216
#define BOX_R13 224
#define BOX_R14 232
#define BOX_R15 240
#define BOX_KICKED 264
#define BOX_POST_RESULT 288
#define BOX_GRANT_NR 296
#define BOX_ANSWER_VALID 0x240
#define BOX_ANSWER 0x300
#define BOX_LOAD 0x4000                 /* struct stub_regs */
#define BOX_LOAD_RSP (BOX_LOAD + 15 * 8)
#define BOX_LOAD_RIP (BOX_LOAD + 16 * 8)
#define ANSWER_NUMBERS 192              /* of system calls: a byte and a word each */

#define TURN_KERNEL 0                   /* app thread parked */
#define TURN_RUN 1                      /* app thread: commands, then resume */
#define TURN_COMMANDS 2                 /* app thread: commands, then hand back */
#define TURN_DEAD 3                     /* written by the reaper */
#define TURN_ROOM 4                     /* app thread parked, and another is to run on its core */

#define YIELDS_MAX 3                    /* in vain, before one sleeps */
#define YIELDED_SOON 8                  /* in a row that came back soon: the core is free */
/* In lengths of a spin: to wait for the turn after a yield; not to yield, after one that took long. */
#define ROOM_AHEAD(spin) ((spin) / 32)
#define YIELD_RETRY_FIRST(spin) ((spin) * 20)
#define YIELD_RETRY_LAST(spin) ((spin) * 4096)
#define CORE_NOWHERE 0xffffffff         /* kern_cpu: on no core that anybody runs on */

/* A word of BOX_POSTABLE is about one descriptor: epoll_ctl(epfd, ..., fd) may be
 * posted; whether fd is in that set. */
#define POSTABLE_SLOTS 128
#define POSTABLE 0x80000000u
#define POSTABLE_THERE 0x40000000u
#define POSTABLE_EPFD_SHIFT 15
#define POSTABLE_EPFD_MAX 0x8000        /* exclusive */
#define POSTABLE_FD_MAX 0x400000
#define POSTS_MAX 31
#define POST_CLOSE 0                    /* stub_post.op: of no epoll_ctl */
#define POST_SETFD 16                   /* epfd: FD_CLOEXEC or 0 */
#define POST_DUP 17                     /* epfd: the new one; events: FD_CLOEXEC or 0 */
#define POST_MASK 18                    /* data: the signal mask; events, fd: what it was */
#define POST_ROBUST 19                  /* data: head of the robust list */
#define POST_ANSWER 20                  /* only answered */
#define MAY_MASK 1                      /* stub_sigmask.may */
#define MAY_ROBUST 2
#define FDS_FREE (1ull << 63)           /* of stub_fds.free */
#define CLOSABLE_MAX 64                 /* exclusive */

/* Commands of an app thread that are not host calls. */
#define OP_COPY 0x10000                 /* a0 dst, a1 src, a2 size: bytes not copied */
#define OP_CMPXCHG32 0x10001            /* a0 addr, a1 old, a2 new: previous or -EFAULT */
#define OP_LOAD32 0x10002
#define OP_ZERO 0x10003                 /* a0 dst, a2 size: bytes not zeroed */
#define OP_IS_COPY(op) ((op) == OP_COPY || (op) == OP_ZERO)
/* Signal frames (stub/frame.c).  a0: where; a1: 0, the thread has trapped by the
 * gate, or where in the mailbox the extended state lies; a2: the size of all of it. */
#define OP_FRAME_OUT 0x10004            /* a3: where the extended state goes, a4 a5: which words, where they are */
#define OP_XSTATE_IN 0x10005            /* the extended state only */

#define KICK_SIGNAL 23                  /* SIGURG: ignored by default */

/* cpuid's stand-in in patched text: platform.h, PLAT_CPUID_. */
#define CPUID_TRAPNO 13
#define CPUID_ERR 0x212
#define CPUID_SITES 96
#define CPUID_ANSWERS 128
#define CPUID_ANY_CORE 0xffffffff

/* Traps that are no signal. */
#define TRAP_GATE 0x100                 /* a system call by the gate: registers in the mailbox */
#define TRAP_UNRUN 0x101                /* told to run, kicked before it did: registers are the kernel's */
#define TRAP_RIDERS 0x102               /* told to run, but one of the commands before that failed */

#define GATE_RETURN 0                   /* of stub_gate(), when it is no frame */
#define GATE_LOAD 1

/* Bits of the flags register for which the gate is not: TF DF NT AC ID. */
#define FLAGS_ODD 0x244500
#define FLAGS_ARITHMETIC 0x8d5
#define FLAGS_LAHF 0xd5                 /* SF ZF AF PF CF */
#define FLAG_OF_SHIFT 11
#define FLAG_CARRY 1
#define FLAGS_FIXED 0x202               /* always set */
#define GATE_FLAGS_SHIFT 48             /* in stub_box.rip: lahf's byte above, OF below */

#ifndef __ASSEMBLER__
#include <base/types.h>

struct stub_image {                     /* at STUB_BASE */
	uint64_t magic;
	uint64_t template_entry;        /* offsets in the image */
	uint64_t signal_entry;
	uint64_t signal_return;
	uint64_t gate;
	uint64_t code_end;
};

struct stub_config {                    /* at IMAGE_CONFIG */
	uint64_t spin_cycles;
	uint32_t has_rdpid;
	uint32_t slot_count;            /* at most SLOTS_MAX */
	uint64_t features;              /* XCR0 bits of that */
	uint64_t box_first, box_count;  /* address of the first mailbox */
	uint64_t sigframe_size;         /* what rt_sigreturn reads first */
	uint32_t xstate_size;           /* of the extended state in the program's signal frames */
	uint32_t host_xstate_size;      /* what of it the processor writes */
	uint32_t mxcsr_mask;
	uint32_t slot_image[SLOTS_MAX]; /* in a mailbox: extended state of a trap by the gate */
	uint32_t pad;
};

STATIC_ASSERT(offsetof(struct stub_config, box_first) == CONFIG_BOX_FIRST);
STATIC_ASSERT(offsetof(struct stub_config, box_count) == CONFIG_BOX_COUNT);

struct stub_call { uint32_t nr, flags; uint64_t a[6]; uint64_t pad; };
STATIC_ASSERT(sizeof(struct stub_call) == CALL_SIZE);

struct stub_cmdpage {
	uint32_t seq, count, child_count, awaited;
	uint64_t pad2[6];
	struct stub_call list[CMD_LIST_MAX];
};
STATIC_ASSERT(offsetof(struct stub_cmdpage, list) == CMD_LIST);
STATIC_ASSERT(offsetof(struct stub_cmdpage, awaited) == CMD_AWAITED);

struct stub_cmd { uint32_t op, pad; uint64_t a[6]; int64_t ret; };
STATIC_ASSERT(sizeof(struct stub_cmd) == 64);

#define BOX_CMD_MAX 32
#define RIDERS_MAX 8

/* A copy of the program's memory that its thread made before it trapped.  more: behind
 * it, at the next multiple of 8, is another. */
struct stub_ahead { uint64_t addr; uint32_t size, more; uint8_t data[BOX_AHEAD_MAX]; };
STATIC_ASSERT(sizeof(struct stub_ahead) <= BOX_AHEAD_SIZE);

/* The order to run or to do commands. */
#define ORDER_FAST 1u                   /* registers as they were, but rax */
#define ORDER_COUNT_SHIFT 1             /* how many commands */
#define ORDER_COUNT_MASK 63u
#define ORDER_RIDERS_MASK 31u           /* with an order to run */
#define ORDER_LOAD 0x40u                /* order to run: registers as stub_regs.given tells, extended state as it is */
#define ORDER_ZERO 0x80u                /* copy.zeroes bytes at copy.to, before those */
#define ORDER_COPY_SHIFT 8              /* so many bytes of copy.data and BOX_COPY_REST to copy.to, before those */

#define SLOT_PASSED 0x8000              /* flag of slot: another program ran on this core since the trap */
#define ROOM_SURE 16u                   /* a call that made room so often in a row does it at once, */
#define ROOM_SURE_LAST 4096u            /* later when that was wrong */
#define NR_LONG 0xffff                  /* nr: the whole number is in saved.rax */
#define TRAP_AHEAD 0x8000               /* flag of trap: BOX_DATA has a copy made ahead */
#define TRAP_WORD 0x4000                /* flag of trap: a futex(2) that waits, whose word was as it says */
#define COPY_INLINE 24u                 /* so much of that copy lies in the line */
#define COPY_LINE_MAX 255u
#define TRAP_POSTS_SHIFT 9              /* in trap: how many calls were posted before it */
#define TRAP_POSTS_MASK 31u
#define TRAP_MASK 0x1ffu                /* the trap itself */

/* The line that two cores hand to each other: all that a simple system call and its
 * result are.  Each further line that both sides touch costs as much again. */
struct stub_line {
	uint32_t turn __aligned(64);            /* futex: whose turn */
	union {
		uint16_t trap;                  /* by the thread: a signal or TRAP_ */
		uint16_t slot;                  /* by the kernel: the slot to change to + 1, or 0; SLOT_PASSED */
	};
	union {
		uint16_t nr;                    /* by the thread: trap by the gate */
		uint16_t order;                 /* by the kernel */
	};
	uint64_t rip;                           /* by the thread: trap by the gate; flags above bit 47 */
	union {
		uint64_t arg[6];                /* by the thread: trap by the gate */
		struct {                        /* by the kernel */
			uint64_t result;        /* rax */
			uint64_t to;
			union { uint8_t data[COPY_INLINE]; uint64_t zeroes; };
		} copy;
	};
};
STATIC_ASSERT(sizeof(struct stub_line) == 64);

/* To where the other core, which looks at it all the time, finds it soonest
 * (cldemote; does nothing on processors that do not know it). */
static inline void line_push(struct stub_line *line)
{
	__asm__ volatile(".byte 0x0f, 0x1c, 0x07" : : "D"(line) : "memory");
}

/* The line is about to be written: it comes without the other core's copy staying
 * behind.  (The compiler's builtin only reads, unless it is told of the processor.) */
static inline void prefetch_write(const void *at) { __asm__ volatile("prefetchw (%0)" : : "r"(at)); }

/* What a thread of the program had in its registers when the gate handed it over.
 * The thread of a mailbox has one slot at a time, that of the program's thread
 * which it runs; it leaves the registers there and takes others when it is told to
 * change.  The extended state lies at stub_config.slot_image. */
struct stub_slot {
	uint64_t word[15];                      /* stub_box.saved */
	uint64_t fs_base;
	uint32_t saved;                         /* all of it is here */
	uint32_t tid;                           /* by the kernel: the gate's answer to gettid */
} __aligned(64);
STATIC_ASSERT(sizeof(struct stub_slot) == SLOT_SIZE && BOX_SLOTS >= BOX_POSTS + BOX_POSTS_SIZE);

/* A call of epoll_ctl, close or fcntl that waits for the next trap. */
struct stub_post { uint32_t events, data[2], fd; uint16_t epfd, op; };
struct stub_fds { uint64_t closable, free, flagged, flags; };   /* struct plat_fds */
struct stub_sigmask { uint64_t blocked, may; };                 /* struct plat_sigmask */
STATIC_ASSERT(sizeof(struct stub_post) == 20 && POSTS_MAX <= TRAP_POSTS_MASK);
STATIC_ASSERT(BOX_POSTABLE >= BOX_GATE_STACK && BOX_POSTABLE_SIZE == POSTABLE_SLOTS * sizeof(uint32_t));
STATIC_ASSERT(BOX_POSTS >= BOX_POSTABLE + BOX_POSTABLE_SIZE && BOX_POSTS_SIZE >= POSTS_MAX * sizeof(struct stub_post));

/* Reads that the gate may answer (stub/grant.c).  The data of one lie behind those of the
 * last, each in lines of its own. */
#define GRANTS_MAX 12
#define GRANT_SMALL 8u                  /* the first one's data, up to that, lie in the line that tells of it */
#define GRANT_SIZE_SHIFT 20             /* in word: the descriptor, its bytes above */
struct stub_grants {
	uint32_t ready;                         /* a bit each; who takes it away has used it or ended it */
	uint32_t word[GRANTS_MAX], pad;
	uint8_t small[GRANT_SMALL];
};
static inline bool grant_is_small(uint32_t nr, size_t n) { return nr == 0 && n <= GRANT_SMALL; }
STATIC_ASSERT(BOX_GRANTS % 64 == 0 && sizeof(struct stub_grants) == BOX_GRANT_DATA - BOX_GRANTS);

/* All registers, in the order of a signal frame and of the gate's exit. */
struct stub_load {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, flags;
};
#define LOAD_WORDS (sizeof(struct stub_load) / sizeof(uint64_t))
struct stub_regs {                      /* at BOX_LOAD */
	struct stub_load load;          /* by the thread, for the gate's exit */
	struct {                        /* what it is made of, by the kernel */
		uint64_t which;
		uint64_t word[LOAD_WORDS];
	} given __aligned(64);
};
STATIC_ASSERT(BOX_LOAD + offsetof(struct stub_regs, load.rsp) == BOX_LOAD_RSP);
STATIC_ASSERT(BOX_LOAD + offsetof(struct stub_regs, load.rip) == BOX_LOAD_RIP);
STATIC_ASSERT(BOX_LOAD >= BOX_DATA + BOX_DATA_SIZE);
STATIC_ASSERT(BOX_LOAD + sizeof(struct stub_regs) <= BOX_GATE_STACK - BOX_GATE_STACK_SIZE);

/* A frame of a signal handler as words.  Few of them are worth telling: those of
 * a bit map (a4) follow each other in the mailbox (a5); the others are zero, but registers, after a
 * trap by the gate, what they were then: stub_load, with rax 0. */
#define FRAME_WORDS 55
#define FRAME_WORD_REGS 6               /* the first of a stub_load */

/* rip holds the flags of arithmetic above bit 47: lahf's byte above, OF below. */
struct stub_box {
	struct stub_line line __aligned(128);
	/* Of the thread alone, but that the kernel may come and read it. */
	struct {
		uint64_t rip, rax, rdi, rsi, rdx, r10, r8, r9;
		uint64_t rsp, rbx, rbp, r12, r13, r14, r15;
	} saved __aligned(128);                 /* trap by the gate */
	uint64_t fs_base, gs_base;              /* trap */
	uint32_t kicked;                        /* a kick came while the stub's code ran */
	uint32_t slot;                          /* of the thread: which it has */
	uint32_t frame_off;                     /* of the host's signal frame in this box */
	uint32_t tid;                           /* written by the host in clone */
	uint32_t post_count;                    /* of the thread: calls posted since its last trap */
	uint32_t post_op;                       /* of the thread: of the last call posted or answered so, and */
	uint64_t post_result;
	uint32_t grant_nr, pad;                 /* of the thread: which grant it is about to take */
	struct stub_fds fds;                    /* by an order; the thread changes it by what it posts */
	struct stub_sigmask sigmask;            /* by the kernel, and as fds */
	uint64_t mask_given;                    /* of the thread: what the last mask posted was made of */

	uint32_t app_sleeping __aligned(128);
	uint32_t app_cpu;
	uint32_t kern_sleeping __aligned(64);
	uint32_t kern_cpu;
	uint32_t yields;                        /* kernel's thread and this one go on in turn by sched_yield */
	uint32_t relay;                         /* word of STUB_WAKE + 1, to be woken before this thread sleeps */
	/* resume with a frame: written by the kernel */
	uint32_t resume_off __aligned(64);
	uint32_t set_bases;
	uint64_t new_fs_base, new_gs_base;
	uint32_t cpuid_sites, cpuid_answers;    /* how many of the lists below are good */
	struct {
		uint64_t retry, after;          /* cycles: not to yield before; the pause before that */
		uint32_t call;                  /* which call made room last, */
		uint16_t sure, need;            /* so often in a row; how often makes sure of it */
		uint8_t passed, early;          /* this time it did; before it was told to */
		uint8_t soon;                   /* yields in a row that came back soon */
	} room;                                 /* of the thread: how it makes room */
	/* what the gate answers by itself; written by the kernel */
	uint8_t answer_valid[ANSWER_NUMBERS] __aligned(64);
	uint32_t answer[ANSWER_NUMBERS];
	struct stub_cmd cmds[BOX_CMD_MAX] __aligned(64);
	/* what the stub answers to cpuid by itself; written by the kernel */
	uint64_t cpuid_site[CPUID_SITES] __aligned(64);         /* addresses */
	uint64_t cpuid_question[CPUID_ANSWERS];                 /* leaf, subleaf above */
	uint32_t cpuid_answer[CPUID_ANSWERS][4];                /* eax ebx ecx edx */
	uint32_t cpuid_core[CPUID_ANSWERS];                     /* whose answer, or CPUID_ANY_CORE */
};
STATIC_ASSERT(STUB_WAKE == STUB_BASE + IMAGE_SIZE && WAKE_SIZE == WAKE_WORDS * sizeof(uint32_t));
STATIC_ASSERT(offsetof(struct stub_box, line.turn) == BOX_TURN);
STATIC_ASSERT(offsetof(struct stub_box, line.copy.result) == BOX_RESULT);
STATIC_ASSERT(offsetof(struct stub_box, saved.rip) == BOX_RIP && offsetof(struct stub_box, saved.rdx) == BOX_RDX);
STATIC_ASSERT(offsetof(struct stub_box, saved.r10) == BOX_R10 && offsetof(struct stub_box, saved.r15) == BOX_R15);
STATIC_ASSERT(offsetof(struct stub_box, kicked) == BOX_KICKED);
STATIC_ASSERT(offsetof(struct stub_box, post_result) == BOX_POST_RESULT);
STATIC_ASSERT(offsetof(struct stub_box, grant_nr) == BOX_GRANT_NR);
STATIC_ASSERT(offsetof(struct stub_box, app_sleeping) == 384);
STATIC_ASSERT(offsetof(struct stub_box, answer_valid) == BOX_ANSWER_VALID);
STATIC_ASSERT(offsetof(struct stub_box, answer) == BOX_ANSWER);
STATIC_ASSERT(sizeof(struct stub_box) <= BOX_DATA);
STATIC_ASSERT(sizeof(((struct stub_box *)0)->saved) >= sizeof(((struct stub_slot *)0)->word));

static inline struct stub_slot *box_slot(const struct stub_box *box, uint32_t nr)
{
	return (struct stub_slot *)((uintptr_t)box + BOX_SLOTS) + nr;
}

/* A number that the program can write. */
static inline uint32_t slot_valid(const struct stub_config *c, uint32_t nr) { return nr < c->slot_count ? nr : 0; }

static inline struct stub_regs *box_regs(const struct stub_box *box)
{
	return (struct stub_regs *)((uintptr_t)box + BOX_LOAD);
}
#endif

#endif
