/* SPDX-License-Identifier: Apache-2.0 */
/* More of /proc/sys/net: what has several parts, how it is read, and that it acts. ip-sysctl. */
#include "abi.h"
#include "inet.h"
#include "net_sysctl.h"
#include <grp.h>

/* What was set is shown; what was not, not. */
static void set(const char *name, const char *v)
{
	int err = store(name, v);

	SAY("%s := '%s': %s\n", name, v, err ? abi_errno(err) : "ok");
	if (!err)
		show(name);
}

static void ttl(void)
{
	struct sockaddr_in a = loopback(0);
	int s = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	char b[64], c[64];
	struct iovec v = { b, sizeof b };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };

	set("ipv4/ip_default_ttl", "0");
	set("ipv4/ip_default_ttl", "256");
	set("ipv4/ip_default_ttl", "77");
	bind(s, (void *)&a, sizeof a);
	a = name_of(s);
	setsockopt(s, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
	sendto(s, "x", 1, 0, (void *)&a, sizeof a);
	V(recvmsg(s, &m, 0));
	SAY("ttl %d, option %d\n", *(int *)CMSG_DATA(CMSG_FIRSTHDR(&m)), int_opt(s, IPPROTO_IP, IP_TTL));
	on = 9;
	setsockopt(s, IPPROTO_IP, IP_TTL, &on, sizeof on);
	set("ipv4/ip_default_ttl", "0x4e");
	SAY("option %d\n", int_opt(s, IPPROTO_IP, IP_TTL));
	on = -1;
	setsockopt(s, IPPROTO_IP, IP_TTL, &on, sizeof on);
	SAY("option %d\n", int_opt(s, IPPROTO_IP, IP_TTL));
	close(s);
}

static void memory(void)
{
	int s, v = 1 << 30;

	set("ipv4/tcp_rmem", "0 1 2");
	set("ipv4/tcp_rmem", "x");
	set("ipv4/tcp_rmem", "4096 8192 1000000");
	set("ipv4/tcp_rmem", " 5000  9216\n");
	set("ipv4/tcp_rmem", "6000 9x");
	set("ipv4/tcp_rmem", "2147483648");
	show("ipv4/tcp_rmem");
	set("ipv4/tcp_wmem", "4096\t20480\t4194304");
	s = socket(AF_INET, SOCK_STREAM, 0);
	SAY("receive %d send %d\n", int_opt(s, SOL_SOCKET, SO_RCVBUF), int_opt(s, SOL_SOCKET, SO_SNDBUF));
	setsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &v, sizeof v);
	SAY("low %d\n", int_opt(s, SOL_SOCKET, SO_RCVLOWAT));
	close(s);
	set("ipv4/tcp_rmem", "4096 131072 1");
	s = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &v, sizeof v);
	SAY("low %d\n", int_opt(s, SOL_SOCKET, SO_RCVLOWAT));
	close(s);
	set("ipv4/tcp_rmem", "4096 131072 6291456");
	/* Of all name spaces, and only the first one's to set. */
	SAY("%s\n", abi_errno(store("core/rmem_max", "300000")));
	SAY("%s\n", abi_errno(store("core/wmem_default", "300000")));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	v = 300000;
	V(setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &v, sizeof v));
	SAY("%d\n", int_opt(s, SOL_SOCKET, SO_RCVBUF));
	close(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &v, sizeof v));
	V(setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &v, sizeof v));
	SAY("%d %d\n", int_opt(s, SOL_SOCKET, SO_SNDBUF), int_opt(s, SOL_SOCKET, SO_RCVBUF));
	close(s);
}

static void ports(void)
{
	static const char *const texts[] = { "9010-9000", "1-3,4-6,2", "x", "65536", "5,", "5,,6", " 7 ", "8-", "1 2", "3-4-5",
					     "12,13,14", "\n", "20002-20003,20000" };
	struct sockaddr_in a = { .sin_family = AF_INET };
	int s;

	for (unsigned k = 0; k < sizeof texts / sizeof *texts; k++)
		set("ipv4/ip_local_reserved_ports", texts[k]);
	set("ipv4/ip_local_port_range", "20000 20003");
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(bind(s, (void *)&a, sizeof a));
	SAY("port %d\n", ntohs(name_of(s).sin_port));
	V(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a));
	listen(s, 1);
	a = name_of(s);
	V(connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a));
	close(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	a = loopback(0);
	V(bind(s, (void *)&a, sizeof a));
	SAY("port %d\n", ntohs(name_of(s).sin_port));
	a = loopback(20002);
	V(bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&a, sizeof a));
	set("ipv4/ip_local_reserved_ports", "");
	set("ipv4/ip_local_port_range", "32768 60999");
}

static void names(void)
{
	char name[16] = "";
	socklen_t n = sizeof name;
	int s;

	set("ipv4/tcp_congestion_control", "reno\n");
	set("ipv4/tcp_congestion_control", "renox");
	set("ipv4/tcp_congestion_control", " reno");
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n));
	SAY("%s\n", name);
	close(s);
	set("ipv4/tcp_fastopen_key", "1-2-3");
	set("ipv4/tcp_fastopen_key", "1-2-3-4");
	set("ipv4/tcp_fastopen_key", "1-2-3-4,5-6-7-8");
	set("ipv4/tcp_fastopen", "0x203");
	set("ipv4/tcp_fastopen", "-1");
	set("ipv4/tcp_tw_reuse", "1");
	set("ipv4/tcp_tw_reuse", "3");
	set("ipv4/tcp_notsent_lowat", "16384");
	set("ipv4/tcp_notsent_lowat", "-1");
	set("ipv4/tcp_abort_on_overflow", "1");
	set("ipv4/tcp_retries2", "010");
	set("ipv4/tcp_retries2", "5x");
}

static void ping(const char *range, gid_t gid)
{
	int s;

	set("ipv4/ping_group_range", range);
	if (fork()) {
		wait(NULL);
		return;
	}
	if (setgroups(0, NULL) || setresgid(gid, gid, gid))
		_exit(1);
	s = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	SAY("group %d: %s\n", (int)gid, s < 0 ? abi_errno(errno) : "ok");
	s = socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	SAY("group %d: %s\n", (int)gid, s < 0 ? abi_errno(errno) : "ok");
	_exit(0);
}

static void reach6(const char *what)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = in6addr_loopback };
	int s = socket(AF_INET6, SOCK_DGRAM, 0), err = connect(s, (void *)&a, sizeof a) ? errno : 0;

	SAY("%s: connect %s", what, err ? abi_errno(err) : "ok");
	close(s);
	s = socket(AF_INET6, SOCK_STREAM, 0);
	a.sin6_port = 0;
	err = bind(s, (void *)&a, sizeof a) ? errno : 0;
	SAY(", bind %s\n", err ? abi_errno(err) : "ok");
	close(s);
}

int main(void)
{
	if (!own_loopback())
		return 0;
	ttl();
	memory();
	ports();
	names();
	show("ipv4/ping_group_range");
	ping("0 5", 5);
	ping("0 5", 6);
	ping("5 4", 5);
	ping("7", 7);
	ping("0 4294967295", 5);
	ping("-1 5", 5);
	reach6("at first");
	set("ipv6/conf/lo/disable_ipv6", "1");
	reach6("not on lo");
	set("ipv6/conf/lo/disable_ipv6", "0");
	reach6("again");
	set("ipv6/conf/all/disable_ipv6", "1");
	show("ipv6/conf/lo/disable_ipv6");
	show("ipv6/conf/default/disable_ipv6");
	reach6("nowhere");
	set("ipv6/conf/all/disable_ipv6", "0");
	show("ipv6/conf/lo/disable_ipv6");
	reach6("again");
	return 0;
}
