/* SPDX-License-Identifier: Apache-2.0 */
/* Extension headers of IPv6 that programs give, for a socket and for a message, and what the
 * receiver is told of them; a socket that becomes one of IPv4. RFC 3542, ipv6(7). */
#include "abi.h"
#include "inet.h"

static const unsigned char pad[8] = { 0, 0, 1, 4 }, skipped[8] = { 0, 0, 0x1e, 4, 'a', 'b', 'c', 'd' },
			   unknown[8] = { 0, 0, 0x5e, 4 }, broken[8] = { 0, 0, 1, 9 }, dirty[8] = { 0, 0, 1, 4, 0, 1 },
			   ones[8] = { 0 }, two[16] = { 0, 1, 0x1e, 6, 1, 2, 3, 4, 5, 6, 1, 4 };

static void set(int s, int opt, const void *h, socklen_t n)
{
	unsigned char b[64];
	socklen_t got = sizeof b;
	int err = setsockopt(s, IPPROTO_IPV6, opt, h, n) ? errno : 0;

	getsockopt(s, IPPROTO_IPV6, opt, b, &got);
	SAY("%d of %d: %s, now", opt, (int)n, err ? abi_errno(err) : "ok");
	for (socklen_t k = 0; k < got; k++)
		SAY(" %02x", b[k]);
	SAY("\n");
}

static void got(int s)
{
	char b[64], c[256];
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
	int n = (int)recvmsg(s, &m, MSG_DONTWAIT);

	if (n < 0) {
		SAY("  nothing: %s\n", abi_errno(errno));
		return;
	}
	SAY("  %d bytes", n);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		SAY(", %d/%d:", h->cmsg_level, h->cmsg_type);
		for (unsigned k = 0; k < h->cmsg_len - CMSG_LEN(0); k++)
			SAY(" %02x", CMSG_DATA(h)[k]);
	}
	SAY("\n");
}

/* A message with up to two headers of its own. */
static void send_with(int s, int r, const char *what, int type, const void *h, size_t n, int type2, const void *h2, size_t n2)
{
	char c[128] = { 0 };
	struct sockaddr_in6 a;
	socklen_t len = sizeof a;
	struct iovec v = { "hello", 5 };
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1, .msg_control = c };
	struct cmsghdr *p = (void *)c;

	getsockname(r, (void *)&a, &len);
	*p = (struct cmsghdr){ CMSG_LEN(n), IPPROTO_IPV6, type };
	memcpy(CMSG_DATA(p), h, n);
	m.msg_controllen = CMSG_SPACE(n);
	if (h2) {
		p = (void *)(c + CMSG_SPACE(n));
		*p = (struct cmsghdr){ CMSG_LEN(n2), IPPROTO_IPV6, type2 };
		memcpy(CMSG_DATA(p), h2, n2);
		m.msg_controllen += CMSG_SPACE(n2);
	}
	n = (size_t)sendmsg(s, &m, 0);
	SAY("%s: %s\n", what, (ssize_t)n < 0 ? abi_errno(errno) : "sent");
	got(r);
}

static void plain(int s, int r, const char *what)
{
	struct sockaddr_in6 a;
	socklen_t n = sizeof a;

	getsockname(r, (void *)&a, &n);
	SAY("%s: %d\n", what, (int)sendto(s, "plain", 5, 0, (void *)&a, sizeof a));
	got(r);
}

static void messages(int r)
{
	static const int wants[] = { IPV6_RECVHOPOPTS, IPV6_RECVDSTOPTS, IPV6_RECVRTHDR };
	int s = socket(AF_INET6, SOCK_DGRAM, 0), on = 1;

	set(s, IPV6_HOPOPTS, pad, 8);
	set(s, IPV6_HOPOPTS, pad, 7);
	set(s, IPV6_HOPOPTS, two, 8);
	set(s, IPV6_DSTOPTS, two, 16);
	set(s, IPV6_RTHDRDSTOPTS, pad, 8);
	set(s, IPV6_RTHDR, pad, 8);
	set(s, IPV6_RTHDR, pad, 0);
	plain(s, r, "nobody asks");
	for (unsigned k = 0; k < sizeof wants / sizeof *wants; k++)
		setsockopt(r, IPPROTO_IPV6, wants[k], &on, sizeof on);
	plain(s, r, "kept");
	set(s, IPV6_HOPOPTS, pad, 0);
	plain(s, r, "one kept");
	send_with(s, r, "its own", IPV6_HOPOPTS, skipped, 8, 0, NULL, 0);
	send_with(s, r, "its own two", IPV6_DSTOPTS, ones, 8, IPV6_HOPOPTS, pad, 8);
	plain(s, r, "kept again");
	set(s, IPV6_DSTOPTS, pad, 0);
	plain(s, r, "none");
	send_with(s, r, "unknown", IPV6_HOPOPTS, unknown, 8, 0, NULL, 0);
	send_with(s, r, "broken", IPV6_DSTOPTS, broken, 8, 0, NULL, 0);
	send_with(s, r, "dirty", IPV6_DSTOPTS, dirty, 8, 0, NULL, 0);
	send_with(s, r, "too short", IPV6_HOPOPTS, two, 8, 0, NULL, 0);
	send_with(s, r, "one byte", IPV6_HOPOPTS, two, 1, 0, NULL, 0);
	send_with(s, r, "twice", IPV6_HOPOPTS, pad, 8, IPV6_HOPOPTS, pad, 8);
	send_with(s, r, "routing", IPV6_RTHDR, pad, 8, 0, NULL, 0);
	on = 0;
	setsockopt(r, IPPROTO_IPV6, IPV6_RECVHOPOPTS, &on, sizeof on);
	send_with(s, r, "one is wanted", IPV6_HOPOPTS, pad, 8, IPV6_DSTOPTS, skipped, 8);
	if (!fork()) {
		if (setresuid(1234, 1234, 1234))
			_exit(1);
		set(s, IPV6_HOPOPTS, pad, 8);
		set(s, IPV6_RTHDR, pad, 0);
		send_with(s, r, "an ordinary user", IPV6_HOPOPTS, pad, 8, 0, NULL, 0);
		_exit(0);
	}
	wait(NULL);
	close(s);
}

/* IPV6_ADDRFORM */
static void become_ipv4(void)
{
	struct sockaddr_storage a;
	int l, s, c, v = AF_INET, six = AF_INET6;
	socklen_t n = sizeof v;

	s = socket(AF_INET6, SOCK_STREAM, 0);
	V(getsockopt(s, IPPROTO_IPV6, 1, &v, &n));
	V(setsockopt(s, IPPROTO_IPV6, 1, &six, sizeof six));
	V(setsockopt(s, IPPROTO_IPV6, 1, &v, sizeof v));
	close(s);
	inet_family = AF_INET6;
	l = listener(1);
	s = dial(l);
	V(setsockopt(s, IPPROTO_IPV6, 1, &v, sizeof v));
	V(getsockopt(s, IPPROTO_IPV6, 1, &v, &n));
	SAY("%d\n", v);
	close(s);
	close(accept(l, NULL, NULL));
	close(l);
	inet_mapped = 1;
	l = listener(1);
	s = dial(l);
	c = accept(l, NULL, NULL);
	v = AF_INET;
	V(setsockopt(s, IPPROTO_IPV6, 1, &v, sizeof v));
	SAY("domain %d, name of %d\n", int_opt(s, SOL_SOCKET, SO_DOMAIN), (int)name_of(s).sin_family);
	V(setsockopt(s, IPPROTO_IPV6, 1, &v, sizeof v));
	n = sizeof a;
	V(getpeername(s, (void *)&a, &n));
	SAY("%d of %d\n", (int)n, a.ss_family);
	V(write(s, "x", 1));
	V(recv(c, &v, 1, 0));
	close(s);
	V(recv(c, &v, 1, 0));
}

int main(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int r;

	if (!own_loopback())
		return 0;
	r = socket(AF_INET6, SOCK_DGRAM, 0);
	V(bind(r, (void *)&a, sizeof a));
	messages(r);
	become_ipv4();
	return 0;
}
