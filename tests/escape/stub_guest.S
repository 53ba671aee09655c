/* SPDX-License-Identifier: Apache-2.0 */
/* stub_guest.S: small programs for stub_harness.c. */
	.section .rodata
	.balign 4096
	.globl guest_begin, guest_end, guest_getpid, guest_store, guest_ud2, guest_int3, guest_int80
	.globl guest_loop, guest_vector, guest_vector_read, guest_bases, guest_syscall, guest_jump
	.globl guest_poke, guest_int80_any
	.globl guest_gate, guest_gate_once, guest_gate_bad, guest_gate_spin, guest_gate_user, guest_gate_gs
	.globl guest_gate_flags, guest_gate_answer, guest_post, guest_fds, guest_masks, guest_read
	.globl guest_cpuid, guest_cpuid_at, guest_cpuid_other, guest_cpuid_loop, guest_cpuid_loop_at
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
/* The gate's address is in r15.  A call in a loop which looks whether all is as
 * a system call leaves it; the result must be 1000 + the count in r14. */
	.macro	EXPECT value, reg
	cmpq	$(\value), \reg
	jne	guest_gate_bad
	.endm
guest_gate:
	mov	$0x101, %edi
	mov	$0x102, %esi
	mov	$0x103, %edx
	mov	$0x104, %r10d
	mov	$0x105, %r8d
	mov	$0x106, %r9d
	mov	$0x107, %ebx
	mov	$0x108, %ebp
	mov	$0x109, %r12d
	mov	$0x10a, %r13d
	movq	%r13, %xmm5
	movq	%r12, -8(%rsp)
	movq	%r12, -128(%rsp)
1:	inc	%r14
	mov	$39, %eax
	movq	%rsp, %xmm6
	lea	2f(%rip), %rcx
	stc
	jmp	*%r15
	syscall
2:	jnc	guest_gate_bad
	movq	%xmm6, %r11
	cmp	%rsp, %r11
	jne	guest_gate_bad
	EXPECT	0x101, %rdi
	EXPECT	0x102, %rsi
	EXPECT	0x103, %rdx
	EXPECT	0x104, %r10
	EXPECT	0x105, %r8
	EXPECT	0x106, %r9
	EXPECT	0x107, %rbx
	EXPECT	0x108, %rbp
	EXPECT	0x109, %r12
	EXPECT	0x10a, %r13
	EXPECT	0x109, -8(%rsp)
	EXPECT	0x109, -128(%rsp)
	movq	%xmm5, %r11
	EXPECT	0x10a, %r11
	lea	1000(%r14), %r11
	cmp	%r11, %rax
	je	1b
guest_gate_bad:
	ud2
guest_gate_once:
	mov	$39, %eax
	lea	2f(%rip), %rcx
	jmp	*%r15
	syscall
2:	mov	%rax, %rbx
	jmp	guest_gate_once
/* Calls of number rbx whose answer must be r13, for ever; r14 counts. */
guest_gate_answer:
	mov	$0x101, %edi
	mov	$0x102, %esi
1:	inc	%r14
	mov	%rbx, %rax
	lea	2f(%rip), %rcx
	stc
	jmp	*%r15
	syscall
2:	jnc	guest_gate_bad
	cmp	%r13, %rax
	jne	guest_gate_bad
	EXPECT	0x101, %rdi
	EXPECT	0x102, %rsi
	jmp	1b
/* epoll_ctl(9, EPOLL_CTL_MOD, 9, r10) in a loop, which must return 0; r14 counts, and is
 * the event's data; or close(9), if the word behind the event says so.  r13 more turns of a loop between two calls. */
guest_post:
	mov	$9, %edi
	mov	$3, %esi
	mov	$9, %edx
	mov	$0x105, %r8d
	mov	$0x106, %r9d
	mov	$0x107, %ebx
	mov	$0x108, %ebp
	mov	$0x109, %r12d
	movq	%rsp, %xmm6
1:	inc	%r14
	mov	%r14, 4(%r10)
	mov	%r10, %r11
	movq	%r11, %xmm7
	mov	12(%r10), %eax
	lea	2f(%rip), %rcx
	stc
	jmp	*%r15
	syscall
2:	jnc	guest_gate_bad
	test	%rax, %rax
	jnz	guest_gate_bad
	movq	%xmm7, %r11
	cmp	%r10, %r11
	jne	guest_gate_bad
	movq	%xmm6, %r11
	cmp	%rsp, %r11
	jne	guest_gate_bad
	EXPECT	9, %rdi
	EXPECT	3, %rsi
	EXPECT	9, %rdx
	EXPECT	0x105, %r8
	EXPECT	0x106, %r9
	EXPECT	0x107, %rbx
	EXPECT	0x108, %rbp
	EXPECT	0x109, %r12
	mov	%r13, %rcx
3:	dec	%rcx
	jg	3b
	jmp	1b
/* 9's flags (r12), a duplicate of 9, which is 4, and its close, in turns. */
guest_fds:
	mov	$9, %edi
	mov	$3, %esi
	mov	$72, %eax
	lea	2f(%rip), %rcx
	jmp	*%r15
	syscall
2:	cmp	%r12, %rax
	jne	guest_gate_bad
	xor	%esi, %esi
	xor	%edx, %edx
	mov	$72, %eax
	lea	3f(%rip), %rcx
	jmp	*%r15
	syscall
3:	cmp	$4, %rax
	jne	guest_gate_bad
	mov	$4, %edi
	mov	$3, %eax
	lea	4f(%rip), %rcx
	jmp	*%r15
	syscall
4:	test	%rax, %rax
	jnz	guest_gate_bad
	mov	%r13, %rcx
5:	dec	%rcx
	jg	5b
	jmp	guest_fds
/* rt_sigprocmask in a loop: blocks [r14], the old mask to 8(r14); sets 16(r14), which is 0, and has the old one written
 * to the same place.  All of them: 0, and the other's mask.  r13 as above. */
guest_masks:
	movq	$0x200, (%r14)
	mov	$-1, %rcx
	mov	%rcx, 8(%r14)
	xor	%edi, %edi
	mov	%r14, %rsi
	lea	8(%r14), %rdx
	mov	$8, %r10d
	mov	$14, %eax
	lea	2f(%rip), %rcx
	jmp	*%r15
	syscall
2:	test	%rax, %rax
	jnz	guest_gate_bad
	cmpq	$0, 8(%r14)
	jne	guest_gate_bad
	cmpq	$0x200, (%r14)
	jne	guest_gate_bad
	movq	$0, 16(%r14)
	mov	$2, %edi
	lea	16(%r14), %rsi
	mov	%rsi, %rdx
	mov	$14, %eax
	lea	3f(%rip), %rcx
	jmp	*%r15
	syscall
3:	test	%rax, %rax
	jnz	guest_gate_bad
	cmpq	$0x200, 16(%r14)
	jne	guest_gate_bad
	mov	%r13, %rcx
4:	dec	%rcx
	jg	4b
	jmp	guest_masks
/* read(9, r10, 64) in a loop, which must return 8; what it has read, added up in 16(r10).  r13 as above. */
guest_read:
	mov	$9, %edi
	mov	%r10, %rsi
	mov	$64, %edx
	mov	$0x105, %r8d
	mov	$0x106, %r9d
	mov	$0x107, %ebx
	mov	$0x108, %ebp
	mov	$0x109, %r12d
	movq	%rsp, %xmm6
	movq	%r10, %xmm7
1:	inc	%r14
	xor	%eax, %eax
	lea	2f(%rip), %rcx
	stc
	jmp	*%r15
	syscall
2:	jnc	guest_gate_bad
	cmp	$8, %rax
	jne	guest_gate_bad
	movq	%xmm7, %r11
	cmp	%r10, %r11
	jne	guest_gate_bad
	movq	%xmm6, %r11
	cmp	%rsp, %r11
	jne	guest_gate_bad
	cmp	%r10, %rsi
	jne	guest_gate_bad
	EXPECT	9, %rdi
	EXPECT	64, %rdx
	EXPECT	0x105, %r8
	EXPECT	0x106, %r9
	EXPECT	0x107, %rbx
	EXPECT	0x108, %rbp
	EXPECT	0x109, %r12
	mov	(%r10), %rcx
	add	%rcx, 16(%r10)
	mov	%r13, %rcx
3:	dec	%rcx
	jg	3b
	jmp	1b
/* cpuid's stand-in with r13, r14; the answer to r8, rbx, r9, rdx; then a call. */
guest_cpuid:
	mov	%r13, %rax
	mov	%r14, %rcx
	mov	$-1, %rbx
	mov	$-1, %rdx
	mov	$0x101, %edi
	stc
guest_cpuid_at:
	int	$0x42
	mov	%rax, %r8
	mov	%rcx, %r9
	mov	$39, %eax
	syscall
	ud2
guest_cpuid_other:
	int	$0x42
	ud2
/* For ever, with a look at the answer. */
guest_cpuid_loop:
	inc	%r12
	mov	$7, %eax
	mov	$1, %ecx
guest_cpuid_loop_at:
	int	$0x42
	EXPECT	6, %rdx
	jmp	guest_cpuid_loop
/* By the gate, then for ever without a call. */
guest_gate_spin:
	mov	$39, %eax
	lea	2f(%rip), %rcx
	jmp	*%r15
	syscall
2:	jmp	2b
/* A call with the registers that are given. */
guest_gate_user:
	lea	2f(%rip), %rcx
	jmp	*%r15
	syscall
2:	mov	%rax, %rbx
	mov	$39, %eax
	syscall
	jmp	guest_gate_user
/* The program uses gs itself: rdi. */
guest_gate_gs:
	wrgsbase %rdi
	mov	$39, %eax
	lea	2f(%rip), %rcx
	jmp	*%r15
	syscall
2:	rdgsbase %rbx
	mov	$39, %eax
	lea	3f(%rip), %rcx
	jmp	*%r15
	syscall
3:	jmp	guest_gate_gs
/* The flags of rdi, and what they are after the call. */
guest_gate_flags:
	push	%rdi
	popfq
	mov	$39, %eax
	lea	2f(%rip), %rcx
	jmp	*%r15
	syscall
2:	pushfq
	pop	%rbx
	cld
	mov	$39, %eax
	syscall
	jmp	guest_gate_flags
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
