/* SPDX-License-Identifier: Apache-2.0 */
/* Options in the IPv4 header: IP_OPTIONS, IP_RECVOPTS, IP_RETOPTS. RFC 791, ip(7). */
#include "abi.h"
#include "inet.h"

#define R(what, e) do { errno = 0; long r_ = (long)(e); \
	SAY("%s: %ld %s\n", what, r_, r_ < 0 ? abi_errno(errno) : ""); } while (0)

static void hex(const void *p, size_t n)
{
	for (size_t k = 0; k < n; k++)
		SAY("%02x", ((const unsigned char *)p)[k]);
	SAY("\n");
}

static size_t bytes(const char *h, unsigned char *to)
{
	size_t n = 0;

	for (; h[0] && h[1]; h += 2) {
		unsigned v = 0;

		sscanf(h, "%2x", &v);
		to[n++] = (unsigned char)v;
	}
	return n;
}

static int set(int s, const char *h)
{
	unsigned char b[64];
	size_t n = bytes(h, b);

	return setsockopt(s, IPPROTO_IP, IP_OPTIONS, b, (socklen_t)n);
}

static void get(int s)
{
	unsigned char b[64];
	socklen_t n = sizeof b;

	if (getsockopt(s, IPPROTO_IP, IP_OPTIONS, b, &n)) {
		SAY("  %s\n", abi_errno(errno));
		return;
	}
	SAY("  %u: ", n);
	hex(b, n);
}

/* What came, and its options; of a list of times the pointer and flags only. */
static void came(int s)
{
	char b[64], c[256];
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
	long n;

	msleep(2);
	n = recvmsg(s, &m, MSG_DONTWAIT);
	if (n < 0) {
		SAY("  %s\n", abi_errno(errno));
		return;
	}
	SAY("  came %ld\n", n);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		size_t size = h->cmsg_len - CMSG_LEN(0);

		SAY("  %d %d, %zu: ", h->cmsg_level, h->cmsg_type, size);
		hex(CMSG_DATA(h), CMSG_DATA(h)[0] == 0x44 && size > 4 ? 4 : size);
	}
}

static void decoding(void)
{
	static const char *const forms[] = {
		"", "01", "0101", "01010101", "00", "0001", "44", "4404", "440805000000", "4408050000000000",
		"440c0500000000000000000000", "440c05010000000000000000", "4408050100000000", "07", "0703", "070304",
		"07070400000000", "070b04000000000000000000", "072404", "0707040000000007070400000000", "8302", "830304",
		"83040400", "94040000", "94040001", "940400", "0000ffff", "4404050f", "440405ff", "4402", "440100", "010744",
		"01010101010101010101010101010101010101010101010101010101010101010101010101010101",
		"0101010101010101010101010101010101010101010101010101010101010101010101010101010101", "07040500", "07070300000000",
		"070b0401020304050607080101", "440c0500010203040506070801", "440c0501010203040506070801", "070b0801020304050607080101",
	};
	int s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);

	for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
		R(forms[k], set(s, forms[k]));
		get(s);
	}
	SAY("a stream\n");
	R("set", set(t, "94040000"));
	get(t);
	close(s);
	close(t);
}

static void passing(void)
{
	static const char *const forms[] = { "", "01010101", "94040000", "070704000000000000", "070b04000000000000000000",
					     "070f040000000000000000000000000000", "440c05000000000000000000", "44040500" };
	int s = socket(AF_INET, SOCK_DGRAM, 0), r = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;

	bind(r, (void *)&a, n);
	getsockname(r, (void *)&a, &n);
	for (int mode = 0; mode < 4; mode++) {
		setsockopt(r, IPPROTO_IP, IP_RECVOPTS, &(int){ mode & 1 }, sizeof(int));
		setsockopt(r, IPPROTO_IP, IP_RETOPTS, &(int){ mode >> 1 }, sizeof(int));
		SAY("received as %d\n", mode);
		for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
			R(forms[k], set(s, forms[k]));
			R("send", sendto(s, "abc", 3, 0, (void *)&a, n));
			came(r);
		}
	}
	SAY("for one message\n");
	{
		char c[64] = { 0 };
		struct iovec v = { "xyz", 3 };
		struct msghdr m = { .msg_name = &a, .msg_namelen = n, .msg_iov = &v, .msg_iovlen = 1, .msg_control = c,
				    .msg_controllen = CMSG_SPACE(4) };
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);

		h->cmsg_level = IPPROTO_IP;
		h->cmsg_type = IP_RETOPTS;
		h->cmsg_len = CMSG_LEN(4);
		bytes("94040000", CMSG_DATA(h));
		R("alert", sendmsg(s, &m, 0));
		came(r);
		bytes("07030200", CMSG_DATA(h));
		R("wrong", sendmsg(s, &m, 0));
		h->cmsg_type = IP_RECVOPTS;
		R("not to be sent", sendmsg(s, &m, 0));
		h->cmsg_type = IP_RETOPTS;
		h->cmsg_len = CMSG_LEN(0);
		R("none", sendmsg(s, &m, 0));
		came(r);
	}
	close(s);
	close(r);
}

int main(void)
{
	decoding();
	passing();
	return 0;
}
