/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of lines in /proc/PID/maps: a space behind the inode's number whether or not
 * there is a name, names in one column, and what the end of each line is. */
#include "abi.h"

#define SIZE 0x10000

/* The line of the mapping that starts there, without its addresses and numbers. */
static void show(const char *what, const void *at)
{
	char line[512], start[32], perms[8] = "";
	FILE *f = fopen("/proc/self/maps", "r");
	int name, spaces, seen = 0;

	snprintf(start, sizeof start, "%08lx-", (unsigned long)at);
	while (f && fgets(line, sizeof line, f)) {
		int to = 0;

		if (strncmp(line, start, strlen(start)))
			continue;
		seen++;
		(void)sscanf(line, "%*s %7s %*s %*s %*u%n", perms, &to);
		spaces = (int)strspn(line + to, " ");
		name = to + spaces;
		SAY("%s: %s spaces %d, name at %d: %s", what, perms, line[name] == '\n' ? spaces : spaces > 0,
		    line[name] == '\n' ? 0 : name, line + name);
	}
	SAY("%s: %d lines\n", what, seen);
	fclose(f);
}

int main(void)
{
	char *at = mmap((void *)0x200000000000, 8 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *first = mmap((void *)0x10000000, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	int f;

	V(mmap(at + SIZE, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + SIZE);
	V(mmap(at + 3 * SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 3 * SIZE);
	V(first == (char *)0x10000000);
	show("low", first);
	show("none", at);
	show("anonymous", at + SIZE);
	show("shared", at + 3 * SIZE);
	f = memfd_create("m", 0);
	(void)!ftruncate(f, SIZE);
	V(mmap(at + 5 * SIZE, SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, f, 0) == at + 5 * SIZE);
	show("memory file", at + 5 * SIZE);
	return 0;
}
