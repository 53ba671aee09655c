/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sys/net: what is more than one number, or does something at once. ip-sysctl. */
#include "kernel/fs/proc/sysctl_net.h"
#include "kernel/net/route.h"

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

static void skip_blanks(const char *text, size_t n, size_t *at)
{
	while (*at < n && blank(text[*at]))
		++*at;
}

int sysctl_number(const char *text, size_t n, size_t *at, int64_t *ret)
{
	bool minus;
	int base = 10;
	int64_t v = 0;
	size_t from;

	skip_blanks(text, n, at);
	minus = *at < n && text[*at] == '-';
	*at += minus;
	if (*at + 1 < n && text[*at] == '0' && (text[*at + 1] | 0x20) == 'x') {
		base = 16;
		*at += 2;
	} else if (*at < n && text[*at] == '0') {
		base = 8;
	}
	for (from = *at; *at < n && digit(text[*at]) < base; ++*at)
		if (mul_overflows(v, (int64_t)base, &v) || add_overflows(v, (int64_t)digit(text[*at]), &v))
			return -EINVAL;
	if (*at == from || (*at < n && !blank(text[*at])))
		return -EINVAL;
	*ret = minus ? -v : v;
	return 0;
}

/* ---- three numbers: tcp_rmem, tcp_wmem ---- */

void sysctl_three_show(struct sbuf *s, uint64_t arg)
{
	for (unsigned k = 0; k < 3; k++)
		sbuf_printf(s, "%lld%s", (long long)net_setting(netns_current(), (enum net_setting)(arg + k)), k < 2 ? "\t" : "\n");
}

/* Those that are there, one after the other. */
int sysctl_three_store(const char *text, size_t n, uint64_t arg)
{
	size_t at = 0;
	int64_t v;
	int err = capable(CAP_NET_ADMIN) ? 0 : -EPERM;

	for (unsigned k = 0; !err && k < 3; k++) {
		skip_blanks(text, n, &at);
		if (k && at == n)
			break;
		err = sysctl_number(text, n, &at, &v);
		if (!err)
			err = net_set(netns_current(), (enum net_setting)(arg + k), v);
	}
	return err;
}

/* ---- names, keys, groups ---- */

void sysctl_ttl_show(struct sbuf *s) { sbuf_printf(s, "%u\n", netns_current()->default_ttl); }

int sysctl_ttl_store(const char *text, size_t n)
{
	size_t at = 0;
	int64_t v;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (sysctl_number(text, n, &at, &v) || v < 1 || v > 255)
		return -EINVAL;
	netns_current()->default_ttl = (uint8_t)v;
	return 0;
}

void sysctl_congestion_show(struct sbuf *s) { sbuf_printf(s, "%s\n", net_congestion_name(netns_current()->congestion)); }

int sysctl_congestion_store(const char *text, size_t n)
{
	int k = net_congestion_find(text, n);

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (k < 0)
		return k;
	netns_current()->congestion = (uint8_t)k;
	return 0;
}

/* Group numbers; a range the wrong way round is none. */
void sysctl_ping_groups_show(struct sbuf *s)
{
	struct netns *ns = netns_current();
	uint32_t group[2];

	spin_lock(&ns->lock);
	memcpy(group, ns->ping_groups, sizeof group);
	spin_unlock(&ns->lock);
	sbuf_printf(s, "%u\t%u\n", group[0], group[1]);
}

int sysctl_ping_groups_store(const char *text, size_t n)
{
	struct netns *ns = netns_current();
	size_t at = 0;
	int64_t v[2];
	unsigned k = 0;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	do {
		if (sysctl_number(text, n, &at, &v[k]) || v[k] < 0 || v[k] >= UINT32_MAX)
			return -EINVAL;
		skip_blanks(text, n, &at);
		k++;
	} while (k < 2 && at < n);
	spin_lock(&ns->lock);
	if (k < 2)
		v[1] = ns->ping_groups[1];
	ns->ping_groups[0] = v[0] <= v[1] ? (uint32_t)v[0] : 1;
	ns->ping_groups[1] = v[0] <= v[1] ? (uint32_t)v[1] : 0;
	spin_unlock(&ns->lock);
	return 0;
}

static void show_key(struct sbuf *s, const uint8_t *key)
{
	uint32_t w[4];

	memcpy(w, key, sizeof w);
	sbuf_printf(s, "%08x-%08x-%08x-%08x", w[0], w[1], w[2], w[3]);
}

void sysctl_fastopen_key_show(struct sbuf *s)
{
	struct netns *ns = netns_current();
	struct fastopen_key key;

	spin_lock(&ns->lock);
	key = ns->fastopen_key;
	spin_unlock(&ns->lock);
	show_key(s, key.b);
	if (key.size > 16) {
		sbuf_printf(s, ",");
		show_key(s, key.b + 16);
	}
	sbuf_printf(s, "\n");
}

/* Four numbers with lines between; what follows them is not looked at. */
static bool parse_key(const char *text, size_t n, uint8_t *ret)
{
	uint32_t w[4] = { 0 };
	size_t at = 0;

	for (unsigned k = 0; k < 4; k++) {
		size_t from = at;

		for (; at < n && digit(text[at]) < 16; at++)
			w[k] = w[k] << 4 | (uint32_t)digit(text[at]);
		if (at == from || (k < 3 && (at == n || text[at++] != '-')))
			return false;
	}
	memcpy(ret, w, sizeof w);
	return true;
}

int sysctl_fastopen_key_store(const char *text, size_t n)
{
	struct netns *ns = netns_current();
	struct fastopen_key key = { .size = 16, .made = true };
	size_t comma = 0;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	while (comma < n && text[comma] != ',')
		comma++;
	if (!parse_key(text, comma, key.b))
		return -EINVAL;
	if (comma < n) {
		if (!parse_key(text + comma + 1, n - comma - 1, key.b + 16))
			return -EINVAL;
		key.size = 32;
	}
	spin_lock(&ns->lock);
	ns->fastopen_key = key;
	spin_unlock(&ns->lock);
	return 0;
}

/* ---- ports that the kernel does not choose ---- */

static bool reserved(const uint8_t *map, unsigned port) { return map[port / 8] & 1u << port % 8; }

void sysctl_reserved_ports_show(struct sbuf *s)
{
	struct netns *ns = netns_current();
	uint8_t *map = kmalloc(PORT_MAP_SIZE);
	unsigned from, port = 0;
	const char *between = "";
	bool any;

	if (!map)
		return;
	spin_lock(&ns->lock);
	any = ns->reserved_ports;
	if (any)
		memcpy(map, ns->reserved_ports, PORT_MAP_SIZE);
	spin_unlock(&ns->lock);
	while (any && port <= UINT16_MAX) {
		if (!reserved(map, port)) {
			port++;
			continue;
		}
		for (from = port; port < UINT16_MAX && reserved(map, port + 1); )
			port++;
		sbuf_printf(s, from == port ? "%s%u" : "%s%u-%u", between, from, port);
		between = ",";
		port++;
	}
	sbuf_printf(s, "\n");
	kfree(map);
}

static int port_number(const char *text, size_t n, size_t *at, unsigned *ret)
{
	size_t from = *at;
	uint64_t v;

	while (*at < n && digit(text[*at]) < 10)
		++*at;
	if (kparse_u64(text + from, *at - from, &v) || v > UINT16_MAX)
		return -EINVAL;
	*ret = (unsigned)v;
	return 0;
}

/* By bytes: a text can name the whole range some hundred times. */
static void reserve_ports(uint8_t *map, unsigned port, unsigned last)
{
	while (port <= last) {
		bool whole = !(port % 8) && last - port >= 7;

		map[port / 8] |= whole ? 0xff : (uint8_t)(1u << port % 8);
		port += whole ? 8 : 1;
	}
}

/* "8080,9000-9010" */
static int parse_ports(const char *text, size_t n, uint8_t *map)
{
	unsigned first, last;
	size_t at = 0;

	skip_blanks(text, n, &at);
	while (at < n) {
		if (port_number(text, n, &at, &first))
			return -EINVAL;
		last = first;
		if (at < n && text[at] == '-') {
			at++;
			if (port_number(text, n, &at, &last) || last < first)
				return -EINVAL;
		}
		if (at < n && text[at++] != ',')
			return -EINVAL;
		reserve_ports(map, first, last);
	}
	return 0;
}

int sysctl_reserved_ports_store(const char *text, size_t n)
{
	struct netns *ns = netns_current();
	uint8_t *map, *old;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	map = kzalloc(PORT_MAP_SIZE);
	if (!map)
		return -ENOMEM;
	err = parse_ports(text, n, map);
	if (err) {
		kfree(map);
		return err;
	}
	spin_lock(&ns->lock);
	old = ns->reserved_ports;
	ns->reserved_ports = map;
	spin_unlock(&ns->lock);
	kfree(old);
	return 0;
}

/* ---- disable_ipv6 ---- */

int sysctl_disable6_store(const char *text, size_t n, uint64_t arg)
{
	struct netns *ns = netns_current();
	size_t at = 0;
	int64_t v;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	err = sysctl_number(text, n, &at, &v);
	if (!err)
		err = net_set(ns, (enum net_setting)arg, v);
	if (!err && arg == SET_conf6_all_disable_ipv6) {        /* of every link, and of those to come */
		err = net_set(ns, SET_conf6_default_disable_ipv6, v);
		if (!err)
			err = net_set(ns, SET_conf6_lo_disable_ipv6, v);
	}
	return err || arg == SET_conf6_default_disable_ipv6 ? err : net_link_use_ipv6(ns);
}

/* ---- sizes of buffers, of all name spaces: only the first one sets them ---- */

void sysctl_sock_mem_show(struct sbuf *s, uint64_t arg) { sbuf_printf(s, "%d\n", sock_mem((enum sock_mem)arg)); }

int sysctl_sock_mem_store(const char *text, size_t n, uint64_t arg)
{
	struct netns *first;
	size_t at = 0;
	int64_t v;
	bool mine;

	first = netns_boot();
	mine = first == netns_current();
	netns_put(first);
	if (!mine)
		return -EACCES;
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	return sysctl_number(text, n, &at, &v) ? -EINVAL : sock_mem_set((enum sock_mem)arg, v);
}
