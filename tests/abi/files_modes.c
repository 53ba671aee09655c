/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors for neither reading nor writing, buffers longer than memory, F_SET_RW_HINT,
 * a memfd that can never be executed. open(2), read(2), fcntl(2), memfd_create(2). */
#include "abi.h"
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

#define R(what, e) do { errno = 0; long r_ = (long)(e); \
	SAY("%s: %ld %s\n", what, r_, r_ < 0 ? abi_errno(errno) : ""); } while (0)

int main(void)
{
	char b[16];
	uint64_t v = 9;
	struct stat st;
	int f, g, m;

	enter_tmp();
	f = open("f", O_RDWR | O_CREAT, 0644);
	R("write", write(f, "0123456789", 10));
	g = open("f", 3);
	R("mode 3: read", read(g, b, 1));
	R("mode 3: write", write(g, b, 1));
	R("mode 3: pread", pread(g, b, 1, 0));
	V(fcntl(g, F_GETFL) & O_ACCMODE);
	lseek(f, 0, SEEK_SET);
	R("read of half the address space", syscall(SYS_read, f, b, LONG_MAX));
	R("write of it", syscall(SYS_write, f, b, LONG_MAX));
	R("nowhere", syscall(SYS_read, f, -1l, 1));
	V(lseek(f, 0, SEEK_CUR));
	R("hint 9", fcntl(f, F_SET_RW_HINT, &v));
	v = 2;
	R("hint 2", fcntl(f, F_SET_RW_HINT, &v));
	v = 0;
	R("hint", fcntl(g, F_GET_RW_HINT, &v));
	SAY("%d\n", (int)v);
	R("hint, nowhere", fcntl(g, F_GET_RW_HINT, 8));
	m = (int)syscall(SYS_memfd_create, "m", MFD_NOEXEC_SEAL);
	V(fcntl(m, F_GET_SEALS));
	fstat(m, &st);
	SAY("%o\n", st.st_mode);
	R("chmod x", fchmod(m, 0777));
	R("chmod", fchmod(m, 0600));
	R("more seals", fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK));
	V(fcntl(m, F_GET_SEALS));
	m = (int)syscall(SYS_memfd_create, "n", 2);
	R("F_SEAL_EXEC", fcntl(m, F_ADD_SEALS, 0x20));
	V(fcntl(m, F_GET_SEALS));
	R("chmod -x", fchmod(m, 0666));
	return 0;
}
