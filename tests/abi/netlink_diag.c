/* SPDX-License-Identifier: Apache-2.0 */
/* sock_diag(7) of netlink sockets: dumps of one protocol and of all, what is refused. */
#include "abi.h"
#include "netlink.h"
#include <linux/netlink_diag.h>
#include <linux/sock_diag.h>

static void sockets(int nl, int flags, int protocol, unsigned show, size_t size, ino_t mine)
{
	static char b[65536] __attribute__((aligned(8)));
	bool seen = false;
	struct req r;
	struct netlink_diag_req *q = req_new(&r, SOCK_DIAG_BY_FAMILY, flags, size);

	q->sdiag_family = AF_NETLINK;
	q->sdiag_protocol = (unsigned char)protocol;
	q->ndiag_show = show;
	printf("flags %#x protocol %d show %u size %zu\n", flags, protocol, show, size);
	V(send(nl, &r, r.h.nlmsg_len, 0) == r.h.nlmsg_len);
	for (;;) {
		int n = (int)recv(nl, b, sizeof b, 0);

		if (n <= 0) {
			V(n);
			return;
		}
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			struct netlink_diag_msg *m = NLMSG_DATA(h);
			int len = (int)NLMSG_PAYLOAD(h, sizeof *m);

			if (h->nlmsg_type == NLMSG_DONE)
				return;
			if (h->nlmsg_type == NLMSG_ERROR) {
				printf("  %s\n", abi_errno(-((struct nlmsgerr *)NLMSG_DATA(h))->error));
				return;
			}
			/* Linux shows one with groups once more. */
			if (m->ndiag_ino != mine || seen)
				continue;
			seen = true;
			printf("  type %d protocol %d state %d own %d to %u %u multi %d", m->ndiag_type, m->ndiag_protocol,
			       m->ndiag_state, m->ndiag_portid == (unsigned)getpid(), m->ndiag_dst_portid,
			       m->ndiag_dst_group, h->nlmsg_flags & NLM_F_MULTI);
			for (struct rtattr *a = (void *)(m + 1); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
				if (a->rta_type == NETLINK_DIAG_GROUPS)
					printf(" groups %#x", *(unsigned *)RTA_DATA(a));
				if (a->rta_type == NETLINK_DIAG_MEMINFO)
					printf(" memory %d", RTA_PAYLOAD(a) >= 16);
			}
			printf("\n");
		}
	}
}

int main(void)
{
	int nl = nl_open(NETLINK_SOCK_DIAG, 0), route = nl_open(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_NEIGH);
	struct timeval limit = { .tv_sec = 2 };
	struct stat st;
	size_t size = sizeof(struct netlink_diag_req);

	setsockopt(nl, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	fstat(route, &st);
	sockets(nl, NLM_F_DUMP, NETLINK_ROUTE, NDIAG_SHOW_GROUPS | NDIAG_SHOW_MEMINFO, size, st.st_ino);
	sockets(nl, NLM_F_DUMP, NDIAG_PROTO_ALL, 0, size, st.st_ino);
	sockets(nl, NLM_F_DUMP, NETLINK_GENERIC, 0, size, st.st_ino);
	sockets(nl, NLM_F_DUMP, 200, 0, size, st.st_ino);
	sockets(nl, 0, NETLINK_ROUTE, 0, size, st.st_ino);
	sockets(nl, NLM_F_DUMP, NETLINK_ROUTE, 0, size - 4, st.st_ino);
	return 0;
}
