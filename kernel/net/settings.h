/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h: the numbers of /proc/sys/net that a name space keeps: X(where, name, at
 * first, least, most), as of Linux 6.18 (ip-sysctl).  Few act, as their users say
 * (net_setting()); the others rule what no program can see on lo: retransmission, routing,
 * neighbours, redirects.  What would act and does not is not here, but shown and never
 * taken (kernel/fs/proc/sysctl_net.c).  Source: kernel/net/settings.c. */
#ifndef NACRE_KERNEL_NET_SETTINGS_H
#define NACRE_KERNEL_NET_SETTINGS_H

#include "kernel/net/net.h"

#define ANY INT32_MIN, INT32_MAX
#define SETTINGS_CORE(X, G) \
	X(G, somaxconn, 4096, 0, INT32_MAX) X(G, tstamp_allow_data, 1, 0, 1) X(G, txrehash, 1, 0, 1) \
	X(G, xfrm_acq_expires, 30, ANY) X(G, xfrm_aevent_etime, 10, 0, UINT32_MAX) \
	X(G, xfrm_aevent_rseqth, 2, 0, UINT32_MAX) X(G, xfrm_larval_drop, 1, ANY)

#define SETTINGS_IPV4(X, G) \
	X(G, fib_multipath_hash_fields, 7, 0, 4095) X(G, fib_multipath_hash_policy, 0, 0, 3) \
	X(G, fib_multipath_hash_seed, 0, 0, UINT32_MAX) X(G, fib_multipath_use_neigh, 0, 0, 1) X(G, fib_notify_on_flag_change, 0, 0, 2) \
	X(G, fwmark_reflect, 0, 0, 255) X(G, icmp_echo_enable_probe, 0, 0, 1) X(G, icmp_echo_ignore_all, 0, 0, 1) \
	X(G, icmp_echo_ignore_broadcasts, 1, 0, 1) X(G, icmp_errors_use_inbound_ifaddr, 0, 0, 1) \
	X(G, icmp_ignore_bogus_error_responses, 1, 0, 1) X(G, icmp_msgs_burst, 50, 0, INT32_MAX) \
	X(G, icmp_msgs_per_sec, 1000, 0, INT32_MAX) X(G, icmp_ratelimit, 1000, 0, INT32_MAX) \
	X(G, icmp_ratemask, 6168, ANY) X(G, igmp_link_local_mcast_reports, 1, 0, 255) \
	X(G, igmp_qrv, 2, 1, INT32_MAX) X(G, ip_autobind_reuse, 0, 0, 1) X(G, ip_dynaddr, 0, 0, 255) \
	X(G, ip_early_demux, 1, 0, 255) X(G, ip_forward, 0, ANY) X(G, ip_forward_update_priority, 1, 0, 1) \
	X(G, ip_forward_use_pmtu, 0, 0, 255) X(G, ip_no_pmtu_disc, 0, 0, 255) \
	X(G, ipfrag_high_thresh, 4194304, 3145728, INT64_MAX) X(G, ipfrag_low_thresh, 3145728, 0, 4194304) \
	X(G, ipfrag_max_dist, 64, 0, INT32_MAX) X(G, ipfrag_time, 30, 0, INT32_MAX) \
	X(G, nexthop_compat_mode, 1, 0, 255) X(G, raw_l3mdev_accept, 1, 0, 1) \
	X(G, tcp_adv_win_scale, 1, -31, 31) X(G, tcp_app_win, 31, 0, 31) \
	X(G, tcp_autocorking, 1, 0, 255) X(G, tcp_backlog_ack_defer, 1, 0, 1) \
	X(G, tcp_base_mss, 1024, 0, INT32_MAX) X(G, tcp_challenge_ack_limit, INT32_MAX, 0, INT32_MAX) \
	X(G, tcp_child_ehash_entries, 0, 0, 16777216) X(G, tcp_comp_sack_delay_ns, 1000000, 0, INT64_MAX) \
	X(G, tcp_comp_sack_nr, 44, 0, 255) X(G, tcp_comp_sack_slack_ns, 100000, 0, INT64_MAX) \
	X(G, tcp_dsack, 1, 0, 255) X(G, tcp_early_demux, 1, 0, 255) X(G, tcp_early_retrans, 3, 0, 4) \
	X(G, tcp_ecn, 2, 0, 5) X(G, tcp_ecn_fallback, 1, 0, 1) X(G, tcp_ecn_option, 2, 0, 2) X(G, tcp_ecn_option_beacon, 3, 0, 3) \
	X(G, tcp_fastopen, 1, ANY) X(G, tcp_fack, 0, 0, 255) \
	X(G, tcp_fastopen_blackhole_timeout_sec, 0, 0, INT32_MAX) X(G, tcp_fin_timeout, 60, 0, INT32_MAX) \
	X(G, tcp_frto, 2, 0, 255) X(G, tcp_fwmark_accept, 0, 0, 255) X(G, tcp_invalid_ratelimit, 500, 0, INT32_MAX) \
	X(G, tcp_keepalive_intvl, 75, 0, INT32_MAX) X(G, tcp_keepalive_probes, 9, 0, 255) \
	X(G, tcp_keepalive_time, 7200, 0, INT32_MAX) X(G, tcp_l3mdev_accept, 0, 0, 1) \
	X(G, tcp_limit_output_bytes, 4194304, 0, INT32_MAX) X(G, tcp_max_reordering, 300, 0, INT32_MAX) \
	X(G, tcp_max_syn_backlog, 4096, 0, INT32_MAX) X(G, tcp_max_tw_buckets, 131072, 0, INT32_MAX) \
	X(G, tcp_migrate_req, 0, 0, 1) X(G, tcp_min_rtt_wlen, 300, 0, 86400) X(G, tcp_min_snd_mss, 48, 48, 65535) \
	X(G, tcp_min_tso_segs, 2, 1, 255) X(G, tcp_moderate_rcvbuf, 1, 0, 255) \
	X(G, tcp_mtu_probe_floor, 48, 48, 65535) X(G, tcp_mtu_probing, 0, 0, 255) \
	X(G, tcp_abort_on_overflow, 0, 0, 255) X(G, tcp_no_metrics_save, 0, 0, 255) X(G, tcp_no_ssthresh_metrics_save, 1, 0, 1) \
	X(G, tcp_notsent_lowat, UINT32_MAX, 0, UINT32_MAX) X(G, tcp_orphan_retries, 0, 0, 255) \
	X(G, tcp_pacing_ca_ratio, 120, 0, 1000) X(G, tcp_pacing_ss_ratio, 200, 0, 1000) \
	X(G, tcp_pingpong_thresh, 1, 1, 255) X(G, tcp_plb_cong_thresh, 128, 0, 256) X(G, tcp_plb_enabled, 0, 0, 1) \
	X(G, tcp_plb_idle_rehash_rounds, 3, 0, 31) X(G, tcp_plb_rehash_rounds, 12, 0, 31) \
	X(G, tcp_plb_suspend_rto_sec, 60, 0, 255) X(G, tcp_probe_interval, 600, 0, UINT32_MAX) \
	X(G, tcp_probe_threshold, 8, 0, INT32_MAX) X(G, tcp_recovery, 1, 0, 255) X(G, tcp_reflect_tos, 0, 0, 1) \
	X(G, tcp_reordering, 3, 0, INT32_MAX) X(G, tcp_retrans_collapse, 1, 0, 255) X(G, tcp_retries1, 3, 0, 255) \
	X(G, tcp_retries2, 15, 0, 255) X(G, tcp_rfc1337, 0, 0, 255) \
	X(G, tcp_rto_max_ms, 120000, 1000, 120000) X(G, tcp_rto_min_us, 200000, 1, INT32_MAX) X(G, tcp_sack, 1, 0, 255) \
	X(G, tcp_shrink_window, 0, 0, 1) X(G, tcp_slow_start_after_idle, 1, 0, 255) \
	X(G, tcp_syn_linear_timeouts, 4, 0, 127) X(G, tcp_syn_retries, 6, 1, 127) \
	X(G, tcp_synack_retries, 5, 0, 255) X(G, tcp_syncookies, 1, 0, 255) \
	X(G, tcp_thin_linear_timeouts, 0, 0, 255) X(G, tcp_timestamps, 1, 0, 255) X(G, tcp_tso_rtt_log, 9, 0, 255) \
	X(G, tcp_tso_win_divisor, 3, 0, 255) \
	X(G, tcp_tw_reuse, 2, 0, 2) X(G, tcp_tw_reuse_delay, 1000, 1, 60000) X(G, tcp_window_scaling, 1, 0, 255) \
	X(G, tcp_workaround_signed_windows, 0, 0, 255) X(G, udp_child_hash_entries, 0, 0, 65536) \
	X(G, udp_early_demux, 1, 0, 255) X(G, udp_l3mdev_accept, 0, 0, 1) X(G, udp_rmem_min, 4096, 1, INT32_MAX) \
	X(G, udp_wmem_min, 4096, 1, INT32_MAX) X(G, xfrm4_gc_thresh, 32768, ANY)

#define SETTINGS_ROUTE4(X, G) \
	X(G, min_adv_mss, 256, ANY) X(G, min_pmtu, 552, 68, INT32_MAX) X(G, mtu_expires, 600, 0, INT32_MAX)

/* Of net.ipv4.conf.{all,default,lo}. */
#define SETTINGS_CONF4(X, G) \
	X(G, accept_local, 0, ANY) X(G, accept_redirects, 1, ANY) X(G, accept_source_route, 1, ANY) \
	X(G, arp_accept, 0, ANY) X(G, arp_announce, 0, ANY) X(G, arp_evict_nocarrier, 1, ANY) \
	X(G, arp_filter, 0, ANY) X(G, arp_ignore, 0, ANY) X(G, arp_notify, 0, ANY) X(G, bc_forwarding, 0, ANY) \
	X(G, bootp_relay, 0, ANY) X(G, disable_policy, 1, ANY) X(G, disable_xfrm, 1, ANY) \
	X(G, drop_gratuitous_arp, 0, ANY) X(G, drop_unicast_in_l2_multicast, 0, ANY) \
	X(G, force_igmp_version, 0, ANY) X(G, forwarding, 0, ANY) \
	X(G, igmpv2_unsolicited_report_interval, 10000, ANY) X(G, igmpv3_unsolicited_report_interval, 1000, ANY) \
	X(G, ignore_routes_with_linkdown, 0, ANY) X(G, log_martians, 0, ANY) X(G, medium_id, 0, ANY) \
	X(G, promote_secondaries, 0, ANY) X(G, proxy_arp, 0, ANY) X(G, proxy_arp_pvlan, 0, ANY) \
	X(G, route_localnet, 0, ANY) X(G, rp_filter, 0, ANY) X(G, secure_redirects, 1, ANY) \
	X(G, send_redirects, 1, ANY) X(G, shared_media, 1, ANY) X(G, src_valid_mark, 0, ANY) X(G, tag, 0, ANY)

#define SETTINGS_IPV6(X, G) \
	X(G, anycast_src_echo_reply, 0, 0, 1) X(G, auto_flowlabels, 1, 0, 3) \
	X(G, fib_multipath_hash_fields, 7, 0, 4095) X(G, fib_multipath_hash_policy, 0, 0, 3) \
	X(G, fib_notify_on_flag_change, 0, 0, 2) X(G, flowlabel_consistency, 1, 0, 1) \
	X(G, flowlabel_reflect, 0, 0, 7) X(G, flowlabel_state_ranges, 0, 0, 1) X(G, fwmark_reflect, 0, 0, 1) \
	X(G, idgen_delay, 1, 0, INT32_MAX) X(G, idgen_retries, 3, ANY) X(G, ioam6_id, 16777215, 0, 16777215) \
	X(G, ioam6_id_wide, (1ll << 56) - 1, 0, (1ll << 56) - 1) \
	X(G, ip6frag_high_thresh, 4194304, 3145728, INT64_MAX) X(G, ip6frag_low_thresh, 3145728, 0, 4194304) \
	X(G, ip6frag_time, 60, 0, INT32_MAX) X(G, max_dst_opts_length, INT32_MAX, ANY) \
	X(G, max_dst_opts_number, 8, ANY) X(G, max_hbh_length, INT32_MAX, ANY) X(G, max_hbh_opts_number, 8, ANY) \
	X(G, seg6_flowlabel, 0, ANY) X(G, xfrm6_gc_thresh, 32768, ANY)

#define SETTINGS_ICMP6(X, G) \
	X(G, echo_ignore_all, 0, 0, 1) X(G, echo_ignore_anycast, 0, 0, 1) X(G, echo_ignore_multicast, 0, 0, 1) \
	X(G, error_anycast_as_unicast, 0, 0, 1) X(G, ratelimit, 100, 0, INT32_MAX)

#define SETTINGS_ROUTE6(X, G) \
	X(G, gc_elasticity, 9, ANY) X(G, gc_interval, 30, 0, INT32_MAX) X(G, gc_min_interval, 0, 0, INT32_MAX) \
	X(G, gc_min_interval_ms, 500, 0, INT32_MAX) X(G, gc_thresh, 1024, ANY) X(G, gc_timeout, 60, 0, INT32_MAX) \
	X(G, max_size, INT32_MAX, ANY) X(G, min_adv_mss, 1220, ANY) X(G, mtu_expires, 600, 0, INT32_MAX) \
	X(G, skip_notify_on_dev_down, 0, 0, 1)

#define SETTINGS_CONF6(X, G) \
	X(G, accept_dad, -1, ANY) X(G, accept_ra, 1, ANY) X(G, accept_ra_defrtr, 1, ANY) \
	X(G, accept_ra_from_local, 0, ANY) X(G, accept_ra_min_hop_limit, 1, ANY) X(G, accept_ra_min_lft, 0, ANY) \
	X(G, accept_ra_mtu, 1, ANY) X(G, accept_ra_pinfo, 1, ANY) X(G, accept_ra_rt_info_max_plen, 0, ANY) \
	X(G, accept_ra_rt_info_min_plen, 0, ANY) X(G, accept_ra_rtr_pref, 1, ANY) X(G, accept_redirects, 1, ANY) \
	X(G, accept_source_route, 0, ANY) X(G, accept_untracked_na, 0, 0, 2) X(G, addr_gen_mode, 0, 0, 3) \
	X(G, autoconf, 1, ANY) X(G, dad_transmits, 1, ANY) X(G, disable_policy, 0, ANY) \
	X(G, drop_unicast_in_l2_multicast, 0, ANY) X(G, drop_unsolicited_na, 0, 0, 1) X(G, enhanced_dad, 1, ANY) \
	X(G, force_mld_version, 0, ANY) X(G, force_tllao, 0, ANY) X(G, forwarding, 0, ANY) \
	X(G, hop_limit, 64, 1, 255) X(G, ignore_routes_with_linkdown, 0, ANY) X(G, keep_addr_on_down, 0, ANY) \
	X(G, max_addresses, 16, ANY) X(G, max_desync_factor, 600, ANY) \
	X(G, mldv1_unsolicited_report_interval, 10000, ANY) X(G, mldv2_unsolicited_report_interval, 1000, ANY) \
	X(G, mtu, 65536, 1280, 65536) X(G, ndisc_evict_nocarrier, 1, 0, 1) X(G, ndisc_notify, 0, ANY) \
	X(G, ndisc_tclass, 0, 0, 255) X(G, optimistic_dad, 0, ANY) X(G, proxy_ndp, 0, ANY) \
	X(G, ra_defrtr_metric, 1024, 1, INT32_MAX) X(G, regen_max_retry, 3, ANY) \
	X(G, router_probe_interval, 60, 0, INT32_MAX) X(G, router_solicitation_delay, 1, 0, INT32_MAX) \
	X(G, router_solicitation_interval, 4, 0, INT32_MAX) \
	X(G, router_solicitation_max_interval, 3600, 0, INT32_MAX) X(G, router_solicitations, -1, -1, INT32_MAX) \
	X(G, suppress_frag_ndisc, 1, ANY) X(G, temp_prefered_lft, 86400, ANY) X(G, temp_valid_lft, 604800, ANY) \
	X(G, use_oif_addrs_only, 0, ANY) X(G, use_optimistic, 0, ANY) X(G, use_tempaddr, -1, ANY)

#define SETTINGS_NEIGH(X, G) \
	X(G, anycast_delay, 100, 0, INT32_MAX) X(G, app_solicit, 0, 0, INT32_MAX) \
	X(G, base_reachable_time, 30, 0, INT32_MAX) X(G, base_reachable_time_ms, 30000, 0, INT32_MAX) \
	X(G, delay_first_probe_time, 5, 0, INT32_MAX) X(G, gc_stale_time, 60, 0, INT32_MAX) \
	X(G, interval_probe_time_ms, 5000, 0, INT32_MAX) X(G, locktime, 100, 0, INT32_MAX) \
	X(G, mcast_resolicit, 0, 0, INT32_MAX) X(G, mcast_solicit, 3, 0, INT32_MAX) \
	X(G, proxy_delay, 80, 0, INT32_MAX) X(G, proxy_qlen, 64, 0, INT32_MAX) \
	X(G, retrans_time, 100, 0, INT32_MAX) X(G, retrans_time_ms, 1000, 0, INT32_MAX) \
	X(G, ucast_solicit, 3, 0, INT32_MAX) X(G, unres_qlen, 101, 0, INT32_MAX) \
	X(G, unres_qlen_bytes, 212992, 0, INT32_MAX)

/* Three numbers of one file: least, at first, most. */
#define SETTINGS_TCP_MEM(X, G) \
	X(G, rmem0, 4096, 1, INT32_MAX) X(G, rmem1, 131072, 1, INT32_MAX) X(G, rmem2, 6291456, 1, INT32_MAX) \
	X(G, wmem0, 4096, 1, INT32_MAX) X(G, wmem1, 16384, 1, INT32_MAX) X(G, wmem2, 4194304, 1, INT32_MAX)

/* What acts when it is set: sysctl_inet.c. */
#define SETTINGS_DISABLE6(X, G) X(G, disable_ipv6, 0, ANY)

/* Every list, once for each directory that has it. */
#define SETTINGS_ALL(X) \
	SETTINGS_CORE(X, core) SETTINGS_IPV4(X, ipv4) SETTINGS_ROUTE4(X, route4) SETTINGS_IPV6(X, ipv6) \
	SETTINGS_ICMP6(X, icmp6) SETTINGS_ROUTE6(X, route6) \
	SETTINGS_CONF4(X, conf4_all) SETTINGS_CONF4(X, conf4_default) SETTINGS_CONF4(X, conf4_lo) \
	SETTINGS_CONF6(X, conf6_all) SETTINGS_CONF6(X, conf6_default) SETTINGS_CONF6(X, conf6_lo) \
	SETTINGS_NEIGH(X, neigh4_default) SETTINGS_NEIGH(X, neigh4_lo) \
	SETTINGS_NEIGH(X, neigh6_default) SETTINGS_NEIGH(X, neigh6_lo) SETTINGS_TCP_MEM(X, tcp_mem) \
	SETTINGS_DISABLE6(X, conf6_all) SETTINGS_DISABLE6(X, conf6_default) SETTINGS_DISABLE6(X, conf6_lo)

#define SETTING_NAME(G, name, ...) SET_##G##_##name,
enum net_setting { SETTINGS_ALL(SETTING_NAME) SETTING_COUNT };

int64_t net_setting(struct netns *ns, enum net_setting which);
/* -EINVAL: out of its bounds; -ENOMEM. */
int net_set(struct netns *ns, enum net_setting which, int64_t v);

#endif
