/* SPDX-License-Identifier: Apache-2.0 */
/* stub_layout.h: what a stub looks like, for both sides of the hand-off.
 *
 * A stub is a host process that holds one program's memory below USER_HI and
 * the stub area above it:
 *
 *   STUB_BASE           image: code, constant tables, seccomp programs (RX)
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
#define IMAGE_PROG_APP 0x8040           /* struct sock_fprog */
#define IMAGE_PROG_MAPPER 0x8050
#define IMAGE_INSNS_APP 0x8100
#define IMAGE_INSNS_MAPPER 0x9000
#define IMAGE_MAGIC 0x4e61637265537475

/* Control file. */
#define STUB_CTL 0x7ff000100000
#define CTL_CMD 0x0000
#define CTL_ACK 0x2000
#define CTL_RO_SIZE 0x3000
#define CTL_SCRATCH 0x3000
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

#define ACK_WORD 0                      /* low half: errno, ACK_PENDING */
#define ACK_VALUE 8                     /* two times 12 bits, in 16 bits each */
#define ACK_PENDING 0xffff
#define ACK_DEAD 0xdead0000

/* Mailbox. */
#define BOX_DATA 0x2000
#define BOX_DATA_SIZE 0x6000
#define BOX_STACK 0x8000                /* alternate signal stack */
#define BOX_STACK_SIZE 0x8000

#define TURN_KERNEL 0                   /* app thread parked */
#define TURN_RUN 1                      /* app thread: commands, then resume */
#define TURN_COMMANDS 2                 /* app thread: commands, then hand back */
#define TURN_DEAD 3                     /* written by the reaper */

/* Commands of an app thread that are not host calls. */
#define OP_COPY 0x10000                 /* a0 dst, a1 src, a2 size: bytes not copied */
#define OP_CMPXCHG32 0x10001            /* a0 addr, a1 old, a2 new: previous or -EFAULT */
#define OP_LOAD32 0x10002

#define KICK_SIGNAL 23                  /* SIGURG: ignored by default */

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
};

struct stub_call { uint32_t nr, flags; uint64_t a[6]; uint64_t pad; };
STATIC_ASSERT(sizeof(struct stub_call) == CALL_SIZE);

struct stub_cmdpage {
	uint32_t seq, count, child_count, pad;
	uint64_t pad2[6];
	struct stub_call list[CMD_LIST_MAX];
};
STATIC_ASSERT(offsetof(struct stub_cmdpage, list) == CMD_LIST);

struct stub_cmd { uint32_t op, pad; uint64_t a[6]; int64_t ret; };

#define BOX_CMD_MAX 32

struct stub_box {
	uint32_t turn __aligned(64);            /* futex: whose turn */
	uint32_t app_sleeping __aligned(64);
	uint32_t app_cpu;
	uint32_t kern_sleeping __aligned(64);
	uint32_t kern_cpu;
	/* trap: written by the app thread */
	uint32_t signo __aligned(64);
	uint32_t frame_off;                     /* of the host's signal frame in this box */
	uint64_t fs_base, gs_base;
	uint32_t tid;                           /* written by the host in clone */
	/* resume: written by the kernel */
	uint32_t resume_off __aligned(64);
	uint32_t set_bases;
	uint64_t new_fs_base, new_gs_base;
	uint32_t cmd_count;
	struct stub_cmd cmds[BOX_CMD_MAX];
};
STATIC_ASSERT(sizeof(struct stub_box) <= BOX_DATA);
#endif

#endif
