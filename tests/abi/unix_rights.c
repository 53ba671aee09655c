/* SPDX-License-Identifier: Apache-2.0 */
/* SCM_RIGHTS: what arrives, what is cut, what is refused. */
#include "unix.h"
#include <sys/eventfd.h>
static int nfds(void) { int n = 0; for (int i = 0; i < 400; i++) n += fcntl(i, F_GETFD) >= 0; return n; }
int main(void)
{
	enter_tmp(); for (int i = 3; i < 400; i++) close(i);
	int p[2], d[2], f[300], start; char b[64]; struct got g; upair(SOCK_STREAM, p); upair(SOCK_DGRAM, d); int fd = open("file", O_CREAT | O_RDWR, 0600); write(fd, "0123456789", 10); start = nfds();
	V(send_fds(p[0], "a", 1, &fd, 1, NULL, 0)); g = recv_all(p[1], b, 9, CTL, 0); say_got("one", g); lseek(fd, 3, SEEK_SET); V(read(g.fds[0], b, 2)); SAY("%.2s cloexec %d\n", b, fcntl(g.fds[0], F_GETFD)); close_got(g);
	send_fds(p[0], "a", 1, &fd, 1, NULL, 0); g = recv_all(p[1], b, 9, CTL, MSG_CMSG_CLOEXEC); say_got("cloexec", g); SAY("%d\n", fcntl(g.fds[0], F_GETFD)); close_got(g);
	for (int i = 0; i < 300; i++) f[i] = fd; V(send_fds(p[0], "a", 1, f, 253, NULL, 0)); g = recv_all(p[1], b, 9, 2048, 0); SAY("%d\n", g.nfds); for (int i = 3; i < 400; i++) if (i != p[0] && i != p[1] && i != d[0] && i != d[1] && i != fd) close(i); V(send_fds(p[0], "a", 1, f, 254, NULL, 0)); V(recv(p[1], b, 1, MSG_DONTWAIT));
	/* small control buffers */
	static const size_t room[] = { 0, 4, 15, 16, 19, 20, 23, 24, 27, 28, 32 };
	for (unsigned i = 0; i < sizeof room / sizeof *room; i++) { send_fds(p[0], "a", 1, f, 3, NULL, 0); g = recv_all(p[1], b, 9, room[i], 0); SAY("room %d ", (int)room[i]); say_got("", g); close_got(g); } V(nfds() == start);
	/* plain reads drop descriptors */
	send_fds(p[0], "abc", 3, f, 2, NULL, 0); V(read(p[1], b, 1)); g = recv_all(p[1], b, 9, CTL, 0); say_got("rest", g); send_fds(p[0], "abc", 3, f, 2, NULL, 0); g = recv_all(p[1], b, 1, CTL, 0); say_got("first byte", g); close_got(g); g = recv_all(p[1], b, 9, CTL, 0); say_got("rest", g);
	/* they end a read and start none */
	write(p[0], "before", 6); send_fds(p[0], "with", 4, f, 1, NULL, 0); write(p[0], "after", 5); g = recv_all(p[1], b, 60, CTL, 0); say_got("glued", g); close_got(g); g = recv_all(p[1], b, 60, CTL, 0); say_got("then", g); send_fds(p[0], "x", 1, f, 1, NULL, 0); send_fds(p[0], "y", 1, f, 2, NULL, 0); g = recv_all(p[1], b, 60, CTL, MSG_WAITALL | MSG_DONTWAIT); say_got("two", g); close_got(g); g = recv_all(p[1], b, 60, CTL, 0); say_got("two", g); close_got(g);
	/* peeking copies */
	send_fds(p[0], "pk", 2, f, 1, NULL, 0); g = recv_all(p[1], b, 60, CTL, MSG_PEEK); say_got("peek", g); close_got(g); g = recv_all(p[1], b, 60, CTL, MSG_PEEK); say_got("peek", g); close_got(g); g = recv_all(p[1], b, 60, CTL, 0); say_got("take", g); close_got(g);
	/* datagrams: truncated data keep their descriptors, empty ones carry some */
	send_fds(d[0], "longer", 6, f, 1, NULL, 0); g = recv_all(d[1], b, 2, CTL, 0); say_got("trunc", g); close_got(g); V(send_fds(d[0], "", 0, f, 1, NULL, 0)); g = recv_all(d[1], b, 2, CTL, 0); say_got("empty", g); close_got(g); V(send_fds(p[0], "", 0, f, 1, NULL, 0)); g = recv_all(p[1], b, 2, CTL, MSG_DONTWAIT); say_got("empty stream", g); V(nfds() == start);
	/* refused */
	int bad = 399; V(send_fds(p[0], "a", 1, &bad, 1, NULL, 0)); bad = -1; V(send_fds(p[0], "a", 1, &bad, 1, NULL, 0)); int op = open(".", O_PATH); V(send_fds(p[0], "a", 1, &op, 1, NULL, 0)); g = recv_all(p[1], b, 2, CTL, 0); say_got("path", g); SAY("still a path %d\n", !!(fcntl(g.fds[0], F_GETFL) & O_PATH)); close_got(g); close(op);
	char ctl[64] = ""; struct cmsghdr *c = (void *)ctl; struct iovec io = { "z", 1 }; struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = 20 }; c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_RIGHTS; memcpy(CMSG_DATA(c), &fd, 4); c->cmsg_len = 8; V(sendmsg(p[0], &m, 0)); c->cmsg_len = 21; V(sendmsg(p[0], &m, 0)); c->cmsg_len = 16; V(sendmsg(p[0], &m, 0)); c->cmsg_len = 20; c->cmsg_type = 77; V(sendmsg(p[0], &m, 0)); c->cmsg_level = 999; V(sendmsg(p[0], &m, 0)); m.msg_controllen = 10; V(sendmsg(p[0], &m, 0)); m.msg_controllen = 1 << 20; V(sendmsg(p[0], &m, 0)); m.msg_control = (void *)8; m.msg_controllen = 32; V(sendmsg(p[0], &m, 0)); while (recv(p[1], b, 9, MSG_DONTWAIT) > 0) ;
	/* two lists in one message */
	char two[CMSG_SPACE(4) * 2] = ""; m.msg_control = two; m.msg_controllen = sizeof two; for (int i = 0; i < 2; i++) { c = (void *)(two + i * (int)CMSG_SPACE(4)); c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_RIGHTS; c->cmsg_len = CMSG_LEN(4); memcpy(CMSG_DATA(c), &fd, 4); } V(sendmsg(p[0], &m, 0)); g = recv_all(p[1], b, 9, CTL, 0); say_got("two lists", g); close_got(g);
	/* a descriptor that keeps its object alive, closed by the sender; the socket itself; no room in the table */
	int ev = eventfd(7, 0); send_fds(p[0], "e", 1, &ev, 1, NULL, 0); close(ev); g = recv_all(p[1], b, 9, CTL, 0); uint64_t v = 0; V(read(g.fds[0], &v, 8)); SAY("%d\n", (int)v); close_got(g); send_fds(p[0], "s", 1, p, 2, NULL, 0); g = recv_all(p[1], b, 9, CTL, 0); say_got("itself", g); V(write(g.fds[0], "via", 3)); V(read(g.fds[1], b, 9)); close_got(g);
	struct rlimit rl = { (rlim_t)(fd + 2), 400 }; setrlimit(RLIMIT_NOFILE, &rl); send_fds(p[0], "r", 1, f, 3, NULL, 0); g = recv_all(p[1], b, 9, CTL, 0); say_got("table full", g); close_got(g); V(nfds() == start); return 0;
}
