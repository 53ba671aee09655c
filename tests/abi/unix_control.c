/* SPDX-License-Identifier: Apache-2.0 */
/* Control messages of Unix sockets: every size of the receiver's buffer against what was sent, when
 * credentials begin and end to be told, what sendmsg() refuses. */
#include "unix.h"
#include <sys/eventfd.h>

static int type, p[2], f[4];
static char b[100];

static void show(const char *what, size_t room, size_t len, int flags)
{
	char ctl[600];
	struct iovec io = { b, len };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = room, .msg_flags = -1 };
	ssize_t n;

	memset(ctl, 0x55, sizeof ctl);
	if (room == 99)
		m.msg_control = NULL;
	n = recvmsg(p[1], &m, flags | MSG_DONTWAIT);
	if (n < 0) {
		SAY("%s: %s\n", what, abi_errno(errno));
		return;
	}
	SAY("%s: %zd flags %x control %zu:", what, n, m.msg_flags, m.msg_controllen);
	for (size_t at = 0; at + sizeof(struct cmsghdr) <= m.msg_controllen;) {
		struct cmsghdr *c = (void *)(ctl + at);
		size_t body = c->cmsg_len - sizeof *c;

		SAY(" [%zu %d %d", (size_t)c->cmsg_len, c->cmsg_level, c->cmsg_type);
		if (c->cmsg_type == SCM_CREDENTIALS && body == sizeof(struct ucred)) {
			struct ucred *u = (void *)CMSG_DATA(c);

			SAY(" %d %d", u->pid == getpid() ? -1 : u->pid, u->uid == getuid() ? -1 : (int)u->uid);
		}
		for (size_t i = 0; c->cmsg_type == SCM_RIGHTS && i + 4 <= body; i += 4) {
			int fd;

			memcpy(&fd, ctl + at + sizeof *c + i, 4);
			SAY(" c%d", fcntl(fd, F_GETFD));
			close(fd);
		}
		SAY("]");
		if (c->cmsg_len < sizeof *c)
			break;
		at += CMSG_ALIGN(c->cmsg_len);
	}
	SAY("\n");
}

static void rooms(void)
{
	static const size_t room[] = { 0, 1, 8, 15, 16, 17, 19, 20, 23, 24, 27, 28, 31, 32, 40, 47, 48, 52, 56, 64, 98, 99 };

	for (int cred = 0; cred < 2; cred++)
		for (int n = 0; n < 4; n++)
			for (unsigned r = 0; r < sizeof room / sizeof *room; r++) {
				upair(type, p);
				SAY("type %d cred %d fds %d room %zu\n", type, cred, n, room[r]);
				setint(p[1], SO_PASSCRED, cred);
				send_fds(p[0], "0123456789", 10, f, n, NULL, 0);
				show("all", room[r], 10, 0);
				send_fds(p[0], "0123456789", 10, f, n, NULL, 0);
				show("peek", room[r], 4, MSG_PEEK | MSG_CMSG_CLOEXEC | MSG_CTRUNC);
				show("part", room[r], 4, MSG_CMSG_CLOEXEC);
				show("rest", room[r], 10, 0);
				close(p[0]);
				close(p[1]);
			}
}

static void when(void)
{
	struct ucred me = { getpid(), getuid(), getgid() };

	for (int k = 0; k < 16; k++) {
		SAY("order %d\n", k);
		upair(type, p);
		if (k & 1)
			setint(p[0], SO_PASSCRED, 1);
		if (k & 2)
			setint(p[1], SO_PASSCRED, 1);
		(void)!write(p[0], "one", 3);
		if (k & 4)
			setint(p[1], SO_PASSCRED, !(k & 2));
		(void)!write(p[0], "two", 3);
		send_fds(p[0], "three", 5, f, 1, k & 8 ? &me : NULL, 0);
		(void)!write(p[0], "four", 4);
		for (int i = 0; i < 5; i++) {
			show("next", 98, 50, 0);
			if (i == 0 && k & 4)
				setint(p[1], SO_PASSCRED, 1);
		}
		close(p[0]);
		close(p[1]);
	}
}

static void refused(void)
{
	struct { struct cmsghdr h; char d[64]; } c;
	struct iovec io = { "z", 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &c };
	struct ucred me = { getpid(), getuid(), getgid() }, other[] = {
		{ getpid(), (uid_t)-1, getgid() }, { getpid(), getuid(), (gid_t)-1 }, { 99999999, getuid(), getgid() },
		{ 0, getuid(), getgid() }, { -1, getuid(), getgid() } };
	static const struct { int level, type; size_t len, room; int v; } t[] = {
		{ SOL_SOCKET, SCM_RIGHTS, 1, 24, -1 }, { SOL_SOCKET, SCM_RIGHTS, 0, 24, 0 }, { SOL_SOCKET, SCM_RIGHTS, 15, 24, 0 },
		{ SOL_SOCKET, SCM_RIGHTS, 16, 24, 0 }, { SOL_SOCKET, SCM_RIGHTS, 18, 24, 0 }, { SOL_SOCKET, SCM_RIGHTS, 20, 24, -1 },
		{ SOL_SOCKET, SCM_RIGHTS, 20, 24, 9999 }, { SOL_SOCKET, SCM_RIGHTS, 20, 24, 0 }, { SOL_SOCKET, SCM_RIGHTS, 25, 24, 0 },
		{ SOL_SOCKET, SCM_RIGHTS, 20, 16, 0 }, { SOL_SOCKET, SCM_RIGHTS, 20, 15, 0 }, { SOL_SOCKET, SCM_RIGHTS, 20, 4, 0 },
		{ SOL_SOCKET, SCM_RIGHTS, 20, 0, -1 }, { SOL_SOCKET, SCM_CREDENTIALS, 16, 16, 0 },
		{ SOL_SOCKET, SCM_CREDENTIALS, 20, 24, 0 }, { SOL_SOCKET, 99, 20, 24, 0 }, { SOL_SOCKET, 3, 20, 24, 0 },
		{ SOL_SOCKET, 4, 20, 24, 0 }, { 0, 99, 20, 24, 0 }, { 41, 1, 20, 24, 0 }, { -1, SCM_RIGHTS, 20, 24, 0 },
		{ SOL_SOCKET, SCM_RIGHTS, (size_t)-1, 24, 0 }, { SOL_SOCKET, SCM_RIGHTS, 20, 80, 0 },
		{ SOL_SOCKET, SCM_RIGHTS, 1u << 31, 80, 0 } };

	upair(type, p);
	for (unsigned i = 0; i < sizeof t / sizeof *t; i++) {
		memset(&c, 0, sizeof c);
		c.h = (struct cmsghdr){ .cmsg_len = t[i].len, .cmsg_level = t[i].level, .cmsg_type = t[i].type };
		memcpy(c.d, &t[i].v, 4);
		m.msg_controllen = t[i].room;
		SAY("%u: ", i);
		V(sendmsg(p[0], &m, MSG_DONTWAIT | MSG_NOSIGNAL));
		show("got", 98, 10, 0);
	}
	struct mmsghdr mm = { { .msg_iov = &io, .msg_iovlen = 1 }, 0 };
	V(sendmsg(p[0], &mm.msg_hdr, (int)0x80000000));
	V(recvmsg(p[1], &mm.msg_hdr, (int)0x80000000));
	V(sendmmsg(p[0], &mm, 1, (int)0x80000000));
	V(recvmmsg(p[1], &mm, 1, (int)0x80000000, NULL));
	V(sendmsg(-1, &mm.msg_hdr, (int)0x80000000));
	m.msg_control = (void *)8;
	m.msg_controllen = 24;
	V(sendmsg(p[0], &m, MSG_DONTWAIT));
	m.msg_control = NULL;
	V(sendmsg(p[0], &m, MSG_DONTWAIT));
	m.msg_control = &c;
	m.msg_controllen = (size_t)-1;
	V(sendmsg(p[0], &m, MSG_DONTWAIT));
	m.msg_controllen = 1u << 31;
	V(sendmsg(p[0], &m, MSG_DONTWAIT));
	for (unsigned i = 0; i < sizeof other / sizeof *other; i++)
		V(send_fds(p[0], "c", 1, f, 0, &other[i], 0));
	V(send_fds(p[0], "c", 1, f, 2, &me, 0));
	show("both", 98, 10, 0);
	V(send_fds(p[0], "", 0, f, 1, NULL, 0));
	(void)!write(p[0], "later", 5);
	show("none", 98, 10, 0);
	show("later", 98, 10, 0);
}

int main(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 4; i++)
		f[i] = eventfd(0, EFD_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		type = types[i];
		rooms();
		when();
		refused();
	}
	return 0;
}
