/* SPDX-License-Identifier: Apache-2.0 */
/* NETLINK_GENERIC: the controller, and how it says that a family is not there. */
#include "abi.h"
#include "netlink.h"
#include <linux/genetlink.h>

static void say_family(const struct nlattr *a, int n)
{
	while (n >= (int)sizeof *a && a->nla_len >= sizeof *a && a->nla_len <= n) {
		const char *p = (const char *)(a + 1);
		int step = NLA_ALIGN(a->nla_len);
		unsigned v = 0;

		memcpy(&v, p, a->nla_len - sizeof *a < sizeof v ? a->nla_len - sizeof *a : sizeof v);
		switch (a->nla_type) {
		case CTRL_ATTR_FAMILY_NAME: SAY(" name %s", p); break;
		case CTRL_ATTR_FAMILY_ID: SAY(" id %u", v); break;
		case CTRL_ATTR_VERSION: SAY(" version %u", v); break;
		case CTRL_ATTR_HDRSIZE: SAY(" header %u", v); break;
		case CTRL_ATTR_MAXATTR: SAY(" attributes %u", v); break;
		case CTRL_ATTR_MCAST_GROUPS: SAY(" groups, %d bytes, %s", a->nla_len, p + 16); break;
		}
		n -= step;
		a = (const struct nlattr *)((const char *)a + step);
	}
}

static void ask_for(int s, int type, int flags, int cmd, int attr, const void *p, size_t n)
{
	static char b[16384] __attribute__((aligned(8)));
	struct nlmsghdr *h = (void *)b;
	struct req r;
	struct genlmsghdr *g = req_new(&r, type, flags, sizeof *g);
	int got;

	g->cmd = (unsigned char)cmd;
	g->version = 1;
	if (attr)
		req_attr(&r, attr, p, n);
	SAY("type %d, command %d, attribute %d of %zu\n", type, cmd, attr, n);
	if (send(s, &r, r.h.nlmsg_len, 0) < 0 || (got = (int)recv(s, b, sizeof b, 0)) < 0) {
		SAY("  %s\n", abi_errno(errno));
		return;
	}
	if (h->nlmsg_type == NLMSG_ERROR) {
		struct nlmsgerr *e = NLMSG_DATA(h);

		SAY("  %s\n", e->error ? abi_errno(-e->error) : "ack");
		return;
	}
	g = NLMSG_DATA(h);
	SAY("  type %d command %d version %d", h->nlmsg_type, g->cmd, g->version);
	say_family((void *)(g + 1), (int)h->nlmsg_len - NLMSG_LENGTH((int)sizeof *g));
	SAY("\n");
}

int main(void)
{
	int s = nl_open(NETLINK_GENERIC, 0), group = GENL_ID_CTRL;
	unsigned short id = GENL_ID_CTRL;
	struct nlmsghdr bare = { sizeof bare, GENL_ID_CTRL, NLM_F_REQUEST, 1, 0 };

	ask_for(s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "nlctrl", 7);
	ask_for(s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, &id, 2);
	ask_for(s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "no such", 8);
	ask_for(s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "a name that is too long", 24);
	ask_for(s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, &id, 1);
	id = 9;
	ask_for(s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, &id, 2);
	ask_for(s, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 0, NULL, 0);
	ask_for(s, GENL_ID_CTRL, 0, CTRL_CMD_NEWFAMILY, 0, NULL, 0);
	ask_for(s, GENL_ID_CTRL, 0, 99, 0, NULL, 0);
	ask_for(s, 9999, 0, CTRL_CMD_GETFAMILY, 0, NULL, 0);
	SAY("no header of its own\n");
	if (send(s, &bare, sizeof bare, 0) > 0)
		say_answer(s, 0);
	V(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group));
	V(setsockopt(s, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof group));
	return 0;
}
