/* SPDX-License-Identifier: Apache-2.0 */
/* Names of Unix sockets: paths, abstract, autobind; forms and truncation. */
#include "unix.h"
static void name_of(const char *what, int s, bool peer, size_t room)
{
	struct sockaddr_un a; memset(&a, 'x', sizeof a);
	socklen_t n = (socklen_t)room;
	if ((peer ? getpeername : getsockname)(s, (void *)&a, &n)) { SAY("%s: %s\n", what, abi_errno(errno)); return; }
	SAY("%s: len %d first %d", what, (int)n, room > 2 && n > 2 ? (unsigned char)a.sun_path[0] : -1);
	if (n > 2 && room >= n && a.sun_path[0]) SAY(" '%.108s'", a.sun_path);
	SAY("\n");
}
int main(void)
{
	enter_tmp();
	int s = usock(SOCK_STREAM), t = usock(SOCK_STREAM), p[2];
	struct sockaddr_un a; socklen_t n; char full[200];
	name_of("unbound", s, false, sizeof a); name_of("unconnected", s, true, sizeof a);
	V(ubind(s, "one")); name_of("path", s, false, sizeof a); name_of("path in 4", s, false, 4); name_of("path in 2", s, false, 2);
	V(ubind(s, "two")); V(ubind(s, "one")); V(ubind(t, "one")); V(access("two", F_OK)); V(ubind(s, "nodir/two"));
	V(ubind(s, "")); V(ubind(s, "@abs-again"));
	struct stat st; umask(027); V(stat("one", &st)); SAY("mode %o\n", st.st_mode);
	V(ubind(t, "three")); V(stat("three", &st)); SAY("mode %o\n", st.st_mode); close(t);
	t = usock(SOCK_DGRAM); V(ubind(t, "three")); unlink("three"); V(ubind(t, "three")); close(t);
	t = usock(SOCK_DGRAM); V(ubind(t, "@abi-names-1")); name_of("abstract", t, false, sizeof a);
	int u = usock(SOCK_DGRAM); V(ubind(u, "@abi-names-1")); close(u);
	u = usock(SOCK_STREAM); V(ubind(u, "@abi-names-1")); close(u); close(t);
	u = usock(SOCK_DGRAM); V(ubind(u, "@abi-names-1")); close(u);
	memset(&a, 0, sizeof a); a.sun_family = AF_UNIX; u = usock(SOCK_STREAM); V(bind(u, (void *)&a, 3)); name_of("one NUL", u, false, sizeof a); close(u);
	u = usock(SOCK_STREAM); V(bind(u, (void *)&a, 2)); name_of("autobind", u, false, sizeof a); n = sizeof a; getsockname(u, (void *)&a, &n);
	SAY("hex %d\n", (int)strspn(a.sun_path + 1, "0123456789abcdef")); V(bind(u, (void *)&a, 2)); close(u);
	u = usock(SOCK_STREAM); memset(&a, 0, sizeof a); a.sun_family = AF_UNIX; V(bind(u, (void *)&a, 0)); V(bind(u, (void *)&a, 1)); V(bind(u, (void *)&a, 111)); V(bind(u, (void *)&a, -1)); V(bind(u, (void *)&a, 200)); V(bind(u, NULL, 10));
	a.sun_family = AF_INET; V(bind(u, (void *)&a, 10)); V(connect(u, (void *)&a, 10)); a.sun_family = 0; V(connect(u, (void *)&a, 10)); V(connect(u, (void *)&a, 1)); V(connect(u, (void *)&a, 2));
	memset(full, 'f', sizeof full); a.sun_family = AF_UNIX; memcpy(a.sun_path, full, 108); V(bind(u, (void *)&a, 110)); name_of("full", u, false, 200); full[108] = 0; V(access(full, F_OK)); close(u);
	/* trailing NULs, embedded NUL */
	u = usock(SOCK_STREAM); memset(&a, 0, sizeof a); a.sun_family = AF_UNIX; memcpy(a.sun_path, "ab\0cd", 5); V(bind(u, (void *)&a, sizeof a)); name_of("embedded", u, false, sizeof a); close(u);
	u = usock(SOCK_STREAM); memset(&a, 0, sizeof a); a.sun_family = AF_UNIX; memcpy(a.sun_path, "noend", 5); V(bind(u, (void *)&a, 2 + 5)); name_of("no NUL", u, false, sizeof a); V(access("noend", F_OK)); close(u);
	/* an abstract name is all of its bytes */
	u = usock(SOCK_DGRAM); t = usock(SOCK_DGRAM); memset(&a, 0, sizeof a); a.sun_family = AF_UNIX; memcpy(a.sun_path, "\0abi-n2", 7); V(bind(u, (void *)&a, 2 + 7)); V(bind(t, (void *)&a, 2 + 8)); V(connect(t, (void *)&a, 2 + 7)); name_of("peer", t, true, sizeof a); close(t); close(u);
	upair(SOCK_STREAM, p); name_of("pair", p[0], false, sizeof a); name_of("pair peer", p[0], true, sizeof a); V(ubind(p[0], "late")); name_of("bound late", p[1], true, sizeof a);
	n = sizeof a; V(getsockname(p[0], NULL, &n)); V(getsockname(p[0], (void *)&a, NULL)); n = (socklen_t)-1; V(getsockname(p[0], (void *)&a, &n)); V(getsockname(0, (void *)&a, &n)); V(getsockname(99, (void *)&a, &n));
	V(symlink("one", "link")); listen(s, 9); u = usock(SOCK_STREAM); V(uconnect(u, "link")); close(u); V(symlink("nowhere", "dangling")); u = usock(SOCK_STREAM); V(ubind(u, "dangling")); V(uconnect(u, "dangling"));
	V(close(open("file", O_CREAT | O_RDWR, 0644))); V(uconnect(u, "file")); V(uconnect(u, ".")); V(ubind(u, "file")); V(open("one", O_RDWR)); V(rename("one", "moved")); V(uconnect(u, "moved")); name_of("moved peer", u, true, sizeof a);
	V(link("moved", "hard")); int w = usock(SOCK_STREAM); V(uconnect(w, "hard")); close(w); close(s); w = usock(SOCK_STREAM); V(uconnect(w, "moved"));
	return 0;
}
