/* SPDX-License-Identifier: Apache-2.0 */
/* futex: words that change, and wake-ups that come, between a waiter's look at the word and its
 * queueing: threads of a process and processes, plain waits, bit sets, timeouts, requeues.
 * Any that were lost would end the test by its alarm. */
#include "abi.h"
#include <linux/futex.h>

#define ROUNDS 3000
#define RING 5

static uint32_t ring[RING];
static struct shared { uint32_t turn, lock, count, gate, second, done; } *sh;
static uint32_t private_lock, private_count;

static long fx(uint32_t *u, int op, uint32_t v, void *t, uint32_t *u2, uint32_t v3)
{
	return syscall(SYS_futex, u, op, v, t, u2, v3);
}

/* Each waits for its word, clears it, raises the next one's. */
static void *in_ring(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct timespec minute = { 60, 0 };

	for (unsigned i = 0; i < ROUNDS; i++) {
		while (!__atomic_exchange_n(&ring[me], 0, __ATOMIC_SEQ_CST)) {
			if (i % 3 == 2)
				fx(&ring[me], FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 1u << (i % 32));
			else
				fx(&ring[me], FUTEX_WAIT | (i & 1 ? FUTEX_PRIVATE_FLAG : 0), 0, i % 5 ? NULL : &minute, NULL, 0);
		}
		__atomic_store_n(&ring[(me + 1) % RING], 1, __ATOMIC_SEQ_CST);
		fx(&ring[(me + 1) % RING], FUTEX_WAKE, 1, NULL, NULL, 0);
		fx(&ring[(me + 1) % RING], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
	}
	return NULL;
}

/* 0 free, 1 taken, 2 taken and waited for. */
static void lock(uint32_t *l, int flag)
{
	uint32_t free = 0;

	if (__atomic_compare_exchange_n(l, &free, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;
	while (__atomic_exchange_n(l, 2, __ATOMIC_SEQ_CST))
		fx(l, FUTEX_WAIT | flag, 2, NULL, NULL, 0);
}

static void unlock(uint32_t *l, int flag)
{
	if (__atomic_exchange_n(l, 0, __ATOMIC_SEQ_CST) == 2)
		fx(l, FUTEX_WAKE | flag, 1, NULL, NULL, 0);
}

static void *count_privately(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		lock(&private_lock, FUTEX_PRIVATE_FLAG);
		private_count++;
		if (i % 64 == 0)
			sched_yield();
		unlock(&private_lock, FUTEX_PRIVATE_FLAG);
	}
	return arg;
}

static void count_shared(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		lock(&sh->lock, 0);
		sh->count++;
		if (i % 64 == 0)
			sched_yield();
		unlock(&sh->lock, 0);
	}
}

/* Waits at one word, is moved to another, and woken there. */
static void *moved(void *arg)
{
	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		uint32_t seen = __atomic_load_n(&sh->gate, __ATOMIC_SEQ_CST);

		while (seen == __atomic_load_n(&sh->gate, __ATOMIC_SEQ_CST))
			fx(&sh->gate, FUTEX_WAIT, seen, NULL, NULL, 0);
	}
	__atomic_fetch_add(&sh->done, 1, __ATOMIC_SEQ_CST);
	return arg;
}

int main(void)
{
	pthread_t t[RING];
	pid_t pid[3];

	alarm(60);
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < RING; i++)
		pthread_create(&t[i], NULL, in_ring, (void *)(uintptr_t)i);
	__atomic_store_n(&ring[0], 1, __ATOMIC_SEQ_CST);
	fx(&ring[0], FUTEX_WAKE, 1, NULL, NULL, 0);
	for (unsigned i = 0; i < RING; i++)
		pthread_join(t[i], NULL);
	V(ring[0]);

	for (unsigned i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, count_privately, NULL);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	V(private_count == 4 * ROUNDS);
	V(private_lock);

	for (unsigned i = 0; i < 3; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			count_shared();
			_exit(0);
		}
	}
	for (unsigned i = 0; i < 3; i++)
		waitpid(pid[i], NULL, 0);
	V(sh->count == 3 * ROUNDS);
	V(sh->lock);

	for (unsigned i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, moved, NULL);
	while (__atomic_load_n(&sh->done, __ATOMIC_SEQ_CST) < 3) {
		__atomic_fetch_add(&sh->gate, 1, __ATOMIC_SEQ_CST);
		fx(&sh->gate, FUTEX_REQUEUE, 1, (void *)8ul, &sh->second, 0);
		fx(&sh->second, FUTEX_WAKE, 8, NULL, NULL, 0);
	}
	for (unsigned i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	V(sh->done);

	/* The word is not what the call says; other errors come first. */
	V(fx(&ring[1], FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 7, NULL, NULL, 0));
	V(fx(&ring[1], FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
	V(fx(&ring[1], FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &(struct timespec){ 0, -1 }, NULL, 0));
	V(fx(&ring[1], FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &(struct timespec){ 0, 1 }, NULL, 0));
	V(fx(&ring[1], FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, (void *)8, NULL, 0));
	V(fx((void *)((char *)&ring[1] + 1), FUTEX_WAIT, 0, NULL, NULL, 0));
	V(fx((void *)4, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
	return 0;
}
