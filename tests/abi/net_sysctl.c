/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sys/net of a network name space: what programs read and set there, and
 * that it acts. ip-sysctl. */
#include "abi.h"
#include "inet.h"
#include "net_sysctl.h"

static void say_set(const char *name, const char *v)
{
	int err = store(name, v);

	SAY("%s := %s: %s\n", name, v, err ? abi_errno(err) : "ok");
	show(name);
}

/* What begins as the name space says, and what only is kept. */
static void kept(void)
{
	static const char *const names[] = {
		"ipv4/tcp_adv_win_scale", "ipv4/tcp_ecn", "ipv4/tcp_retries1", "ipv4/tcp_slow_start_after_idle",
		"ipv4/icmp_ratemask", "ipv4/ip_local_reserved_ports", "ipv4/conf/all/rp_filter", "ipv4/conf/lo/arp_ignore",
		"ipv4/conf/default/forwarding", "ipv4/conf/all/accept_source_route", "ipv4/neigh/lo/gc_stale_time",
		"ipv6/conf/lo/accept_dad", "ipv6/conf/default/mtu", "ipv6/auto_flowlabels",
		"ipv6/conf/all/forwarding", "ipv6/route/gc_timeout", "ipv6/icmp/ratelimit", "ipv6/neigh/lo/locktime",
	};
	struct tcp_info ti;
	socklen_t n = sizeof ti;
	struct sockaddr_in a = { .sin_family = AF_INET };
	int s, v;

	for (unsigned k = 0; k < sizeof names / sizeof names[0]; k++)
		show(names[k]);
	say_set("ipv4/ip_forward", "1");
	say_set("ipv4/conf/all/rp_filter", "2");
	say_set("ipv4/conf/lo/arp_ignore", "-3");
	say_set("ipv4/tcp_early_retrans", "9");
	say_set("ipv4/tcp_mtu_probing", "x");
	say_set("ipv4/tcp_keepalive_time", "100");
	say_set("ipv4/tcp_keepalive_intvl", "7\n");
	say_set("ipv4/tcp_keepalive_probes", "300");
	say_set("ipv4/tcp_syn_retries", "3");
	say_set("core/somaxconn", "16");
	s = socket(AF_INET, SOCK_STREAM, 0);
	for (int opt = TCP_KEEPIDLE; opt <= TCP_SYNCNT; opt++) {
		n = sizeof v;
		V(getsockopt(s, IPPROTO_TCP, opt, &v, &n));
		SAY("option %d: %d\n", opt, v);
	}
	V(bind(s, (void *)&a, sizeof a));
	V(listen(s, 1000));
	n = sizeof ti;
	V(getsockopt(s, IPPROTO_TCP, TCP_INFO, &ti, &n));
	SAY("room for %u\n", ti.tcpi_sacked);
	V(listen(s, -1));
	n = sizeof ti;
	V(getsockopt(s, IPPROTO_TCP, TCP_INFO, &ti, &n));
	SAY("room for %u\n", ti.tcpi_sacked);
	close(s);
}

int main(void)
{
	int s;
	struct sockaddr_in a = { .sin_family = AF_INET };

	if (geteuid() || unshare(CLONE_NEWNET)) {
		SAY("needs root\n");
		return 0;
	}
	show("ipv4/ip_local_port_range");
	show("ipv4/ip_unprivileged_port_start");
	show("ipv4/ip_forward");
	show("ipv4/tcp_fin_timeout");
	show("ipv4/tcp_syncookies");
	show("ipv4/tcp_tw_reuse");
	show("ipv4/tcp_keepalive_time");
	show("ipv4/tcp_keepalive_intvl");
	show("ipv4/tcp_keepalive_probes");
	show("ipv4/tcp_retries2");
	show("ipv4/tcp_syn_retries");
	show("ipv4/tcp_fastopen");
	show("ipv4/tcp_timestamps");
	show("ipv4/tcp_sack");
	show("ipv4/tcp_window_scaling");
	show("ipv4/ip_default_ttl");
	show("ipv4/ip_nonlocal_bind");
	show("core/somaxconn");
	show("ipv6/conf/all/disable_ipv6");
	show("ipv6/bindv6only");
	say_set("ipv4/ip_local_port_range", "40000 40001");
	say_set("ipv4/ip_local_port_range", "5 4");
	say_set("ipv4/ip_local_port_range", "x");
	say_set("ipv4/ip_local_port_range", "0 100");
	for (int i = 0; i < 3; i++) {
		s = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(s, (void *)&a, sizeof a))
			SAY("%s\n", abi_errno(errno));
		else
			SAY("in range %d\n", ntohs(name_of(s).sin_port) / 2 == 20000);
	}
	say_set("ipv4/ip_unprivileged_port_start", "80");
	say_set("ipv4/ip_unprivileged_port_start", "70000");
	kept();
	if (setresuid(1234, 1234, 1234))
		return 1;
	a.sin_port = htons(80);
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(bind(s, (void *)&a, sizeof a));
	a.sin_port = htons(79);
	s = socket(AF_INET, SOCK_STREAM, 0);
	V(bind(s, (void *)&a, sizeof a));
	SAY("an ordinary user: %s\n", abi_errno(store("ipv4/ip_local_port_range", "30000 40000")));
	return 0;
}
