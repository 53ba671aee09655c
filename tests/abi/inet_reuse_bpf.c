/* SPDX-License-Identifier: Apache-2.0 */
/* SO_ATTACH_REUSEPORT_CBPF: a program chooses among the sockets that share a port.
 * socket(7). */
#include "abi.h"
#include "inet.h"
#include <linux/filter.h>
#include <poll.h>

#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68
#endif
#define MEMBERS 4

static int by_first_byte(int s)
{
	struct sock_filter f[] = { { BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 }, { BPF_ALU | BPF_SUB | BPF_K, 0, 0, '0' },
				   { BPF_RET | BPF_A, 0, 0, 0 } };
	struct sock_fprog p = { 3, f };

	return setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &p, sizeof p);
}

static int always(int s, unsigned place)
{
	struct sock_filter f[] = { { BPF_RET | BPF_K, 0, 0, place } };
	struct sock_fprog p = { 1, f };

	return setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &p, sizeof p);
}

static int member(int type, struct sockaddr_storage *a, socklen_t n)
{
	int s = socket(inet_family, type, 0), on = 1;

	setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (bind(s, (void *)a, n) || (type == SOCK_STREAM && listen(s, 8)) || getsockname(s, (void *)a, &n))
		_exit(1);
	return s;
}

/* Who of the group has something; it is taken. */
static int who(int *s, int type)
{
	struct pollfd p[MEMBERS];
	char b[16];
	int k;

	for (k = 0; k < MEMBERS; k++)
		p[k] = (struct pollfd){ .fd = s[k], .events = POLLIN };
	if (poll(p, MEMBERS, 1000) != 1)
		return -1;
	for (k = 0; k < MEMBERS; k++)
		if (p[k].revents & POLLIN)
			break;
	if (type == SOCK_STREAM)
		close(accept(s[k], NULL, NULL));
	else
		recv(s[k], b, sizeof b, 0);
	return k;
}

static void udp(void)
{
	struct sockaddr_storage a;
	socklen_t n = loop_name(&a, 0);
	int s[MEMBERS], c = socket(inet_family, SOCK_DGRAM, 0), some = 0;

	for (int k = 0; k < MEMBERS; k++)
		s[k] = -1;
	for (int k = 0; k < 3; k++)
		s[k] = member(SOCK_DGRAM, &a, n);
	V(by_first_byte(s[1]));
	for (const char *p = "0120"; *p; p++) {
		sendto(c, p, 1, 0, (void *)&a, n);
		SAY("%c to %d\n", *p, who(s, SOCK_DGRAM));
	}
	s[3] = member(SOCK_DGRAM, &a, n);       /* gets the program */
	for (const char *p = "3210"; *p; p++) {
		sendto(c, p, 1, 0, (void *)&a, n);
		SAY("%c to %d\n", *p, who(s, SOCK_DGRAM));
	}
	for (const char *p = "4x"; *p; p++) {   /* no such place: somebody gets it */
		sendto(c, p, 1, 0, (void *)&a, n);
		some += who(s, SOCK_DGRAM) >= 0;
	}
	sendto(c, "", 0, 0, (void *)&a, n);     /* a load beyond the end: 0 */
	SAY("somebody: %d, empty to %d\n", some, who(s, SOCK_DGRAM));
	V(always(s[3], 2));
	for (int k = 0; k < 3; k++) {
		sendto(c, "1", 1, 0, (void *)&a, n);
		SAY("to %d\n", who(s, SOCK_DGRAM));
	}
	V(setsockopt(s[0], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &some, sizeof some));
	V(setsockopt(s[1], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &some, sizeof some));
	for (int k = 0; k < MEMBERS; k++)
		close(s[k]);
	close(c);
}

static void tcp(void)
{
	struct sockaddr_storage a;
	socklen_t n = loop_name(&a, 0);
	int s[MEMBERS];

	for (int k = 0; k < MEMBERS; k++)
		s[k] = member(SOCK_STREAM, &a, n);
	for (unsigned place = 0; place < MEMBERS; place++) {
		V(always(s[0], place));
		for (int k = 0; k < 3; k++) {
			int c = socket(inet_family, SOCK_STREAM, 0);

			if (connect(c, (void *)&a, n))
				SAY("no connection\n");
			SAY("to %d\n", who(s, SOCK_STREAM));
			close(c);
		}
	}
	for (int k = 0; k < MEMBERS; k++)
		close(s[k]);
}

static void errors(void)
{
	struct sock_filter wrong[] = { { BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 } };
	struct sock_fprog p = { 1, wrong };
	int s = socket(AF_INET, SOCK_DGRAM, 0), on = 1, fd = open("/dev/null", O_RDONLY), none = 999;

	V(always(s, 0));
	V(setsockopt(s, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &on, sizeof on));
	V(setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
	V(setsockopt(s, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &on, sizeof on));
	V(always(s, 0));                        /* before it is bound */
	V(setsockopt(s, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &on, sizeof on));
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &p, sizeof p));
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &p, sizeof p - 1));
	p.len = 0;
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &p, sizeof p));
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &fd, sizeof fd));
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &none, sizeof none));
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_BPF, &none, sizeof none));
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof fd));
	close(s);
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	V(always(s, 0));
	close(s);
	close(fd);
}

int main(void)
{
	udp();
	tcp();
	inet_family = AF_INET6;
	udp();
	tcp();
	errors();
	return 0;
}
