/* SPDX-License-Identifier: Apache-2.0 */
/* futex.c: looks at the word of a futex(2) that is about to wait, as the last thing
 * before the trap: if nobody has woken anybody since, the kernel need not look again.
 *
 * Trust: it is the program's word about its own memory, and its own wait. */
#include "platform/process/stub/ahead.h"
#include "platform/process/stub_layout.h"

#define ALIGNED(addr) (((addr) & 3) == 0)

int64_t stub_load32(uint64_t addr);
uint32_t stub_futex_look(uint64_t nr, const uint64_t *arg);

uint32_t stub_futex_look(uint64_t nr, const uint64_t *arg)
{
	int64_t word;

	if (nr != NR_futex || !futex_waits(arg[1]) || !ALIGNED(arg[0]))
		return 0;
	word = stub_load32(arg[0]);
	return word >= 0 && (uint32_t)word == (uint32_t)arg[2] ? TRAP_WORD : 0;
}
