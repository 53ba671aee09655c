/* SPDX-License-Identifier: Apache-2.0 */
/* select(2) looks at no descriptor above the table, which grows with the descriptors and shrinks at a fork. */
#include "abi.h"

static unsigned char set[8192];

static void try(const char *what, int n, int fd)
{
	struct timeval none = { 0, 0 };
	long r;

	memset(set, 0, sizeof set);
	set[fd / 8] = (unsigned char)(1 << fd % 8);
	r = syscall(SYS_select, n, set, NULL, NULL, &none);
	SAY("%s: %d of %d: %s, still %d\n", what, fd, n, r < 0 ? abi_errno(errno) : r ? "ready" : "nothing",
	    set[fd / 8] != 0);
}

static void all(const char *what)
{
	static const int n[] = { 60, 64, 65, 128, 1000, 65536, INT_MAX }, fd[] = { 63, 64, 100, 127, 128, 300, 511, 512, 5000 };

	for (unsigned i = 0; i < sizeof n / sizeof *n; i++)
		for (unsigned k = 0; k < sizeof fd / sizeof *fd; k++)
			try(what, n[i], fd[k]);
}

int main(void)
{
	int p[2];
	pid_t child;

	close_range(3, ~0u, 0);
	V(pipe(p));
	fflush(stdout);
	/* A table of the least size, whatever the caller had. */
	child = fork();
	if (!child) {
		all("least");
		V(dup2(p[0], 64));
		all("64");
		V(dup2(p[0], 300));
		all("300");
		V(close(300));
		all("300 closed");
		fflush(stdout);
		child = fork();
		if (!child) {
			all("forked");
			return 0;
		}
		wait_say("child", child);
		return 0;
	}
	wait_say("child", child);
	return 0;
}
