/* SPDX-License-Identifier: Apache-2.0 */
/* Where position-independent programs, their break and their libraries lie: sanitizers (ThreadSanitizer of gcc 12)
 * refuse to run elsewhere. */
#include "abi.h"

static bool between(unsigned long at, unsigned long lo, unsigned long hi) { return at >= lo && at < hi; }

int main(void)
{
	int good = 0, all = 40;

	for (int k = 0; k < all; k++) {
		FILE *f = popen("exec cat /proc/self/maps", "r");
		unsigned long at, first = 0;
		char line[512], name[256];
		bool ok = true, heap = false, libc = false;

		while (f && fgets(line, sizeof line, f)) {
			*name = 0;
			if (sscanf(line, "%lx-%*x %*s %*s %*s %*s %255s", &at, name) < 1)
				continue;
			if (!first)
				ok = between(first = at, 0x555555554000, 0x565555556000);
			if (!strcmp(name, "[heap]"))
				ok = ok && (heap = between(at, 0x555555554000, 0x568000000000));
			if (strstr(name, "libc.so"))
				ok = ok && (libc = between(at, 0x7e8000000000, 0x800000000000));
		}
		if (f)
			pclose(f);
		good += ok && heap && libc;
	}
	printf("%d of %d\n", good, all);
	return 0;
}
