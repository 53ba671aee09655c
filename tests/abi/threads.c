/* SPDX-License-Identifier: Apache-2.0 */
/* pthreads: mutexes, condition variables, joins, thread-local data, ids. */
/* variants: static musl dynamic */
#include "abi.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static long sum; static int turn; static __thread int tls = 5; static pthread_barrier_t bar; static int order[64], no;
static void *add(void *a) { for (int i = 0; i < 20000; i++) { pthread_mutex_lock(&m); sum++; pthread_mutex_unlock(&m); } tls += (long)a; return (void *)(long)tls; }
static void *ring(void *a) { long me = (long)a; for (int i = 0; i < 20; i++) { pthread_mutex_lock(&m); while (turn % 4 != me) pthread_cond_wait(&c, &m); turn++; pthread_cond_broadcast(&c); pthread_mutex_unlock(&m); } return NULL; }
static void *tid(void *a) { pthread_barrier_wait(&bar); *(int *)a = syscall(SYS_gettid); return NULL; }
static void *fk(void *a) { pid_t p = fork(); if (!p) _exit(12); wait_say("fork in thread", p); return NULL; }
static void *loop(void *a) { for (;;) pause(); }
static void *clean(void *a) { pthread_exit((void *)77); }
int main(void)
{
	pthread_t t[8]; void *r;
	for (long i = 0; i < 8; i++) pthread_create(t + i, NULL, add, (void *)i);
	for (int i = 0; i < 8; i++) { pthread_join(t[i], &r); SAY("%ld ", (long)r); } SAY("sum %ld tls %d\n", sum, tls);
	for (long i = 0; i < 4; i++) pthread_create(t + i, NULL, ring, (void *)i); for (int i = 0; i < 4; i++) pthread_join(t[i], NULL); SAY("turn %d\n", turn);
	int ids[4]; pthread_barrier_init(&bar, NULL, 4); for (int i = 0; i < 4; i++) pthread_create(t + i, NULL, tid, ids + i); for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
	int same = 0; for (int i = 0; i < 4; i++) for (int j = 0; j < i; j++) same += ids[i] == ids[j]; SAY("same ids %d, tid==pid in main %d\n", same, getpid() == syscall(SYS_gettid));
	pthread_create(t, NULL, fk, NULL); pthread_join(t[0], NULL); pthread_create(t, NULL, clean, NULL); pthread_join(t[0], &r); SAY("exit %ld\n", (long)r);
	pthread_create(t, NULL, loop, NULL); V(pthread_cancel(t[0])); V(pthread_join(t[0], &r)); SAY("cancelled %d\n", r == PTHREAD_CANCELED);
	struct timespec ts; clock_gettime(CLOCK_REALTIME, &ts); ts.tv_nsec += 20000000; if (ts.tv_nsec >= 1000000000) { ts.tv_sec++; ts.tv_nsec -= 1000000000; } pthread_mutex_lock(&m); V(pthread_cond_timedwait(&c, &m, &ts) == ETIMEDOUT);
	pthread_create(t, NULL, loop, NULL); pid_t p = fork(); if (!p) { exit(4); } wait_say("fork with threads", p);
	p = fork(); if (!p) { pthread_create(t, NULL, loop, NULL); execl("/bin/true", "true", NULL); _exit(1); } wait_say("exec with threads", p);
	for (int i = 0; i < 100; i++) { pthread_create(t, NULL, clean, NULL); pthread_join(t[0], NULL); } SAY("churn\n");
	exit(9);
}
