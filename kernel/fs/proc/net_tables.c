/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of /proc/PID/net that count packets, or what lo does not have.  What packets
 * would have gone over lo is counted; what cannot happen there is 0, but who reads them
 * finds every column.  Layouts as of Linux 6.18. */
#include "kernel/fs/proc/net.h"
#include "kernel/fs/proc/proc.h"
#include "kernel/net/route.h"
#include "kernel/net/settings.h"
#include <linux_abi/netlink.h>

static unsigned words(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text != ' ' && (!text[1] || text[1] == ' ');
	return n;
}

/* "Group: A B C" and a line of values: those given, then zeros. */
static void group(struct sbuf *s, const char *name, const char *columns, const char *values)
{
	sbuf_printf(s, "%s: %s\n%s:%s", name, columns, name, values);
	for (unsigned k = words(values); k < words(columns); k++)
		sbuf_printf(s, " 0");
	sbuf_printf(s, "\n");
}

static const char tcp_ext[] =
	"SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned"
	" OutOfWindowIcmps LockDroppedIcmps ArpFilter TW TWRecycled TWKilled PAWSActive PAWSEstab BeyondWindow"
	" TSEcrRejected PAWSOldAck PAWSTimewait DelayedACKs DelayedACKLocked DelayedACKLost ListenOverflows"
	" ListenDrops TCPHPHits TCPPureAcks TCPHPAcks TCPRenoRecovery TCPSackRecovery TCPSACKReneging"
	" TCPSACKReorder TCPRenoReorder TCPTSReorder TCPFullUndo TCPPartialUndo TCPDSACKUndo TCPLossUndo"
	" TCPLostRetransmit TCPRenoFailures TCPSackFailures TCPLossFailures TCPFastRetrans TCPSlowStartRetrans"
	" TCPTimeouts TCPLossProbes TCPLossProbeRecovery TCPRenoRecoveryFail TCPSackRecoveryFail"
	" TCPRcvCollapsed TCPBacklogCoalesce TCPDSACKOldSent TCPDSACKOfoSent TCPDSACKRecv TCPDSACKOfoRecv"
	" TCPAbortOnData TCPAbortOnClose TCPAbortOnMemory TCPAbortOnTimeout TCPAbortOnLinger TCPAbortFailed"
	" TCPMemoryPressures TCPMemoryPressuresChrono TCPSACKDiscard TCPDSACKIgnoredOld TCPDSACKIgnoredNoUndo"
	" TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure TCPSackShifted TCPSackMerged"
	" TCPSackShiftFallback TCPBacklogDrop PFMemallocDrop TCPMinTTLDrop TCPDeferAcceptDrop"
	" IPReversePathFilter TCPTimeWaitOverflow TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail"
	" TCPRcvCoalesce TCPOFOQueue TCPOFODrop TCPOFOMerge TCPChallengeACK TCPSYNChallenge TCPFastOpenActive"
	" TCPFastOpenActiveFail TCPFastOpenPassive TCPFastOpenPassiveFail TCPFastOpenListenOverflow"
	" TCPFastOpenCookieReqd TCPFastOpenBlackhole TCPSpuriousRtxHostQueues BusyPollRxPackets TCPAutoCorking"
	" TCPFromZeroWindowAdv TCPToZeroWindowAdv TCPWantZeroWindowAdv TCPSynRetrans TCPOrigDataSent"
	" TCPHystartTrainDetect TCPHystartTrainCwnd TCPHystartDelayDetect TCPHystartDelayCwnd"
	" TCPACKSkippedSynRecv TCPACKSkippedPAWS TCPACKSkippedSeq TCPACKSkippedFinWait2 TCPACKSkippedTimeWait"
	" TCPACKSkippedChallenge TCPWinProbe TCPKeepAlive TCPMTUPFail TCPMTUPSuccess TCPDelivered"
	" TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop TCPRcvQDrop TCPWqueueTooBig"
	" TCPFastOpenPassiveAltKey TcpTimeoutRehash TcpDuplicateDataRehash TCPDSACKRecvSegs"
	" TCPDSACKIgnoredDubious TCPMigrateReqSuccess TCPMigrateReqFailure TCPPLBRehash TCPAORequired TCPAOBad"
	" TCPAOKeyNotFound TCPAOGood TCPAODroppedIcmps";
static const char ip_ext[] =
	"InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts OutBcastPkts InOctets OutOctets"
	" InMcastOctets OutMcastOctets InBcastOctets OutBcastOctets InCsumErrors InNoECTPkts InECT1Pkts"
	" InECT0Pkts InCEPkts ReasmOverlaps";

static struct net_tally traffic(struct task *t)
{
	struct netns *ns = task_netns_get(t);
	struct net_tally n;

	net_traffic(ns, &n);
	netns_put(ns);
	return n;
}

#define LL(v) ((unsigned long long)(v))

int pid_net_netstat(struct task *t, struct sbuf *s)
{
	struct net_tally n = traffic(t);
	char values[128];

	group(s, "TcpExt", tcp_ext, "");
	ksnprintf(values, sizeof values, " 0 0 0 0 0 0 %llu %llu 0 0 0 0 0 %llu", LL(n.bytes[0]), LL(n.bytes[0]), LL(n.packets[0]));
	group(s, "IpExt", ip_ext, values);
	return 0;
}

static const char snmp_ip[] =
	"Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards"
	" InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs"
	" FragFails FragCreates OutTransmits";
static const char snmp_icmp[] =
	"InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos"
	" InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors"
	" OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs"
	" OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps";
static const char snmp_udp[] =
	"InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti"
	" MemErrors";

static uint64_t unreachable(const struct net_tally *n, bool v6) { return n->udp[v6].no_ports + n->udplite[v6].no_ports; }

static void udp_group(struct sbuf *s, const char *name, const struct udp_tally *u)
{
	char values[128];

	ksnprintf(values, sizeof values, " %llu %llu %llu %llu %llu", LL(u->in), LL(u->no_ports), LL(u->in_errors), LL(u->out),
		  LL(u->rcvbuf_errors));
	group(s, name, snmp_udp, values);
}

int pid_net_snmp(struct task *t, struct sbuf *s)
{
	struct netns *ns = task_netns_get(t);
	unsigned established = net_count(ns).established;
	int forward = net_setting(ns, SET_ipv4_ip_forward) ? 1 : 2;
	struct net_tally n = traffic(t);
	unsigned long long packets = n.packets[0], icmp = n.echoes[0] + n.replies[0] + unreachable(&n, false);
	char values[256];

	netns_put(ns);
	ksnprintf(values, sizeof values, " %d 64 %llu 0 0 0 0 0 %llu %llu 0 0 0 0 0 0 0 0 0 %llu", forward, packets, packets,
		  packets, packets);
	group(s, "Ip", snmp_ip, values);
	ksnprintf(values, sizeof values, " %llu 0 0 %llu 0 0 0 0 %llu %llu 0 0 0 0 %llu 0 0 0 %llu 0 0 0 0 %llu %llu", icmp,
		  LL(unreachable(&n, false)), LL(n.echoes[0]), LL(n.replies[0]), icmp, LL(unreachable(&n, false)),
		  LL(n.echoes[0]), LL(n.replies[0]));
	group(s, "Icmp", snmp_icmp, values);
	sbuf_printf(s, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab "
		    "InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n"
		    "Tcp: 1 200 120000 -1 %llu %llu %llu %llu %u %llu %llu 0 0 %llu 0\n", LL(n.active_opens), LL(n.passive_opens),
		    LL(n.attempt_fails), LL(n.estab_resets), established, LL(n.tcp_segments), LL(n.tcp_segments),
		    LL(n.out_resets));
	udp_group(s, "Udp", &n.udp[0]);
	udp_group(s, "UdpLite", &n.udplite[0]);
	return 0;
}

static uint64_t counter6(const struct net_tally *n, const char *name, size_t size)
{
	const struct { const char *name; uint64_t v; } known[] = {
		{ "Ip6InReceives", n->packets[1] }, { "Ip6InDelivers", n->packets[1] }, { "Ip6OutRequests", n->packets[1] },
		{ "Ip6OutTransmits", n->packets[1] }, { "Ip6InNoECTPkts", n->packets[1] }, { "Ip6InOctets", n->bytes[1] },
		{ "Ip6OutOctets", n->bytes[1] }, { "Icmp6InMsgs", n->echoes[1] + n->replies[1] + unreachable(n, true) },
		{ "Icmp6OutMsgs", n->echoes[1] + n->replies[1] + unreachable(n, true) },
		{ "Icmp6InDestUnreachs", unreachable(n, true) }, { "Icmp6OutDestUnreachs", unreachable(n, true) },
		{ "Icmp6InEchos", n->echoes[1] }, { "Icmp6OutEchos", n->echoes[1] },
		{ "Icmp6InEchoReplies", n->replies[1] }, { "Icmp6OutEchoReplies", n->replies[1] },
		{ "Udp6InDatagrams", n->udp[1].in }, { "Udp6NoPorts", n->udp[1].no_ports },
		{ "Udp6InErrors", n->udp[1].in_errors }, { "Udp6OutDatagrams", n->udp[1].out },
		{ "Udp6RcvbufErrors", n->udp[1].rcvbuf_errors }, { "UdpLite6InDatagrams", n->udplite[1].in },
		{ "UdpLite6NoPorts", n->udplite[1].no_ports }, { "UdpLite6OutDatagrams", n->udplite[1].out },
	};

	for (unsigned k = 0; k < ARRAY_SIZE(known); k++)
		if (strlen(known[k].name) == size && !memcmp(known[k].name, name, size))
			return known[k].v;
	return 0;
}

/* One counter a line. */
static void each(struct sbuf *s, const char *names, const struct net_tally *t)
{
	while (*names) {
		size_t n = 0;

		while (names[n] && names[n] != ' ')
			n++;
		sbuf_printf(s, "%.*s", (int)n, names);
		for (size_t k = n; k < 32; k++)
			sbuf_printf(s, " ");
		sbuf_printf(s, "\t%llu\n", LL(counter6(t, names, n)));
		names += n + (names[n] == ' ');
	}
}

static const char snmp6[] =
	"Ip6InReceives Ip6InHdrErrors Ip6InTooBigErrors Ip6InNoRoutes Ip6InAddrErrors Ip6InUnknownProtos"
	" Ip6InTruncatedPkts Ip6InDiscards Ip6InDelivers Ip6OutForwDatagrams Ip6OutRequests Ip6OutDiscards"
	" Ip6OutNoRoutes Ip6ReasmTimeout Ip6ReasmReqds Ip6ReasmOKs Ip6ReasmFails Ip6FragOKs Ip6FragFails"
	" Ip6FragCreates Ip6InMcastPkts Ip6OutMcastPkts Ip6InOctets Ip6OutOctets Ip6InMcastOctets"
	" Ip6OutMcastOctets Ip6InBcastOctets Ip6OutBcastOctets Ip6InNoECTPkts Ip6InECT1Pkts Ip6InECT0Pkts"
	" Ip6InCEPkts Ip6OutTransmits Icmp6InMsgs Icmp6InErrors Icmp6OutMsgs Icmp6OutErrors Icmp6InCsumErrors"
	" Icmp6OutRateLimitHost Icmp6InDestUnreachs Icmp6InPktTooBigs Icmp6InTimeExcds Icmp6InParmProblems"
	" Icmp6InEchos Icmp6InEchoReplies Icmp6InGroupMembQueries Icmp6InGroupMembResponses"
	" Icmp6InGroupMembReductions Icmp6InRouterSolicits Icmp6InRouterAdvertisements Icmp6InNeighborSolicits"
	" Icmp6InNeighborAdvertisements Icmp6InRedirects Icmp6InMLDv2Reports Icmp6OutDestUnreachs"
	" Icmp6OutPktTooBigs Icmp6OutTimeExcds Icmp6OutParmProblems Icmp6OutEchos Icmp6OutEchoReplies"
	" Icmp6OutGroupMembQueries Icmp6OutGroupMembResponses Icmp6OutGroupMembReductions"
	" Icmp6OutRouterSolicits Icmp6OutRouterAdvertisements Icmp6OutNeighborSolicits"
	" Icmp6OutNeighborAdvertisements Icmp6OutRedirects Icmp6OutMLDv2Reports Udp6InDatagrams Udp6NoPorts"
	" Udp6InErrors Udp6OutDatagrams Udp6RcvbufErrors Udp6SndbufErrors Udp6InCsumErrors Udp6IgnoredMulti"
	" Udp6MemErrors UdpLite6InDatagrams UdpLite6NoPorts UdpLite6InErrors UdpLite6OutDatagrams"
	" UdpLite6RcvbufErrors UdpLite6SndbufErrors UdpLite6InCsumErrors UdpLite6MemErrors";

int pid_net_snmp6(struct task *t, struct sbuf *s)
{
	struct net_tally n = traffic(t);

	each(s, snmp6, &n);
	return 0;
}

/* ---- multicast: all hosts, which every interface joins ---- */

int pid_net_igmp(struct task *t, struct sbuf *s)
{
	struct netns *ns = task_netns_get(t);

	sbuf_printf(s, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
	if (__atomic_load_n(&ns->lo.up, __ATOMIC_RELAXED))
		sbuf_printf(s, "%d\t%-10s: %5d %7s\n\t\t\t\t%08X %5d %d:%08X\t\t%d\n", LO_INDEX, ns->lo.name, 1, "V3", 0x010000e0,
			    1, 0, 0, 0);
	netns_put(ns);
	return 0;
}

int pid_net_igmp6(struct task *t, struct sbuf *s)
{
	struct netns *ns = task_netns_get(t);

	for (int scope = 2; scope; scope--)
		sbuf_printf(s, "%-4d %-15s ff0%d0000000000000000000000000001 %5d %08X %d\n", LO_INDEX, ns->lo.name, scope, 1,
			    scope == 2 ? 0xc : 8, 0);
	netns_put(ns);
	return 0;
}

/* ---- routes ---- */

struct route6 { struct sbuf *s; uint32_t table; };

static void route6_line(struct sbuf *s, const struct ipaddr *dst, unsigned len, uint32_t metric, unsigned refs, uint32_t flags)
{
	for (unsigned k = 0; k < sizeof dst->b; k++)
		sbuf_printf(s, "%02x", dst->b[k]);
	sbuf_printf(s, " %02x 00000000000000000000000000000000 00 00000000000000000000000000000000 %08x %08x %08x %08x %8s\n", len,
		    metric, refs, 0, flags, "lo");
}

static bool route6(const struct net_rt *r, void *arg)
{
	struct route6 *q = arg;

	if (r->family == AF_INET6 && r->table == q->table && r->type != RTN_MULTICAST)
		route6_line(q->s, &r->dst, r->dst_len, r->metric, r->type == RTN_LOCAL ? 2 : 1,
			    r->type == RTN_LOCAL ? 0x80200001 : 0x00200200);
	return false;
}

/* Each table ends with the entry of what is not found. */
int pid_net_ipv6_route(struct task *t, struct sbuf *s)
{
	struct netns *ns = task_netns_get(t);
	struct route6 q = { s, RT_TABLE_MAIN };
	struct net_address *a;
	struct net_rt *r;

	spin_lock(&ns->lock);
	for (int k = 0; k < 2; k++, q.table = RT_TABLE_LOCAL) {
		if (__atomic_load_n(&ns->lo.up, __ATOMIC_RELAXED))
			list_for_each(a, &ns->addresses, link)
				route_kernel_each(ns, a, route6, &q);
		list_for_each(r, &ns->routes, link)
			(void)route6(r, &q);
		route6_line(s, &ip_any6, 0, UINT32_MAX, 1, 0x00200200);
	}
	spin_unlock(&ns->lock);
	netns_put(ns);
	return 0;
}

/* ---- sockets ---- */

int pid_net_protocols(struct task *t, struct sbuf *s)
{
	struct netns *ns = task_netns_get(t);
	struct net_counts c = net_count(ns);
	const struct { const char *name; unsigned size, sockets; bool slab; const char *calls; } rows[] = {
		{ "PINGv6", 1344, 0, true, "y  y  y  n  n  y  n  n  y  y  y  y  y  y  n  y  y  n" },
		{ "RAWv6", 1344, c.raw6, true, "y  y  y  n  y  y  y  n  y  y  y  y  y  y  y  y  n  n" },
		{ "UDPLITEv6", 1472, 0, true, "y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n" },
		{ "UDPv6", 1472, c.udp6, true, "y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n" },
		{ "TCPv6", 2432, c.tcp6, true, "y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y" },
		{ "UNIX-STREAM", 1152, 0, true, "y  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n" },
		{ "UNIX", 1152, 0, true, "y  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n" },
		{ "UDP-Lite", 1344, 0, true, "y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n" },
		{ "PING", 1016, 0, true, "y  y  y  n  n  y  n  n  y  y  y  y  y  y  n  y  y  n" },
		{ "RAW", 1152, c.raw4, true, "y  y  y  n  y  y  y  n  y  y  y  y  y  y  y  y  n  n" },
		{ "UDP", 1344, c.udp4, true, "y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n" },
		{ "TCP", 2304, c.tcp4, true, "y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y" },
		{ "NETLINK", 1096, 0, false, "n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n" },
	};

	netns_put(ns);
	sbuf_printf(s, "protocol  size sockets  memory press maxhdr  slab module     "
		    "cl co di ac io in de sh ss gs se re bi br ha uh gp em\n");
	for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
		bool tcp = rows[k].name[0] == 'T';

		sbuf_printf(s, "%-9s %4u %6u  %6ld   %-3s %6u   %-3s  %-10s  %s\n", rows[k].name, rows[k].size, rows[k].sockets,
			    tcp ? (long)(c.tcp_bytes >> 12) : -1l, tcp ? "no" : "NI", tcp ? 192u : 0u,
			    rows[k].slab ? "yes" : "no", "kernel", rows[k].calls);
	}
	return 0;
}

/* ---- of which lo, or a kernel that makes no packets, has nothing to tell ---- */

#define TEXT(name, text) \
	int pid_net_##name(__unused_arg struct task *t, struct sbuf *s) { sbuf_printf(s, "%s", text); return 0; }

TEXT(rt_cache,
     "Iface\tDestination\tGateway"
     " \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\tIRTT\tTOS\tHHRef\tHHUptod\tSpecDst"
     "                          \n")
TEXT(dev_mcast, "")
TEXT(mcfilter, "Idx Device        MCA        SRC    INC    EXC\n")
TEXT(mcfilter6, "Idx Device                Multicast Address                   Source Address    INC    EXC\n")
TEXT(ip6_flowlabel, "Label S Owner  Users  Linger Expires  Dst                              Opt\n")
TEXT(ip_mr_cache, "Group    Origin   Iif     Pkts    Bytes    Wrong Oifs\n")
TEXT(ip_mr_vif, "Interface      BytesIn  PktsIn  BytesOut PktsOut Flags Local    Remote\n")
TEXT(psched, "000003e8 00000040 000f4240 3b9aca00\n")
TEXT(anycast6, "")
TEXT(ptype, "Type Device      Function\n0800          ip_rcv\n0806          arp_rcv\n86dd          ipv6_rcv\n")
