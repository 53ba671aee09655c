/* SPDX-License-Identifier: Apache-2.0 */
/* The network's tables, requests and name spaces at the edges: lines of one width, an alias
 * that goes down, requests that only IPv4 knows, a name space that a mount keeps. */
#include "abi.h"
#include "inet.h"
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sys/mount.h>

static void widths(const char *name)
{
	char path[64], line[512];
	int least = 9999, most = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/net/%s", name);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f)) {
		int n = (int)strlen(line);

		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	SAY("%s: %d to %d\n", name, least, most);
	if (f)
		fclose(f);
}

static int request(int s, unsigned long cmd, const char *name, const char *ip, int flags)
{
	struct ifreq r;
	struct sockaddr_in a = { .sin_family = AF_INET };

	memset(&r, 0, sizeof r);
	strcpy(r.ifr_name, name);
	if (ip) {
		inet_pton(AF_INET, ip, &a.sin_addr);
		memcpy(&r.ifr_addr, &a, sizeof a);
	} else {
		r.ifr_flags = (short)flags;
	}
	return ioctl(s, cmd, &r);
}

static void alias(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	SAY("-- an alias\n");
	V(request(s, SIOCSIFADDR, "lo:1", "10.5.0.1", 0));
	V(request(s, SIOCGIFADDR, "lo:1", NULL, 0));
	V(request(s, SIOCSIFFLAGS, "lo:1", NULL, IFF_UP));
	V(request(s, SIOCGIFADDR, "lo:1", NULL, 0));
	V(request(s, SIOCSIFFLAGS, "lo:1", NULL, 0));
	V(request(s, SIOCGIFADDR, "lo:1", NULL, 0));
	V(request(s, SIOCSIFFLAGS, "lo:1", NULL, 0));
	V(request(s, SIOCGIFADDR, "lo", NULL, 0));
	close(s);
}

static void families(void)
{
	static const int family[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK };

	SAY("-- who knows addresses\n");
	for (unsigned k = 0; k < 4; k++) {
		int s = socket(family[k], family[k] == AF_NETLINK ? SOCK_RAW : SOCK_DGRAM, 0);

		SAY("family %d\n", family[k]);
		V(request(s, SIOCGIFADDR, "lo", NULL, 0));
		V(request(s, SIOCGIFNETMASK, "lo", NULL, 0));
		V(request(s, SIOCGIFFLAGS, "lo", NULL, 0));
		V(request(s, SIOCGIFMTU, "lo", NULL, 0));
		close(s);
	}
}

/* Those of the name space, as lsns(8) finds them. */
static int mounts_of_net(ino_t ino)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char root[64], line[4096];
	int n = 0;

	snprintf(root, sizeof(root), " net:[%lu] ", (unsigned long)ino);
	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, root) && strstr(line, " - nsfs nsfs ");
	if (f)
		fclose(f);
	return n;
}

static void kept(void)
{
	struct stat a, b;
	int f, old = open("/proc/self/ns/net", O_RDONLY);

	SAY("-- a name space and a mount\n");
	enter_tmp();
	V(unshare(CLONE_NEWNS));
	V(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	close(open("name", O_CREAT | O_WRONLY, 0600));
	V(stat("/proc/self/ns/net", &a));
	V(mount("/proc/self/ns/net", "name", NULL, MS_BIND | MS_REC, NULL));
	V(umount2("name", MNT_DETACH));
	V(mount("/proc/self/ns/net", "name", NULL, MS_BIND, NULL));
	V(mount("/proc/self/ns/mnt", "name", NULL, MS_BIND, NULL));
	V(mounts_of_net(a.st_ino));
	V(unshare(CLONE_NEWNET));
	f = open("name", O_RDONLY);
	V(fstat(f, &b));
	V(a.st_ino == b.st_ino);
	V(umount2("name", MNT_DETACH));
	V(setns(f, CLONE_NEWNET));
	V(stat("/proc/self/ns/net", &b));
	V(a.st_ino == b.st_ino);
	V(setns(old, CLONE_NEWNET));
	close(f);
	close(old);
}

int main(void)
{
	int p[2], u;

	if (!own_loopback())
		return 0;
	tcp_pair(p);
	u = socket(AF_INET, SOCK_DGRAM, 0);
	bind(u, (void *)&(struct sockaddr_in){ .sin_family = AF_INET }, sizeof(struct sockaddr_in));
	widths("tcp");
	widths("udp");
	widths("udplite");
	widths("icmp");
	widths("route");
	widths("rt_cache");
	alias();
	families();
	kept();
	return 0;
}
