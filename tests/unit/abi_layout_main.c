/* SPDX-License-Identifier: Apache-2.0 */
/* Is include/linux_abi what the host's headers say?  See abi_layout.py. */
#include <stdio.h>
#include <string.h>
#include "tests/unit/abi_layout.h"

/* Fewer would mean that the generator no longer understands the headers. */
#define AT_LEAST 900

int main(void)
{
	unsigned compared = 0, bad = 0;

	for (unsigned i = 0; i < abi_theirs_count; i++)
		for (unsigned j = 0; j < abi_ours_count; j++) {
			const struct abi_row *t = &abi_theirs[i], *o = &abi_ours[j];

			if (strcmp(t->name, o->name))
				continue;
			compared++;
			/* The host's headers are not of one mind about signedness. */
			if (t->value != o->value && (unsigned)t->value != (unsigned)o->value) {
				printf("not ok %s: %lld here, %lld on the host\n", t->name, o->value, t->value);
				bad++;
			}
		}
	if (compared < AT_LEAST) {
		printf("not ok coverage: only %u names compared\n", compared);
		bad++;
	}
	if (!bad)
		printf("ok %u names\n", compared);
	return bad != 0;
}
