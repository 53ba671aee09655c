/* SPDX-License-Identifier: Apache-2.0 */
/* start.S: entry of the ring-0 image and the switch of kernel stacks.
 *
 * A port enters here in 64-bit mode with the image mapped where it was linked
 * and .bss zero, then builds boot_params from whatever its loader passes.
 * The skeleton's boot_params are empty. */
	.section .text.start, "ax", @progbits
	.globl _start
	.type _start, @function
_start:
	lea	boot_stack_end(%rip), %rsp
	xor	%ebp, %ebp
	lea	boot_params_none(%rip), %rdi
	call	kernel_main
1:	hlt
	jmp	1b

/* void plat_kstack_switch(void **save_sp, void *to_sp) */
	.text
	.globl plat_kstack_switch
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

/* void *plat_kstack_prepare(void *top, void (*fn)(void *), void *arg): as
 * plat_kstack_switch() would have left it, with fn in %rbx and arg in %r12. */
	.globl plat_kstack_prepare
	.type plat_kstack_prepare, @function
plat_kstack_prepare:
	movq	$0, -8(%rdi)
	lea	first_switch(%rip), %rax
	mov	%rax, -16(%rdi)
	movq	$0, -24(%rdi)                   /* rbp: end of the frame chain */
	mov	%rsi, -32(%rdi)                 /* rbx */
	mov	%rdx, -40(%rdi)                 /* r12 */
	movq	$0, -48(%rdi)
	movq	$0, -56(%rdi)
	movq	$0, -64(%rdi)
	lea	-64(%rdi), %rax
	ret
first_switch:
	mov	%r12, %rdi
	call	*%rbx
	ud2

	.section .rodata
	.balign 16
boot_params_none:
	.fill	256, 1, 0

	.bss
	.balign 16
	.fill	65536, 1, 0
boot_stack_end:
	.section .note.GNU-stack, "", @progbits
