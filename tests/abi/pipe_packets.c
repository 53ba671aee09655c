/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes of packets: pipe2(O_DIRECT), and fcntl(F_SETFL, O_DIRECT) on the writer. */
#include "abi.h"

static char big[20000], in[20000];

static void take(int fd, size_t n)
{
	ssize_t r = read(fd, in, n);

	SAY("read %zu: %zd %.*s\n", n, r, (int)(r > 0 && r < 20 ? r : 0), in);
}

int main(void)
{
	int p[2], q[2], left;

	memset(big, 'x', sizeof big);
	V(pipe2(p, O_DIRECT | O_NONBLOCK | O_CLOEXEC));
	V(fcntl(p[0], F_GETFL) & (O_DIRECT | O_NONBLOCK));
	V(fcntl(p[1], F_GETFL) & (O_DIRECT | O_NONBLOCK));
	V(write(p[1], "hello", 5));
	V(write(p[1], "world", 5));
	V(write(p[1], "!", 1));
	V(ioctl(p[0], FIONREAD, &left));
	SAY("%d\n", left);
	take(p[0], 3);
	take(p[0], 100);
	take(p[0], 100);
	take(p[0], 100);
	V(write(p[1], big, 10000));             /* whole pages, and the rest */
	take(p[0], 20000);
	take(p[0], 10);
	take(p[0], 20000);
	take(p[0], 20000);
	int n = 0;
	while (write(p[1], "y", 1) == 1)
		n++;
	SAY("%d packets fit\n", n);
	V(fcntl(p[0], F_SETPIPE_SZ, 4096));
	V(fcntl(p[0], F_SETPIPE_SZ, 1 << 17));
	take(p[0], 100);
	V(fcntl(p[1], F_SETFL, 0));
	V(write(p[1], "stream", 6));
	V(write(p[1], "more", 4));
	for (int i = 0; i < n - 1; i++)
		V(read(p[0], in, 100));
	take(p[0], 3);
	V(fcntl(p[1], F_SETFL, O_DIRECT));
	V(write(p[1], "packet", 6));
	V(write(p[1], "last", 4));
	take(p[0], 10);                         /* goes on into a packet, and ends there */
	take(p[0], 10);
	take(p[0], 10);

	V(pipe(q));
	V(write(p[1], "one", 3));
	V(write(p[1], "two", 3));
	V(tee(p[0], q[1], 100, SPLICE_F_NONBLOCK) > 0);
	take(q[0], 3);
	V(splice(p[0], NULL, q[1], NULL, 4, SPLICE_F_NONBLOCK) > 0);
	V(ioctl(p[0], FIONREAD, &left) + left > 0);
	char *e = (char *)mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
	munmap(e, 4096);
	while (read(p[0], in, 100) > 0) ;
	V(write(p[1], "fault", 5));
	V(read(p[0], e - 2, 5));
	take(p[0], 10);
	return 0;
}
