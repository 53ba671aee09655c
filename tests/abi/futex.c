/* SPDX-License-Identifier: Apache-2.0 */
/* futex: wait, wake, timeouts, bitset, requeue, wake_op, robust lists. */
#include "abi.h"
#include <linux/futex.h>
static uint32_t *w;
#define F(...) syscall(SYS_futex, __VA_ARGS__)
int main(void)
{
	w = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); struct timespec t = { 0, 20000000 };
	V(F(w, FUTEX_WAIT, 1, NULL)); V(F(w, FUTEX_WAIT, 0, &t)); V(F(w, FUTEX_WAKE, 1)); V(F((char *)w + 1, FUTEX_WAIT, 0, NULL)); V(F(8, FUTEX_WAIT, 0, NULL)); V(F(w, 77, 0)); t.tv_nsec = -1; V(F(w, FUTEX_WAIT, 0, &t));
	V(F(w, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0)); clock_gettime(CLOCK_MONOTONIC, &t); V(F(w, FUTEX_WAIT_BITSET, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY));
	pid_t p[3]; for (int i = 0; i < 3; i++) if (!(p[i] = fork())) { int r = F(w, FUTEX_WAIT, 0, NULL); _exit(r ? 1 : 20 + 0); }
	msleep(100); long n = 0; V(F(w, FUTEX_WAKE, 1)); V(F(w, FUTEX_CMP_REQUEUE, 1, 1, w + 1, 5)); V(F(w, FUTEX_CMP_REQUEUE, 0, 100, w + 1, 0)); V(F(w, FUTEX_WAKE, 10)); V(F(w + 1, FUTEX_WAKE, 10)); for (int i = 0; i < 3; i++) wait_say("waiter", p[i]);
	if (!(p[0] = fork())) { _exit(F(w, FUTEX_WAIT_BITSET, 0, NULL, NULL, 2) ? 1 : 0); } msleep(60); V(F(w, FUTEX_WAKE_BITSET, 5, NULL, NULL, 1)); V(F(w, FUTEX_WAKE_BITSET, 5, NULL, NULL, 6)); wait_say("bitset", p[0]);
	w[2] = 10; V(F(w, FUTEX_WAKE_OP, 1, 1, w + 2, FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 10))); SAY("%u\n", w[2]);
	pthread_mutexattr_t a; pthread_mutexattr_init(&a); pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST); pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED); pthread_mutex_t *m = (void *)(w + 64); pthread_mutex_init(m, &a);
	if (!(p[0] = fork())) { pthread_mutex_lock(m); _exit(0); } wait_say("robust", p[0]); V(pthread_mutex_lock(m) == EOWNERDEAD); V(pthread_mutex_consistent(m)); V(pthread_mutex_unlock(m)); V(pthread_mutex_lock(m));
	uint32_t priv = 0; V(F(&priv, FUTEX_WAIT_PRIVATE, 1, NULL)); V(F(&priv, FUTEX_WAKE_PRIVATE, 1)); (void)n;
	return 0;
}
