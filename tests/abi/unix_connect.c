/* SPDX-License-Identifier: Apache-2.0 */
/* connect, listen and accept of Unix sockets in every state. */
#include "unix.h"
static void *late_accept(void *l) { msleep(60); int c = accept(*(int *)l, NULL, NULL); msleep(60); close(c); return NULL; }
static void on_alarm(int s) { (void)s; }
int main(void)
{
	enter_tmp(); signal(SIGPIPE, SIG_IGN);
	int s = usock(SOCK_STREAM), l, c, d; char b[16]; struct sockaddr_un a; socklen_t n;
	V(listen(s, 1)); V(uconnect(s, "none")); V(accept(s, NULL, NULL)); V(ubind(s, "plain")); V(accept(s, NULL, NULL));
	c = usock(SOCK_STREAM); V(uconnect(c, "plain")); V(listen(s, 0)); V(intopt(s, SO_ACCEPTCONN)); V(uconnect(c, "plain")); fcntl(c, F_SETFL, O_NONBLOCK); V(uconnect(c, "plain")); V(listen(c, 1)); V(ubind(c, "client")); V(listen(c, 1));
	d = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0); V(uconnect(d, "plain")); V(uconnect(d, "plain"));
	V(listen(s, 3)); V(uconnect(d, "plain")); V(read(s, b, 1)); V(write(s, b, 1)); V(uconnect(s, "plain")); V(recv(s, b, 1, MSG_DONTWAIT));
	n = sizeof a; V(getpeername(s, (void *)&a, &n)); V(shutdown(s, SHUT_WR)); int e = usock(SOCK_STREAM); V(uconnect(e, "plain")); V(shutdown(s, SHUT_RD)); int f = usock(SOCK_STREAM); V(uconnect(f, "plain"));
	fcntl(s, F_SETFL, O_NONBLOCK); OK(accept(s, NULL, NULL)); OK(accept(s, NULL, NULL)); OK(accept(s, NULL, NULL)); OK(accept(s, NULL, NULL)); POLL(s); close(s); V(uconnect(f, "plain"));
	/* wrong types */
	l = ulisten(SOCK_SEQPACKET, "seq", 5); c = usock(SOCK_STREAM); V(uconnect(c, "seq")); d = usock(SOCK_DGRAM); V(uconnect(d, "seq")); V(usendto(d, "seq", "x", 1, 0)); V(listen(d, 1)); V(accept(d, NULL, NULL)); e = usock(SOCK_SEQPACKET); V(uconnect(e, "seq"));
	V(accept4(l, NULL, NULL, 99)); n = sizeof a; V(accept(l, (void *)&a, NULL)); f = uclient(SOCK_SEQPACKET, "seq"); n = sizeof a; OK(accept4(l, (void *)&a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC)); SAY("len %d\n", (int)n);
	/* a client that left before it was accepted */
	l = ulisten(SOCK_STREAM, "left", 5); c = uclient(SOCK_STREAM, "left"); V(write(c, "bye", 3)); close(c); c = accept(l, NULL, NULL); OK(c); V(read(c, b, 9)); V(read(c, b, 9)); V(write(c, b, 1)); close(c);
	/* a listener that closes with connections pending */
	c = uclient(SOCK_STREAM, "left"); V(write(c, "x", 1)); close(l); POLL(c); V(read(c, b, 1)); V(read(c, b, 1)); V(write(c, b, 1)); V(uconnect(c, "left"));
	/* blocking connect on a full backlog, its timeout, interruption */
	unlink("left"); l = ulisten(SOCK_STREAM, "left", 0); c = uclient(SOCK_STREAM, "left"); d = usock(SOCK_STREAM); settime(d, SO_SNDTIMEO, 50); V(uconnect(d, "left")); V(intopt(d, SO_ERROR)); POLL(d);
	struct sigaction sa = { .sa_handler = on_alarm }; sigaction(SIGALRM, &sa, NULL); struct itimerval it = { { 0, 0 }, { 0, 50000 } }; settime(d, SO_SNDTIMEO, 3000); setitimer(ITIMER_REAL, &it, NULL); V(uconnect(d, "left"));
	pthread_t t; settime(d, SO_SNDTIMEO, 0); pthread_create(&t, NULL, late_accept, &l); V(uconnect(d, "left")); pthread_join(t, NULL); V(read(c, b, 1));
	settime(l, SO_RCVTIMEO, 40); close(accept(l, NULL, NULL)); V(accept(l, NULL, NULL));
	/* the listener's options go to the accepted one, or not */
	setint(l, SO_PASSCRED, 1); setint(l, SO_KEEPALIVE, 1); setint(l, SO_SNDBUF, 9000); settime(l, SO_RCVTIMEO, 0); fcntl(l, F_SETFL, O_NONBLOCK); c = uclient(SOCK_STREAM, "left"); e = accept(l, NULL, NULL); V(intopt(e, SO_PASSCRED)); V(intopt(e, SO_KEEPALIVE)); V(intopt(e, SO_SNDBUF) == 18000); SAY("nonblock %d\n", fcntl(e, F_GETFL) & O_NONBLOCK ? 1 : 0);
	V(intopt(e, SO_TYPE)); V(intopt(e, SO_DOMAIN)); V(intopt(e, SO_PROTOCOL)); V(intopt(e, SO_ACCEPTCONN)); V(intopt(e, SO_ERROR));
	/* permission to write the path */
	chmod("left", 0400); if (!fork()) { if (!getuid()) { chmod(".", 0755); if (setgid(65534) || setuid(65534)) _exit(9); } d = usock(SOCK_STREAM); V(uconnect(d, "left")); _exit(0); } wait(NULL);
	OK(socket(AF_UNIX, SOCK_RAW, 0)); V(intopt(socket(AF_UNIX, SOCK_RAW, 0), SO_TYPE)); V(socket(AF_UNIX, SOCK_RDM, 0)); V(socket(AF_UNIX, SOCK_STREAM, 5)); OK(socket(AF_UNIX, SOCK_STREAM, 1)); V(intopt(socket(AF_UNIX, SOCK_STREAM, 1), SO_PROTOCOL)); V(socket(AF_UNIX, 0, 0)); V(socket(AF_UNIX, SOCK_STREAM | 0x10000, 0)); V(socket(-1, SOCK_STREAM, 0)); V(socket(AF_UNSPEC, SOCK_STREAM, 0)); int p[2]; V(socketpair(AF_INET, SOCK_STREAM, 0, p)); V(socketpair(AF_UNIX, SOCK_STREAM, 0, NULL));
	return 0;
}
