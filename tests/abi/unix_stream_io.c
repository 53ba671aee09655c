/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes through Unix streams: partial reads, peeking, waiting for all, low
 * water, zero lengths, faults, several iovecs, waking. */
#include "unix.h"
static int p[2]; static char big[300000], in[300000];
static void *writer(void *x) { const char *t = x; for (; *t; t++) { msleep(15); if (write(p[0], t, 1) != 1) break; } return NULL; }
static void *closer(void *x) { msleep(40); close(*(int *)x); return NULL; }
static void *drain(void *x) { (void)x; size_t n = 0; for (;;) { ssize_t r = read(p[1], in + n, sizeof in - n); if (r <= 0) break; n += (size_t)r; } return (void *)n; }
int main(void)
{
	char b[64] = ""; pthread_t t; void *res; signal(SIGPIPE, SIG_IGN); upair(SOCK_STREAM, p);
	V(write(p[0], "abcdef", 6)); V(write(p[0], "ghi", 3)); V(recv(p[1], b, 4, MSG_PEEK)); SAY("%.4s\n", b); V(recv(p[1], b, 20, MSG_PEEK)); SAY("%.9s\n", b); V(read(p[1], b, 4)); V(recv(p[1], b, 20, MSG_PEEK)); SAY("%.5s\n", b); V(read(p[1], b, 20)); V(recv(p[1], b, 1, MSG_DONTWAIT)); V(recv(p[1], b, 1, MSG_DONTWAIT | MSG_PEEK));
	V(recv(p[1], b, 0, MSG_DONTWAIT)); V(read(p[1], b, 0)); V(write(p[0], "", 0)); V(recv(p[1], b, 5, MSG_DONTWAIT)); V(send(p[0], "x", 1, 0)); V(recv(p[1], b, 0, 0)); V(recv(p[1], b, 0, MSG_PEEK)); V(recv(p[1], b, 5, MSG_TRUNC)); V(recv(p[1], b, 5, MSG_DONTWAIT | MSG_ERRQUEUE));
	pthread_create(&t, NULL, writer, "wxyz"); V(recv(p[1], b, 4, MSG_WAITALL)); pthread_join(t, NULL); SAY("%.4s\n", b); pthread_create(&t, NULL, writer, "12"); V(recv(p[1], b, 4, MSG_WAITALL | MSG_DONTWAIT)); pthread_join(t, NULL); V(recv(p[1], b, 4, MSG_WAITALL | MSG_PEEK)); V(recv(p[1], b, 4, MSG_WAITALL | MSG_DONTWAIT));
	V(setint(p[1], SO_RCVLOWAT, 3)); V(intopt(p[1], SO_RCVLOWAT)); pthread_create(&t, NULL, writer, "lmno"); V(read(p[1], b, 10) >= 3); pthread_join(t, NULL); while (recv(p[1], b, 9, MSG_DONTWAIT) > 0) ; V(setint(p[1], SO_RCVLOWAT, 0)); V(intopt(p[1], SO_RCVLOWAT)); V(setint(p[1], SO_RCVLOWAT, -1)); V(intopt(p[1], SO_RCVLOWAT)); setint(p[1], SO_RCVLOWAT, 1);
	struct iovec w[3] = { { "one", 3 }, { "", 0 }, { "two!", 4 } }, r[3] = { { b, 2 }, { b + 10, 0 }, { b + 20, 9 } }; V(writev(p[0], w, 3)); V(readv(p[1], r, 3)); SAY("%.2s %.5s\n", b, b + 20); r[1] = (struct iovec){ (void *)1, 5 }; V(writev(p[0], w, 3)); V(readv(p[1], r, 2)); V(recv(p[1], b, 9, MSG_DONTWAIT));
	V(write(p[0], (void *)1, 5)); V(recv(p[1], b, 5, MSG_DONTWAIT)); V(write(p[0], "keep", 4)); V(read(p[1], (void *)1, 4)); V(read(p[1], b, 9)); V(pread(p[1], b, 1, 0)); V(pwrite(p[0], b, 1, 0)); V(lseek(p[0], 0, SEEK_CUR));
	/* much at once; what does not fit waits */
	for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * 7 + i / 251); pthread_create(&t, NULL, drain, NULL); V(write(p[0], big, sizeof big)); close(p[0]); pthread_join(t, &res); V((long)res); V(memcmp(big, in, sizeof big)); close(p[1]);
	upair(SOCK_STREAM, p); fcntl(p[0], F_SETFL, O_NONBLOCK); ssize_t n = write(p[0], big, sizeof big); SAY("partial %d\n", n > 0 && n < (ssize_t)sizeof big); V(write(p[0], big, 1)); V(send(p[0], big, 1, 0)); SAY("all there %d\n", recv(p[1], in, sizeof in, MSG_WAITALL | MSG_DONTWAIT) == n); V(memcmp(big, in, (size_t)n)); V(write(p[0], big, 10)); V(read(p[1], b, 64));
	/* ends */
	close(p[0]); V(read(p[1], b, 4)); V(recv(p[1], b, 4, MSG_DONTWAIT)); V(write(p[1], b, 4)); close(p[1]); upair(SOCK_STREAM, p); pthread_create(&t, NULL, closer, &p[0]); V(read(p[1], b, 4)); pthread_join(t, NULL); close(p[1]);
	upair(SOCK_STREAM, p); write(p[0], "unread", 6); write(p[1], "mine", 4); close(p[1]); POLL(p[0]); V(read(p[0], b, 2)); V(read(p[0], b, 9)); V(read(p[0], b, 9)); V(read(p[0], b, 9)); close(p[0]);
	upair(SOCK_STREAM, p); write(p[0], "unread", 6); close(p[1]); V(intopt(p[0], SO_ERROR) == ECONNRESET); V(intopt(p[0], SO_ERROR)); V(read(p[0], b, 9)); V(write(p[0], b, 1)); close(p[0]);
	upair(SOCK_STREAM, p); settime(p[1], SO_RCVTIMEO, 30); V(read(p[1], b, 1)); V(recv(p[1], b, 4, MSG_WAITALL)); write(p[0], "zz", 2); V(recv(p[1], b, 4, MSG_WAITALL)); while (send(p[0], big, 4096, MSG_DONTWAIT) > 0) ; settime(p[0], SO_SNDTIMEO, 30); V(write(p[0], big, 4096)); V(sendto(p[0], "x", 1, 0, (void *)b, 2)); struct sockaddr_un a; socklen_t l = sizeof a; V(recvfrom(p[1], b, 1, 0, (void *)&a, &l)); SAY("len %d\n", (int)l); V(recvfrom(p[1], b, 1, 0, (void *)&a, NULL)); l = (socklen_t)-1; V(recvfrom(p[1], b, 1, 0, (void *)&a, &l));
	return 0;
}
