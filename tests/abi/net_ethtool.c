/* SPDX-License-Identifier: Apache-2.0 */
/* SIOCETHTOOL about lo: who may ask what, features and their names, times, the address.
 * linux/ethtool.h. */
#include "abi.h"
#include "inet.h"
#include <linux/ethtool.h>
#include <linux/sockios.h>

static int sock;

static int ask(const char *name, void *p)
{
	struct ifreq r = { .ifr_data = p };

	strcpy(r.ifr_name, name);
	return ioctl(sock, SIOCETHTOOL, &r);
}

/* What changes something, or is newer than others. */
static bool leaves_out(unsigned cmd)
{
	static const unsigned char sets[] = { ETHTOOL_STXCSUM, ETHTOOL_SSG, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SFLAGS,
					      ETHTOOL_SGRO, ETHTOOL_FLASHDEV, ETHTOOL_SFEATURES };

	for (unsigned i = 0; i < sizeof sets; i++)
		if (cmd == sets[i])
			return true;
	return false;
}

static void who_may(void)
{
	for (unsigned cmd = 0; cmd < 0x51; cmd++) {
		unsigned char b[8192] = { 0 };
		int r;

		if (leaves_out(cmd))
			continue;
		memcpy(b, &cmd, sizeof cmd);
		r = ask("lo", b);
		SAY("%x: %s", cmd, r ? abi_errno(errno) : "ok");
		for (int i = 4; !r && i < 12; i++)
			SAY(" %02x", b[i]);
		SAY("\n");
	}
}

static void features(unsigned blocks)
{
	struct { struct ethtool_gfeatures f; struct ethtool_get_features_block b[4]; } q = {
		.f = { .cmd = ETHTOOL_GFEATURES, .size = blocks } };

	V(ask("lo", &q));
	SAY("%u blocks of %u:", q.f.size, blocks);
	for (int i = 0; i < 4; i++)
		SAY(" %x/%x/%x/%x", q.b[i].available, q.b[i].requested, q.b[i].active, q.b[i].never_changed);
	SAY("\n");
}

static void names(unsigned set, unsigned len)
{
	static struct { struct ethtool_gstrings g; char text[256][ETH_GSTRING_LEN]; } q;

	memset(&q, 0, sizeof q);
	q.g = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS, .string_set = set, .len = len };
	V(ask("lo", &q));
	SAY("%u strings\n", q.g.len);
	for (unsigned i = 0; i < 64; i++)
		if (*q.text[i])
			SAY(" %u %s\n", i, q.text[i]);
}

static void sets(unsigned long long mask)
{
	struct { struct ethtool_sset_info i; unsigned count[4]; } q = { .i = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = mask } };

	V(ask("lo", &q));
	SAY("sets %llx of %llx: %u %u\n", (unsigned long long)q.i.sset_mask, mask, q.count[0], q.count[1]);
}

static void address(unsigned size)
{
	struct { struct ethtool_perm_addr a; unsigned char b[32]; } q = { .a = { .cmd = ETHTOOL_GPERMADDR, .size = size } };

	memset(q.b, 7, sizeof q.b);
	V(ask("lo", &q));
	SAY("%u: %d %d\n", q.a.size, q.b[5], q.b[6]);
}

int main(void)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GLINK };
	struct ethtool_ts_info t = { .cmd = ETHTOOL_GET_TS_INFO };

	sock = socket(AF_INET, SOCK_DGRAM, 0);
	who_may();
	V(ask("nosuch", &v));
	V(ask("lo", NULL));
	V(ioctl(sock, SIOCETHTOOL, NULL));
	V(ask("lo", &t));
	SAY("%x %d %x %x\n", t.so_timestamping, t.phc_index, t.tx_types, t.rx_filters);
	for (unsigned n = 5; n < 9; n++)
		address(n);
	if (!own_loopback())
		return 0;
	sock = socket(AF_INET, SOCK_STREAM, 0);
	for (unsigned n = 0; n < 4; n++)
		features(n);
	names(ETH_SS_FEATURES, 0);
	names(ETH_SS_FEATURES, 3);
	names(ETH_SS_STATS, 0);
	sets(1u << ETH_SS_FEATURES);
	sets(1u << ETH_SS_STATS);
	return 0;
}
