/* SPDX-License-Identifier: Apache-2.0 */
/* variants: dynamic */
/* Many descriptors told of by one epoll_wait(2) are read in turns with other calls, which write to them, take from
 * them, close them, replace them: each read gives the bytes that are next then. */
#include "abi.h"
#include "inet.h"
#include <sys/epoll.h>

#define PAIRS 20
#define ROUNDS 60

static struct stream { int in, out; unsigned sent, got; } s[PAIRS];
static int set;
static unsigned long bytes, wrong;

static uint8_t byte_at(unsigned i, unsigned n) { return (uint8_t)(i * 37 + n * 11 + (n >> 8)); }

static void put(unsigned i, unsigned n)
{
	uint8_t buf[1500];

	for (unsigned k = 0; k < n; k++)
		buf[k] = byte_at(i, s[i].sent + k);
	if (write(s[i].out, buf, n) != (ssize_t)n)
		printf("write: %s\n", abi_errno(errno));
	s[i].sent += n;
}

static void take(unsigned i, size_t size)
{
	uint8_t buf[2048];
	ssize_t n = s[i].got & 1 ? recv(s[i].in, buf, size, MSG_DONTWAIT) : read(s[i].in, buf, size);

	if (n < 0 && errno == EAGAIN && s[i].got == s[i].sent)
		return;
	if (n <= 0 || s[i].got + (unsigned)n > s[i].sent)
		printf("stream %u: %zd of %u\n", i, n, s[i].sent - s[i].got);
	for (ssize_t k = 0; k < n; k++)
		wrong += buf[k] != byte_at(i, s[i].got + (unsigned)k);
	s[i].got += n > 0 ? (unsigned)n : 0;
	bytes += n > 0 ? (unsigned)n : 0;
}

static void change(int op, unsigned i)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = i };

	if (epoll_ctl(set, op, s[i].in, &ev))
		printf("epoll_ctl %d: %s\n", op, abi_errno(errno));
}

/* The number of stream i is stream k's for a moment. */
static void exchange(unsigned i, unsigned k)
{
	int keep = dup(s[i].in), own = s[k].in;

	dup2(own, s[i].in);
	s[k].in = s[i].in;
	take(k, 2048);
	s[k].in = own;
	dup2(keep, s[i].in);
	close(keep);
}

static void open_all(bool tcp)
{
	set = epoll_create1(0);
	for (unsigned i = 0; i < PAIRS; i++) {
		int fd[2];

		if (tcp)
			tcp_pair(fd);
		else
			socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
		s[i] = (struct stream){ .in = fd[0], .out = fd[1] };
		fcntl(fd[0], F_SETFL, O_RDWR | O_NONBLOCK);
		change(EPOLL_CTL_ADD, i);
	}
}

/* What happens between the reads of one round. */
static void between(unsigned how, unsigned i, unsigned next)
{
	switch (how) {
	case 1:
		put(next, 5);
		break;
	case 2:
		getppid();
		break;
	case 3:
		take(next, 1 + i);
		break;
	case 4:
		change(EPOLL_CTL_MOD, i);
		change(EPOLL_CTL_DEL, i);
		change(EPOLL_CTL_ADD, i);
		break;
	case 5:
		exchange(i, next);
		break;
	case 6:
		dup2(s[next].in, 300);
		close(300);
	}
}

static void play(bool tcp)
{
	static const uint8_t how[] = { 0, 2, 1, 0, 4, 0, 2, 3, 0, 1, 5, 0, 6 };     /* reads must be worth granting */
	struct epoll_event ev[PAIRS];

	open_all(tcp);
	bytes = 0;
	for (unsigned r = 0; r < ROUNDS; r++) {
		int n;

		for (unsigned i = 0; i < PAIRS; i++)
			put(i, 1 + (i * 97 + r * 31) % (r % 3 ? 120 : 1100));
		n = epoll_wait(set, ev, PAIRS, 5000);
		for (int e = 0; e < n; e++) {
			unsigned i = ev[e].data.u32, next = ev[(e + 1) % n].data.u32;

			if (r % 11 == 10 && e % 3 == 1)
				continue;               /* another time */
			take(i, r % 5 == 4 ? 50 : 2048);
			if (i != next)
				between(how[r % sizeof how], i, next);
		}
	}
	for (unsigned i = 0; i < PAIRS; i++)
		for (int tries = 0; s[i].got < s[i].sent && tries < 1000; tries++)
			take(i, 2048);
	printf("%s: %lu bytes, %lu wrong\n", tcp ? "tcp" : "unix", bytes, wrong);
	for (unsigned i = 0; i < PAIRS; i++) {
		close(s[i].in);
		close(s[i].out);
	}
	close(set);
}

/* By then calls are as cheap as they get. */
static void warm(void)
{
	int fd[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	s[0] = (struct stream){ .in = fd[0], .out = fd[1] };
	for (unsigned i = 0; i < 200; i++) {
		put(0, 1);
		take(0, 2048);
	}
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	warm();
	play(false);
	play(true);
	return 0;
}
