/* SPDX-License-Identifier: Apache-2.0 */
/* entry.S: the assembly half of the stub image.
 *
 * template_entry   the template throws away everything but the stub area,
 *                  installs the mapper's filter and becomes a mapper
 * mapper           interprets lists of host calls from the read-only command
 *                  page.  Uses registers only: no stack, no writable memory,
 *                  so nothing that the program can write is ever believed.
 *                  Its answer is written through FD_CTL (which app threads
 *                  may not use) from constant bytes.
 * app_thread       first steps of an app thread: alternate stack, app filter
 * signal_entry     every trap of the program arrives here
 * gate             system calls of patched code arrive here
 *
 * Position: linked at STUB_BASE, mapped read-only and executable. */
#include "platform/process/stub_layout.h"

#define NR_pwrite64 18
#define NR_futex 202
#define NR_recvmsg 47
#define NR_rt_sigprocmask 14
#define NR_rt_sigreturn 15
#define NR_munmap 11
#define NR_sigaltstack 131
#define NR_close 3
#define NR_epoll_ctl 233
#define NR_fcntl 72
#define NR_seccomp 317
#define NR_exit_group 231
#define NR_mseal 462
#define NR_set_robust_list 273

/* In a signal frame: offsets from the ucontext. */
#define UC_RIP 168
#define UC_ERR 192
#define UC_TRAPNO 200

#define FLAG_AC 0x40000

#define XSTATE_BV 512                   /* in an XSAVE image */

	.set config_box_first, image_header + IMAGE_CONFIG + CONFIG_BOX_FIRST
	.set config_box_count, image_header + IMAGE_CONFIG + CONFIG_BOX_COUNT

	.section .header, "a", @progbits
	.globl image_header
image_header:
	.quad IMAGE_MAGIC
	.quad template_entry - image_header
	.quad signal_entry - image_header
	.quad signal_return - image_header
	.quad gate - image_header
	.quad image_code_end - image_header

	.text
/* All that is mapped is ours or unmapped here; called with signals blocked. */
template_entry:
	xor	%edi, %edi
	movabs	$STUB_BASE, %rsi
	mov	$NR_munmap, %eax
	syscall
	test	%eax, %eax
	jnz	die
	movabs	$(STUB_BASE + STUB_FIXED_SIZE), %rdi
	mov	$(STUB_CTL - STUB_BASE - STUB_FIXED_SIZE), %esi
	mov	$NR_munmap, %eax
	syscall
	test	%eax, %eax
	jnz	die
	mov	%r15, %rdi                      /* end of the control area */
	movabs	$USER_TOP, %rsi
	sub	%rdi, %rsi
	mov	$NR_munmap, %eax
	syscall
	test	%eax, %eax
	jnz	die
	/* Old hosts have no mseal: the filters guard the code as well. */
	movabs	$STUB_BASE, %rdi
	mov	$STUB_FIXED_SIZE, %esi
	xor	%edx, %edx
	mov	$NR_mseal, %eax
	syscall
	mov	$1, %edi                        /* SECCOMP_SET_MODE_FILTER */
	xor	%esi, %esi
	movabs	$(STUB_BASE + IMAGE_PROG_MAPPER), %rdx
	mov	$NR_seccomp, %eax
	syscall
	test	%eax, %eax
	jnz	die
	xor	%esp, %esp
	xor	%ebp, %ebp

/* Publish 12 bits of edi at offset `at` of the control file: the bytes come
 * from the constant table, through the descriptor that app threads lack. */
	.macro	PUBLISH at
	and	$0xfff, %edi
	lea	number_table(%rip), %rsi
	lea	(%rsi,%rdi,2), %rsi
	mov	$FD_CTL, %edi
	mov	$2, %edx
	mov	$(\at), %r10d
	mov	$NR_pwrite64, %eax
	syscall
	.endm

/* rbx command page, r12 last sequence number, r13 calls left, r14 call,
 * r15 result.  The host's calls change rax, rcx and r11 only.
 *
 * A list is announced by one message, which may carry descriptors.  Waking
 * up without a new list means that the sandbox is gone: then so is the stub,
 * instead of asking again and again while it waits to be killed.  The
 * message's header lies in the read-only page, so the host, having installed the
 * descriptors, fails to report flags there: the result says nothing, and a
 * missing descriptor makes a call of the list fail. */
mapper:
	movabs	$STUB_CTL, %rbx
	xor	%r12d, %r12d
.Lidle:
	mov	$FD_SOCK, %edi
	lea	CMD_MSGHDR(%rbx), %rsi
	xor	%edx, %edx
	mov	$NR_recvmsg, %eax
	syscall
	mov	CMD_SEQ(%rbx), %eax
	cmp	%eax, %r12d
	je	die                             /* no list: the kernel's end is closed */
	mov	%eax, %r12d
	mov	CMD_COUNT(%rbx), %r13d
	lea	CMD_LIST(%rbx), %r14
.Lnext:
	test	%r13d, %r13d
	jz	.Lsuccess
	mov	CALL_NR(%r14), %eax
	mov	CALL_ARGS(%r14), %rdi
	mov	CALL_ARGS+8(%r14), %rsi
	mov	CALL_ARGS+16(%r14), %rdx
	mov	CALL_ARGS+24(%r14), %r10
	mov	CALL_ARGS+32(%r14), %r8
	mov	CALL_ARGS+40(%r14), %r9
	/* Read before: a forked child may come to run when its parent's page
	 * already holds the next list. */
	mov	CALL_FLAGS(%r14), %r15d
	syscall
	mov	%r15d, %ecx
	test	%rax, %rax
	jz	.Lzero
	cmp	$-4095, %rax
	jae	.Lfailed
	test	$CALL_VALUE, %ecx
	jz	.Lstep
	mov	%rax, %r15
	mov	%r15d, %edi
	PUBLISH	CTL_ACK + ACK_VALUE
	mov	%r15d, %edi
	shr	$12, %edi
	jz	.Lstep                          /* it is zero already */
	PUBLISH	CTL_ACK + ACK_VALUE + 2
.Lstep:
	add	$CALL_SIZE, %r14
	dec	%r13d
	jmp	.Lnext
.Lzero:
	test	$CALL_THREAD, %ecx
	jnz	app_thread
	test	$CALL_FORK, %ecx
	jz	.Lstep
	mov	CMD_CHILD_COUNT(%rbx), %r13d
	lea	CMD_CHILD_LIST(%rbx), %r14
	jmp	.Lnext
.Lfailed:
	test	$CALL_IGNORE, %ecx
	jnz	.Lstep
	/* A child that could not become itself must not act for its parent. */
	lea	CMD_CHILD_LIST(%rbx), %rdi
	cmp	%rdi, %r14
	jae	die
	mov	%eax, %r15d
	neg	%r15d
	jmp	.Lanswer
.Lsuccess:
	xor	%r15d, %r15d
.Lanswer:
	mov	%r15d, %edi
	PUBLISH	CTL_ACK + ACK_WORD
	mfence                                  /* the answer, then the look: mapper_wait() */
	cmpl	$0, CMD_AWAITED(%rbx)
	je	.Lidle
	lea	(CTL_ACK + ACK_WORD)(%rbx), %rdi
	mov	$1, %esi                        /* FUTEX_WAKE */
	mov	$1, %edx
	xor	%r10d, %r10d                    /* the filter wants no timeout */
	mov	$NR_futex, %eax
	syscall
	jmp	.Lidle

/* Still under the mapper's filter only: believes the command page, which the
 * kernel leaves alone until this thread has reported. */
app_thread:
	/* A fault on a read maps what the mailbox has of its pages all at once,
	 * one on a write only its own. */
	mov	(%rsp), %al
	lea	(CALL_ARGS + 24)(%r14), %rdi    /* stack_t: see app_thread_call() */
	xor	%esi, %esi
	mov	$NR_sigaltstack, %eax
	syscall
	test	%eax, %eax
	jnz	die
	mov	$1, %edi
	xor	%esi, %esi
	movabs	$(STUB_BASE + IMAGE_PROG_APP), %rdx
	mov	$NR_seccomp, %eax
	syscall
	test	%eax, %eax
	jnz	die
	mov	%rsp, %rdi                      /* as given to clone */
	and	$-BOX_SIZE, %rdi
	xor	%esi, %esi
	call	stub_trap                       /* returns the frame to resume */
	jmp	resume

/* A fault at `at` (rax: where it was) goes on at `exit`. */
	.macro	FIXUP at, exit
	lea	\at(%rip), %rcx
	lea	\exit(%rip), %r8
	cmp	%rcx, %rax
	je	.Lfixup
	.endm

	.balign 64
/* rdi signal, rsi siginfo, rdx ucontext, rsp the frame.  A fault of one of
 * our own accesses to the program's memory goes on at its error exit. */
signal_entry:
	/* The host lets the program's alignment checks (AC) reach into here. */
	pushfq
	andl	$~FLAG_AC, (%rsp)
	popfq
	cmp	$11, %edi
	je	.Lfault
	cmp	$7, %edi
	je	.Lfault
	cmp	$KICK_SIGNAL, %edi
	je	.Lkick
.Ltrap:
	mov	%edi, %esi
.Lreport:
	mov	%rsp, %rdx
	mov	%rsp, %rdi
	and	$-BOX_SIZE, %rdi
	call	stub_trap
resume:
	mov	%rax, %rsp
signal_return:
	mov	$NR_rt_sigreturn, %eax
	syscall
	ud2
.Lkick:
	mov	UC_RIP(%rdx), %rax
	lea	image_header(%rip), %rcx
	sub	%rcx, %rax
	cmp	$IMAGE_CODE_SIZE, %rax
	jae	.Ltrap
	mov	%rsp, %rsi
	mov	%rsp, %rdi
	and	$-BOX_SIZE, %rdi
	call	stub_kicked
	mov	%eax, %esi
	test	%eax, %eax
	jnz	.Lreport
	add	$8, %rsp
	jmp	signal_return
.Lfault:
	mov	UC_RIP(%rdx), %rax
	FIXUP	copy_access, copy_exit
	FIXUP	zero_access, copy_exit
	FIXUP	cmpxchg_access, word_fault
	FIXUP	load_access, word_fault
	FIXUP	word_access, string_exit
	FIXUP	byte_access, string_exit
	FIXUP	xsave_access, xstate_fault
	FIXUP	xsave_legacy, xstate_fault
	FIXUP	xrstor_access, xstate_fault
	jmp	.Lcpuid
.Lfixup:
	mov	%r8, UC_RIP(%rdx)
	add	$8, %rsp
	jmp	signal_return

.Lcpuid:
	cmpl	$CPUID_TRAPNO, UC_TRAPNO(%rdx)
	jne	.Ltrap
	cmpl	$CPUID_ERR, UC_ERR(%rdx)
	jne	.Ltrap
	cmp	$11, %edi
	jne	.Ltrap
	mov	%rsp, %rsi
	mov	%rsp, %rdi
	and	$-BOX_SIZE, %rdi
	call	stub_cpuid
	mov	$11, %edi
	test	%eax, %eax
	jz	.Ltrap
	add	$8, %rsp
	jmp	signal_return

/* uint64_t stub_copy(dst, src, n): bytes not copied */
	.globl stub_copy, stub_zero, stub_cmpxchg32, stub_load32
stub_copy:
	mov	%rdx, %rcx
copy_access:
	rep movsb
copy_exit:
	mov	%rcx, %rax
	ret
/* uint64_t stub_zero(dst, n): bytes not zeroed */
stub_zero:
	mov	%rsi, %rcx
	xor	%eax, %eax
zero_access:
	rep stosb
	jmp	copy_exit
/* uint64_t stub_copy_string(dst, src, n): bytes copied, to the first 0 or n.
 * Nothing beyond n is read; up to 7 bytes behind the 0 may be written. */
	.globl stub_copy_string
stub_copy_string:
	mov	%rdi, %r10
	lea	(%rsi,%rdx), %r11
	movabs	$0x0101010101010101, %r8
	movabs	$0x8080808080808080, %r9
.Lwords:
	lea	8(%rsi), %rcx
	cmp	%r11, %rcx
	ja	.Lbytes
word_access:
	mov	(%rsi), %rax
	mov	%rax, (%rdi)
	mov	%rax, %rdx
	not	%rdx
	sub	%r8, %rax
	and	%r9, %rdx
	and	%rax, %rdx                      /* a bit at the first 0, and maybe above it */
	jnz	.Lzero_found
	add	$8, %rdi
	mov	%rcx, %rsi
	jmp	.Lwords
.Lbytes:
	cmp	%r11, %rsi
	jae	string_exit
byte_access:
	mov	(%rsi), %al
	mov	%al, (%rdi)
	inc	%rdi
	inc	%rsi
	test	%al, %al
	jnz	.Lbytes
string_exit:
	mov	%rdi, %rax
	sub	%r10, %rax
	ret
.Lzero_found:
	bsf	%rdx, %rdx
	shr	$3, %edx
	lea	1(%rdi,%rdx), %rdi
	jmp	string_exit
/* int64_t stub_cmpxchg32(addr, old, new) */
stub_cmpxchg32:
	mov	%esi, %eax
cmpxchg_access:
	lock cmpxchg %edx, (%rdi)
	mov	%eax, %eax
	ret
stub_load32:
load_access:
	mov	(%rdi), %eax
	ret
word_fault:
	mov	$-14, %rax
	ret

/* int64_t stub_xsave(to, features), stub_xrstor(from, features): 0 or -EFAULT.
 * The first says that the legacy parts are there, whatever was in use. */
	.globl stub_xsave, stub_xrstor, initial_xstate
stub_xsave:
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
xsave_access:
	xsave64	(%rdi)
xsave_legacy:
	orq	$3, XSTATE_BV(%rdi)
	xor	%eax, %eax
	ret
stub_xrstor:
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
xrstor_access:
	xrstor64 (%rdi)
	xor	%eax, %eax
	ret
xstate_fault:
	mov	$-14, %rax
	ret

/* plat_syscall_gate(): rcx follows a system call instruction that stands for
 * this jump.  The thread's mailbox is where gs points, unless the program uses
 * gs itself or has flags for which a plain jump back will not do: then the
 * instruction is executed after all.  The program's stack is not touched (its
 * red zone), nor are its flags: until the mailbox is known, those of
 * arithmetic lie above the address in rcx, the number in r11.  Calls whose
 * answer the kernel has left in the mailbox return at once.
 *
 * Trust: a program may come in at any instruction with any registers; that is
 * a write to mailboxes, which it may make anyway, or an ordinary trap. */
	.macro	UNPACK_FLAGS            /* rcx becomes the address; rax is lost */
	mov	%rcx, %rax
	shl	$16, %rcx
	shr	$16, %rcx
	shr	$48, %rax
	add	$0x7f, %al
	sahf
	.endm

	.macro	GATE_RESTORE            /* what is not callee-saved, but rax and rbx */
	mov	BOX_RDI(%rbx), %rdi
	mov	BOX_RSI(%rbx), %rsi
	mov	BOX_RDX(%rbx), %rdx
	mov	BOX_R10(%rbx), %r10
	mov	BOX_R8(%rbx), %r8
	mov	BOX_R9(%rbx), %r9
	mov	BOX_RSP(%rbx), %rsp
	mov	BOX_RIP(%rbx), %rcx
	UNPACK_FLAGS
	.endm

	.balign 64
	.globl gate, gate_end
gate:
	mov	%rax, %r11
	lahf
	seto	%al
	movzwl	%ax, %eax
	shl	$48, %rax
	or	%rax, %rcx
	rdgsbase %rax
	sub	config_box_first(%rip), %rax
	ror	$BOX_SHIFT, %rax
	cmp	config_box_count(%rip), %rax
	jae	.Lno_gate
	rol	$BOX_SHIFT, %rax
	add	config_box_first(%rip), %rax
	cmpl	$TURN_RUN, BOX_TURN(%rax)
	jne	.Lno_gate
	cmp	$ANSWER_NUMBERS, %r11
	jae	.Ltrap_by_gate
	cmpb	$0, BOX_ANSWER_VALID(%rax,%r11)
	jne	.Lgate_answer
.Ltrap_by_gate:
	mov	%rsp, BOX_RSP(%rax)
	lea	BOX_GATE_STACK(%rax), %rsp
	pushfq
	testl	$FLAGS_ODD, (%rsp)
	jnz	.Lodd
	mov	%rcx, BOX_RIP(%rax)
	mov	%r11, BOX_RAX(%rax)
	mov	%rdi, BOX_RDI(%rax)
	mov	%rsi, BOX_RSI(%rax)
	mov	%rdx, BOX_RDX(%rax)
	mov	%r10, BOX_R10(%rax)
	mov	%r8, BOX_R8(%rax)
	mov	%r9, BOX_R9(%rax)
	mov	%rbx, BOX_RBX(%rax)
	mov	%rbp, BOX_RBP(%rax)
	mov	%r12, BOX_R12(%rax)
	mov	%r13, BOX_R13(%rax)
	mov	%r14, BOX_R14(%rax)
	mov	%r15, BOX_R15(%rax)
	mov	%rax, %rbx
	cmp	$NR_close, %r11
	je	.Lgate_post
	cmp	$NR_epoll_ctl, %r11
	je	.Lgate_post
	cmp	$NR_fcntl, %r11
	je	.Lgate_post
	cmp	$NR_rt_sigprocmask, %r11
	je	.Lgate_post
	cmp	$NR_set_robust_list, %r11
	je	.Lgate_post
	cmpl	$0, BOX_GRANTS(%rbx)
	jne	.Lgate_grant
.Lgate_call:
	mov	$TRAP_GATE, %esi
.Lgate_trap:
	mov	%rbx, %rdi
	call	stub_gate
	/* A kick from here on undoes the resume: stub_kicked(). */
	.globl gate_exit, gate_exit_end
gate_exit:
	cmpl	$0, BOX_KICKED(%rbx)
	jne	.Lgate_kicked
	test	%rax, %rax
	jnz	.Lgate_frame
	GATE_RESTORE
	mov	BOX_RESULT(%rbx), %rax
	mov	BOX_RBX(%rbx), %rbx
	jmp	*%rcx
.Lgate_frame:
	cmp	$GATE_LOAD, %rax
	je	.Lgate_load
	mov	%rax, %rsp
	mov	$NR_rt_sigreturn, %eax
	syscall
.Lgate_load:
	/* gs is the mailbox, or the program would not have come by the gate. */
	lea	BOX_LOAD(%rbx), %rsp
	pop	%r8
	pop	%r9
	pop	%r10
	pop	%r11
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rax
	pop	%rcx
	lea	16(%rsp), %rsp
	popfq
	mov	%gs:BOX_LOAD_RSP, %rsp
	jmp	*%gs:BOX_LOAD_RIP
gate_exit_end:
	ud2
/* A call that may wait for the next trap: the kernel does it then. */
.Lgate_post:
	mov	%rbx, %rdi
	call	stub_post
	test	%eax, %eax
	jz	.Lgate_call
	/* A kick from here on finishes the return: stub_posted(). */
	.globl gate_posted, gate_posted_end
gate_posted:
	cmpl	$0, BOX_KICKED(%rbx)
	jne	.Lgate_unpost
	GATE_RESTORE
	mov	BOX_POST_RESULT(%rbx), %rax
	mov	BOX_RBX(%rbx), %rbx
	jmp	*%rcx
gate_posted_end:
.Lgate_unpost:
	mov	%rbx, %rdi
	call	stub_unpost
	jmp	.Lgate_call
/* A read whose answer is here, if nobody takes that away. */
.Lgate_grant:
	mov	%rbx, %rdi
	call	stub_grant
	test	%eax, %eax
	jz	.Lgate_call
	mov	BOX_GRANT_NR(%rbx), %ecx
	and	$31, %ecx
	/* A kick up to here undoes the call, one behind finishes it: stub_kicked(). */
	.globl gate_grant, gate_granted, gate_granted_end
gate_grant:
	cmpl	$0, BOX_KICKED(%rbx)
	jne	.Lgate_call
	lock btr %ecx, BOX_GRANTS(%rbx)
gate_granted:
	jnc	.Lgate_call
	GATE_RESTORE
	mov	BOX_POST_RESULT(%rbx), %rax
	mov	BOX_RBX(%rbx), %rbx
	jmp	*%rcx
gate_granted_end:
.Lgate_answer:
	mov	%rcx, BOX_RIP(%rax)
	mov	%r11, BOX_RAX(%rax)
	/* A kick from here on undoes the call. */
	.globl gate_answer, gate_answer_end
gate_answer:
	cmpl	$0, BOX_KICKED(%rax)
	jne	.Ltrap_by_gate
	mov	BOX_ANSWER(%rax,%r11,4), %r11d
	UNPACK_FLAGS
	mov	%r11, %rax
	jmp	*%rcx
gate_answer_end:
.Lgate_kicked:
	mov	$TRAP_UNRUN, %esi
	jmp	.Lgate_trap
.Lodd:
	mov	BOX_RSP(%rax), %rsp
.Lno_gate:
	UNPACK_FLAGS
	mov	%r11, %rax
	lea	-2(%rcx), %rcx
	jmp	*%rcx
gate_end:

die:
	mov	$1, %edi
	mov	$NR_exit_group, %eax
	syscall
	ud2

	.section .rodata.numbers, "a", @progbits
	.balign 64
initial_xstate:                                 /* nothing in use, and this MXCSR */
	.fill	24, 1, 0
	.long	0x1f80
	.fill	576 - 28, 1, 0
	.balign 16
number_table:
	.set	i, 0
	.rept	4096
	.short	i
	.set	i, i + 1
	.endr

	.section .note.GNU-stack, "", @progbits
