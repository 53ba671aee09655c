/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that may only be written, or only be run, can be read on x86: by the program, and for it by calls. */
#include "abi.h"
#include <linux/aio_abi.h>
#include <linux/futex.h>

#define N 512

static int file_fd;

static long aio_write_of(char *p)
{
	struct iocb cb = { .aio_fildes = file_fd, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (uint64_t)p, .aio_nbytes = N };
	struct iocb *list = &cb;
	struct io_event e = { 0 };
	aio_context_t ctx = 0;
	long r = syscall(SYS_io_setup, 1, &ctx);

	if (!r && syscall(SYS_io_submit, ctx, 1, &list) == 1 && syscall(SYS_io_getevents, ctx, 1, 1, &e, NULL) == 1)
		r = e.res;
	syscall(SYS_io_destroy, ctx);
	return r;
}

/* Pages that are there: what Linux says of others depends on how a call looks at them. */
static void look(const char *what, char *p)
{
	struct iovec v = { p, N };
	int fds[2];

	SAY("%s\n", what);
	if (pipe2(fds, O_NONBLOCK))
		exit(1);
	SAY("the program reads %d\n", *(volatile char *)p);
	V(write(fds[1], p, N));
	V(writev(fds[1], &v, 1));
	V(pwrite(file_fd, p, N, 0));
	V(aio_write_of(p));
	V(syscall(SYS_futex, p, FUTEX_WAIT_PRIVATE, 12345, NULL, NULL, 0));
	close(fds[0]);
	close(fds[1]);
}

static char *area(int flags, int fd)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, fd, 0);

	memset(p, 7, 4096);
	return p;
}

int main(void)
{
	static const struct { const char *name; int prot; } kind[] = {
		{ "write only", PROT_WRITE }, { "write and run", PROT_WRITE | PROT_EXEC }, { "read", PROT_READ },
	};
	char name[] = "/tmp/write_only.XXXXXX";

	file_fd = mkstemp(name);
	unlink(name);
	V(ftruncate(file_fd, 4096));
	for (unsigned k = 0; k < sizeof kind / sizeof *kind; k++) {
		char *p = area(MAP_PRIVATE | MAP_ANONYMOUS, -1), *s = area(MAP_SHARED, file_fd);

		V(mprotect(p, 4096, kind[k].prot));
		look(kind[k].name, p);
		V(mprotect(s, 4096, kind[k].prot));
		look(kind[k].name, s);
		munmap(p, 4096);
		munmap(s, 4096);
		p = mmap(NULL, 4096, kind[k].prot | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(p, 9, 4096);
		look("mapped so", p);
		munmap(p, 4096);
	}
	return 0;
}
