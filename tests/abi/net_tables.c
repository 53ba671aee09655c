/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/net of a name space with lo only: tables and counters of packets.
 * Which counters there are is a matter of the version: only their form counts. */
#include "abi.h"
#include <net/if.h>

static void show(const char *name)
{
	char path[64], line[4096];
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/net/%s", name);
	f = fopen(path, "r");
	SAY("-- %s%s\n", name, f ? "" : ": none");
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		for (size_t n = strlen(line); n && line[n - 1] == ' '; n--)
			line[n - 1] = 0;
		SAY("%s\n", line);
	}
	if (f)
		fclose(f);
}

static int words(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += *s != ' ' && *s != '\n' && (s[1] == ' ' || s[1] == '\n' || !s[1]);
	return n;
}

/* "Group: names" and "Group: numbers", as many. */
static void pairs(const char *name, const char *groups)
{
	static char a[16384], b[16384];
	char path[64], g[32];
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/net/%s", name);
	f = fopen(path, "r");
	SAY("-- %s%s\n", name, f ? "" : ": none");
	while (f && fgets(a, sizeof a, f) && fgets(b, sizeof b, f)) {
		snprintf(g, sizeof g, "%.*s ", (int)strcspn(a, ":"), a);
		if (strstr(groups, g))
			SAY("%s: %s\n", g, words(a) == words(b) && words(a) > 5 ? "as many" : "not as many");
	}
	if (f)
		fclose(f);
}

static void all(void)
{
	static const char *const tables[] = { "igmp", "igmp6", "ipv6_route", "if_inet6", "icmp", "icmp6", "udplite6", "rt_cache",
					      "dev_mcast", "mcfilter", "mcfilter6", "ip6_flowlabel", "anycast6", "psched", "tcp" };

	for (size_t k = 0; k < sizeof tables / sizeof tables[0]; k++)
		show(tables[k]);
	pairs("netstat", "TcpExt IpExt ");
	pairs("snmp", "Ip Icmp Tcp Udp UdpLite ");
}

int main(void)
{
	struct ifreq r = { .ifr_name = "lo" };

	V(unshare(CLONE_NEWNET));
	if (getuid())
		return 0;
	all();
	r.ifr_flags = IFF_UP;
	V(ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &r));
	all();
	return 0;
}
