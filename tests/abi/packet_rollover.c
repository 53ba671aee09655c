/* SPDX-License-Identifier: Apache-2.0 */
/* Fan-out groups whose members have rings that fill: PACKET_FANOUT_ROLLOVER, the flag of that name
 * with other ways to choose, PACKET_ROLLOVER_STATS.  packet(7). */
#include "abi.h"
#include "inet.h"
#include "packet.h"
#include <linux/filter.h>

#define MEMBERS 3

static int talker;

static int member(int how, int version, int frames)
{
	struct tpacket_req3 q = { .tp_block_size = 4096, .tp_block_nr = (unsigned)frames, .tp_frame_size = 4096,
				  .tp_frame_nr = (unsigned)frames, .tp_retire_blk_tov = 60000 };
	struct sock_filter one = BPF_STMT(BPF_RET | BPF_K, 1);
	struct sock_fprog program = { 1, &one };
	int s = sniffer(SOCK_RAW, TYPE), v = 7 | how << 16;

	if (frames) {
		setsockopt(s, SOL_PACKET, PACKET_VERSION, &version, sizeof version);
		if (setsockopt(s, SOL_PACKET, PACKET_RX_RING, &q, version == TPACKET_V3 ? sizeof q : sizeof(struct tpacket_req)))
			SAY("ring: %s\n", abi_errno(errno));
	}
	if (setsockopt(s, SOL_PACKET, PACKET_FANOUT, &v, sizeof v))
		SAY("group: %s\n", abi_errno(errno));
	if ((how & 0xff) == PACKET_FANOUT_CBPF)
		setsockopt(s, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof program);
	return s;
}

static void say(const char *what, const int *s)
{
	SAY(" %s:", what);
	for (int k = 0; k < MEMBERS; k++) {
		struct tpacket_rollover_stats r = { 77, 77, 77 };
		union { struct tpacket_stats s; struct tpacket_stats_v3 v3; } st = { .v3.tp_packets = 0 };
		socklen_t n = sizeof st;

		getsockopt(s[k], SOL_PACKET, PACKET_STATISTICS, &st, &n);
		SAY(" %u/%u", st.s.tp_packets, st.s.tp_drops);
		n = sizeof r;
		if (getsockopt(s[k], SOL_PACKET, PACKET_ROLLOVER_STATS, &r, &n))
			SAY(" (%s)", abi_errno(errno));
		else
			SAY(" (%llu %llu %llu)", (unsigned long long)r.tp_all, (unsigned long long)r.tp_huge,
			    (unsigned long long)r.tp_failed);
	}
	SAY("\n");
}

static void talk(int n, size_t size)
{
	char b[3000] = { 0 };
	struct ether_header e = { .ether_type = htons(TYPE) };

	memcpy(b, &e, sizeof e);
	while (n--)
		send(talker, b, size, 0);
}

static void group(const char *name, int how, int version, int frames)
{
	int s[MEMBERS];

	SAY("%s, version %d, %d frames\n", name, version + 1, frames);
	for (int k = 0; k < MEMBERS; k++)
		s[k] = member(how, version, frames);
	for (int round = 0; round < 5; round++) {
		talk(version == TPACKET_V3 ? 5 : 7, version == TPACKET_V3 ? 2500 : 60);
		say("more", s);
	}
	close(s[1]);
	s[1] = sniffer(SOCK_RAW, TYPE);
	talk(3, 2500);
	say("one left", s);
	for (int k = 0; k < MEMBERS; k++)
		close(s[k]);
}

static void without(void)
{
	struct tpacket_rollover_stats r;
	socklen_t n = sizeof r;
	int s = sniffer(SOCK_RAW, TYPE), m;

	V(getsockopt(s, SOL_PACKET, PACKET_ROLLOVER_STATS, &r, &n));
	m = member(PACKET_FANOUT_LB, TPACKET_V2, 0);
	V(getsockopt(m, SOL_PACKET, PACKET_ROLLOVER_STATS, &r, &n));
	close(m);
	m = member(PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_ROLLOVER, TPACKET_V2, 0);
	n = 9;
	V(getsockopt(m, SOL_PACKET, PACKET_ROLLOVER_STATS, &r, &n));
	V(n);
	talk(4, 60);
	n = sizeof r;
	V(getsockopt(m, SOL_PACKET, PACKET_ROLLOVER_STATS, &r, &n));
	SAY("%llu %llu %llu\n", (unsigned long long)r.tp_all, (unsigned long long)r.tp_huge, (unsigned long long)r.tp_failed);
	close(m);
	close(s);
}

int main(void)
{
	if (!own_loopback())
		return 0;
	talker = sniffer(SOCK_RAW, TYPE);
	shutdown(talker, SHUT_RDWR);
	without();
	for (int version = TPACKET_V1; version <= TPACKET_V3; version++) {
		group("rollover", PACKET_FANOUT_ROLLOVER, version, 4);
		group("rollover", PACKET_FANOUT_ROLLOVER, version, 9);
	}
	group("program with the flag", PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_ROLLOVER, TPACKET_V2, 4);
	group("in turns with the flag", PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_ROLLOVER, TPACKET_V2, 8);
	group("program without", PACKET_FANOUT_CBPF, TPACKET_V2, 4);
	return 0;
}
