/* SPDX-License-Identifier: Apache-2.0 */
/* slot.c: a mailbox's thread changes from one thread of the program to another.
 *
 * Each of them has a slot in the mailbox, so that what was in its registers when the
 * gate handed it over stays with the core that will load it again: the kernel tells a
 * number.  It reads and writes slots only when it needs their contents.
 *
 * Trust: the program can write the slots, the number and the order; what it gets loaded is
 * its own either way.  An image that the processor refuses is replaced by the initial state. */
#include <linux_abi/syscall_nr.h>

#include "platform/process/stub_layout.h"

int64_t stub_xrstor(uint64_t from, uint64_t features);
void stub_slot_save(struct stub_box *box);
void stub_slot_change(struct stub_box *box, uint32_t to);
extern const uint8_t initial_xstate[];

static inline const struct stub_config *config(void)
{
	return (const void *)(STUB_BASE + IMAGE_CONFIG);
}

/* The program's extended state is still in the registers: nothing in here
 * uses them.  The kernel may want it before this thread runs again. */
void stub_slot_save(struct stub_box *box)
{
	const struct stub_config *c = config();
	uint32_t nr = slot_valid(c, box->slot);
	struct stub_slot *slot = box_slot(box, nr);
	const uint64_t *from = &box->saved.rip;

	for (unsigned i = 0; i < ARRAY_SIZE(slot->word); i++)
		slot->word[i] = from[i];
	slot->fs_base = box->fs_base;
	__asm__ volatile("xsave64 (%0)" : : "r"((uint8_t *)box + c->slot_image[nr]),
			 "a"((uint32_t)c->features), "d"((uint32_t)(c->features >> 32)) : "memory");
	__atomic_store_n(&slot->saved, 1, __ATOMIC_RELEASE);
}

void stub_slot_change(struct stub_box *box, uint32_t to)
{
	const struct stub_config *c = config();
	uint32_t nr = slot_valid(c, to);
	const struct stub_slot *slot = box_slot(box, nr);
	uint64_t *word = &box->saved.rip;

	for (unsigned i = 0; i < ARRAY_SIZE(slot->word); i++)
		word[i] = slot->word[i];
	box->fs_base = slot->fs_base;
	box->slot = nr;
	box->answer[NR_gettid] = slot->tid;
	if (stub_xrstor((uint64_t)box + c->slot_image[nr], c->features))
		stub_xrstor((uint64_t)initial_xstate, c->features);
	__builtin_ia32_wrfsbase64(slot->fs_base);
}
