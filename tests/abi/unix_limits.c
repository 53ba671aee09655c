/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers, backlog and descriptors in flight are bounded; what is in flight
 * only is collected, listeners with connections included. */
#include "unix.h"
static int alive(int r) { char b; for (int i = 0; i < 200; i++) { ssize_t n = recv(r, &b, 1, MSG_DONTWAIT); if (!n) return 0; if (n < 0 && errno != EAGAIN) return 0; msleep(5); } return 1; }
static void churn(void) { for (int i = 0; i < 300; i++) { int a[2]; upair(SOCK_STREAM, a); send_fds(a[0], "x", 1, a, 2, NULL, 0); close(a[0]); close(a[1]); } }
int main(void)
{
	enter_tmp(); signal(SIGPIPE, SIG_IGN); int p[2], n, v; static char big[70000]; socklen_t l; upair(SOCK_STREAM, p);
	V(intopt(p[0], SO_SNDBUF)); V(intopt(p[0], SO_RCVBUF)); V(setint(p[0], SO_SNDBUF, 1)); V(intopt(p[0], SO_SNDBUF)); V(setint(p[0], SO_RCVBUF, 1)); V(intopt(p[0], SO_RCVBUF)); V(setint(p[0], SO_SNDBUF, 10000)); V(intopt(p[0], SO_SNDBUF)); V(setint(p[0], SO_SNDBUF, 1 << 30)); V(intopt(p[0], SO_SNDBUF) >= 425984); V(setint(p[0], SO_SNDBUF, -1)); V(intopt(p[0], SO_SNDBUF) >= 425984); V(setint(p[0], SO_SNDBUF, 106496)); V(intopt(p[0], SO_SNDBUF)); V(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, 3)); l = 2; V(getsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, &l)); SAY("%d\n", (int)l); l = 40; V(getsockopt(p[0], SOL_SOCKET, SO_SNDBUF, big, &l)); SAY("%d\n", (int)l); l = (socklen_t)-1; V(getsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, &l));
	if (!fork()) { if (!getuid() && setuid(1000)) _exit(1); V(setint(p[0], SO_SNDBUFFORCE, 1 << 20)); V(setint(p[0], SO_RCVBUFFORCE, 1 << 20)); _exit(0); } wait(NULL);
	/* one byte at a time; nothing read, nothing lost */
	for (n = 0; send(p[0], "x", 1, MSG_DONTWAIT) == 1; n++) ; SAY("single bytes %d\n", n); V(ioctl(p[1], FIONREAD, &v)); SAY("%d\n", v == n); V(ioctl(p[0], SIOCOUTQ, &v)); SAY("%d\n", v > n); int got = 0; while (recv(p[1], big, 1, MSG_DONTWAIT) == 1) got++; SAY("%d\n", got == n); V(ioctl(p[0], SIOCOUTQ, &v)); V(v); for (n = 0; send(p[0], big, 4096, MSG_DONTWAIT) > 0; n++) ; SAY("pages %d\n", n > 20 && n < 50); close(p[0]); close(p[1]);
	/* backlog */
	int s = ulisten(SOCK_STREAM, "l", 4), c; for (n = 0; n < 30; n++) { c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0); if (uconnect(c, "l")) break; } SAY("backlog 4: %d %s\n", n, abi_errno(errno)); V(listen(s, -1)); V(uconnect(c, "l")); close(s);
	/* The rest counts a user's descriptors in flight: Linux refuses them to
	 * an ordinary user for those of other tests. */
	if (getuid())
		return 0;
	if (!fork()) { struct rlimit rl = { 64, 64 }; setrlimit(RLIMIT_NOFILE, &rl); if (!getuid() && (setgid(4242) || setuid(4242))) _exit(1); int q[2], f[20]; for (int i = 0; i < 20; i++) f[i] = 0; upair(SOCK_STREAM, q); for (n = 0; n < 200 && send_fds(q[0], "x", 1, f, 1, NULL, MSG_DONTWAIT) == 1; n++) ; SAY("in flight %d errno %d\n", n, errno == ETOOMANYREFS); struct got g = recv_all(q[1], big, 9, CTL, 0); close_got(g); V(send_fds(q[0], "x", 1, f, 20, NULL, 0)); V(send_fds(q[0], "x", 1, f, 1, NULL, 0) == -1 && errno == ETOOMANYREFS); V(send(q[0], "plain", 5, 0)); _exit(0); }
	wait(NULL);
	/* garbage: a pipe's end is in a queue that nobody can reach */
	int w[2]; pipe(w); upair(SOCK_STREAM, p); int f[3] = { p[0], p[1], w[1] }; send_fds(p[0], "x", 1, f, 3, NULL, 0); close(p[0]); close(p[1]); close(w[1]); churn(); fcntl(w[0], F_SETFL, O_NONBLOCK); for (v = 1, n = 0; n < 200 && v; n++) { char b; ssize_t r = read(w[0], &b, 1); v = r != 0; if (v) { churn(); msleep(1); } } SAY("ring collected %d\n", !v);
	/* a listener that waits in the queue of a connection that it never accepted */
	int m[2]; upair(SOCK_STREAM, m); s = ulisten(SOCK_STREAM, "@abi-limits", 5); c = uclient(SOCK_STREAM, "@abi-limits"); f[0] = s; f[1] = c; f[2] = m[1]; V(send_fds(c, "x", 1, f, 3, NULL, 0)); close(s); close(c); close(m[1]); for (n = 0; n < 100; n++) { churn(); char b; if (recv(m[0], &b, 1, MSG_DONTWAIT) == 0) break; } SAY("listener collected %d\n", n < 100); V(alive(m[0]));
	/* Linux lets go of one after the other. */
	for (n = 0; n < 200; n++) { c = usock(SOCK_STREAM); if (uconnect(c, "@abi-limits")) break; close(c); msleep(5); }
	SAY("listener gone: %s\n", abi_errno(errno));
	/* what can be reached stays */
	upair(SOCK_STREAM, m); upair(SOCK_STREAM, p); f[0] = m[1]; f[1] = p[1]; send_fds(p[0], "keep", 4, f, 2, NULL, 0); write(m[0], "inside", 6); close(m[1]); churn(); churn(); struct got g = recv_all(p[1], big, 9, CTL, 0); say_got("kept", g); V(read(g.fds[0], big, 9)); return 0;
}
