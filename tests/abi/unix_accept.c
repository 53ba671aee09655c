/* SPDX-License-Identifier: Apache-2.0 */
/* Names, listening and accepting of Unix sockets as test suites of the system calls try
 * them: repeated and missing steps, lengths of addresses, permissions of the file. */
#include "unix.h"

static int type, abstract;
static const char *name(char which)
{
	static char b[2][48];
	char *p = b[which & 1];

	snprintf(p, sizeof b[0], "%sacc-%08d-%c", abstract ? "@" : "", (int)getpid(), which);
	return p;
}
static void say_name(const char *what, int (*get)(int, struct sockaddr *, socklen_t *), int s, socklen_t room)
{
	struct sockaddr_un a;
	socklen_t n = room;

	memset(&a, 'z', sizeof a);
	if (get(s, (void *)&a, &n)) {
		SAY("%s: %s\n", what, abi_errno(errno));
		return;
	}
	SAY("%s: %u family %d after %d\n", what, n, n >= 2 ? a.sun_family : -1, n < room && n < sizeof a ? ((char *)&a)[n] : 0);
}
static void put(const char *s) { if (!abstract) unlink(s); }

static void steps(void)
{
	int s = usock(type), c = usock(type), d, a;
	struct sockaddr_un u;
	socklen_t n;
	char b[200];

	V(listen(s, 0));
	V(accept(s, NULL, NULL));
	V(ubind(s, name('a')));
	V(ubind(s, name('b')));
	V(accept(s, NULL, NULL));
	V(uconnect(c, name('a')));
	V(listen(s, 5));
	V(listen(s, 10));
	V(listen(s, -1));
	V(listen(s, INT_MAX));
	V(listen(s, 1));
	V(ubind(s, name('b')));
	SAY("accepts %d %d\n", intopt(s, SO_ACCEPTCONN), intopt(c, SO_ACCEPTCONN));
	V(uconnect(s, name('a')));
	V(uconnect(c, name('a')));
	V(uconnect(c, name('a')));
	V(listen(c, 1));
	say_name("own of the unbound", getsockname, c, sizeof u);
	say_name("peer", getpeername, c, sizeof u);
	say_name("peer, little room", getpeername, c, 5);
	say_name("peer, no room", getpeername, c, 0);
	say_name("peer, negative", getpeername, c, (socklen_t)-1);
	say_name("peer of the listener", getpeername, s, sizeof u);
	n = sizeof u;
	V(getpeername(c, NULL, &n));
	V(getpeername(c, (void *)&u, NULL));
	n = (socklen_t)-1;
	V(accept(s, (void *)&u, &n));
	V(fcntl(s, F_SETFL, O_NONBLOCK));
	V(accept(s, NULL, NULL));       /* the failed one took it */
	d = usock(type);
	V(uconnect(d, name('a')));
	n = sizeof b;
	a = accept4(s, (void *)b, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	SAY("length %u flags %x %d\n", n, fcntl(a, F_GETFL), fcntl(a, F_GETFD));
	V(accept4(s, NULL, NULL, 4));
	say_name("own of the accepted", getsockname, a, sizeof u);
	say_name("peer of the accepted", getpeername, a, sizeof u);
	/* Who sends is named when he has a name. */
	send(d, "x", 1, 0);
	n = sizeof u;
	V(recvfrom(a, b, 1, 0, (void *)&u, &n));
	SAY("from %u\n", n);
	send(d, "x", 1, 0);
	V(ubind(d, name('b')));
	send(d, "y", 1, 0);
	n = sizeof u;
	V(recvfrom(a, b, 2, 0, (void *)&u, &n));
	SAY("from %u\n", n);
	n = 3;
	send(d, "z", 1, 0);
	recv(a, b, type == SOCK_STREAM ? 0 : 1, 0);
	V(recvfrom(a, b, 2, 0, (void *)&u, &n));
	SAY("from %u\n", n);
	send(d, "z", 1, 0);
	n = (socklen_t)-1;
	V(recvfrom(a, b, 2, MSG_DONTWAIT, (void *)&u, &n));
	V(recvfrom(a, b, 2, MSG_DONTWAIT, (void *)&u, &n));
	struct msghdr m = { .msg_name = &u, .msg_namelen = 7, .msg_iov = &(struct iovec){ b, 9 }, .msg_iovlen = 1 };
	send(d, "z", 1, 0);
	V(recvmsg(a, &m, 0));
	SAY("named %u\n", m.msg_namelen);
	m.msg_namelen = (socklen_t)-1;
	V(recvmsg(a, &m, MSG_DONTWAIT));
	m.msg_name = NULL;
	m.msg_namelen = 40;
	send(d, "z", 1, 0);
	V(recvmsg(a, &m, 0));
	SAY("named %u\n", m.msg_namelen);
	m.msg_name = (void *)8;
	m.msg_namelen = 40;
	send(d, "z", 1, 0);
	V(recvmsg(a, &m, 0));
	say_name("peer's name later", getpeername, a, sizeof u);
	close(a);
	close(d);
	/* The name lives with the listener, the file longer. */
	close(s);
	V(uconnect(usock(type), name('a')));
	V(ubind(usock(type), name('a')));
	put(name('a'));
	V(ubind(usock(type), name('a')));
	put(name('a'));
	put(name('b'));
}

static void short_queue(void)
{
	struct sockaddr_un u;
	socklen_t n = un(&u, name('q'));
	int s = usock(type), c[6];

	V(bind(s, (void *)&u, n));
	V(listen(s, 0));
	for (int i = 0; i < 4; i++) {
		c[i] = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
		V(connect(c[i], (void *)&u, n));
	}
	settime(c[3], SO_SNDTIMEO, 20);
	fcntl(c[3], F_SETFL, 0);
	V(connect(c[3], (void *)&u, n));
	V(close(accept(s, NULL, NULL)));
	V(connect(c[3], (void *)&u, n));
	V(shutdown(s, SHUT_RD));
	V(connect(c[2], (void *)&u, n));
	V(listen(s, 1));
	V(connect(c[2], (void *)&u, n));
	settime(s, SO_RCVTIMEO, 20);
	V(close(accept(s, NULL, NULL)));
	V(close(accept(s, NULL, NULL)));
	for (int i = 0; i < 4; i++)
		close(c[i]);
	close(s);
	put(name('q'));
}

static void datagrams(void)
{
	int r = usock(SOCK_DGRAM), a = usock(SOCK_DGRAM), b = usock(SOCK_DGRAM);
	char t[16];

	type = SOCK_DGRAM;
	V(listen(r, 0));
	V(accept(r, NULL, NULL));
	V(ubind(r, name('d')));
	V(uconnect(r, name('d')));
	V(send(r, "self", 4, MSG_DONTWAIT));
	V(recv(r, t, 9, MSG_DONTWAIT));
	V(connect(r, (void *)&(struct sockaddr){ AF_UNSPEC, "" }, sizeof(struct sockaddr)));
	V(uconnect(a, name('d')));
	V(uconnect(a, name('d')));
	say_name("peer", getpeername, a, 110);
	V(uconnect(b, name('d')));
	V(send(a, "abc", 3, 0));
	V(shutdown(a, SHUT_WR));
	V(send(a, "abc", 3, MSG_NOSIGNAL));
	V(send(b, "xyz", 3, 0));
	V(recv(r, t, 9, MSG_DONTWAIT));
	V(recv(r, t, 9, MSG_DONTWAIT));
	V(recv(r, t, 9, MSG_DONTWAIT));
	V(write(b, t, 0));
	V(read(r, t, 9));
	V(writev(b, &(struct iovec){ t, 0 }, 1));
	V(recv(r, t, 9, MSG_DONTWAIT));
	V(send(b, t, 0, 0));
	V(recv(r, t, 9, MSG_DONTWAIT));
	V(shutdown(b, SHUT_RDWR));
	POLL(b);
	POLL(r);
	V(shutdown(usock(SOCK_DGRAM), SHUT_RDWR));
	V(send(usock(SOCK_DGRAM), "x", 1, MSG_NOSIGNAL));
	V(write(usock(SOCK_DGRAM), "x", 1));
	setint(r, SO_PASSCRED, 1);
	V(usendto(usock(SOCK_DGRAM), name('d'), "c", 1, 0));
	say_got("with credentials", recv_all(r, t, 9, CTL, 0));
	close(r);
	put(name('d'));
}

static void unconnected(void)
{
	int s = usock(type), l = usock(type);

	ubind(l, name('u'));
	V(usendto(s, name('u'), "x", 1, MSG_NOSIGNAL));
	V(usendto(s, "/foo/bar", "x", 1, MSG_NOSIGNAL));
	V(send(s, "x", 1, MSG_NOSIGNAL));
	V(recv(s, &(char){ 0 }, 1, MSG_DONTWAIT));
	V(shutdown(s, SHUT_WR));
	V(uconnect(s, ""));
	V(uconnect(s, "@nonexistent"));
	V(uconnect(s, "nonexistent"));
	V(uconnect(s, "/tmp"));
	V(uconnect(s, "/dev/null"));
	V(uconnect(s, "/etc/passwd/x"));
	V(connect(s, (void *)&(struct sockaddr){ AF_UNSPEC, "" }, sizeof(struct sockaddr)));
	V(connect(s, (void *)&(struct sockaddr){ AF_INET, "" }, sizeof(struct sockaddr)));
	V(connect(s, NULL, 0));
	V(connect(s, NULL, 110));
	V(connect(s, (void *)8, 200));
	V(bind(s, NULL, 110));
	V(bind(s, (void *)8, 200));
	V(bind(s, (void *)&(struct sockaddr){ AF_INET, "/x" }, sizeof(struct sockaddr)));
	V(bind(s, (void *)&(struct sockaddr){ AF_UNIX, "/x" }, 1));
	V(bind(s, (void *)&(struct sockaddr){ AF_UNIX, "/x" }, 0));
	V(bind(s, (void *)&(struct sockaddr){ AF_UNIX, "/x" }, (socklen_t)-1));
	V(ubind(s, "/some/path/that/does/not/exist"));
	V(ubind(s, "/etc/passwd/x"));
	V(ubind(s, "."));
	V(ubind(s, "/"));
	V(ubind(s, "nodir/"));
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	memset(u.sun_path, 'n', sizeof u.sun_path);
	V(bind(s, (void *)&u, sizeof u + 1));
	V(bind(s, (void *)&u, sizeof u));
	say_name("full name", getsockname, s, 200);
	unlink(memcpy((char[110]){ 0 }, u.sun_path, sizeof u.sun_path));
	put(name('u'));
	/* What follows a zero counts in abstract names only. */
	memset(&u, 0, sizeof u);
	u.sun_family = AF_UNIX;
	snprintf(u.sun_path + abstract, 40, "tail-%08d", (int)getpid());
	s = usock(type);
	l = usock(type);
	V(bind(s, (void *)&u, sizeof u));
	say_name("long", getsockname, s, 200);
	u.sun_path[100] = 'a';
	V(bind(l, (void *)&u, sizeof u));
	say_name("long", getsockname, l, 200);
	u.sun_path[100] = 0;
	l = usock(type);
	V(bind(l, (void *)&u, sizeof u - 1));
	say_name("shorter", getsockname, l, 200);
	put(u.sun_path);
	close(s);
	close(l);
}

static void file_modes(void)
{
	struct stat st;
	int s = usock(type), c = usock(type);

	umask(0123);
	V(fchmod(s, 0765));
	V(fstat(s, &st));
	SAY("mode %o\n", st.st_mode);
	V(ubind(s, "perm"));
	V(stat("perm", &st));
	SAY("mode %o times %d %d size %d links %d\n", st.st_mode, st.st_atim.tv_sec == st.st_mtim.tv_sec,
	    st.st_ctim.tv_sec == st.st_mtim.tv_sec, (int)st.st_size, (int)st.st_nlink);
	V(fstat(s, &st));
	SAY("mode %o\n", st.st_mode);
	umask(022);
	V(open("perm", O_RDONLY));
	V(open("perm", O_RDWR));
	V(open("perm", O_RDONLY | O_NONBLOCK));
	V(close(open("perm", O_PATH)));
	V(open("perm", O_WRONLY | O_TRUNC));
	V(open("perm", O_RDONLY | O_DIRECTORY));
	V(truncate("perm", 0));
	V(access("perm", X_OK));
	if (type != SOCK_DGRAM)
		listen(s, 9);
	chmod("perm", 0500);
	if (getuid())
		V(uconnect(c, "perm"));
	chmod("perm", 0200);
	V(uconnect(c, "perm"));
	V(fchmod(c, 0640));
	V(fchown(c, getuid(), getgid()));
	V(rename("perm", "other"));
	V(uconnect(usock(type), "other"));
	V(link("other", "third"));
	V(uconnect(usock(type), "third"));
	V(symlink("third", "fourth"));
	V(uconnect(usock(type), "fourth"));
	V(ubind(usock(type), "fourth"));
	V(ubind(usock(type), "third"));
	V(unlink("third"));
	V(unlink("other"));
	V(uconnect(usock(type), "fourth"));
	V(ubind(usock(type), "fourth"));
	unlink("fourth");
	mkdir("closed", 0500);
	if (getuid())
		V(ubind(usock(type), "closed/x"));
}

int main(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };

	enter_tmp();
	signal(SIGPIPE, SIG_IGN);
	for (abstract = 0; abstract < 2; abstract++)
		for (int i = 0; i < 3; i++) {
			type = types[i];
			SAY("---- %d type %d\n", abstract, type);
			if (type == SOCK_DGRAM) {
				datagrams();
			} else {
				steps();
				short_queue();
			}
			unconnected();
		}
	for (int i = 0; i < 3; i++) {
		type = types[i];
		file_modes();
	}
	for (int t = -1; t < 12; t++)
		for (int p = -1; p < 3; p++) {
			int s = socket(AF_UNIX, t, p), v[2];

			SAY("type %d protocol %d: %s", t, p, s < 0 ? abi_errno(errno) : "ok");
			SAY(" really %d", intopt(s, SO_TYPE));
			SAY(" pair %s\n", socketpair(AF_UNIX, t, p, v) ? abi_errno(errno) : "ok");
		}
	V(socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
	V(socket(0, SOCK_STREAM, 0));
	V(socket(-1, SOCK_STREAM, 0));
	V(socket(46, SOCK_STREAM, 0));
	V(socket(75, SOCK_STREAM, 0));
	V(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){ 0 }));
	V(socketpair(AF_INET, SOCK_DGRAM, 0, (int[2]){ 0 }));
	V(socketpair(AF_INET, SOCK_DGRAM, 17, (int[2]){ 0 }));
	V(socketpair(AF_INET, 75, 0, (int[2]){ 0 }));
	V(socketpair(0, SOCK_STREAM, 0, (int[2]){ 0 }));
	V(socketpair(75, SOCK_STREAM, 0, (int[2]){ 0 }));
	V(socketpair(AF_INET, SOCK_STREAM, 1, (int[2]){ 0 }));
	V(socketpair(AF_INET, SOCK_RAW, 0, (int[2]){ 0 }));
	V(socketpair(AF_UNIX, SOCK_STREAM, 0, NULL));
	V(socketpair(AF_UNIX, SOCK_STREAM, 0, (void *)7));
	V(socketpair(AF_UNIX, SOCK_STREAM, 0, (void *)-1));
	V(socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, (int[2]){ 0 }));
	return 0;
}
