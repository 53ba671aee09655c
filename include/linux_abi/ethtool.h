/* SPDX-License-Identifier: Apache-2.0 */
/* SIOCETHTOOL, as of linux/ethtool.h. */
#ifndef NACRE_LINUX_ABI_ETHTOOL_H
#define NACRE_LINUX_ABI_ETHTOOL_H

#include <base/types.h>

#define ETHTOOL_GLINK 0x0au
#define ETHTOOL_GRXCSUM 0x14u
#define ETHTOOL_GTXCSUM 0x16u
#define ETHTOOL_GSG 0x18u
#define ETHTOOL_GSTRINGS 0x1bu
#define ETHTOOL_GTSO 0x1eu
#define ETHTOOL_GPERMADDR 0x20u
#define ETHTOOL_GGSO 0x23u
#define ETHTOOL_GFLAGS 0x25u
#define ETHTOOL_GGRO 0x2bu
#define ETHTOOL_GSSET_INFO 0x37u
#define ETHTOOL_GFEATURES 0x3au
#define ETHTOOL_GET_TS_INFO 0x41u
#define ETH_SS_FEATURES 4

struct linux_ethtool_value { uint32_t cmd, data; };
struct linux_ethtool_block { uint32_t available, requested, active, never_changed; };
struct linux_ethtool_ts_info {
	uint32_t cmd, so_timestamping;
	int32_t phc_index;
	uint32_t tx_types, tx_reserved[3], rx_filters, rx_reserved[3];
};

#endif
