/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams: bounds, sizes, connecting and reconnecting, peers that go. */
#include "unix.h"
static char big[400000];
static void *late_read(void *x) { char b[9]; msleep(40); recv(*(int *)x, b, 9, 0); return NULL; }
int main(void)
{
	enter_tmp(); signal(SIGPIPE, SIG_IGN); char b[64]; int n, p[2]; pthread_t t;
	int r = usock(SOCK_DGRAM), s = usock(SOCK_DGRAM), q = usock(SOCK_DGRAM); ubind(r, "r"); ubind(s, "s"); ubind(q, "q");
	V(send(s, "x", 1, 0)); V(usendto(s, "nobody", "x", 1, 0)); V(usendto(s, "r", "hello", 5, 0)); V(recv(r, b, 3, 0)); V(usendto(s, "r", "hello", 5, 0)); V(recv(r, b, 3, MSG_TRUNC)); V(usendto(s, "r", "", 0, 0)); V(revents(r, POLLIN)); V(recv(r, b, 9, 0)); V(recv(r, b, 9, MSG_DONTWAIT));
	V(usendto(s, "r", big, sizeof big, 0)); V(usendto(s, "r", big, 100000, 0)); V(recv(r, big, sizeof big, 0)); setint(s, SO_SNDBUF, 3000); V(usendto(s, "r", big, 5000, 0)); V(usendto(s, "r", big, 4608 * 2 - 31, 0)); setint(s, SO_SNDBUF, 200000);
	/* the receiver's queue is bounded */
	for (n = 0; usendto(s, "r", "m", 1, MSG_DONTWAIT) == 1; n++) ; SAY("queued %d %s\n", n, abi_errno(errno)); V(uconnect(s, "r")); POLL(s); V(send(s, "m", 1, MSG_DONTWAIT)); settime(s, SO_SNDTIMEO, 30); V(send(s, "m", 1, 0)); settime(s, SO_SNDTIMEO, 0); pthread_create(&t, NULL, late_read, &r); V(send(s, "w", 1, 0)); pthread_join(t, NULL);
	int ep = epoll_create1(0); struct epoll_event ev = { EPOLLOUT | EPOLLET, { 0 } }; epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev); V(epoll_wait(ep, &ev, 1, 0)); pthread_create(&t, NULL, late_read, &r); V(epoll_wait(ep, &ev, 1, 2000)); pthread_join(t, NULL); V(send(s, "w", 1, MSG_DONTWAIT));
	for (n = 0; recv(r, b, 9, MSG_DONTWAIT) > 0; n++) ; SAY("read %d\n", n); V(revents(s, POLLOUT));
	/* connected both ways there is no such bound */
	V(uconnect(r, "s")); for (n = 0; n < 40 && send(s, "m", 1, MSG_DONTWAIT) == 1; n++) ; SAY("both ways %d\n", n); V(usendto(q, "r", "no", 2, 0)); V(uconnect(q, "r"));
	/* reconnecting drops what came from the old peer and tells it */
	send(r, "to s", 4, 0); V(uconnect(s, "q")); V(recv(s, b, 9, MSG_DONTWAIT)); V(recv(r, b, 9, MSG_DONTWAIT)); V(recv(r, b, 9, MSG_DONTWAIT)); V(intopt(r, SO_ERROR)); V(send(r, "x", 1, 0));
	struct sockaddr_un a = { AF_UNSPEC }; V(connect(s, (void *)&a, sizeof a)); V(send(s, "x", 1, 0)); V(connect(s, (void *)&a, sizeof a)); socklen_t l = sizeof a; V(getpeername(s, (void *)&a, &l));
	/* a peer that goes */
	V(uconnect(s, "q")); close(q); POLL(s); l = sizeof a; V(getpeername(s, (void *)&a, &l)); V(send(s, "x", 1, 0)); V(send(s, "x", 1, 0)); V(usendto(s, "q", "x", 1, 0)); V(uconnect(s, "q"));
	upair(SOCK_DGRAM, p); send(p[0], "left", 4, 0); close(p[0]); POLL(p[1]); V(recv(p[1], b, 9, 0)); V(recv(p[1], b, 9, MSG_DONTWAIT)); V(send(p[1], "x", 1, 0)); V(send(p[1], "x", 1, 0)); close(p[1]);
	/* shutdown */
	upair(SOCK_DGRAM, p); send(p[0], "one", 3, 0); V(shutdown(p[1], SHUT_RD)); V(send(p[0], "x", 1, 0)); V(recv(p[1], b, 9, 0)); V(recv(p[1], b, 9, 0)); V(recv(p[1], b, 9, MSG_DONTWAIT)); POLL(p[1]); POLL(p[0]); V(shutdown(p[0], SHUT_WR)); V(send(p[0], "x", 1, 0)); V(send(p[1], "y", 1, 0)); V(recv(p[0], b, 9, 0)); close(p[0]); close(p[1]);
	/* to itself; faults; names of senders */
	V(uconnect(s, "s")); for (n = 0; n < 20 && send(s, "m", 1, MSG_DONTWAIT) == 1; n++) ; SAY("self %d\n", n); while (recv(s, b, 1, MSG_DONTWAIT) == 1) ; V(send(s, (void *)1, 4, 0)); V(send(s, "keep", 4, 0)); V(recv(s, (void *)1, 4, 0)); V(recv(s, b, 4, MSG_DONTWAIT)); a = (struct sockaddr_un){ AF_UNSPEC }; connect(s, (void *)&a, sizeof a); int un1 = usock(SOCK_DGRAM); V(usendto(un1, "s", "anon", 4, 0)); l = sizeof a; V(recvfrom(s, b, 9, 0, (void *)&a, &l)); SAY("len %d\n", (int)l); uconnect(s, "s"); send(s, "x", 1, 0); l = 5; V(recvfrom(s, b, 9, 0, (void *)&a, &l)); SAY("len %d\n", (int)l); V(send(s, "x", 1, MSG_OOB)); V(recv(s, b, 1, MSG_OOB | MSG_DONTWAIT)); V(revents(s, POLLIN));
	return 0;
}
