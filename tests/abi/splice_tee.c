/* SPDX-License-Identifier: Apache-2.0 */
/* splice, tee, vmsplice, sendfile, copy_file_range: offsets, ends, errors. */
#include "abi.h"
#include <sys/sendfile.h>
static char buf[200000];
static long long crf(int a, off_t *ao, int b, off_t *bo, size_t n, unsigned f) { return syscall(SYS_copy_file_range, a, ao, b, bo, n, f); }
int main(void)
{
	int p[2], q[2], s[2], f, g, r, e, i;
	loff_t o, o2;
	off_t so;
	struct iovec v[2] = { { "hello", 5 }, { " world", 6 } };
	enter_tmp();
	pipe(p); pipe(q);
	f = open("f", O_RDWR | O_CREAT, 0600);
	g = open("g", O_RDWR | O_CREAT, 0600);
	r = open("f", O_RDONLY);
	e = open("f", O_WRONLY | O_APPEND);
	for (i = 0; i < (int)sizeof buf; i++) buf[i] = i * 7;
	write(f, "0123456789", 10);
	o = 2; V(splice(f, &o, p[1], NULL, 4, 0)); V(o);
	V(tee(p[0], q[1], 100, 0));
	V(read(p[0], buf, 100)); V(read(q[0], buf + 100, 100)); V(memcmp(buf, "2345", 4)); V(memcmp(buf + 100, "2345", 4));
	V(tee(p[0], q[1], 100, SPLICE_F_NONBLOCK));
	V(tee(p[0], p[1], 100, 0));
	V(tee(f, p[1], 100, 0));
	V(tee(p[0], q[1], 0, 0));
	V(vmsplice(p[1], v, 2, 0)); V(read(p[0], buf, 100)); V(memcmp(buf, "hello world", 11));
	V(vmsplice(f, v, 2, 0)); V(vmsplice(p[1], v, 2000, 0)); V(vmsplice(p[1], (void *)8, 1, 0)); V(vmsplice(p[1], v, 0, 0));
	write(p[1], "abc", 3); v[0].iov_base = buf; v[0].iov_len = 10; V(vmsplice(p[0], v, 1, 0)); V(memcmp(buf, "abc", 3));
	V(splice(f, NULL, p[1], NULL, 100, 0));
	lseek(f, 0, SEEK_SET); V(splice(f, NULL, p[1], NULL, 3, 0)); V(lseek(f, 0, SEEK_CUR));
	o = 5; V(splice(p[0], NULL, g, &o, 100, 0)); V(lseek(g, 0, SEEK_CUR)); V(lseek(g, 0, SEEK_END));
	V(splice(p[0], NULL, g, NULL, 10, SPLICE_F_NONBLOCK));
	V(splice(f, NULL, g, NULL, 10, 0)); V(splice(p[0], &o, g, NULL, 10, 0)); V(splice(p[0], NULL, q[1], NULL, 0, 0));
	V(splice(p[0], NULL, p[1], NULL, 10, 0)); V(splice(p[1], NULL, q[1], NULL, 10, 0)); V(splice(99, NULL, q[1], NULL, 10, 0));
	V(splice(p[0], NULL, r, NULL, 10, 0)); V(splice(p[0], NULL, q[1], NULL, 10, 0x80));
	write(p[1], "x", 1); V(splice(p[0], NULL, e, NULL, 10, 0)); V(splice(p[0], NULL, q[1], NULL, 10, SPLICE_F_NONBLOCK)); V(read(q[0], buf, 1));
	write(p[1], "abcdef", 6); V(splice(p[0], NULL, q[1], NULL, 4, SPLICE_F_MOVE | SPLICE_F_MORE)); V(read(q[0], buf, 100)); V(read(p[0], buf, 100));
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	write(p[1], "sock", 4); V(splice(p[0], NULL, s[0], NULL, 100, 0)); V(splice(s[1], NULL, q[1], NULL, 100, 0)); V(read(q[0], buf, 100)); V(memcmp(buf, "sock", 4));
	so = 1; V(sendfile(g, f, &so, 5)); V(so); V(lseek(f, 0, SEEK_CUR));
	V(sendfile(g, f, NULL, 100000)); V(sendfile(g, p[0], NULL, 3)); V(sendfile(e, f, NULL, 3)); V(sendfile(r, f, NULL, 3)); V(sendfile(g, e, NULL, 3));
	so = -1; V(sendfile(g, f, &so, 5)); so = 100000; V(sendfile(g, f, &so, 5));
	V(sendfile(s[0], f, (so = 0, &so), 100)); V(read(s[1], buf, 100));
	ftruncate(g, 0); ftruncate(f, 0); pwrite(f, "0123456789", 10, 0);
	o = 2; o2 = 4; V(crf(f, &o, g, &o2, 5, 0)); V(o); V(o2); V(pread(g, buf, 100, 0)); V(memcmp(buf + 4, "23456", 5));
	V(crf(f, NULL, g, NULL, 5, 1)); V(crf(p[0], NULL, g, NULL, 5, 0)); V(crf(f, NULL, r, NULL, 5, 0)); V(crf(f, NULL, e, NULL, 5, 0)); V(crf(g, NULL, 99, NULL, 5, 0));
	o = 0; o2 = 2; V(crf(f, &o, f, &o2, 5, 0)); o = 0; o2 = 5; V(crf(f, &o, f, &o2, 5, 0)); o = 100; o2 = 0; V(crf(f, &o, g, &o2, 5, 0)); V(crf(f, &o, g, &o2, 0, 0));
	mkdir("d", 0700); i = open("d", O_RDONLY); V(crf(i, NULL, g, NULL, 5, 0)); V(splice(i, NULL, p[1], NULL, 5, 0));
	close(q[0]); signal(SIGPIPE, SIG_IGN); write(p[1], "a", 1); V(splice(p[0], NULL, q[1], NULL, 1, 0)); V(tee(p[0], q[1], 1, 0)); V(vmsplice(q[1], v, 1, 0));
	close(p[1]); V(read(p[0], buf, 10)); V(splice(p[0], NULL, g, NULL, 10, 0)); pipe(q); V(tee(p[0], q[1], 10, 0));
	return 0;
}
