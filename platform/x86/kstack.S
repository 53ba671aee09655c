/* SPDX-License-Identifier: Apache-2.0 */
/* kstack.S: switching kernel stacks (platform.h).
 *
 * Only what the psABI says a callee keeps; the kernel uses no vector state.
 * A prepared stack "returns" into kstack_first with fn in rbx and arg in r12. */
	.text
	.globl plat_kstack_switch, plat_kstack_prepare

	.type plat_kstack_switch, @function
plat_kstack_switch:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size plat_kstack_switch, . - plat_kstack_switch

/* rdi top (16-byte aligned), rsi fn, rdx arg */
	.type plat_kstack_prepare, @function
plat_kstack_prepare:
	lea	-72(%rdi), %rax
	movq	$0, (%rax)                      /* r15 */
	movq	$0, 8(%rax)                     /* r14 */
	movq	$0, 16(%rax)                    /* r13 */
	mov	%rdx, 24(%rax)                  /* r12 */
	mov	%rsi, 32(%rax)                  /* rbx */
	movq	$0, 40(%rax)                    /* rbp: end of the trace */
	lea	kstack_first(%rip), %rcx
	mov	%rcx, 48(%rax)
	movq	$0, 56(%rax)
	movq	$0, 64(%rax)
	ret
	.size plat_kstack_prepare, . - plat_kstack_prepare

kstack_first:
	mov	%r12, %rdi
	call	*%rbx
	ud2

	.section .note.GNU-stack, "", @progbits
