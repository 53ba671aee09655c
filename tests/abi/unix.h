/* SPDX-License-Identifier: Apache-2.0 */
/* unix.h: what the tests of Unix sockets share. */
#ifndef ABI_UNIX_H
#define ABI_UNIX_H
#include "abi.h"
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/epoll.h>

#define CTL 512
struct got { ssize_t n; int err, flags, fds[32], nfds, pidfd; bool cred; struct ucred uc; };

/* "@x" is abstract, "" the bare family. */
static inline socklen_t un(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path, name);
	if (name[0] != '@')
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] ? 1 : 0));
	a->sun_path[0] = 0;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
}
static inline int ubind(int s, const char *name) { struct sockaddr_un a; return bind(s, (void *)&a, un(&a, name)); }
static inline int uconnect(int s, const char *name) { struct sockaddr_un a; return connect(s, (void *)&a, un(&a, name)); }
static inline ssize_t usendto(int s, const char *name, const void *p, size_t n, int flags)
{
	struct sockaddr_un a;
	return sendto(s, p, n, flags, (void *)&a, un(&a, name));
}
static inline int usock(int type) { return socket(AF_UNIX, type, 0); }
static inline void upair(int type, int *s) { if (socketpair(AF_UNIX, type, 0, s)) { perror("socketpair"); exit(2); } }
static inline int ulisten(int type, const char *name, int backlog)
{
	int s = usock(type);
	if (ubind(s, name) || listen(s, backlog)) { perror("listen"); exit(2); }
	return s;
}
static inline int uclient(int type, const char *name)
{
	int s = usock(type);
	if (uconnect(s, name)) { perror("connect"); exit(2); }
	return s;
}
static inline int intopt(int s, int opt)
{
	int v = -77; socklen_t n = sizeof v;
	return getsockopt(s, SOL_SOCKET, opt, &v, &n) ? -1 : v;
}
static inline int setint(int s, int opt, int v) { return setsockopt(s, SOL_SOCKET, opt, &v, sizeof v); }
static inline int settime(int s, int opt, int ms) { struct timeval t = { ms / 1000, ms % 1000 * 1000 }; return setsockopt(s, SOL_SOCKET, opt, &t, sizeof t); }
static inline int revents(int fd, int events) { struct pollfd p = { fd, (short)events, 0 }; poll(&p, 1, 0); return p.revents; }
#define EVERY (POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM | POLLWRBAND | POLLRDBAND)
#define POLL(fd) SAY("poll %s: %x\n", #fd, revents(fd, EVERY))

/* Data with descriptors and, if uc, credentials. */
static inline ssize_t send_fds(int s, const void *p, size_t n, const int *fds, int nfds, const struct ucred *uc, int flags)
{
	char ctl[2048] = "";
	struct iovec io = { (void *)p, n };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	size_t used = 0;
	if (nfds) {
		struct cmsghdr *c = (void *)ctl;
		c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_RIGHTS; c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)nfds);
		used += CMSG_SPACE(sizeof(int) * (size_t)nfds);
	}
	if (uc) {
		struct cmsghdr *c = (void *)(ctl + used);
		c->cmsg_level = SOL_SOCKET; c->cmsg_type = SCM_CREDENTIALS; c->cmsg_len = CMSG_LEN(sizeof *uc);
		memcpy(CMSG_DATA(c), uc, sizeof *uc);
		used += CMSG_SPACE(sizeof *uc);
	}
	if (used) { m.msg_control = ctl; m.msg_controllen = used; }
	return sendmsg(s, &m, flags);
}
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
/* Receives and parses; room: of the control buffer. */
static inline struct got recv_all(int s, void *p, size_t n, size_t room, int flags)
{
	char ctl[2048] = "";
	struct iovec io = { p, n };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = room ? ctl : NULL, .msg_controllen = room };
	struct got g = { .pidfd = -1 };
	g.n = recvmsg(s, &m, flags);
	g.err = g.n < 0 ? errno : 0;
	if (g.n < 0)
		return g;
	g.flags = m.msg_flags;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_type == SCM_RIGHTS) {
			g.nfds = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(g.fds, CMSG_DATA(c), sizeof(int) * (size_t)(g.nfds > 32 ? 32 : g.nfds));
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			g.cred = true;
			memcpy(&g.uc, CMSG_DATA(c), sizeof g.uc);
		} else if (c->cmsg_type == SCM_PIDFD) {
			memcpy(&g.pidfd, CMSG_DATA(c), sizeof(int));
		}
	}
	return g;
}
static inline void say_got(const char *what, struct got g)
{
	if (g.n < 0)
		SAY("%s: %s\n", what, abi_errno(g.err));
	else
		SAY("%s: %zd flags %x fds %d%s\n", what, g.n, g.flags, g.nfds, g.cred ? " cred" : "");
}
static inline void close_got(struct got g) { for (int i = 0; i < g.nfds && i < 32; i++) close(g.fds[i]); if (g.pidfd >= 0) close(g.pidfd); }
#endif
