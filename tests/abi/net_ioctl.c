/* SPDX-License-Identifier: Apache-2.0 */
/* Interface requests of sockets, and the libc calls that use them:
 * if_nameindex, getifaddrs. netdevice(7). */
#include "abi.h"
#include "inet.h"
#include "netlink.h"
#include <ifaddrs.h>
#include <linux/sockios.h>

static struct ifreq named(const char *n) { struct ifreq r = { 0 }; strcpy(r.ifr_name, n); return r; }

static void each(int s, const char *name)
{
	static const struct { const char *n; unsigned long c; } g[] = {
		{ "INDEX", SIOCGIFINDEX }, { "FLAGS", SIOCGIFFLAGS }, { "ADDR", SIOCGIFADDR }, { "NETMASK", SIOCGIFNETMASK },
		{ "BRDADDR", SIOCGIFBRDADDR }, { "DSTADDR", SIOCGIFDSTADDR }, { "MTU", SIOCGIFMTU }, { "METRIC", SIOCGIFMETRIC },
		{ "HWADDR", SIOCGIFHWADDR }, { "TXQLEN", SIOCGIFTXQLEN }, { "MAP", SIOCGIFMAP },
	};

	SAY("%s\n", name);
	for (unsigned k = 0; k < sizeof g / sizeof *g; k++) {
		struct ifreq r = named(name);
		int err = ioctl(s, g[k].c, &r) ? errno : 0;

		SAY("%s: ", g[k].n);
		if (err)
			SAY("%s\n", abi_errno(err));
		else if (g[k].c == SIOCGIFFLAGS)
			SAY("%x\n", r.ifr_flags & 0xffff);
		else if (g[k].c == SIOCGIFADDR || g[k].c == SIOCGIFNETMASK || g[k].c == SIOCGIFBRDADDR || g[k].c == SIOCGIFDSTADDR)
			SAY("%d %s\n", r.ifr_addr.sa_family, inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
		else if (g[k].c == SIOCGIFHWADDR)
			SAY("%d\n", r.ifr_hwaddr.sa_family);
		else if (g[k].c == SIOCGIFMAP)
			SAY("ok\n");
		else
			SAY("%d\n", r.ifr_ifindex);
	}
}

static void conf(int s)
{
	struct ifreq r[8];
	struct ifconf c = { .ifc_len = sizeof r, .ifc_req = r };

	V(ioctl(s, SIOCGIFCONF, &c));
	for (int k = 0; k < c.ifc_len / (int)sizeof *r; k++)
		SAY("%s %s\n", r[k].ifr_name, inet_ntoa(((struct sockaddr_in *)&r[k].ifr_addr)->sin_addr));
	c.ifc_len = 10;
	V(ioctl(s, SIOCGIFCONF, &c));
	V(c.ifc_len);
	c.ifc_req = NULL;
	V(ioctl(s, SIOCGIFCONF, &c));
	V(c.ifc_len / (int)sizeof *r);
}

static int set_addr(int s, unsigned long cmd, const char *name, const char *ip)
{
	struct ifreq r = named(name);
	struct sockaddr_in *a = (void *)&r.ifr_addr;

	a->sin_family = AF_INET;
	inet_pton(AF_INET, ip, &a->sin_addr);
	return ioctl(s, cmd, &r);
}

static void libc(void)
{
	struct if_nameindex *n = if_nameindex();
	struct ifaddrs *a, *p;

	for (int k = 0; n && n[k].if_name; k++)
		SAY("%u %s\n", n[k].if_index, n[k].if_name);
	if_freenameindex(n);
	V(if_nametoindex("lo"));
	V(if_nametoindex("nolink"));
	{
		char b[32] = "-";

		OK(if_indextoname(1, b) ? 0 : -1);
		SAY("%s\n", b);
		OK(if_indextoname(77, b) ? 0 : -1);
	}
	V(getifaddrs(&a));
	for (p = a; p; p = p->ifa_next) {
		char ip[64] = "-", mask[64] = "-";

		if (p->ifa_addr && p->ifa_addr->sa_family == AF_INET) {
			inet_ntop(AF_INET, &((struct sockaddr_in *)p->ifa_addr)->sin_addr, ip, sizeof ip);
			inet_ntop(AF_INET, &((struct sockaddr_in *)p->ifa_netmask)->sin_addr, mask, sizeof mask);
		} else if (p->ifa_addr && p->ifa_addr->sa_family == AF_INET6) {
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)p->ifa_addr)->sin6_addr, ip, sizeof ip);
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)p->ifa_netmask)->sin6_addr, mask, sizeof mask);
		}
		SAY("%s family %d flags %x %s %s\n", p->ifa_name, p->ifa_addr ? p->ifa_addr->sa_family : -1, p->ifa_flags, ip, mask);
	}
	freeifaddrs(a);
}

int main(void)
{
	struct ifreq r;
	int s;

	if (!own_net())
		return 0;
	s = socket(AF_INET, SOCK_DGRAM, 0);
	each(s, "lo");
	conf(s);
	libc();
	SAY("up\n");
	r = named("lo");
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	V(ioctl(s, SIOCSIFFLAGS, &r));
	each(s, "lo");
	each(s, "nolink");
	each(s, "lo:1");
	conf(s);
	libc();
	SAY("changes\n");
	r = named("lo");
	r.ifr_mtu = 1400;
	V(ioctl(s, SIOCSIFMTU, &r));
	V(ioctl(s, SIOCGIFMTU, &r));
	V(r.ifr_mtu);
	V(set_addr(s, SIOCSIFADDR, "lo:1", "10.1.2.3"));
	each(s, "lo:1");
	conf(s);
	V(set_addr(s, SIOCSIFNETMASK, "lo:1", "255.255.255.0"));
	each(s, "lo:1");
	V(set_addr(s, SIOCSIFADDR, "lo:1", "0.0.0.0"));
	conf(s);
	SAY("names and numbers\n");
	r = (struct ifreq){ .ifr_ifindex = 1 };
	V(ioctl(s, SIOCGIFNAME, &r));
	SAY("%s\n", r.ifr_name);
	r.ifr_ifindex = 9;
	V(ioctl(s, SIOCGIFNAME, &r));
	r = named("lo");
	V(ioctl(s, SIOCATMARK, &r));
	V(ioctl(s, 0x89ab, &r));
	V(ioctl(s, SIOCGIFFLAGS, NULL));
	V(setresuid(1234, 1234, 1234));
	r = named("lo");
	V(ioctl(s, SIOCSIFFLAGS, &r));
	r.ifr_mtu = 1500;
	V(ioctl(s, SIOCSIFMTU, &r));
	V(set_addr(s, SIOCSIFADDR, "lo", "10.1.2.3"));
	each(s, "lo");
	return 0;
}
