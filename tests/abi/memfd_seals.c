/* SPDX-License-Identifier: Apache-2.0 */
/* Seals of memory files: what each forbids, which calls may set one, writes that would
 * grow a file that must not. */
#include "abi.h"
#include <linux/memfd.h>

#define PAGE 4096
static char b[2 * PAGE];
static int sealed(int seals, off_t size)
{
	int f = memfd_create("sealed", MFD_ALLOW_SEALING);

	(void)!ftruncate(f, size);
	SAY("seals %x size %d\n", seals, (int)size);
	V(fcntl(f, F_ADD_SEALS, seals));
	return f;
}

int main(void)
{
	char path[40];
	int f = memfd_create("m", 0);

	V(fcntl(f, F_GET_SEALS));
	V(fcntl(f, F_ADD_SEALS, F_SEAL_WRITE));
	f = sealed(F_SEAL_WRITE, PAGE);
	V(write(f, b, 1));
	V(write(f, b, 0));
	V(pwrite(f, b, PAGE, PAGE / 2));
	V(ftruncate(f, 2 * PAGE));
	V(fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	V(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, f, 0) == MAP_FAILED);
	V(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0) == MAP_FAILED);
	V(fcntl(f, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	V(fcntl(f, F_GET_SEALS));
	snprintf(path, sizeof path, "/proc/self/fd/%d", f);
	int again = open(path, O_RDONLY);
	V(fcntl(again, F_GET_SEALS));
	V(fcntl(again, F_ADD_SEALS, F_SEAL_SEAL));
	V(fcntl(again, F_ADD_SEALS, 0x1000));
	V(fcntl(f, F_ADD_SEALS, F_SEAL_SEAL));
	V(fcntl(f, F_ADD_SEALS, F_SEAL_SEAL));
	V(fcntl(f, F_ADD_SEALS, 0x1000));
	f = sealed(F_SEAL_GROW, PAGE);
	V(ftruncate(f, 2 * PAGE));
	V(write(f, b, 2 * PAGE));
	V(write(f, b, 1));
	V(write(f, b, 0));
	V(lseek(f, PAGE * 3 / 4, SEEK_SET));
	V(write(f, b, PAGE));
	V(lseek(f, 0, SEEK_CUR));
	V(pwrite(f, b, PAGE, PAGE - 1));
	V(pwrite(f, b, 1, 9 * PAGE));
	V(fallocate(f, 0, 0, PAGE));
	V(fallocate(f, FALLOC_FL_KEEP_SIZE, 0, 2 * PAGE));
	V(ftruncate(f, PAGE / 2));
	V(fallocate(f, FALLOC_FL_KEEP_SIZE, 0, PAGE));
	V(ftruncate(f, PAGE));
	f = sealed(F_SEAL_GROW, PAGE * 3 / 4);
	V(pwrite(f, b, PAGE / 2, PAGE / 2));
	V(pwrite(f, b, PAGE / 4, PAGE / 2));
	f = sealed(F_SEAL_SHRINK, PAGE);
	V(ftruncate(f, PAGE / 2));
	V(ftruncate(f, 2 * PAGE));
	V(ftruncate(f, PAGE));
	for (int i = 0; i < 3; i++) {
		f = sealed(0, PAGE);
		void *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, i ? MAP_SHARED : MAP_PRIVATE, f, 0);
		V(fcntl(f, F_ADD_SEALS, i == 2 ? 0x10 : F_SEAL_WRITE | F_SEAL_GROW));
		V(fcntl(f, F_GET_SEALS));
		V(write(f, b, 1));
		munmap(m, PAGE);
		V(fcntl(f, F_ADD_SEALS, F_SEAL_WRITE));
	}
	return 0;
}
