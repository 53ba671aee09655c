/* SPDX-License-Identifier: Apache-2.0 */
/* SIOCETHTOOL: what Linux tells of lo (linux/ethtool.h), which is that it has no hardware.
 * Features are shown as they are on Linux; none can be set, as none would act. */
#include "kernel/net/packet.h"
#include "kernel/task/task.h"
#include <linux_abi/ethtool.h>

#define NAME_SIZE 32u
#define SIZE_TOO_SMALL 525              /* ETOOSMALL, which has no name for programs */

/* ETH_SS_FEATURES, by bit; those that may be changed, were asked for and are there. */
static const char *const names[] = {
	"tx-scatter-gather", "tx-checksum-ipv4", "", "tx-checksum-ip-generic", "tx-checksum-ipv6", "highdma",
	"tx-scatter-gather-fraglist", "tx-vlan-hw-insert", "rx-vlan-hw-parse", "rx-vlan-filter", "vlan-challenged",
	"tx-generic-segmentation", "", "", "rx-gro", "rx-lro", "tx-tcp-segmentation", "tx-gso-robust",
	"tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation", "tx-fcoe-segmentation",
	"tx-gre-segmentation", "tx-gre-csum-segmentation", "tx-ipxip4-segmentation", "tx-ipxip6-segmentation",
	"tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation", "tx-gso-partial", "tx-tunnel-remcsum-segmentation",
	"tx-sctp-segmentation", "tx-esp-segmentation", "", "tx-udp-segmentation", "tx-gso-list",
	"tx-tcp-accecn-segmentation", "tx-checksum-fcoe-crc", "tx-checksum-sctp", "rx-ntuple-filter", "rx-hashing",
	"rx-checksum", "tx-nocache-copy", "loopback", "rx-fcs", "rx-all", "tx-vlan-stag-hw-insert",
	"rx-vlan-stag-hw-parse", "rx-vlan-stag-filter", "l2-fwd-offload", "hw-tc-offload", "esp-hw-offload",
	"esp-tx-csum-hw-offload", "rx-udp_tunnel-port-offload", "tls-hw-tx-offload", "tls-hw-rx-offload", "rx-gro-hw",
	"tls-hw-record", "rx-gro-list", "macsec-hw-offload", "rx-udp-gro-forwarding", "hsr-tag-ins-offload",
	"hsr-tag-rm-offload", "hsr-fwd-offload", "hsr-dup-offload",
};
static const struct linux_ethtool_block blocks[] = {
	{ .available = 0x401d4800, .requested = 0x401d4800, .active = 0x401d4c69, .never_changed = 0x400 },
	{ .available = 0x0a00000e, .requested = 0x0000000e, .active = 0x0000052e },
};
_Static_assert(ARRAY_SIZE(names) == 32 * ARRAY_SIZE(blocks), "a name for each bit");

/* What anybody may ask; the rest is for who administers. */
static const uint32_t open_to_all[] = { 0x6955448a, 0x1581eaab, 0x00015552 };

static bool is_open(uint32_t cmd)
{
	return cmd / 32 < ARRAY_SIZE(open_to_all) && open_to_all[cmd / 32] >> cmd % 32 & 1;
}

static long get_value(uaddr to, uint32_t cmd, uint32_t v)
{
	struct linux_ethtool_value r = { cmd, v };

	return copy_out(to, &r, sizeof r);
}

static long get_sets(uaddr to)
{
	struct { uint32_t cmd, reserved, mask[2], count; } r;
	int err = copy_in(&r, to, sizeof r - sizeof r.count);

	if (err)
		return err;
	r.mask[0] &= 1u << ETH_SS_FEATURES;
	r.mask[1] = 0;
	r.count = ARRAY_SIZE(names);
	return copy_out(to, &r, sizeof r - (r.mask[0] ? 0 : sizeof r.count));
}

/* len: of what the program has room for; another number gets none.  0: it did not say. */
static long get_names(uaddr to)
{
	struct { uint32_t cmd, set, len; } r;
	int err = copy_in(&r, to, sizeof r);
	char *text;

	if (err)
		return err;
	if (r.set != ETH_SS_FEATURES)
		return -EOPNOTSUPP;
	if (r.len && r.len != ARRAY_SIZE(names))
		r.len = 0;
	else
		r.len = ARRAY_SIZE(names);
	text = kzalloc(ARRAY_SIZE(names) * NAME_SIZE);
	if (!text)
		return -ENOMEM;
	for (unsigned k = 0; k < ARRAY_SIZE(names); k++)
		kstrlcpy(text + k * NAME_SIZE, names[k], NAME_SIZE);
	err = copy_out(to, &r, sizeof r);
	if (!err)
		err = copy_out((uaddr){ to.va + sizeof r }, text, (size_t)r.len * NAME_SIZE);
	kfree(text);
	return err;
}

static long get_features(uaddr to)
{
	struct linux_ethtool_value r;
	int err = copy_in(&r, to, sizeof r);
	uint32_t fit = MIN(r.data, (uint32_t)ARRAY_SIZE(blocks));

	if (err)
		return err;
	r.data = ARRAY_SIZE(blocks);
	err = copy_out(to, &r, sizeof r);
	return err ? err : copy_out((uaddr){ to.va + sizeof r }, blocks, fit * sizeof *blocks);
}

static long get_address(uaddr to)
{
	static const uint8_t none[ETH_ALEN];
	struct linux_ethtool_value r;
	int err = copy_in(&r, to, sizeof r);

	if (err)
		return err;
	if (r.data < sizeof none)
		return -SIZE_TOO_SMALL;
	r.data = sizeof none;
	err = copy_out(to, &r, sizeof r);
	return err ? err : copy_out((uaddr){ to.va + sizeof r }, none, sizeof none);
}

static long get_times(uaddr to)
{
	struct linux_ethtool_ts_info r = {
		.cmd = ETHTOOL_GET_TS_INFO, .phc_index = -1,
		.so_timestamping = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE,
	};

	return copy_out(to, &r, sizeof r);
}

long net_ethtool(uint64_t arg)
{
	uaddr to = { arg };
	uint32_t cmd;
	int err = copy_in(&cmd, to, sizeof cmd);

	if (err)
		return err;
	if (!is_open(cmd))
		return capable(CAP_NET_ADMIN) ? -EOPNOTSUPP : -EPERM;
	switch (cmd) {
	case ETHTOOL_GLINK:
	case ETHTOOL_GRXCSUM:
	case ETHTOOL_GTXCSUM:
	case ETHTOOL_GSG:
	case ETHTOOL_GTSO:
	case ETHTOOL_GGSO:
	case ETHTOOL_GGRO: return get_value(to, cmd, 1);
	case ETHTOOL_GFLAGS: return get_value(to, cmd, 0);
	case ETHTOOL_GSSET_INFO: return get_sets(to);
	case ETHTOOL_GSTRINGS: return get_names(to);
	case ETHTOOL_GFEATURES: return get_features(to);
	case ETHTOOL_GPERMADDR: return get_address(to);
	case ETHTOOL_GET_TS_INFO: return get_times(to);
	default: return -EOPNOTSUPP;
	}
}
