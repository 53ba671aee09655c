/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets in the queues of sockets: chains, what outlives its sender, order of
 * release, listeners and connections that travel. */
#include "unix.h"
int main(void)
{
	enter_tmp(); signal(SIGPIPE, SIG_IGN); int a[2], b[2], c[2], w[2]; char t[32]; struct got g;
	/* a chain of pairs, each end in the next one's queue; data inside survive */
	pipe(w); int prev[2]; upair(SOCK_STREAM, prev); write(prev[0], "deep", 4); send_fds(prev[0], "p", 1, &w[1], 1, NULL, 0); close(w[1]); close(prev[0]);
	for (int i = 0; i < 40; i++) { upair(i % 2 ? SOCK_STREAM : SOCK_DGRAM, a); if (send_fds(a[0], "n", 1, &prev[1], 1, NULL, 0) != 1) SAY("level %d %s\n", i, abi_errno(errno)); close(prev[1]); if (i % 2) close(a[0]); else { fcntl(a[0], F_SETFD, FD_CLOEXEC); close(a[0]); } prev[1] = a[1]; }
	for (int i = 39; i >= 0; i--) { g = recv_all(prev[1], t, 9, CTL, 0); close(prev[1]); if (g.nfds != 1) { SAY("lost at %d\n", i); return 1; } prev[1] = g.fds[0]; }
	V(recv(prev[1], t, 4, MSG_WAITALL)); SAY("%.4s\n", t); g = recv_all(prev[1], t, 9, CTL, 0); say_got("end of chain", g); V(write(g.fds[0], "pipe", 4)); close_got(g); V(read(w[0], t, 9)); V(read(w[0], t, 9)); V(read(prev[1], t, 9)); close(prev[1]);
	/* dropping the outer end releases all of it */
	pipe(w); prev[1] = w[1]; for (int i = 0; i < 200; i++) { upair(SOCK_STREAM, a); send_fds(a[0], "n", 1, &prev[1], 1, NULL, 0); close(prev[1]); close(a[0]); prev[1] = a[1]; } close(prev[1]); V(read(w[0], t, 1));
	/* a queue read halfway: what is left still holds its descriptors */
	pipe(w); upair(SOCK_STREAM, a); send_fds(a[0], "abc", 3, &w[1], 1, NULL, 0); send_fds(a[0], "def", 3, &w[1], 1, NULL, 0); close(w[1]); g = recv_all(a[1], t, 2, CTL, 0); say_got("half", g); close_got(g); fcntl(w[0], F_SETFL, O_NONBLOCK); V(read(w[0], t, 1)); V(recv(a[1], t, 9, 0)); V(read(w[0], t, 1)); close(a[0]); V(recv(a[1], t, 9, 0)); V(read(w[0], t, 1)); close(a[1]);
	/* a listener and a connection that travel */
	upair(SOCK_SEQPACKET, a); int l = ulisten(SOCK_STREAM, "l", 4); send_fds(a[0], "l", 1, &l, 1, NULL, 0); close(l); int x = uclient(SOCK_STREAM, "l"); write(x, "early", 5); send_fds(a[0], "x", 1, &x, 1, NULL, 0); close(x); g = recv_all(a[1], t, 9, CTL, 0); l = g.fds[0]; g = recv_all(a[1], t, 9, CTL, 0); x = g.fds[0]; int s = accept(l, NULL, NULL); V(read(s, t, 9)); V(write(s, "answer", 6)); V(read(x, t, 9)); close(l); V(uconnect(usock(SOCK_STREAM), "l")); close(s); V(read(x, t, 9));
	/* sent to a socket whose reader is gone or shut */
	upair(SOCK_STREAM, b); upair(SOCK_STREAM, c); shutdown(b[1], SHUT_RD); V(send_fds(b[0], "x", 1, &c[1], 1, NULL, 0)); close(c[1]); V(read(c[0], t, 1)); return 0;
}
