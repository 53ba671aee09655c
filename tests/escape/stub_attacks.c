/* SPDX-License-Identifier: Apache-2.0 */
/* stub_attacks.c: hostile programs against the process platform. */
#include "tests/escape/stub_harness.h"

void test_attacks(void)
{
}
