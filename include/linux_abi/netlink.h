/* SPDX-License-Identifier: Apache-2.0 */
/* netlink(7), rtnetlink(7), sock_diag(7): what we answer. */
#ifndef NACRE_LINUX_ABI_NETLINK_H
#define NACRE_LINUX_ABI_NETLINK_H

#include <base/types.h>

#define NETLINK_ROUTE 0
#define NETLINK_SOCK_DIAG 4
#define NETLINK_KOBJECT_UEVENT 15
#define NETLINK_GENERIC 16
#define SOL_NETLINK 270
#define NETLINK_ADD_MEMBERSHIP 1
#define NETLINK_DROP_MEMBERSHIP 2
#define NETLINK_RX_RING 6
#define NETLINK_TX_RING 7
#define NETLINK_LIST_MEMBERSHIPS 9
#define NETLINK_CAP_ACK 10
#define NETLINK_EXT_ACK 11
#define NETLINK_GET_STRICT_CHK 12
#define NETLINK_LISTEN_ALL_NSID 8

struct linux_sockaddr_nl { uint16_t family, pad; uint32_t pid, groups; };
_Static_assert(sizeof(struct linux_sockaddr_nl) == 12, "sockaddr_nl");
struct linux_nlmsghdr { uint32_t len; uint16_t type, flags; uint32_t seq, pid; };
_Static_assert(sizeof(struct linux_nlmsghdr) == 16, "nlmsghdr");
struct linux_nlattr { uint16_t len, type; };

#define NLM_F_REQUEST 1
#define NLM_F_MULTI 2
#define NLM_F_ACK 4
#define NLM_F_ROOT 0x100
#define NLM_F_MATCH 0x200
#define NLM_F_DUMP 0x300
#define NLM_F_REPLACE 0x100
#define NLM_F_EXCL 0x200
#define NLM_F_CREATE 0x400
#define NLM_F_CAPPED 0x100
#define NLM_F_ACK_TLVS 0x200
#define NLMSGERR_ATTR_MSG 1
#define NLMSG_NOOP 1
#define NLMSG_ERROR 2
#define NLMSG_DONE 3
#define NLMSG_MIN_TYPE 16

#define RTM_NEWLINK 16
#define RTM_DELLINK 17
#define RTM_GETLINK 18
#define RTM_SETLINK 19
#define RTM_NEWADDR 20
#define RTM_DELADDR 21
#define RTM_GETADDR 22
#define RTM_NEWROUTE 24
#define RTM_DELROUTE 25
#define RTM_GETROUTE 26
#define RTM_NEWNEIGH 28
#define RTM_DELNEIGH 29
#define RTM_GETNEIGH 30
#define RTM_NEWRULE 32
#define RTM_DELRULE 33
#define RTM_GETRULE 34
#define RTM_GETQDISC 38
#define RTM_GETACTION 50
#define RTM_NEWNEIGHTBL 64
#define RTM_GETNEIGHTBL 66
#define RTM_GETMDB 86
#define RTM_NEWSTATS 92
#define RTM_GETSTATS 94
#define RTM_GETTUNNEL 122
#define RTNL_FAMILY_IPMR 128
#define RTNL_FAMILY_IP6MR 129
#define NLA_F_NESTED 0x8000u
#define RTM_NEWQDISC 36
#define RTM_GETTCLASS 42
#define RTM_GETTFILTER 46
#define RTM_NEWADDRLABEL 72
#define RTM_GETADDRLABEL 74
#define RTM_NEWNETCONF 80
#define RTM_GETNETCONF 82
#define RTM_GETCHAIN 102
#define RTM_GETNEXTHOP 106
#define IFLA_CARRIER_CHANGES 35
#define TCA_KIND 1
#define TCA_STATS 3
#define TCA_STATS2 7
#define TCA_HW_OFFLOAD 12
#define TCA_STATS_BASIC 1
#define TCA_STATS_QUEUE 3
#define NDTA_NAME 1
#define NDTA_THRESH1 2
#define NDTA_THRESH2 3
#define NDTA_THRESH3 4
#define NDTA_CONFIG 5
#define NDTA_PARMS 6
#define NDTA_STATS 7
#define NDTA_GC_INTERVAL 8
#define NDTPA_IFINDEX 1
#define NDTPA_REFCNT 2
#define NDTPA_REACHABLE_TIME 3
#define NDTPA_BASE_REACHABLE_TIME 4
#define NDTPA_RETRANS_TIME 5
#define NDTPA_GC_STALETIME 6
#define NDTPA_DELAY_PROBE_TIME 7
#define NDTPA_QUEUE_LEN 8
#define NDTPA_APP_PROBES 9
#define NDTPA_UCAST_PROBES 10
#define NDTPA_MCAST_PROBES 11
#define NDTPA_ANYCAST_DELAY 12
#define NDTPA_PROXY_DELAY 13
#define NDTPA_PROXY_QLEN 14
#define NDTPA_LOCKTIME 15
#define NDTPA_QUEUE_LENBYTES 16
#define NDTPA_MCAST_REPROBES 17
#define NDTPA_PAD 18
#define NDTPA_INTERVAL_PROBE_TIME_MS 19
#define IFLA_STATS_LINK_64 1
#define IFLA_STATS_LINK_OFFLOAD_XSTATS 4
#define IFLA_STATS_AF_SPEC 5
#define IFLA_OFFLOAD_XSTATS_HW_S_INFO 2
#define IFLA_OFFLOAD_XSTATS_L3_STATS 3
#define IFLA_OFFLOAD_XSTATS_HW_S_INFO_REQUEST 1
#define IFLA_OFFLOAD_XSTATS_HW_S_INFO_USED 2
#define IFAL_ADDRESS 1
#define IFAL_LABEL 2
#define NETCONFA_IFINDEX 1
#define NETCONFA_FORWARDING 2
#define NETCONFA_RP_FILTER 3
#define NETCONFA_MC_FORWARDING 4
#define NETCONFA_PROXY_NEIGH 5
#define NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN 6
#define NETCONFA_BC_FORWARDING 8
#define NETCONFA_IFINDEX_ALL (-1)
#define NETCONFA_IFINDEX_DEFAULT (-2)
#define RTA_SRC 2
#define RTM_GETNSID 90

struct linux_if_stats_msg { uint8_t family, pad1; uint16_t pad2; int32_t index; uint32_t mask; };
struct linux_ifinfomsg { uint8_t family, pad; uint16_t type; int32_t index; uint32_t flags, change; };
struct linux_ifaddrmsg { uint8_t family, prefixlen, flags, scope; uint32_t index; };
struct linux_ifa_cacheinfo { uint32_t prefered, valid, cstamp, tstamp; };
struct linux_rtmsg { uint8_t family, dst_len, src_len, tos, table, protocol, scope, type; uint32_t flags; };

#define IFLA_ADDRESS 1
#define IFLA_BROADCAST 2
#define IFLA_IFNAME 3
#define IFLA_MTU 4
#define IFLA_QDISC 6
#define IFLA_TXQLEN 13
#define IFLA_OPERSTATE 16
#define IFLA_LINKMODE 17
#define IFLA_STATS 7
#define IFLA_STATS64 23
#define IFLA_PROTO_DOWN 39
#define IFLA_GSO_MAX_SEGS 40
#define IFLA_GSO_MAX_SIZE 41
#define IFLA_CARRIER_UP_COUNT 47
#define IFLA_CARRIER_DOWN_COUNT 48
#define IFLA_GRO_MAX_SIZE 58
#define IFLA_TSO_MAX_SIZE 59
#define IFLA_TSO_MAX_SEGS 60
#define IFLA_ALLMULTI 61
#define IFLA_GROUP 27
#define IFLA_PROMISCUITY 30
#define IFLA_NUM_TX_QUEUES 31
#define IFLA_NUM_RX_QUEUES 32
#define IFLA_CARRIER 33
#define IFLA_LINKINFO 18
#define IFLA_ALT_IFNAME 53
#define IFLA_MIN_MTU 50
#define IFLA_MAX_MTU 51

#define IFA_ADDRESS 1
#define IFA_LOCAL 2
#define IFA_LABEL 3
#define IFA_BROADCAST 4
#define IFA_CACHEINFO 6
#define IFA_FLAGS 8
#define IFA_F_PERMANENT 0x80
#define IFA_F_SECONDARY 0x01
#define IFA_F_NOPREFIXROUTE 0x200

#define RTA_DST 1
#define RTA_OIF 4
#define RTA_GATEWAY 5
#define RTA_PRIORITY 6
#define RTA_PREFSRC 7
#define RTA_PREF 20
#define RTA_UID 25
#define RTM_F_CLONED 0x200u
#define RTCF_LOCAL 0x80000000u
#define RTA_TABLE 15
#define RT_TABLE_DEFAULT 253
#define RT_TABLE_MAIN 254
#define RT_TABLE_LOCAL 255
#define RT_SCOPE_UNIVERSE 0
#define RT_SCOPE_LINK 253
#define RT_SCOPE_HOST 254
#define RTN_UNICAST 1
#define RTN_LOCAL 2
#define RTN_BROADCAST 3
#define RTN_ANYCAST 4
#define RTN_MULTICAST 5
#define RTN_BLACKHOLE 6
#define RTN_UNREACHABLE 7
#define RTN_PROHIBIT 8
#define RTN_THROW 9
#define RTPROT_KERNEL 2

#define FRA_DST 1
#define FRA_SRC 2
#define FRA_IIFNAME 3
#define FRA_PRIORITY 6
#define FRA_FWMARK 10
#define FRA_FWMASK 16
#define FRA_OIFNAME 17
#define FIB_RULE_INVERT 2
#define FRA_SUPPRESS_PREFIXLEN 14
#define FRA_TABLE 15
#define FRA_PROTOCOL 21
#define FR_ACT_TO_TBL 1
#define FR_ACT_BLACKHOLE 6
#define FR_ACT_UNREACHABLE 7
#define FR_ACT_PROHIBIT 8

#define GENL_ID_CTRL 16
#define GENL_CMD_CAP_DO 2
#define GENL_CMD_CAP_DUMP 4
#define CTRL_CMD_NEWFAMILY 1
#define CTRL_CMD_GETFAMILY 3
#define CTRL_ATTR_FAMILY_ID 1
#define CTRL_ATTR_FAMILY_NAME 2
#define CTRL_ATTR_VERSION 3
#define CTRL_ATTR_HDRSIZE 4
#define CTRL_ATTR_MAXATTR 5
#define CTRL_ATTR_OPS 6
#define CTRL_ATTR_MCAST_GROUPS 7
#define CTRL_ATTR_OP_ID 1
#define CTRL_ATTR_OP_FLAGS 2
#define CTRL_ATTR_MCAST_GRP_NAME 1
#define CTRL_ATTR_MCAST_GRP_ID 2

#define NDA_DST 1
#define NDA_LLADDR 2
#define NDA_CACHEINFO 3
#define NDA_PROBES 4
#define NDA_IFINDEX 8
#define NDA_PROTOCOL 12
#define NTF_PROXY 0x08
#define NTF_EXT_LEARNED 0x10
#define NTF_ROUTER 0x80
#define NUD_REACHABLE 0x02
#define NUD_STALE 0x04
#define NUD_DELAY 0x08
#define NUD_PROBE 0x10
#define NUD_FAILED 0x20
#define NUD_NOARP 0x40
#define NUD_PERMANENT 0x80
#define NUD_VALID (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_NOARP | NUD_PERMANENT)

/* Groups: bit n - 1 of a mask. */
#define RTNLGRP_LINK 1
#define RTNLGRP_NEIGH 3
#define RTNLGRP_IPV4_IFADDR 5
#define RTNLGRP_IPV4_ROUTE 7
#define RTNLGRP_IPV4_RULE 8
#define RTNLGRP_IPV6_IFADDR 9
#define RTNLGRP_IPV6_ROUTE 11
#define RTNLGRP_IPV6_RULE 19
#define RTNLGRP_MAX 36

#endif
