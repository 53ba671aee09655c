/* SPDX-License-Identifier: Apache-2.0 */
/* The place of a channel's thread: see place.h. */
#include <sched.h>
#include "host/gofer/place.h"
#include "host/isolate/isolate.h"

HOST_CALLS(gofer, sched_setaffinity);

static cpu_set_t allowed;
static bool choice;                     /* there is more than one */

void place_init(void)
{
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		CPU_ZERO(&allowed);     /* more CPUs than fit: the host places as it likes */
	choice = CPU_COUNT(&allowed) > 1;
}

void place_near(struct place *p, uint32_t cpu)
{
	cpu_set_t one;

	if (!choice || !cpu || cpu == p->now || cpu > CPU_SETSIZE || !CPU_ISSET(cpu - 1, &allowed))
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu - 1, &one);
	/* The host may have taken that CPU away meanwhile: then all stays, and
	 * each request tries again. */
	if (!sched_setaffinity(0, sizeof(one), &one))
		p->now = cpu;
}
