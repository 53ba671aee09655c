/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a name space: kept from the first that somebody changes. */
#include "kernel/net/settings.h"

#define ONE(G, name, ...) { __VA_ARGS__ },
static const struct { int64_t first, least, most; } rules[] = {
	SETTINGS_ALL(ONE)
};
_Static_assert(ARRAY_SIZE(rules) == SETTING_COUNT, "one rule for each");

/* Where directories of one kind begin differently. */
static const struct { enum net_setting which; int64_t first; } others[] = {
	{ SET_conf4_all_accept_source_route, 0 }, { SET_conf4_all_disable_policy, 0 }, { SET_conf4_all_disable_xfrm, 0 },
	{ SET_conf4_default_disable_policy, 0 }, { SET_conf4_default_disable_xfrm, 0 }, { SET_conf6_all_accept_dad, 0 },
	{ SET_conf6_all_mtu, 1280 }, { SET_conf6_all_use_tempaddr, 0 }, { SET_conf6_default_accept_dad, 1 },
	{ SET_conf6_default_mtu, 1280 }, { SET_conf6_default_use_tempaddr, 0 }, { SET_neigh6_default_locktime, 0 },
	{ SET_neigh6_lo_locktime, 0 }, { SET_neigh6_default_retrans_time, 250 }, { SET_neigh6_lo_retrans_time, 250 },
};

static int64_t first(enum net_setting which)
{
	for (unsigned k = 0; k < ARRAY_SIZE(others); k++)
		if (others[k].which == which)
			return others[k].first;
	return rules[which].first;
}

int64_t net_setting(struct netns *ns, enum net_setting which)
{
	int64_t *kept = __atomic_load_n(&ns->settings, __ATOMIC_ACQUIRE);

	return kept ? __atomic_load_n(&kept[which], __ATOMIC_RELAXED) : first(which);
}

int net_set(struct netns *ns, enum net_setting which, int64_t v)
{
	int64_t *kept = __atomic_load_n(&ns->settings, __ATOMIC_ACQUIRE), *none = NULL, *mine;

	if (v < rules[which].least || v > rules[which].most)
		return -EINVAL;
	if (!kept) {
		mine = kmalloc(SETTING_COUNT * sizeof *mine);
		if (!mine)
			return -ENOMEM;
		for (unsigned k = 0; k < SETTING_COUNT; k++)
			mine[k] = first((enum net_setting)k);
		if (__atomic_compare_exchange_n(&ns->settings, &none, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			kept = mine;
		} else {
			kfree(mine);    /* another was faster */
			kept = none;
		}
	}
	__atomic_store_n(&kept[which], v, __ATOMIC_RELAXED);
	return 0;
}
