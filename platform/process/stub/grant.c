/* SPDX-License-Identifier: Apache-2.0 */
/* grant.c: read(2) and recv(2) by the gate whose answer the kernel has left in the mailbox.
 *
 * The kernel knows what the next read of a descriptor returns, if nothing happens
 * before.  Bytes are copied to the program first; then the gate takes the grant, by one
 * instruction that decides between it and a kernel that takes it back (entry.S), and returns.
 * What was taken away meanwhile traps.
 *
 * Trust: all of it is the program's to change: it can lie to itself about what it has read, and
 * tell the kernel that it has read what it may read. */
#include <linux_abi/socket.h>
#include <linux_abi/syscall_nr.h>
#include "platform/process/stub_layout.h"

#define FLAGS_PLAIN (MSG_DONTWAIT | MSG_NOSIGNAL)

uint64_t stub_copy(uint64_t dst, uint64_t src, uint64_t n);
uint32_t stub_grant(struct stub_box *box);

static bool plain(const struct stub_box *box)
{
	if (box->saved.rax == NR_read)
		return true;
	return box->saved.rax == NR_recvfrom && !((uint32_t)box->saved.r10 & ~FLAGS_PLAIN) && !box->saved.r8;
}

/* 1: the gate may take grant_nr and return post_result. */
uint32_t stub_grant(struct stub_box *box)
{
	const struct stub_grants *g = (const void *)((uint8_t *)box + BOX_GRANTS);
	uint32_t ready = __atomic_load_n(&g->ready, __ATOMIC_ACQUIRE), fd = (uint32_t)box->saved.rdi, at = 0;

	box->kicked = 0;
	if (!plain(box))
		return 0;
	for (uint32_t i = 0; i < GRANTS_MAX && ready >> i; i++) {
		uint32_t word = g->word[i], n = word >> GRANT_SIZE_SHIFT;

		if ((ready >> i & 1) && (word & ((1u << GRANT_SIZE_SHIFT) - 1)) == fd) {
			bool small = grant_is_small(i, n);
			uint64_t from = small ? (uint64_t)g->small : (uint64_t)box + BOX_GRANT_DATA + at;

			if (!small)
				__builtin_prefetch((const uint8_t *)from + align_up(n, 64));
			if (n > box->saved.rdx || at + n > BOX_GRANT_DATA_SIZE || stub_copy(box->saved.rsi, from, n))
				return 0;
			box->post_result = n;
			box->grant_nr = i;
			return 1;
		}
		if (!grant_is_small(i, n))
			at += (uint32_t)align_up(n, 64);
	}
	return 0;
}
