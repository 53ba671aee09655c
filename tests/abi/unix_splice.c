/* SPDX-License-Identifier: Apache-2.0 */
/* sendfile, splice, tee and vmsplice with sockets at either end. */
#include "unix.h"
#include <sys/sendfile.h>
static char buf[400000], in[400000]; static int s[2];
static void *drain(void *x) { (void)x; size_t n = 0; ssize_t r; while ((r = read(s[1], in + n, sizeof in - n)) > 0) n += (size_t)r; return (void *)n; }
int main(void)
{
	enter_tmp(); signal(SIGPIPE, SIG_IGN); int p[2], d[2]; char b[64]; off_t off = 5; pthread_t t; void *r; for (size_t i = 0; i < sizeof buf; i++) buf[i] = (char)(i * 11 + i / 97);
	int f = open("f", O_CREAT | O_RDWR, 0600); write(f, buf, 300000); upair(SOCK_STREAM, s); upair(SOCK_DGRAM, d); pipe(p);
	V(sendfile(s[0], f, &off, 10)); V(off); V(read(s[1], in, 64)); V(memcmp(in, buf + 5, 10)); V(lseek(f, 0, SEEK_CUR) == 300000); lseek(f, 100, SEEK_SET); V(sendfile(s[0], f, NULL, 7)); V(lseek(f, 0, SEEK_CUR)); V(recv(s[1], in, 64, 0)); off = 299990; V(sendfile(s[0], f, &off, 100)); V(recv(s[1], in, 64, 0)); V(sendfile(s[0], f, &off, 100)); off = -1; V(sendfile(s[0], f, &off, 1)); V(sendfile(f, s[1], NULL, 1)); V(sendfile(s[0], s[1], NULL, 1)); V(sendfile(d[0], f, (off = 0, &off), 50)); V(recv(d[1], in, 64, 0));
	pthread_create(&t, NULL, drain, NULL); off = 0; V(sendfile(s[0], f, &off, 300000)); shutdown(s[0], SHUT_WR); pthread_join(t, &r); V((long)r); V(memcmp(in, buf, 300000)); V(sendfile(s[0], f, (off = 0, &off), 5)); close(s[0]); close(s[1]); upair(SOCK_STREAM, s);
	/* socket to pipe to socket */
	write(s[0], "hello world", 11); V(splice(s[1], NULL, p[1], NULL, 5, 0)); V(splice(s[1], NULL, p[1], NULL, 100, 0)); V(splice(s[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK)); V(read(p[0], b, 64)); V(memcmp(b, "hello world", 11)); write(p[1], "back", 4); V(splice(p[0], NULL, s[0], NULL, 100, 0)); V(read(s[1], b, 64)); V(splice(p[0], NULL, s[0], NULL, 100, SPLICE_F_NONBLOCK)); V(splice(s[1], NULL, s[0], NULL, 5, 0)); V(splice(s[1], &off, p[1], NULL, 5, 0)); off = 3; V(splice(f, &off, p[1], NULL, 6, 0)); V(off); V(splice(p[0], NULL, d[0], NULL, 6, 0)); V(recv(d[1], b, 64, 0)); fcntl(s[1], F_SETFL, O_NONBLOCK); V(splice(s[1], NULL, p[1], NULL, 5, 0)); fcntl(s[1], F_SETFL, 0);
	int q[2]; pipe(q); write(p[1], "teed", 4); V(tee(p[0], q[1], 9, 0)); V(splice(q[0], NULL, s[0], NULL, 9, SPLICE_F_MORE)); V(read(s[1], b, 9)); V(read(p[0], b, 9)); struct iovec v = { buf, 9 }; V(vmsplice(p[1], &v, 1, 0)); V(splice(p[0], NULL, s[0], NULL, 9, SPLICE_F_MOVE)); V(read(s[1], in, 64)); V(memcmp(in, buf, 9));
	/* ends */
	shutdown(s[0], SHUT_WR); V(splice(s[1], NULL, p[1], NULL, 5, 0)); write(p[1], "x", 1); close(s[1]); V(splice(p[0], NULL, s[0], NULL, 5, 0)); V(read(p[0], b, 9)); close(p[1]); upair(SOCK_STREAM, s); V(splice(p[0], NULL, s[0], NULL, 5, 0)); V(splice(99, NULL, s[0], NULL, 5, 0)); V(splice(p[0], NULL, s[0], NULL, 0, 0)); V(splice(p[0], NULL, s[0], NULL, 5, 99)); return 0;
}
