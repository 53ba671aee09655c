/* SPDX-License-Identifier: Apache-2.0 */
/* epoll: many events at once, their order, and a buffer that ends in the middle of an event. */
#include "abi.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define FILES 80

static int ep, ev[FILES];

static void add(int i, unsigned events)
{
	struct epoll_event e = { events, { .u32 = (unsigned)i } };

	epoll_ctl(ep, EPOLL_CTL_ADD, ev[i], &e);
}

static void show(const char *what, struct epoll_event *e, int max)
{
	int n = epoll_wait(ep, e, max, 0);

	SAY("%s: %d", what, n < 0 ? -errno : n);
	for (int i = 0; i < n; i++)
		SAY(" %u", e[i].data.u32);
	SAY("\n");
}

static void drain(int i) { uint64_t v; (void)!read(ev[i], &v, 8); }

int main(void)
{
	static struct epoll_event e[FILES + 1];
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct epoll_event *edge;

	ep = epoll_create1(0);
	for (int i = 0; i < FILES; i++) {
		ev[i] = eventfd(1, EFD_NONBLOCK);
		add(i, i % 4 == 1 ? EPOLLIN | EPOLLET : i % 4 == 2 ? EPOLLIN | EPOLLONESHOT : EPOLLIN);
	}
	show("all", e, FILES + 1);
	show("level", e, FILES + 1);
	show("part", e, 7);
	show("part", e, 35);
	show("all", e, FILES + 1);
	for (int i = 0; i < FILES - 1; i++)
		drain(i);
	show("last", e, FILES);

	close(ep);
	ep = epoll_create1(0);
	for (int i = 0; i < 5; i++)
		add(FILES - 1 - i, EPOLLIN | (i % 2 ? EPOLLONESHOT : EPOLLET));
	for (int i = 0; i < 5; i++) {
		uint64_t one = 1;

		(void)!write(ev[FILES - 1 - i], &one, 8);
	}
	munmap(pages + 4096, 4096);
	edge = (void *)(pages + 4096 - 2 * sizeof *edge - 5);
	show("two and a half", edge, 4);
	show("nothing fits", (void *)(pages + 4096 - 5), 4);
	show("the others", e, 8);
	show("none", e, 8);
	return 0;
}
