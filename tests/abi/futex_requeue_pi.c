/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a condition and then for a PI word: FUTEX_WAIT_REQUEUE_PI,
 * FUTEX_CMP_REQUEUE_PI (futex(2)).  The word is free, is held, its owner dies. */
#include "abi.h"
#include <linux/futex.h>
#include <stdatomic.h>

static uint32_t cond, word, other;
static atomic_int asleep;
static long got[4];
static int owned[4];

static long fx(void *u, int op, uint32_t v, void *t, void *u2, uint32_t v3)
{
	return syscall(SYS_futex, u, op | FUTEX_PRIVATE_FLAG, v, t, u2, v3);
}

static long result(long r) { return r < 0 ? -errno : r; }

static struct timespec in_ms(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms * 1000000l;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void *waiter(void *a)
{
	int k = (int)(long)a;

	atomic_fetch_add(&asleep, 1);
	got[k] = result(fx(&cond, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &word, 0));
	owned[k] = (word & FUTEX_TID_MASK) == (uint32_t)syscall(SYS_gettid);
	if (owned[k])
		fx(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	return NULL;
}

static void *sleeper(void *a) { atomic_fetch_add(&asleep, 1); fx(&cond, FUTEX_WAIT, 0, NULL, NULL, 0); return a; }

static void start(pthread_t *t, int n)
{
	asleep = 0;
	memset(got, 0x55, sizeof got);
	memset(owned, 0, sizeof owned);
	for (long k = 0; k < n; k++)
		pthread_create(&t[k], NULL, waiter, (void *)k);
	while (asleep < n)
		msleep(1);
	msleep(50);
}

static void end(pthread_t *t, int n)
{
	for (int k = 0; k < n; k++) {
		pthread_join(t[k], NULL);
		SAY("waiter: %ld, owns the word: %d\n", got[k], owned[k]);
	}
	V(word);
}

static void errors(void)
{
	struct timespec past = { 0, 1 }, soon = in_ms(20), bad = { 0, 1000000000 };

	V(fx(&cond, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &word, 0));
	V(fx(&cond, FUTEX_WAIT_REQUEUE_PI, 0, &past, &word, 0));
	V(fx(&cond, FUTEX_WAIT_REQUEUE_PI, 0, &soon, &word, 0));
	V(fx(&cond, FUTEX_WAIT_REQUEUE_PI, 0, &bad, &word, 0));
	V(fx(&cond, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &cond, 0));
	V(fx(&cond, FUTEX_WAIT_REQUEUE_PI, 0, NULL, (char *)&word + 1, 0));
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &cond, 0));
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 2, (void *)1, &word, 0));
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &word, 3));
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)-1l, &word, 0));
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &word, 0));
}

/* Nobody holds the word: the first waiter gets it, the others after it. */
static void free_word(void)
{
	pthread_t t[3];

	SAY("--- free\n");
	word = 0;
	start(t, 3);
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &word, 0));
	end(t, 3);
	start(t, 2);
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &word, 0));
	msleep(20);
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &word, 0));
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &word, 0));
	end(t, 2);
}

static void held_word(void)
{
	pthread_t t[3];

	SAY("--- held\n");
	word = 0;
	V(fx(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	start(t, 3);
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &word, 0));
	msleep(20);
	V(!!(word & FUTEX_WAITERS));
	V((word & FUTEX_TID_MASK) == (uint32_t)syscall(SYS_gettid));
	V(fx(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	end(t, 3);
}

static void wrong(void)
{
	pthread_t t;

	SAY("--- who waits for something else\n");
	word = 0;
	asleep = 0;
	pthread_create(&t, NULL, sleeper, NULL);
	while (!asleep)
		msleep(1);
	msleep(50);
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &word, 0));
	V(fx(&cond, FUTEX_WAKE, 1, NULL, NULL, 0));
	pthread_join(t, NULL);
	start(&t, 1);
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &other, 0));
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &word, 0));
	end(&t, 1);
}

static void on_signal(int s) { (void)s; }

/* A signal before the move: the call goes on.  After it: EAGAIN. */
static void signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	pthread_t t;

	SAY("--- signals\n");
	sigaction(SIGUSR1, &sa, NULL);
	word = 0;
	start(&t, 1);
	pthread_kill(t, SIGUSR1);
	msleep(20);
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &word, 0));
	end(&t, 1);
	fx(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	start(&t, 1);
	V(fx(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &word, 0));
	msleep(20);
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	SAY("waiter: %ld, owns the word: %d\n", got[0], owned[0]);
	V(fx(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	V(word & FUTEX_TID_MASK);
}

int main(void)
{
	errors();
	free_word();
	held_word();
	wrong();
	signals();
	return 0;
}
