/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/io counts bytes and calls of reads and writes, of all threads and of children that were
 * waited for. proc(5). */
#include "abi.h"

static int io = -1;

static void counts(long long v[4])
{
	char b[512] = { 0 };

	if (pread(io, b, sizeof b - 1, 0) <= 0 ||
	    sscanf(b, "rchar: %lld\nwchar: %lld\nsyscr: %lld\nsyscw: %lld", v, v + 1, v + 2, v + 3) != 4)
		SAY("not readable\n");
}

static void work(void)
{
	char b[300];
	struct iovec v[2] = { { b, 100 }, { b, 50 } };
	int f = open("f", O_RDWR | O_CREAT, 0644);

	memset(b, 'x', sizeof b);
	write(f, b, 300);
	pwrite(f, b, 30, 5);
	writev(f, v, 2);
	write(f, b, 0);
	write(99, b, 1);
	close(f);
}

static void *in_thread(void *arg) { work(); return arg; }

static void told(const char *what, const long long a[4])
{
	long long b[4];

	counts(b);
	SAY("%s: %lld bytes in %lld writes\n", what, b[1] - a[1], b[3] - a[3]);
}

int main(void)
{
	long long a[4], b[4];
	char c[64];
	pthread_t t;
	pid_t p;
	int f;

	enter_tmp();
	io = open("/proc/self/io", O_RDONLY);
	counts(a);
	work();
	told("here", a);
	counts(a);
	pthread_create(&t, NULL, in_thread, NULL);
	pthread_join(t, NULL);
	msleep(20);
	told("in a thread that is gone", a);
	counts(a);
	p = fork();
	if (!p) {
		work();
		_exit(0);
	}
	waitpid(p, NULL, 0);
	told("in a child", a);
	f = open("f", O_RDONLY);
	counts(a);
	read(f, c, 10);
	pread(f, c, 20, 0);
	read(f, c, 0);
	counts(b);
	SAY("reads: %lld\n", b[2] - a[2]);
	return 0;
}
