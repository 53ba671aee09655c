/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_GENERIC: the controller, which tells what other families there are:
 * none.  Programs ask it by name for what they hope to find.  RFC 3549,
 * linux/genetlink.h. */
#include "kernel/net/netlink/netlink.h"

struct genl_head { uint8_t cmd, version; uint16_t reserved; };
_Static_assert(sizeof(struct genl_head) == 4, "genlmsghdr");

#define NAME_SIZE 16u

static const char name[] = "nlctrl";

static void put_controller(struct nl_request *r)
{
	struct genl_head h = { .cmd = CTRL_CMD_NEWFAMILY, .version = 2 };
	struct { struct linux_nlattr nest, id; uint32_t id_value; struct linux_nlattr flags; uint32_t flags_value; } op = {
		{ sizeof op, 1 }, { 8, CTRL_ATTR_OP_ID }, CTRL_CMD_GETFAMILY,
		{ 8, CTRL_ATTR_OP_FLAGS }, GENL_CMD_CAP_DO | GENL_CMD_CAP_DUMP
	};
	struct { struct linux_nlattr nest, id; uint32_t id_value; struct linux_nlattr name; char text[8]; } group = {
		{ sizeof group, 1 }, { 8, CTRL_ATTR_MCAST_GRP_ID }, GENL_ID_CTRL,
		{ 4 + sizeof "notify", CTRL_ATTR_MCAST_GRP_NAME }, "notify"
	};
	uint16_t id = GENL_ID_CTRL;

	nl_begin(r, GENL_ID_CTRL, &h, sizeof h);
	nl_attr(r, CTRL_ATTR_FAMILY_NAME, name, sizeof name);
	nl_attr(r, CTRL_ATTR_FAMILY_ID, &id, sizeof id);
	nl_u32(r, CTRL_ATTR_VERSION, 2);
	nl_u32(r, CTRL_ATTR_HDRSIZE, 0);
	nl_u32(r, CTRL_ATTR_MAXATTR, 0);
	nl_attr(r, CTRL_ATTR_OPS, &op, sizeof op);
	nl_attr(r, CTRL_ATTR_MCAST_GROUPS, &group, sizeof group);
	nl_end(r);
}

static int get_family(struct nl_request *r)
{
	const char *wanted;
	const void *id;
	uint16_t v = 0;
	size_t n;

	if (r->dump) {
		put_controller(r);
		return 0;
	}
	id = nl_find(r, sizeof(struct genl_head), CTRL_ATTR_FAMILY_ID, &n);
	if (id && n != sizeof v)
		return -ERANGE;
	if (id)
		memcpy(&v, id, sizeof v);
	wanted = nl_find(r, sizeof(struct genl_head), CTRL_ATTR_FAMILY_NAME, &n);
	if (wanted && (n > NAME_SIZE || strnlen(wanted, n) == n))
		return -EINVAL;
	if (!id && !wanted)
		return -EINVAL;
	if (wanted ? strcmp(wanted, name) : v != GENL_ID_CTRL)
		return -ENOENT;
	put_controller(r);
	return 0;
}

int generic_request(struct nl_request *r)
{
	struct genl_head h;

	if (r->h.type != GENL_ID_CTRL)
		return -ENOENT;
	if (r->size < sizeof h)
		return -EINVAL;
	memcpy(&h, r->body, sizeof h);
	return h.cmd == CTRL_CMD_GETFAMILY ? get_family(r) : -EOPNOTSUPP;
}
