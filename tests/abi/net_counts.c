/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/net/snmp and snmp6 count what sockets do; fib_trie and the link's statistics are
 * there. proc(5), RFC 4022, RFC 4113. */
#include "abi.h"
#include "inet.h"
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/ioctl.h>

/* Group: value of a column. */
static long column(const char *group, const char *name)
{
	char heads[2048], values[2048], *h, *v, *hs, *vs;
	size_t n = strlen(group);
	long ret = -1;
	FILE *f = fopen("/proc/net/snmp", "r");

	while (f && ret < 0 && fgets(heads, sizeof heads, f) && fgets(values, sizeof values, f)) {
		if (strncmp(heads, group, n) || heads[n] != ':')
			continue;
		h = strtok_r(heads, " \n", &hs);
		v = strtok_r(values, " \n", &vs);
		for (; h && v; h = strtok_r(NULL, " \n", &hs), v = strtok_r(NULL, " \n", &vs))
			if (!strcmp(h, name))
				ret = atol(v);
	}
	if (f)
		fclose(f);
	return ret;
}

static long line6(const char *name)
{
	char b[128], key[64];
	long v, ret = -1;
	FILE *f = fopen("/proc/net/snmp6", "r");

	while (f && fgets(b, sizeof b, f))
		if (sscanf(b, "%63s %ld", key, &v) == 2 && !strcmp(key, name))
			ret = v;
	if (f)
		fclose(f);
	return ret;
}

static const struct { const char *group, *name; } watched[] = {
	{ "Tcp", "ActiveOpens" }, { "Tcp", "PassiveOpens" }, { "Tcp", "AttemptFails" }, { "Tcp", "EstabResets" },
	{ "Tcp", "CurrEstab" }, { "Tcp", "OutRsts" }, { "Udp", "InDatagrams" }, { "Udp", "NoPorts" }, { "Udp", "InErrors" },
	{ "Udp", "OutDatagrams" }, { "Udp", "RcvbufErrors" }, { "Icmp", "InDestUnreachs" }, { "Icmp", "OutEchos" },
	{ "Icmp", "InEchoReps" }, { NULL, "Udp6InDatagrams" }, { NULL, "Udp6NoPorts" }, { NULL, "Udp6OutDatagrams" },
	{ NULL, "Icmp6OutDestUnreachs" },
};
#define WATCHED (sizeof watched / sizeof watched[0])
static long last[WATCHED];

static void told(const char *what)
{
	if (what)
		SAY("%s:", what);
	for (unsigned k = 0; k < WATCHED; k++) {
		long v = watched[k].group ? column(watched[k].group, watched[k].name) : line6(watched[k].name);

		if (what && v != last[k])
			SAY(" %s%+ld", watched[k].name, v - last[k]);
		last[k] = v;
	}
	if (what)
		SAY("\n");
}

static void pair(int *ret_c, int *ret_s)
{
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = loopback(0);
	socklen_t n = sizeof a;

	if (bind(l, (void *)&a, n) || listen(l, 4) || getsockname(l, (void *)&a, &n) || connect(c, (void *)&a, n))
		_exit(1);
	*ret_s = accept(l, NULL, NULL);
	*ret_c = c;
	close(l);
}

static void tcp(void)
{
	struct linger at_once = { 1, 0 };
	struct sockaddr_in a = loopback(1);
	int c, s, x = socket(AF_INET, SOCK_STREAM, 0);
	char b[8];

	V(connect(x, (void *)&a, sizeof a));
	close(x);
	told("refused");
	pair(&c, &s);
	told("connected");
	close(c);
	V(read(s, b, 1));
	close(s);
	told("closed");
	pair(&c, &s);
	setsockopt(c, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(c);
	V(read(s, b, 1));
	close(s);
	told("connected and reset");
	pair(&c, &s);
	V(write(c, "abc", 3));
	close(s);
	V(read(c, b, 1));
	close(c);
	told("closed with data unread");
	pair(&c, &s);
	shutdown(s, SHUT_WR);
	V(read(c, b, 1));
	setsockopt(c, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(c);
	close(s);
	told("reset after a FIN");
}

static void udp(int family)
{
	struct sockaddr_storage ss;
	struct sockaddr *a = (void *)&ss;
	int r = socket(family, SOCK_DGRAM, 0), s = socket(family, SOCK_DGRAM, 0), least = 0;
	struct pollfd p = { .fd = r, .events = POLLIN };
	static char big[1000];
	socklen_t n;

	inet_family = family;
	n = loop_name(&ss, 0);
	if (bind(r, a, n) || getsockname(r, a, &n))
		_exit(1);
	V(sendto(s, "a", 1, 0, a, n));
	V(sendto(s, "bc", 2, 0, a, n));
	told("sent");
	poll(&p, 1, 1000);
	V(recv(r, big, sizeof big, MSG_PEEK));
	V(recv(r, big, sizeof big, 0));
	told("one received");
	V(recv(r, big, sizeof big, 0));
	setsockopt(r, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
	for (int k = 0; k < 20; k++)
		sendto(s, big, sizeof big, 0, a, n);
	SAY("lost some: %d, and as many errors: %d\n", column("Udp", "RcvbufErrors") > 0,
	    column("Udp", "RcvbufErrors") == column("Udp", "InErrors"));
	close(r);
	told(NULL);
	V(sendto(s, "a", 1, 0, a, n));
	told("to nobody");
	close(s);
}

static void echo(void)
{
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	struct icmphdr h = { .type = ICMP_ECHO, .checksum = htons(0xf7f8), .un.echo.id = htons(7) };
	struct sockaddr_in a = loopback(0);
	char b[64];

	V(sendto(s, &h, sizeof h, 0, (void *)&a, sizeof a));
	while (recv(s, b, sizeof b, 0) > 20 && b[20] != ICMP_ECHOREPLY)
		;
	told("echo");
	close(s);
}

static void files(void)
{
	static const char *const names[] = {
		"/proc/net/fib_trie", "/proc/net/fib_triestat", "/proc/net/softnet_stat", "/proc/net/stat/rt_cache",
		"/proc/net/rt6_stats", "/sys/class/net/lo/statistics/rx_bytes", "/sys/class/net/lo/tx_queue_len",
		"/sys/class/net/lo/addr_len", "/sys/class/net/lo/uevent", "/sys/class/net/lo/speed",
	};
	char b[64];
	FILE *f;

	for (unsigned k = 0; k < sizeof names / sizeof names[0]; k++) {
		f = fopen(names[k], "r");
		SAY("%s: %s\n", names[k], !f ? "none" : fgets(b, sizeof b, f) ? "text" : abi_errno(errno));
		if (f)
			fclose(f);
	}
	f = fopen("/proc/net/fib_trie", "r");
	while (f && fgets(b, sizeof b, f))
		SAY("%s", b);
	if (f)
		fclose(f);
}

int main(void)
{
	if (!own_loopback())
		return 0;
	told(NULL);
	tcp();
	udp(AF_INET);
	udp(AF_INET6);
	echo();
	files();
	return 0;
}
