/* SPDX-License-Identifier: Apache-2.0 */
/* variants: dynamic */
/* Several processes wait for the same counters and streams and read them, while others fill them and a thread of
 * each reader changes its table: nothing is read twice, nothing is lost. */
#include "abi.h"
#include "inet.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define READERS 2
#define WRITERS 2
#define ROUNDS 4000
#define OBJECTS 4

static struct shared { uint64_t sum[OBJECTS]; int done; } *sh;
static int in[OBJECTS], out[OBJECTS];

static void *changes(void *arg)
{
	while (!__atomic_load_n(&sh->done, __ATOMIC_SEQ_CST)) {
		close(dup(0));
		msleep(1);
	}
	return arg;
}

/* The value of a counter, or the sum of a stream's bytes. */
static void take(int i)
{
	unsigned char buf[100];
	ssize_t n = read(in[i], buf, sizeof buf);
	uint64_t v = 0;

	if (n <= 0)
		return;
	if (i < 2)
		memcpy(&v, buf, sizeof v);
	for (ssize_t k = 0; i >= 2 && k < n; k++)
		v += buf[k];
	__atomic_fetch_add(&sh->sum[i], v, __ATOMIC_SEQ_CST);
}

static void reader(bool threads)
{
	struct epoll_event ev[OBJECTS];
	int set = epoll_create1(0), n;
	pthread_t t;

	for (int i = 0; i < OBJECTS; i++) {
		ev[0] = (struct epoll_event){ .events = EPOLLIN, .data.u32 = (uint32_t)i };
		epoll_ctl(set, EPOLL_CTL_ADD, in[i], &ev[0]);
	}
	for (int round = 0; !__atomic_load_n(&sh->done, __ATOMIC_SEQ_CST); round++) {
		n = epoll_wait(set, ev, OBJECTS, 20);
		for (int k = 0; k < n; k++)
			take((int)ev[k].data.u32);
		if (threads && round == ROUNDS / 4)
			pthread_create(&t, NULL, changes, NULL);
	}
	_exit(0);
}

static void writer(void)
{
	unsigned char bytes[3] = { 1, 2, 3 };
	uint64_t v = 6;

	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < OBJECTS; i++)
			while (write(out[i], i < 2 ? (void *)&v : bytes, i < 2 ? 8 : 3) < 0)
				sched_yield();
	_exit(0);
}

int main(void)
{
	pid_t readers[READERS], writers[WRITERS];
	int fd[2];

	sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	in[0] = out[0] = eventfd(0, EFD_NONBLOCK);
	in[1] = out[1] = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd);
	in[2] = fd[0];
	out[2] = fd[1];
	tcp_pair(fd);
	in[3] = fd[0];
	out[3] = fd[1];
	fcntl(in[3], F_SETFL, O_RDWR | O_NONBLOCK);
	for (int i = 0; i < READERS; i++)
		if (!(readers[i] = fork()))
			reader(i);
	for (int i = 0; i < WRITERS; i++)
		if (!(writers[i] = fork()))
			writer();
	for (int i = 0; i < WRITERS; i++)
		wait_say("writer", writers[i]);
	for (int i = 0; i < OBJECTS; i++) {
		uint64_t want = 6ul * ROUNDS * WRITERS;

		for (int k = 0; k < 2000 && __atomic_load_n(&sh->sum[i], __ATOMIC_SEQ_CST) < want; k++)
			msleep(5);
	}
	msleep(50);
	__atomic_store_n(&sh->done, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < READERS; i++)
		wait_say("reader", readers[i]);
	for (int i = 0; i < OBJECTS; i++)
		SAY("%d: %lld too many\n", i, (long long)(sh->sum[i] - 6ul * ROUNDS * WRITERS));
	return 0;
}
