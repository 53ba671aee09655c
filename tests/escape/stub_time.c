/* SPDX-License-Identifier: Apache-2.0 */
/* stub_time.c: the time that is counted between two looks at the clock. */
#include "tests/escape/stub_harness.h"

#define LOOKS 1000000
#define MOSTLY (LOOKS / 100)            /* somebody else may have the core in between */

/* Never ahead, never back, not far behind. */
void test_time(void)
{
	uint64_t last = 0, ahead = 0, back = 0, behind = 0;

	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t before = plat_time_mono_ns(), recent = plat_time_recent_ns(), after = plat_time_mono_ns();

		ahead += recent > after;
		back += recent < last;
		behind += recent + PLAT_TIME_BEHIND_NS < before;
		last = recent;
	}
	CHECK(ahead == 0);
	CHECK(back == 0);
	CHECK(behind < MOSTLY);
}
