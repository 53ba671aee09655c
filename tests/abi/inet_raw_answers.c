/* SPDX-License-Identifier: Apache-2.0 */
/* What lo answers to packets that a program made itself: segments for a TCP port, datagrams
 * for a UDP socket and for nobody, checksums of raw IPv6. raw(7), RFC 9293. */
#include "abi.h"
#include "inet.h"
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>

#define SYN 2
#define RST 4
#define ACK 16
#define FIN 1

static uint32_t add(uint32_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t k = 0; k < n; k++)
		sum += k & 1 ? b[k] : (uint32_t)b[k] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The checksum with the pseudo header of a packet from lo to lo. */
static uint16_t sum_of(int v6, int protocol, const void *p, size_t n)
{
	static const uint8_t a6[32] = { [15] = 1, [31] = 1 }, a4[8] = { 127, 0, 0, 1, 127, 0, 0, 1 };

	return fold(add(add((uint32_t)n + (uint32_t)protocol, v6 ? a6 : a4, v6 ? 32 : 8), p, n));
}

static struct sockaddr_storage lo(int v6)
{
	struct sockaddr_storage ss = { .ss_family = v6 ? AF_INET6 : AF_INET };

	if (v6)
		((struct sockaddr_in6 *)&ss)->sin6_addr = in6addr_loopback;
	else
		((struct sockaddr_in *)&ss)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return ss;
}

static socklen_t size_of(int v6) { return v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in); }

/* A socket of some type that has a port. */
static int taken(int v6, int type, uint16_t *ret_port)
{
	struct sockaddr_storage a = lo(v6);
	socklen_t n = sizeof a;
	int s = socket(a.ss_family, type, 0);

	if (bind(s, (void *)&a, size_of(v6)) || getsockname(s, (void *)&a, &n))
		_exit(1);
	*ret_port = ((struct sockaddr_in *)&a)->sin_port;
	return s;
}

/* All that comes, but for what we sent. */
static void answers(int raw, int v6, uint16_t to, uint16_t from)
{
	uint8_t b[2048];
	struct pollfd p = { .fd = raw, .events = POLLIN };
	struct tcphdr t;
	ssize_t n;

	while (poll(&p, 1, 60) == 1) {
		n = recv(raw, b, sizeof b, 0);
		size_t skip = v6 ? 0 : (size_t)(b[0] & 15) * 4;

		if (n < (ssize_t)(skip + sizeof t))
			continue;
		memcpy(&t, b + skip, sizeof t);
		if (t.source == to && t.dest == from)
			SAY("  answer flags %#x seq %s ack %u\n", b[skip + 13] & 0x3f, t.seq ? "some" : "0", ntohl(t.ack_seq));
		else if (t.source == from && t.dest == to && b[skip + 13] & RST)
			SAY("  our own kernel resets\n");
	}
}

static void segment(int raw, int v6, uint16_t to, uint16_t from, int flags, size_t data, const char *what, int spoil)
{
	struct sockaddr_storage a = lo(v6);
	uint8_t b[64] = { 0 };
	struct tcphdr t = { .source = from, .dest = to, .seq = htonl(1000), .ack_seq = htonl(flags & ACK ? 5000 : 0), .doff = 5,
			    .window = htons(1024) };
	size_t n = sizeof t + data;

	memcpy(b, &t, sizeof t);
	b[13] = (uint8_t)flags;
	memcpy(b + 16, &(uint16_t){ sum_of(v6, IPPROTO_TCP, b, n) }, 2);
	b[16] ^= (uint8_t)spoil;
	SAY("%s over %s: %d\n", what, v6 ? "IPv6" : "IPv4", (int)sendto(raw, b, n, 0, (void *)&a, size_of(v6)));
	answers(raw, v6, to, from);
}

static void tcp(int v6)
{
	uint16_t closed, from, port;
	int raw = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_TCP), l = taken(v6, SOCK_STREAM, &port), s, c;

	s = taken(v6, SOCK_STREAM, &closed);    /* bound, and nobody listens */
	c = taken(v6, SOCK_STREAM, &from);
	listen(l, 5);
	segment(raw, v6, closed, from, SYN, 0, "SYN to nobody", 0);
	segment(raw, v6, closed, from, ACK, 0, "ACK to nobody", 0);
	segment(raw, v6, closed, from, FIN, 3, "FIN with data to nobody", 0);
	segment(raw, v6, closed, from, RST, 0, "RST to nobody", 0);
	segment(raw, v6, closed, from, SYN, 0, "SYN with a wrong sum", 1);
	segment(raw, v6, port, from, SYN, 0, "SYN to a listener", 0);
	segment(raw, v6, port, from, ACK, 0, "ACK to a listener", 0);
	segment(raw, v6, port, from, FIN, 0, "FIN to a listener", 0);
	segment(raw, v6, port, from, 0, 0, "nothing to a listener", 0);
	close(raw);
	close(l);
	close(s);
	close(c);
}

static void udp(int v6)
{
	uint16_t port, closed, from;
	int raw = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_UDP), s = taken(v6, SOCK_DGRAM, &port);
	int icmp = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP), c;
	struct { struct udphdr h; char text[6]; } p = { .text = "hello" };
	struct sockaddr_storage a = lo(v6);
	uint8_t b[2048];
	ssize_t n;

	c = taken(v6, SOCK_DGRAM, &closed);
	close(c);
	c = taken(v6, SOCK_DGRAM, &from);
	for (int k = 0; k < 4; k++) {
		p.h = (struct udphdr){ .source = from, .dest = k == 2 ? closed : port, .len = htons(sizeof p - (k == 3)) };
		p.h.check = sum_of(v6, IPPROTO_UDP, &p, sizeof p);
		p.h.check ^= k == 1;
		if (k == 3)
			p.h.check = 0;
		SAY("datagram %d over %s: %d\n", k, v6 ? "IPv6" : "IPv4", (int)sendto(raw, &p, sizeof p, 0, (void *)&a, size_of(v6)));
		n = recv(s, b, sizeof b, MSG_DONTWAIT);
		SAY("  got %d %.5s\n", (int)n, n > 0 ? (char *)b : "");
		while ((n = recv(icmp, b, sizeof b, MSG_DONTWAIT)) > 0) {
			size_t skip = v6 ? 0 : (size_t)(b[0] & 15) * 4;

			SAY("  icmp type %d code %d of %d bytes\n", b[skip], b[skip + 1], (int)(n - (ssize_t)skip));
		}
	}
	/* An ordinary socket's refusal is seen too. */
	((struct sockaddr_in *)&a)->sin_port = closed;
	V(sendto(c, "x", 1, 0, (void *)&a, size_of(v6)));
	n = recv(icmp, b, sizeof b, MSG_DONTWAIT);
	SAY("  icmp of %d bytes\n", (int)n);
	close(raw);
	close(icmp);
	close(s);
	close(c);
}

/* The header of IPv6 is the program's own with IPPROTO_RAW, and by option. */
static void headers6(void)
{
	struct { struct ip6_hdr h; uint8_t echo[16]; } p = { 0 };
	int raw = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW), icmp = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), v = 7;
	struct sockaddr_storage a = lo(1);
	socklen_t n = sizeof v;
	uint8_t b[64];
	ssize_t got;

	p.h.ip6_flow = htonl(6u << 28);
	p.h.ip6_plen = htons(sizeof p.echo);
	p.h.ip6_nxt = IPPROTO_ICMPV6;
	p.h.ip6_hlim = 9;
	p.h.ip6_src = p.h.ip6_dst = in6addr_loopback;
	p.echo[0] = 128;
	memcpy(p.echo + 2, &(uint16_t){ sum_of(1, IPPROTO_ICMPV6, p.echo, sizeof p.echo) }, 2);
	V(getsockopt(raw, IPPROTO_IPV6, 36, &v, &n));
	SAY("HDRINCL %d\n", v);
	V(sendto(raw, &p, sizeof p, 0, (void *)&a, size_of(1)));
	while ((got = recv(icmp, b, sizeof b, MSG_DONTWAIT)) > 0)
		SAY("  %d bytes, type %d, sum %s\n", (int)got, b[0], sum_of(1, IPPROTO_ICMPV6, b, (size_t)got) ? "wrong" : "fine");
	V(sendto(raw, &p, 20, 0, (void *)&a, size_of(1)));
	close(raw);
	raw = socket(AF_INET6, SOCK_RAW, 200);
	V(getsockopt(raw, IPPROTO_IPV6, 36, &v, &n));
	SAY("HDRINCL %d\n", v);
	V(setsockopt(raw, IPPROTO_IPV6, 36, &(int){ 1 }, sizeof v));
	V(sendto(raw, &p, sizeof p, 0, (void *)&a, size_of(1)));
	while ((got = recv(icmp, b, sizeof b, MSG_DONTWAIT)) > 0)
		SAY("  %d bytes, type %d\n", (int)got, b[0]);
	V(setsockopt(raw, IPPROTO_IPV6, 36, &(int){ 0 }, 1));
	close(raw);
	close(icmp);
}

static void checksum6(void)
{
	int s = socket(AF_INET6, SOCK_RAW, 201), t = socket(AF_INET6, SOCK_RAW, 201), icmp = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	static const int values[] = { -1, -7, 0, 1, 2, 3, 6 };
	struct sockaddr_storage a = lo(1);
	uint8_t b[64] = "12345678";
	socklen_t n;
	int v;

	for (unsigned k = 0; k < sizeof values / sizeof values[0]; k++) {
		V(setsockopt(s, k & 1 ? 255 : IPPROTO_IPV6, IPV6_CHECKSUM, &values[k], sizeof values[k]));
		n = sizeof v;
		V(getsockopt(s, IPPROTO_IPV6, IPV6_CHECKSUM, &v, &n));
		SAY("%d shows %d\n", values[k], v);
	}
	V(sendto(s, b, 8, 0, (void *)&a, size_of(1)));
	v = (int)recv(t, b, sizeof b, MSG_DONTWAIT);
	SAY("got %d: %02x%02x\n", v, b[6], b[7]);
	V(sendto(s, b, 7, 0, (void *)&a, size_of(1)));
	V(sendto(t, "broken?!", 8, 0, (void *)&a, size_of(1)));
	SAY("t %d\n", (int)recv(t, b, sizeof b, MSG_DONTWAIT));
	SAY("s %d\n", (int)recv(s, b, sizeof b, MSG_DONTWAIT));        /* its own, which is fine */
	SAY("s %d\n", (int)recv(s, b, sizeof b, MSG_DONTWAIT));        /* and not the broken one */
	V(setsockopt(s, IPPROTO_IPV6, IPV6_CHECKSUM, &v, 2));
	v = 4;
	V(setsockopt(icmp, IPPROTO_IPV6, IPV6_CHECKSUM, &v, sizeof v));
	V(setsockopt(icmp, 255, IPV6_CHECKSUM, &v, sizeof v));
	n = sizeof v;
	V(getsockopt(icmp, IPPROTO_IPV6, IPV6_CHECKSUM, &v, &n));
	SAY("icmp shows %d\n", v);
	close(s);
	close(t);
	close(icmp);
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	V(setsockopt(s, IPPROTO_IPV6, IPV6_CHECKSUM, &v, sizeof v));
	V(setsockopt(s, IPPROTO_IPV6, 36, &v, sizeof v));
	close(s);
}

/* Of connections a raw socket sees the segments. */
static void watch(void)
{
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_TCP), c = socket(AF_INET, SOCK_STREAM, 0), l, syn = 0, data = 0;
	struct sockaddr_storage a = lo(0);
	uint8_t b[256];
	uint16_t port;
	ssize_t n;

	l = taken(0, SOCK_STREAM, &port);
	listen(l, 1);
	((struct sockaddr_in *)&a)->sin_port = port;
	V(connect(c, (void *)&a, size_of(0)));
	V((int)send(c, "hello", 5, 0));
	for (struct pollfd p = { .fd = raw, .events = POLLIN }; poll(&p, 1, 60) == 1;) {
		n = recv(raw, b, sizeof b, 0);
		if (n < 40 || memcmp(b + 22, &port, 2))
			continue;
		syn += b[33] == SYN;
		data += !memcmp(b + n - 5, "hello", 5);
	}
	SAY("seen: %d SYN, %d with data\n", syn, data);
	close(raw);
	close(c);
	close(l);
}

/* Echo requests that nobody is to answer. */
static void echo(void)
{
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), on = 1;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7fffffff) };
	struct icmphdr h = { .type = ICMP_ECHO };
	uint8_t b[256];
	int f;

	h.checksum = fold(add(0, &h, sizeof h));
	V(setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof on));
	for (int k = 0; k < 3; k++) {
		if (k) {
			f = open(k == 1 ? "/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts" : "/proc/sys/net/ipv4/icmp_echo_ignore_all", O_WRONLY);
			V((int)write(f, k == 1 ? "0" : "1", 1));
			close(f);
		}
		V((int)sendto(s, &h, sizeof h, 0, (void *)&a, sizeof a));
		while (recv(s, b, sizeof b, MSG_DONTWAIT) > 0)
			SAY("  type %d from %s\n", b[20], inet_ntoa((struct in_addr){ *(uint32_t *)(void *)(b + 12) }));
	}
	close(s);
}

/* A datagram of IPv6 that is too long for lo. */
static void too_long(void)
{
	static char big[128000];
	struct sockaddr_storage a = lo(1);
	int s, v = IPV6_PMTUDISC_DO, on = 1;

	((struct sockaddr_in6 *)&a)->sin6_port = htons(9);
	for (int k = 0; k < 2; k++) {
		static const size_t sizes[] = { 65488, 65489, 65527, 65528, 127952 };

		for (unsigned j = 0; j < 5; j++) {
			struct sock_extended_err { uint32_t err; uint8_t origin, type, code, pad; uint32_t info, data; } e = { 0 };
			char c[256];
			struct iovec iov = { big, 8 };
			struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };

			s = socket(AF_INET6, SOCK_DGRAM, 0);
			setsockopt(s, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
			if (k)
				setsockopt(s, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v, sizeof v);
			SAY("%zu: %s\n", sizes[j], sendto(s, big, sizes[j], 0, (void *)&a, size_of(1)) < 0 ? abi_errno(errno) : "sent");
			if (recvmsg(s, &m, MSG_ERRQUEUE) >= 0 && CMSG_FIRSTHDR(&m)) {
				memcpy(&e, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof e);
				SAY("  told %s origin %d info %u\n", abi_errno((int)e.err), e.origin, e.info);
			}
			close(s);
		}
	}
}

int main(void)
{
	if (!own_loopback())
		return 0;
	for (int v6 = 0; v6 < 2; v6++) {
		tcp(v6);
		udp(v6);
	}
	headers6();
	checksum6();
	watch();
	echo();
	too_long();
	return 0;
}
