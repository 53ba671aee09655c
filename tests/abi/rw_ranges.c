/* SPDX-License-Identifier: Apache-2.0 */
/* read(2) and its like told to use addresses that no program has: EFAULT, also where not a byte
 * would go there; what the descriptor is not for comes first. */
#include "abi.h"
#include <sys/eventfd.h>

static char *const nowhere = (char *)-1;
static volatile size_t all = SIZE_MAX;  /* the compiler must not see it */

static void each(const char *name, int fd)
{
	char byte[1];

	SAY("-- %s\n", name);
	V(read(fd, nowhere, 10));
	V(read(fd, nowhere, 0));
	V(read(fd, byte, all));
	V(write(fd, nowhere, 10));
	V(write(fd, nowhere, 0));
	V(pread(fd, nowhere, 10, 0));
	V(pread(fd, nowhere, 10, 100));
	V(pread(fd, byte, all, 0));
	V(pwrite(fd, nowhere, 10, 0));
	V(pread(fd, nowhere, 10, -1));
}

int main(void)
{
	int p[2], file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (file < 0 || write(file, "abc", 3) != 3 || pipe2(p, O_NONBLOCK))
		return 1;
	each("at its end", file);
	each("to read", open("file", O_RDONLY));
	each("to write", open("file", O_WRONLY));
	each("a pipe to read", p[0]);
	each("a pipe to write", p[1]);
	each("null", open("/dev/null", O_RDWR));
	each("zero", open("/dev/zero", O_RDWR));
	each("a directory", open(".", O_RDONLY));
	each("a path", open("file", O_PATH));
	each("an event", eventfd(0, EFD_NONBLOCK));
	return 0;
}
