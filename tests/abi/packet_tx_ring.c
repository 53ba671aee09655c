/* SPDX-License-Identifier: Apache-2.0 */
/* PACKET_TX_RING of all versions: frames that are sent, that are wrong, that say where their data
 * is (PACKET_TX_HAS_OFF), PACKET_LOSS; what a ring forbids.  packet(7), packet_mmap. */
#include "abi.h"
#include "inet.h"
#include "packet.h"

#define FRAME 2048
#define FRAMES 6

static int watcher;

static int number(int s, int opt, int v) { return setsockopt(s, SOL_PACKET, opt, &v, sizeof v); }

static const char *ring(int s, int version, struct tpacket_req3 q)
{
	size_t size = version == TPACKET_V3 ? sizeof q : sizeof(struct tpacket_req);

	return setsockopt(s, SOL_PACKET, PACKET_TX_RING, &q, size) ? abi_errno(errno) : "ok";
}

static struct tpacket_req3 usual(void)
{
	return (struct tpacket_req3){ .tp_block_size = 4096, .tp_block_nr = FRAMES / 2, .tp_frame_size = FRAME,
				      .tp_frame_nr = FRAMES };
}

static uint8_t *frame(uint8_t *map, int k) { return map + k * FRAME; }
static unsigned data_at(int version) { return version == TPACKET_V3 ? 48 : 32; }

static unsigned status_of(uint8_t *map, int version, int k)
{
	uint8_t *f = frame(map, k);

	return version == TPACKET_V1 ? (unsigned)((struct tpacket_hdr *)f)->tp_status :
	       version == TPACKET_V2 ? ((struct tpacket2_hdr *)f)->tp_status : ((struct tpacket3_hdr *)f)->tp_status;
}

static void fill(uint8_t *map, int version, int k, unsigned len, unsigned at)
{
	uint8_t *f = frame(map, k);
	struct ether_header e = { .ether_type = htons(TYPE) };
	unsigned data = at && at < FRAME - 64 ? at : data_at(version);

	memset(f + data, 'a' + k, 64);
	memcpy(f + data, &e, sizeof e);
	if (version == TPACKET_V1) {
		struct tpacket_hdr *h = (void *)f;

		h->tp_len = len;
		h->tp_mac = h->tp_net = (unsigned short)at;
		h->tp_status = TP_STATUS_SEND_REQUEST;
	} else if (version == TPACKET_V2) {
		struct tpacket2_hdr *h = (void *)f;

		h->tp_len = len;
		h->tp_mac = h->tp_net = (unsigned short)at;
		h->tp_status = TP_STATUS_SEND_REQUEST;
	} else {
		struct tpacket3_hdr *h = (void *)f;

		h->tp_next_offset = 0;
		h->tp_len = len;
		h->tp_mac = h->tp_net = (unsigned short)at;
		h->tp_status = TP_STATUS_SEND_REQUEST;
	}
}

static void go(int s, uint8_t *map, int version)
{
	char b[4096];
	ssize_t n;

	V(send(s, NULL, 0, 0));
	SAY(" statuses");
	for (int k = 0; k < FRAMES; k++)
		SAY(" %x", status_of(map, version, k));
	SAY("\n seen");
	while ((n = recv(watcher, b, sizeof b, MSG_DONTWAIT)) >= 0)
		SAY(" %zd of %c", n, n > 14 ? b[14] : '-');
	SAY("\n");
}

static void sends(int type, int version)
{
	int s = sniffer(type, TYPE);
	uint8_t *map;

	SAY("%s, version %d\n", type == SOCK_RAW ? "raw" : "datagrams", version + 1);
	number(s, PACKET_VERSION, version);
	SAY("%s\n", ring(s, version, usual()));
	map = mmap(NULL, FRAME * FRAMES, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	if (map == MAP_FAILED)
		return;
	go(s, map, version);
	for (int k = 0; k < 4; k++)
		fill(map, version, k, 20 + (unsigned)k, 0);
	go(s, map, version);
	go(s, map, version);
	fill(map, version, 5, 40, 0);           /* not its turn */
	go(s, map, version);
	fill(map, version, 4, 41, 0);
	fill(map, version, 0, 42, 0);
	go(s, map, version);
	fill(map, version, 1, 13, 0);           /* no room for a link header */
	fill(map, version, 2, 43, 0);
	go(s, map, version);
	fill(map, version, 1, FRAME, 0);        /* longer than its place */
	go(s, map, version);
	fill(map, version, 1, 0, 0);
	go(s, map, version);
	fill(map, version, 1, FRAME - data_at(version), 0);
	go(s, map, version);
	V(number(s, PACKET_VERSION, TPACKET_V1));
	V(number(s, PACKET_RESERVE, 8));
	V(number(s, PACKET_LOSS, 1));
	V(number(s, PACKET_TX_HAS_OFF, 1));
	V(int_opt(s, SOL_PACKET, PACKET_TX_HAS_OFF));
	SAY("again: %s\n", ring(s, version, usual()));
	SAY("away: %s\n", ring(s, version, (struct tpacket_req3){ 0 }));
	say_poll("ring", s);
	munmap(map, FRAME * FRAMES);
	close(s);
}

static void with_offsets(int type, int version)
{
	static const unsigned at[] = { 0, 31, 32, 48, 100, FRAME - 60, FRAME - 40, 65535 };
	uint8_t *map;

	for (unsigned k = 0; k < sizeof at / sizeof *at; k++) {
		int s = sniffer(type, TYPE);

		number(s, PACKET_VERSION, version);
		V(number(s, PACKET_TX_HAS_OFF, 1));
		SAY("%s, data at %u\n", ring(s, version, usual()), at[k]);
		map = mmap(NULL, FRAME * FRAMES, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
		fill(map, version, 0, 60, at[k]);
		go(s, map, version);
		munmap(map, FRAME * FRAMES);
		close(s);
	}
}

/* What is wrong is left out. */
static void lossy(int version)
{
	int s = sniffer(SOCK_RAW, TYPE);
	uint8_t *map;

	V(number(s, PACKET_LOSS, 1));
	number(s, PACKET_VERSION, version);
	SAY("%s\n", ring(s, version, usual()));
	map = mmap(NULL, FRAME * FRAMES, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	fill(map, version, 0, 5, 0);
	fill(map, version, 1, 33, 0);
	fill(map, version, 2, FRAME, 0);
	fill(map, version, 3, 34, 0);
	if (version == TPACKET_V3)
		((struct tpacket3_hdr *)frame(map, 3))->tp_next_offset = 8;
	go(s, map, version);
	close(s);
}

static void refused(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE), .sll_ifindex = 1 };
	int s = socket(AF_PACKET, SOCK_RAW, 0);
	struct tpacket_req3 q = usual();
	uint8_t *map;

	SAY("refused\n");
	q.tp_frame_nr--;
	SAY("%s\n", ring(s, TPACKET_V1, q));
	q = usual();
	q.tp_frame_size = 48;
	SAY("%s\n", ring(s, TPACKET_V1, q));
	number(s, PACKET_VERSION, TPACKET_V3);
	q = usual();
	q.tp_retire_blk_tov = 1;
	SAY("%s\n", ring(s, TPACKET_V3, q));
	q = usual();
	q.tp_sizeof_priv = 8;
	SAY("%s\n", ring(s, TPACKET_V3, q));
	q = usual();
	V(setsockopt(s, SOL_PACKET, PACKET_TX_RING, &q, sizeof(struct tpacket_req)));
	number(s, PACKET_VERSION, TPACKET_V2);
	SAY("%s\n", ring(s, TPACKET_V2, usual()));
	SAY("%s\n", ring(s, TPACKET_V2, (struct tpacket_req3){ 0 }));
	SAY("%s\n", ring(s, TPACKET_V2, usual()));
	V(mmap(NULL, 4096, PROT_READ, MAP_SHARED, s, 0) == MAP_FAILED);
	map = mmap(NULL, FRAME * FRAMES, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	fill(map, TPACKET_V2, 0, 50, 0);
	go(s, map, TPACKET_V2);                 /* bound to no link */
	V(sendto(s, NULL, 0, 0, (void *)&to, sizeof to - 9));
	V(sendto(s, "ignored", 7, 0, (void *)&to, sizeof to));
	go(s, map, TPACKET_V2);
	close(s);
}

int main(void)
{
	if (!own_loopback())
		return 0;
	watcher = sniffer(SOCK_RAW, TYPE);
	for (int version = TPACKET_V1; version <= TPACKET_V3; version++) {
		sends(SOCK_RAW, version);
		lossy(version);
		with_offsets(SOCK_RAW, version);
	}
	sends(SOCK_DGRAM, TPACKET_V2);
	with_offsets(SOCK_DGRAM, TPACKET_V2);
	refused();
	return 0;
}
