/* SPDX-License-Identifier: Apache-2.0 */
/* sendmmsg and recvmmsg: counts, time-outs, errors in the middle. */
#include "unix.h"
#include <sys/syscall.h>
static int p[2]; static struct mmsghdr m[2000]; static struct iovec io[2000]; static char data[2000][8];
static void prepare(int n, int size) { memset(m, 0, sizeof m); for (int i = 0; i < n; i++) { io[i] = (struct iovec){ data[i], (size_t)size }; m[i].msg_hdr.msg_iov = &io[i]; m[i].msg_hdr.msg_iovlen = 1; } }
static void lens(int n) { for (int i = 0; i < n; i++) SAY(" %u/%x", m[i].msg_len, m[i].msg_hdr.msg_flags); SAY("\n"); }
static void *later(void *x) { (void)x; for (int i = 0; i < 2; i++) { msleep(30); send(p[0], "late", 4, 0); } return NULL; }
static void none(int s) { (void)s; }
int main(void)
{
	struct timespec t; pthread_t th; upair(SOCK_DGRAM, p); signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2000; i++) sprintf(data[i], "m%d", i); prepare(5, 3); V(sendmmsg(p[0], m, 5, 0)); lens(5); prepare(8, 8); V(recvmmsg(p[1], m, 3, 0, NULL)); lens(3); V(recvmmsg(p[1], m, 8, MSG_DONTWAIT, NULL)); lens(2); V(recvmmsg(p[1], m, 8, MSG_DONTWAIT, NULL)); V(recvmmsg(p[1], m, 0, 0, NULL)); V(sendmmsg(p[0], m, 0, 0));
	prepare(4, 8); send(p[0], "longlonglong", 12, 0); send(p[0], "ok", 2, 0); V(recvmmsg(p[1], m, 4, MSG_WAITFORONE, NULL)); lens(2); pthread_create(&th, NULL, later, NULL); V(recvmmsg(p[1], m, 2, 0, NULL)); pthread_join(th, NULL); lens(2); pthread_create(&th, NULL, later, NULL); V(recvmmsg(p[1], m, 4, MSG_WAITFORONE, NULL)); pthread_join(th, NULL); V(recvmmsg(p[1], m, 4, MSG_DONTWAIT, NULL));
	/* the time-out is looked at after each message */
	t = (struct timespec){ 0, 10000000 }; pthread_create(&th, NULL, later, NULL); V(recvmmsg(p[1], m, 4, 0, &t)); SAY("left %d %d\n", (int)t.tv_sec, t.tv_nsec == 0); pthread_join(th, NULL); V(recvmmsg(p[1], m, 4, MSG_DONTWAIT, &t)); t = (struct timespec){ 5, 0 }; send(p[0], "a", 1, 0); V(recvmmsg(p[1], m, 1, 0, &t)); SAY("left %d\n", t.tv_sec == 4 || (t.tv_sec == 5 && !t.tv_nsec)); t = (struct timespec){ -1, 0 }; V(recvmmsg(p[1], m, 1, MSG_DONTWAIT, &t)); t = (struct timespec){ 0, 2000000000 }; V(recvmmsg(p[1], m, 1, MSG_DONTWAIT, &t)); V(syscall(SYS_recvmmsg, p[1], m, 1, MSG_DONTWAIT, (void *)1)); t = (struct timespec){ 0, 0 }; send(p[0], "a", 1, 0); send(p[0], "b", 1, 0); V(recvmmsg(p[1], m, 2, 0, &t)); V(recv(p[1], data[0], 8, MSG_DONTWAIT));
	/* errors in the middle */
	prepare(4, 3); io[2].iov_base = (void *)1; V(sendmmsg(p[0], m, 4, 0)); V(sendmmsg(p[0], m + 2, 2, 0)); prepare(4, 8); io[1].iov_base = (void *)1; V(recvmmsg(p[1], m, 4, MSG_DONTWAIT, NULL)); V(recvmmsg(p[1], m + 1, 1, MSG_DONTWAIT, NULL)); V(sendmmsg(p[0], (void *)8, 2, 0)); V(recvmmsg(p[1], (void *)8, 2, MSG_DONTWAIT, NULL)); V(sendmmsg(0, m, 2, 0)); V(recvmmsg(99, m, 2, 0, NULL)); prepare(1, 3); m[0].msg_hdr.msg_iovlen = 1025; V(sendmmsg(p[0], m, 1, 0)); m[0].msg_hdr.msg_iovlen = 1; m[0].msg_hdr.msg_namelen = (socklen_t)-1; V(sendmmsg(p[0], m, 1, 0));
	prepare(2000, 2); int q[2]; upair(SOCK_STREAM, q); setint(q[0], SO_SNDBUF, 1 << 20); V(sendmmsg(q[0], m, 50, MSG_DONTWAIT)); prepare(2, 8); V(recvmmsg(q[1], m, 2, MSG_DONTWAIT, NULL)); lens(2); struct sigaction sa = { .sa_handler = none }; sigaction(SIGALRM, &sa, NULL); struct itimerval it = { { 0, 0 }, { 0, 40000 } }; while (recv(q[1], data, 8, MSG_DONTWAIT) > 0) ; setitimer(ITIMER_REAL, &it, NULL); V(recvmmsg(q[1], m, 2, 0, NULL)); close(q[1]); prepare(2, 3); V(sendmmsg(q[0], m, 2, 0)); V(sendmmsg(q[0], m, 2, MSG_NOSIGNAL)); return 0;
}
