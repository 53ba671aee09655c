/* SPDX-License-Identifier: Apache-2.0 */
/* IP sockets: ip(7), ipv6(7), tcp(7), udp(7), netdevice(7). */
#ifndef NACRE_LINUX_ABI_INET_H
#define NACRE_LINUX_ABI_INET_H

#include <linux_abi/socket.h>

#define IPPROTO_IP 0
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
#define IPPROTO_ICMPV6 58
#define IPPROTO_UDPLITE 136
#define IPPROTO_RAW 255
#define IPPROTO_MPTCP 262

/* Addresses and ports are in network order. */
struct linux_sockaddr_in { uint16_t family, port; uint32_t addr; uint8_t zero[8]; };
_Static_assert(sizeof(struct linux_sockaddr_in) == 16, "sockaddr_in");
struct linux_sockaddr_in6 { uint16_t family, port; uint32_t flowinfo; uint8_t addr[16]; uint32_t scope; };
_Static_assert(sizeof(struct linux_sockaddr_in6) == 28, "sockaddr_in6");

#define IP_TOS 1
#define IP_TTL 2
#define IP_HDRINCL 3
#define IP_OPTIONS 4
#define IP_ROUTER_ALERT 5
#define IP_RECVOPTS 6
#define IP_RETOPTS 7
#define IP_PKTINFO 8
#define IP_MTU_DISCOVER 10
#define IP_RECVERR 11
#define IP_RECVTTL 12
#define IP_RECVTOS 13
#define IP_MTU 14
#define IP_FREEBIND 15
#define IP_PASSSEC 18
#define IP_TRANSPARENT 19
#define IP_RECVORIGDSTADDR 20
#define IP_MINTTL 21
#define IP_NODEFRAG 22
#define IP_CHECKSUM 23
#define IP_BIND_ADDRESS_NO_PORT 24
#define IP_RECVFRAGSIZE 25
#define IP_RECVERR_RFC4884 26
#define IP_MULTICAST_IF 32
#define IP_MULTICAST_TTL 33
#define IP_MULTICAST_LOOP 34
#define IP_ADD_MEMBERSHIP 35
#define IP_DROP_MEMBERSHIP 36
#define IP_UNBLOCK_SOURCE 37
#define IP_BLOCK_SOURCE 38
#define IP_ADD_SOURCE_MEMBERSHIP 39
#define IP_DROP_SOURCE_MEMBERSHIP 40
#define IP_MSFILTER 41
#define MCAST_JOIN_GROUP 42
#define MCAST_BLOCK_SOURCE 43
#define MCAST_UNBLOCK_SOURCE 44
#define MCAST_LEAVE_GROUP 45
#define MCAST_JOIN_SOURCE_GROUP 46
#define MCAST_LEAVE_SOURCE_GROUP 47
#define MCAST_MSFILTER 48
#define IP_MULTICAST_ALL 49
#define IP_UNICAST_IF 50
#define IP_LOCAL_PORT_RANGE 51
#define IP_PROTOCOL 52

#define IPV6_ADDRFORM 1
#define IPV6_2292PKTINFO 2
#define IPV6_2292HOPOPTS 3
#define IPV6_2292DSTOPTS 4
#define IPV6_2292RTHDR 5
#define IPV6_2292HOPLIMIT 8
#define IPV6_FLOWINFO 11
#define IPV6_UNICAST_HOPS 16
#define IPV6_MULTICAST_IF 17
#define IPV6_MULTICAST_HOPS 18
#define IPV6_MULTICAST_LOOP 19
#define IPV6_ADD_MEMBERSHIP 20
#define IPV6_DROP_MEMBERSHIP 21
#define IPV6_ROUTER_ALERT 22
#define IPV6_MTU_DISCOVER 23
#define IPV6_MTU 24
#define IPV6_RECVERR 25
#define IPV6_V6ONLY 26
#define IPV6_MULTICAST_ALL 29
#define IPV6_ROUTER_ALERT_ISOLATE 30
#define IPV6_RECVERR_RFC4884 31
#define IPV6_FLOWINFO_SEND 33
#define IPV6_RECVPKTINFO 49
#define IPV6_PKTINFO 50
#define IPV6_RECVHOPLIMIT 51
#define IPV6_HOPLIMIT 52
#define IPV6_RECVHOPOPTS 53
#define IPV6_HOPOPTS 54
#define IPV6_RTHDRDSTOPTS 55
#define IPV6_RECVRTHDR 56
#define IPV6_RTHDR 57
#define IPV6_RECVDSTOPTS 58
#define IPV6_DSTOPTS 59
#define IPV6_RECVPATHMTU 60
#define IPV6_PATHMTU 61
#define IPV6_DONTFRAG 62
#define IPV6_RECVTCLASS 66
#define IPV6_TCLASS 67
#define IPV6_AUTOFLOWLABEL 70
#define IPV6_ADDR_PREFERENCES 72
#define IPV6_MINHOPCOUNT 73
#define IPV6_RECVORIGDSTADDR 74
#define IPV6_TRANSPARENT 75
#define IPV6_UNICAST_IF 76
#define IPV6_RECVFRAGSIZE 77
#define IPV6_FREEBIND 78
#define ICMPV6_FILTER 1
#define SOL_ICMPV6 58
#define IPV6_CHECKSUM 7
#define IPV6_HDRINCL 36
#define SOL_RAW 255
#define ICMP_FILTER 1

#define TCP_NODELAY 1
#define TCP_MAXSEG 2
#define TCP_CORK 3
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6
#define TCP_SYNCNT 7
#define TCP_LINGER2 8
#define TCP_DEFER_ACCEPT 9
#define TCP_WINDOW_CLAMP 10
#define TCP_INFO 11
#define TCP_QUICKACK 12
#define TCP_CONGESTION 13
#define TCP_THIN_LINEAR_TIMEOUTS 16
#define TCP_THIN_DUPACK 17
#define TCP_USER_TIMEOUT 18
#define TCP_FASTOPEN 23
#define TCP_TIMESTAMP 24
#define TCP_NOTSENT_LOWAT 25
#define TCP_CC_INFO 26
#define TCP_SAVE_SYN 27
#define TCP_SAVED_SYN 28
#define TCP_FASTOPEN_CONNECT 30
#define TCP_ULP 31
#define TCP_FASTOPEN_KEY 33
#define TCP_FASTOPEN_NO_COOKIE 34
#define TCP_TX_DELAY 37
#define TCP_INQ 36

enum {
	TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2,
	TCP_TIME_WAIT, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING,
};

#define UDP_CORK 1
#define UDP_ENCAP 100
#define UDP_NO_CHECK6_TX 101
#define UDP_NO_CHECK6_RX 102
#define UDP_SEGMENT 103
#define UDP_GRO 104
#define UDPLITE_SEND_CSCOV 10
#define UDPLITE_RECV_CSCOV 11

struct linux_ip_mreqn { uint32_t group, address; int32_t ifindex; };
struct linux_ipv6_mreq { uint8_t group[16]; int32_t ifindex; };
struct linux_in_pktinfo { int32_t ifindex; uint32_t spec_dst, addr; };
struct linux_in6_pktinfo { uint8_t addr[16]; uint32_t ifindex; };
struct linux_sock_extended_err { uint32_t err; uint8_t origin, type, code, pad; uint32_t info, data; };
#define SO_EE_ORIGIN_LOCAL 1
#define SO_EE_ORIGIN_ICMP 2
#define SO_EE_ORIGIN_ICMP6 3
#define SO_EE_ORIGIN_TIMESTAMPING 4
#define SO_EE_ORIGIN_ZEROCOPY 5
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#define SCM_TSTAMP_SND 0
#define SCM_TSTAMP_SCHED 1
#define SCM_TSTAMP_ACK 2

/* netdevice(7) */
#define SIOCGSTAMP 0x8906u
#define SIOCGSTAMPNS 0x8907u
#define SIOCADDRT 0x890bu
#define SIOCGIFNAME 0x8910u
#define SIOCGIFCONF 0x8912u
#define SIOCGIFFLAGS 0x8913u
#define SIOCSIFFLAGS 0x8914u
#define SIOCGIFADDR 0x8915u
#define SIOCSIFADDR 0x8916u
#define SIOCGIFDSTADDR 0x8917u
#define SIOCSIFDSTADDR 0x8918u
#define SIOCGIFBRDADDR 0x8919u
#define SIOCSIFBRDADDR 0x891au
#define SIOCGIFNETMASK 0x891bu
#define SIOCGIFMETRIC 0x891du
#define SIOCSIFNETMASK 0x891cu
#define SIOCGIFMTU 0x8921u
#define SIOCSIFMTU 0x8922u
#define SIOCSIFNAME 0x8923u
#define SIOCSIFHWADDR 0x8924u
#define SIOCSIFTXQLEN 0x8943u
#define SIOCGIFHWADDR 0x8927u
#define SIOCGIFINDEX 0x8933u
#define SIOCSIFPFLAGS 0x8934u
#define SIOCGIFPFLAGS 0x8935u
#define SIOCDIFADDR 0x8936u
#define SIOCGIFTXQLEN 0x8942u
#define SIOCGIFMAP 0x8970u
#define SIOCETHTOOL 0x8946u
#define SIOCPROTOPRIVATE 0x89e0u
#define SIOCUNIXFILE 0x89e0u
#define SIOCDEVPRIVATE 0x89f0u
#define IFF_UP 0x1
#define IFF_LOOPBACK 0x8
#define IFF_RUNNING 0x40
#define IFF_LOWER_UP 0x10000
#define ARPHRD_LOOPBACK 772

struct linux_ifreq { char name[16]; uint8_t data[24]; };
_Static_assert(sizeof(struct linux_ifreq) == 40, "ifreq");
struct linux_ifconf { int32_t size, pad; uint64_t buf; };

#endif
