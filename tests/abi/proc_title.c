/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/cmdline of a program that writes its title over its arguments and
 * its environment. */
#include "abi.h"

static void look(size_t n, char *args, char *title)
{
	static char b[65536];
	int f;
	long got;

	memcpy(args, title, n);
	args[n] = 0;
	f = open("/proc/self/cmdline", O_RDONLY);
	got = read(f, b, sizeof b);
	SAY("%zu: %ld bytes, title of %zu\n", n, got, strnlen(b, got > 0 ? (size_t)got : 0));
	close(f);
}

int main(int argc, char **argv)
{
	static char var[8200], title[8192];
	size_t own;

	if (argc != 3) {
		memset(var, 'v', sizeof var - 1);
		var[1] = '=';
		execve("/proc/self/exe", (char *[]){ "title", "one", "two", NULL }, (char *[]){ var, NULL });
		return 1;
	}
	own = (size_t)(argv[2] + 4 - argv[0]);
	V(own);
	memset(title, 't', sizeof title);
	look(3, argv[0], title);
	look(own - 1, argv[0], title);
	look(own, argv[0], title);
	look(own + 1, argv[0], title);
	look(300, argv[0], title);
	look(4095, argv[0], title);
	look(4096, argv[0], title);
	look(5000, argv[0], title);
	return 0;
}
