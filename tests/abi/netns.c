/* SPDX-License-Identifier: Apache-2.0 */
/* Network name spaces: unshare, setns, what /proc shows of them, sockets that
 * stay where they were made. network_namespaces(7). */
#include "abi.h"
#include "inet.h"
#include <net/if.h>

static ino_t ns_of(pid_t p)
{
	char path[64];
	struct stat st = { 0 };

	snprintf(path, sizeof path, "/proc/%d/ns/net", p);
	return stat(path, &st) ? 0 : st.st_ino;
}

static int lines(const char *path)
{
	FILE *f = fopen(path, "r");
	char b[512];
	int n = 0;

	if (!f)
		return -1;
	while (fgets(b, sizeof b, f))
		n++;
	fclose(f);
	return n;
}

static int listeners(pid_t p)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/net/tcp", p);
	return lines(path) - 1;
}

static void up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
}

int main(void)
{
	ino_t first = ns_of(getpid()), second;
	int fd, l, m, go[2], back[2], s;
	struct sockaddr_in a;
	char link[64] = "", x;
	pid_t c;

	V(readlink("/proc/self/ns/net", link, sizeof link) > 5);
	V(!strncmp(link, "net:[", 5));
	if (geteuid()) {
		V(unshare(CLONE_NEWNET));
		fd = open("/proc/self/ns/net", O_RDONLY);
		V(setns(fd, CLONE_NEWNET));
		return 0;
	}
	fd = open("/proc/self/ns/net", O_RDONLY);
	V(unshare(CLONE_NEWNET));
	second = ns_of(getpid());
	V(first != second);
	V(setns(fd, CLONE_NEWUTS));
	V(setns(fd, 0));
	V(ns_of(getpid()) == first);
	V(setns(0, CLONE_NEWNET));
	V(setns(-1, CLONE_NEWNET));
	V(unshare(CLONE_NEWNET));
	V(lines("/proc/net/dev"));
	V(lines("/proc/net/tcp"));
	V(lines("/proc/net/route"));
	V(lines("/proc/net/if_inet6"));
	s = socket(AF_INET, SOCK_STREAM, 0);
	a = loopback(1);
	V(connect(s, (void *)&a, sizeof a));
	close(s);
	up();
	V(lines("/proc/net/if_inet6"));
	l = listener(3);
	a = name_of(l);
	SAY("a child in a space of its own\n");
	pipe(go);
	pipe(back);
	fflush(stdout);
	c = fork();
	if (!c) {
		int t;

		if (unshare(CLONE_NEWNET))
			_exit(1);
		up();
		t = socket(AF_INET, SOCK_STREAM, 0);
		SAY("same port: %s\n", bind(t, (void *)&a, sizeof a) ? abi_errno(errno) : "ok");
		V(listen(t, 1));
		close(t);
		t = socket(AF_INET, SOCK_STREAM, 0);
		SAY("the parent's listener: %s\n", connect(t, (void *)&a, sizeof a) ? abi_errno(errno) : "ok");
		close(t);
		V(listeners(getpid()));
		m = listener(1);
		m = listener(1);
		write(back[1], "x", 1);
		read(go[0], &x, 1);
		SAY("accept in the parent's listener: %d\n", accept(l, NULL, NULL) >= 0);
		_exit(0);
	}
	read(back[0], &x, 1);
	V(ns_of(c) != ns_of(getpid()));
	V(listeners(getpid()));
	V(listeners(c));
	s = dial(l);
	write(go[1], "x", 1);
	wait_say("child", c);
	close(s);
	SAY("a socket stays where it was made\n");
	V(unshare(CLONE_NEWNET));
	s = socket(AF_INET, SOCK_STREAM, 0);
	SAY("here: %s\n", connect(s, (void *)&a, sizeof a) ? abi_errno(errno) : "ok");
	V(listeners(getpid()));
	{
		struct sockaddr_in b = name_of(l);

		V(b.sin_port == a.sin_port);
	}
	V(setns(fd, CLONE_NEWNET));
	V(ns_of(getpid()) == first);
	return 0;
}
