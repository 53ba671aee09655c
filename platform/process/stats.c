/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c: where the sandbox process counts (include/stats.h).
 *
 * The monitor hands over a file of struct stats_area's size, which is mapped
 * before the lock-down; without one the counters are private.  Only the
 * sandbox process maps it: the stubs' template gives up all mappings, and the
 * gofer never had it.  Each thread counts in its own slot. */
#include <sys/mman.h>

#include "platform/process/internal.h"

static struct stats_area own;
static struct stats_area *area = &own;
__thread struct stats_slot *stats_mine = &own.slot[STATS_SLOTS - 1];

void stats_init(int fd)
{
	void *p;

	if (fd >= 0) {
		p = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (p != MAP_FAILED)
			area = p;
	}
	stats_thread(0);
}

void stats_thread(unsigned slot)
{
	stats_mine = &area->slot[MIN(slot, STATS_SLOTS - 1u)];
}

struct stats_slot *plat_stats(void) { return stats_mine; }
bool plat_stats_timed(void) { return unlikely(area->timed); }
