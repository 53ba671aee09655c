/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes of what has no name: sockets tell their protocol's. */
#include "abi.h"
#include <netinet/in.h>
#include <sys/xattr.h>

static void all(const char *what, int fd)
{
	char b[64] = "", link[64];

	SAY("-- %s\n", what);
	V(fgetxattr(fd, "system.sockprotoname", b, sizeof b));
	SAY("%s\n", b);
	V(fgetxattr(fd, "system.sockprotoname", b, 0));
	V(fgetxattr(fd, "system.sockprotoname", b, 2));
	V(fgetxattr(fd, "system.other", b, sizeof b));
	V(fgetxattr(fd, "user.x", b, sizeof b));
	V(fgetxattr(fd, "nothing", b, sizeof b));
	memset(b, 0, sizeof b);
	V(flistxattr(fd, NULL, 0));
	V(flistxattr(fd, b, sizeof b));
	SAY("%s\n", b);
	V(flistxattr(fd, b, 3));
	V(fsetxattr(fd, "user.x", "1", 1, 0));
	V(fsetxattr(fd, "system.sockprotoname", "1", 1, 0));
	V(fsetxattr(fd, "system.other", "1", 1, 0));
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	memset(b, 0, sizeof b);
	V(getxattr(link, "system.sockprotoname", b, sizeof b));
	SAY("%s\n", b);
	V(getxattr(link, "user.x", b, sizeof b));
	V(listxattr(link, b, sizeof b));
	V(setxattr(link, "user.x", "1", 1, 0));
	V(setxattr(link, "system.sockprotoname", "1", 1, 0));
	V(lgetxattr(link, "system.sockprotoname", b, sizeof b));
	V(fremovexattr(fd, "user.x"));
	V(fremovexattr(fd, "system.sockprotoname"));
	close(fd);
}

int main(void)
{
	int p[2];

	all("unix stream", socket(AF_UNIX, SOCK_STREAM, 0));
	all("unix datagram", socket(AF_UNIX, SOCK_DGRAM, 0));
	all("tcp", socket(AF_INET, SOCK_STREAM, 0));
	all("tcp6", socket(AF_INET6, SOCK_STREAM, 0));
	all("udp", socket(AF_INET, SOCK_DGRAM, 0));
	all("udplite6", socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE));
	all("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	V(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p));
	all("pair", p[0]);
	V(pipe(p));
	all("pipe", p[0]);
	return 0;
}
