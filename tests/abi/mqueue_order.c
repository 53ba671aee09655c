/* SPDX-License-Identifier: Apache-2.0 */
/* In which order a queue gives back what it holds: by priority, then by age. */
#include <mqueue.h>

#include "abi.h"

int main(void)
{
	struct mq_attr a = { .mq_maxmsg = 10, .mq_msgsize = 16 };
	char name[64], buf[16];
	unsigned seed = 1, prio;
	mqd_t q;

	snprintf(name, sizeof(name), "/nacre-order-%d", (int)getpid());
	q = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &a);
	mq_unlink(name);
	for (int i = 0; i < 3000; i++) {
		ssize_t n;

		seed = seed * 1103515245 + 12345;
		if (seed >> 16 & 1) {
			n = snprintf(buf, sizeof(buf), "%d", i);
			n = mq_send(q, buf, (size_t)n, seed >> 20 & 3);
			SAY("send %u: %s\n", seed >> 20 & 3, n ? abi_errno(errno) : buf);
		} else {
			n = mq_receive(q, buf, sizeof(buf), &prio);
			if (n < 0)
				SAY("receive: %s\n", abi_errno(errno));
			else
				SAY("receive %u: %.*s\n", prio, (int)n, buf);
		}
	}
	return 0;
}
