/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of sockets (classic BPF): what is admitted, what a program sees of UDP, raw and Unix messages, what it
 * leaves of them, and the lock. socket(7), packet(7). */
#include "abi.h"
#include "inet.h"
#include <linux/filter.h>

#define PROG(...) (struct sock_filter[]){ __VA_ARGS__ }, sizeof((struct sock_filter[]){ __VA_ARGS__ }) / sizeof(struct sock_filter)

static int attach(int s, struct sock_filter *f, size_t n)
{
	struct sock_fprog p = { (unsigned short)n, f };

	return setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}

static int take(int s)
{
	char b[200] = { 0 };
	long n = recv(s, b, sizeof b, MSG_DONTWAIT);

	if (n < 0)
		SAY("nothing: %s\n", abi_errno(errno));
	else
		SAY("%ld bytes '%.*s'\n", n, (int)n, b);
	return (int)n;
}

static void admitted(void)
{
	struct sock_fprog p = { 0, NULL };
	struct sock_filter got[4];
	socklen_t n;
	int s = socket(AF_INET, SOCK_DGRAM, 0), one = 1;

	V(setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof one));
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p));
	p.len = 1;
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p));
	V(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p - 1));
	V(attach(s, PROG(BPF_STMT(BPF_LD | BPF_IMM, 1))));
	V(attach(s, PROG(BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), BPF_STMT(BPF_RET | BPF_K, 1))));
	V(attach(s, PROG(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0), BPF_STMT(BPF_RET | BPF_K, 1))));
	V(attach(s, PROG(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 1))));
	V(attach(s, PROG(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), BPF_STMT(BPF_RET | BPF_K, 1))));
	V(attach(s, PROG(BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_K, 1))));
	V(attach(s, PROG(BPF_STMT(0xffff, 16), BPF_STMT(BPF_RET | BPF_K, 1))));
	V(attach(s, PROG(BPF_STMT(BPF_RET | BPF_X, 1))));
	V(attach(s, PROG(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_RET | BPF_A, 0))));
	n = 0;
	V(getsockopt(s, SOL_SOCKET, SO_GET_FILTER, NULL, &n));
	V(n);
	n = 1;
	V(getsockopt(s, SOL_SOCKET, SO_GET_FILTER, got, &n));
	n = 4;
	V(getsockopt(s, SOL_SOCKET, SO_GET_FILTER, got, &n));
	V(n);
	V(got[0].code);
	V(got[1].code);
	V(setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof one));
	V(attach(s, PROG(BPF_STMT(BPF_RET | BPF_K, 1))));
	V(setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof one));
	close(s);
}

static void udp(void)
{
	int p[2], one = 1;

	SAY("udp\n");
	udp_pair(p);
	V(attach(p[1], PROG(BPF_STMT(BPF_RET | BPF_K, 0))));
	V(send(p[0], "dropped", 7, 0));
	take(p[1]);
	V(attach(p[1], PROG(BPF_STMT(BPF_RET | BPF_K, 11))));
	V(send(p[0], "shortened", 9, 0));
	take(p[1]);
	V(attach(p[1], PROG(BPF_STMT(BPF_RET | BPF_K, 2))));
	V(send(p[0], "header", 6, 0));
	take(p[1]);
	/* The first byte of data must be 'y'. */
	V(attach(p[1], PROG(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0u), BPF_STMT(BPF_RET | BPF_K, 0))));
	V(send(p[0], "no", 2, 0));
	V(send(p[0], "yes", 3, 0));
	V(send(p[0], "", 0, 0));
	take(p[1]);
	take(p[1]);
	/* Protocol and source address in the IP header, the length in UDP's. */
	V(attach(p[1], PROG(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (unsigned)SKF_NET_OFF + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 5), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)SKF_NET_OFF + 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x7f000001, 0, 3), BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 12, 0, 1), BPF_STMT(BPF_RET | BPF_K, ~0u), BPF_STMT(BPF_RET | BPF_K, 0))));
	V(send(p[0], "four", 4, 0));
	V(send(p[0], "sixsix", 6, 0));
	take(p[1]);
	take(p[1]);
	/* What is asked by name; x and scratch memory. */
	V(attach(p[1], PROG(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)SKF_AD_OFF + SKF_AD_PROTOCOL),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x800, 0, 7), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)SKF_AD_OFF + SKF_AD_IFINDEX),
		BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_LD | BPF_B | BPF_IND, 8),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 'b'), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0u), BPF_STMT(BPF_RET | BPF_K, 0))));
	V(send(p[0], "abc", 3, 0));
	V(send(p[0], "cab", 3, 0));
	take(p[1]);
	take(p[1]);
	/* Outside: dropped. */
	V(attach(p[1], PROG(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 100), BPF_STMT(BPF_RET | BPF_K, ~0u))));
	V(send(p[0], "short", 5, 0));
	take(p[1]);
	V(setsockopt(p[1], SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof one));
	V(send(p[0], "free", 4, 0));
	take(p[1]);
	close(p[0]);
	close(p[1]);
}

static void local(int type)
{
	int p[2];

	SAY("unix %d\n", type);
	if (socketpair(AF_UNIX, type, 0, p))
		return;
	V(attach(p[1], PROG(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 5), BPF_STMT(BPF_RET | BPF_K, 0))));
	V(send(p[0], "no", 2, 0));
	V(send(p[0], "yes, it is", 10, 0));
	take(p[1]);
	take(p[1]);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	admitted();
	udp();
	local(SOCK_DGRAM);
	local(SOCK_SEQPACKET);
	local(SOCK_STREAM);
	return 0;
}
