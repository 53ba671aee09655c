/* SPDX-License-Identifier: Apache-2.0 */
/* Private to net.c, net_tables.c and net_stat.c: files of /proc/PID/net, one function each. */
#ifndef NACRE_KERNEL_PROC_NET_H
#define NACRE_KERNEL_PROC_NET_H

struct sbuf;
struct task;

#define PID_NET_TABLES(X) \
	X(anycast6) X(dev_mcast) X(fib_trie) X(fib_triestat) X(igmp) X(igmp6) X(ip6_flowlabel) X(ip_mr_cache) \
	X(ip_mr_vif) X(ipv6_route) X(mcfilter) X(mcfilter6) X(netstat) X(protocols) X(psched) X(ptype) \
	X(rt6_stats) X(rt_cache) X(snmp) X(snmp6) X(softnet_stat)

#define PID_NET_DECLARE(name) int pid_net_##name(struct task *t, struct sbuf *s);
PID_NET_TABLES(PID_NET_DECLARE)

#endif
