/* SPDX-License-Identifier: Apache-2.0 */
/* stub_guest.S: small programs for stub_harness.c. */
	.section .rodata
	.balign 4096
	.globl guest_begin, guest_end, guest_getpid, guest_store, guest_ud2, guest_int3, guest_int80
	.globl guest_loop, guest_vector, guest_vector_read, guest_bases, guest_syscall, guest_jump
	.globl guest_poke, guest_int80_any
	.globl guest_store_loop, guest_vsyscall, guest_sysenter, guest_compat
guest_begin:
guest_getpid:
	mov	$39, %eax
	syscall
	mov	%rax, %rbx
	jmp	guest_getpid
guest_store:
	movabs	$0x1122334455667788, %rax
	mov	%rax, (%rdi)
	syscall
	ud2
guest_ud2:
	ud2
guest_int3:
	int3
guest_int80:
	mov	$20, %eax
	int	$0x80
	mov	$0x40000027, %eax
	syscall
	ud2
guest_loop:
	jmp	guest_loop
guest_vector:
	movq	%rdi, %xmm5
	punpcklqdq %xmm5, %xmm5
	mov	$39, %eax
	syscall
guest_vector_read:
	xor	%ebx, %ebx
	movq	%xmm5, %rbx
	syscall
	ud2
guest_bases:
	rdfsbase %rbx
	mov	$0x777000, %eax
	wrgsbase %rax
	syscall
	ud2
/* The registers decide; then report by getpid. */
guest_syscall:
	syscall
	mov	%rax, %rbx
	mov	$39, %eax
	syscall
	ud2
guest_jump:
	jmp	*%r15
guest_store_loop:
	mov	%esi, (%rdi)
	jmp	guest_store_loop
/* Store once, then report; again when it is let. */
guest_poke:
	mov	%esi, (%rdi)
	mov	$39, %eax
	syscall
	jmp	guest_poke
guest_int80_any:
	int	$0x80
	ud2
guest_vsyscall:
	mov	$0xffffffffff600000, %rax
	jmp	*%rax
guest_sysenter:
	mov	$20, %eax
	lea	-64(%rsp), %rbp
	sysenter
	ud2
/* To the 32-bit code segment of the host, then int 0x80. */
guest_compat:
	pushq	$0x23
	lea	1f(%rip), %rax
	push	%rax
	lretq
	.code32
1:	mov	$20, %eax
	int	$0x80
	jmp	1b
	.code64
guest_end:
	.section .note.GNU-stack, "", @progbits
