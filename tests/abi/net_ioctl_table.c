/* SPDX-License-Identifier: Apache-2.0 */
/* Every request of the sockets' range (0x8910 to 0x89ff) by sockets of several families: for lo, for a link
 * that is not there, with no memory; for root and for an ordinary user. netdevice(7). */
#include "abi.h"
#include "inet.h"

static const struct { const char *name; int family, type; } kinds[] = {
	{ "ipv4", AF_INET, SOCK_DGRAM }, { "tcp", AF_INET, SOCK_STREAM }, { "ipv6", AF_INET6, SOCK_DGRAM },
	{ "unix", AF_UNIX, SOCK_STREAM }, { "netlink", AF_NETLINK, SOCK_RAW },
};

/* What depends on how Linux was built, or opens something. */
static bool left_out(unsigned cmd)
{
	static const unsigned short some[][2] = { { 0x8914, 0x8914 }, { 0x8922, 0x8922 }, { 0x8940, 0x8941 }, { 0x894b, 0x894c }, { 0x8953, 0x8955 },
						  { 0x8982, 0x8983 }, { 0x89a0, 0x89a3 }, { 0x89b0, 0x89b1 }, { 0x89e0, 0x89ef } };

	for (unsigned k = 0; k < sizeof some / sizeof *some; k++)
		if (cmd >= some[k][0] && cmd <= some[k][1])
			return true;
	return false;
}

static const char *one(int s, unsigned cmd, const char *link)
{
	char b[256] = { 0 };

	if (link)
		strcpy(b, link);
	return ioctl(s, cmd, link ? b : NULL) < 0 ? abi_errno(errno) : "ok";
}

static void table(const char *who)
{
	char last[64] = "", line[64];

	for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		int s = socket(kinds[k].family, kinds[k].type, 0);

		for (unsigned cmd = 0x8910; cmd < 0x8a00; cmd++) {
			if (left_out(cmd))
				continue;
			strcpy(line, one(s, cmd, "lo"));
			strcat(line, " ");
			strcat(line, one(s, cmd, "nope0"));
			strcat(line, " ");
			strcat(line, one(s, cmd, NULL));
			if (strcmp(last, line))
				SAY("%s %s from %x: %s\n", who, kinds[k].name, cmd, line);
			strcpy(last, line);
		}
		close(s);
	}
}

/* Linux lets a new address be used a moment after it was given. */
static int bind_when_ready(int s, const struct sockaddr_in6 *a)
{
	int ret;

	for (int k = 0; (ret = bind(s, (const void *)a, sizeof *a)) && errno == EADDRNOTAVAIL && k < 5000; k++)
		usleep(1000);
	return ret;
}

int main(void)
{
	struct { unsigned char addr[16]; unsigned prefix; int index; } r = { { 0x20, 1, 0xd, 0xb8, [15] = 7 }, 64, 1 };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
	int s, v;
	socklen_t n;

	if (!own_loopback())
		return 0;
	table("root");
	/* An IPv6 socket gives addresses. */
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	memcpy(&a.sin6_addr, r.addr, 16);
	V(bind(s, (void *)&a, sizeof a));
	V(ioctl(s, SIOCSIFADDR, &r));
	V(ioctl(s, SIOCSIFADDR, &r));
	V(bind_when_ready(s, &a));
	V(ioctl(s, SIOCDIFADDR, &r));
	V(ioctl(s, SIOCDIFADDR, &r));
	r.prefix = 129;
	V(ioctl(s, SIOCSIFADDR, &r));
	r.index = 5;
	V(ioctl(s, SIOCSIFADDR, &r));
	/* Which CPU a socket's packets came by: none yet. */
	for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		s = socket(kinds[k].family, kinds[k].type, 0);
		SAY("%s: cpu %d, napi %d\n", kinds[k].name, int_opt(s, SOL_SOCKET, SO_INCOMING_CPU),
		    int_opt(s, SOL_SOCKET, SO_INCOMING_NAPI_ID));
		n = sizeof v;
		if (kinds[k].family == AF_INET)
			V(getsockopt(s, IPPROTO_IP, IP_ROUTER_ALERT, &v, &n));
		close(s);
	}
	if (setresuid(1234, 1234, 1234))
		return 1;
	table("user");
	return 0;
}
