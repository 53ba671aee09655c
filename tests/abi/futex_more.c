/* SPDX-License-Identifier: Apache-2.0 */
/* futex: errors of each operation, PI, robust lists, requeue, waitv. */
#include "abi.h"
#include <linux/futex.h>
#include <stddef.h>
static uint32_t w[8]; static volatile int stage;
static long fx(void *u, int op, uint32_t v, void *t, void *u2, uint32_t v3) { return syscall(SYS_futex, u, op, v, t, u2, v3); }
#define F(...) V(fx(__VA_ARGS__))
struct wv { uint64_t val, uaddr; uint32_t flags, pad; };
static long waitv(struct wv *v, unsigned n, unsigned f, struct timespec *t, int clk) { return syscall(449, v, n, f, t, clk); }
static struct robust_list_head rh; struct lk { struct robust_list l; uint32_t f; }; static struct lk *lk;
/* Prints nothing: who gets to run first after the unlock is not defined. */
static long pi_got[3];
static void *pi_waiter(void *a)
{
	pi_got[0] = fx(&w[0], FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	pi_got[1] = (w[0] & FUTEX_TID_MASK) == syscall(SYS_gettid);
	pi_got[2] = fx(&w[0], FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}
static void *wvt(void *a) { struct wv v[3] = { { 0, (uintptr_t)&w[4], 2 | 128 }, { 0, (uintptr_t)&w[5], 2 | 128 }, { 0, (uintptr_t)&w[6], 2 | 128 } }; stage = 2; V(waitv(v, 3, 0, NULL, 0)); return NULL; }
static void *dier(void *a) { rh.list.next = &lk->l; lk->l.next = &rh.list; rh.futex_offset = offsetof(struct lk, f); syscall(SYS_set_robust_list, &rh, sizeof rh); lk->f = syscall(SYS_gettid); return NULL; }
int main(void)
{
	struct timespec past = { 0, 0 }, soon = { 0, 2000000 }, bad = { 0, 1000000000 }, neg = { -1, 0 }, abs; pthread_t t; void *hp; size_t hs; pid_t p;
	lk = mmap(NULL, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	F(w, FUTEX_WAIT, 1, NULL, NULL, 0); F(w, FUTEX_WAIT, 0, &soon, NULL, 0); F(w, FUTEX_WAIT, 0, &bad, NULL, 0); F(w, FUTEX_WAIT, 0, &neg, NULL, 0); F((char *)w + 1, FUTEX_WAIT, 0, &soon, NULL, 0); F((void *)8, FUTEX_WAIT, 0, &soon, NULL, 0); F((void *)8, FUTEX_WAKE, 1, NULL, NULL, 0); F((void *)8, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); F(NULL, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); F(w, FUTEX_WAIT, 0, (void *)8, NULL, 0); F(w, 99, 0, NULL, NULL, 0); F(w, FUTEX_WAIT_BITSET, 0, &soon, NULL, 0); F(w, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0); F(w, FUTEX_WAIT_BITSET, 0, &past, NULL, 1); F(w, FUTEX_WAKE, 1, NULL, NULL, 0); F(w, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0); clock_gettime(CLOCK_REALTIME, &abs); F(w, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &abs, NULL, ~0u); F(w, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &soon, NULL, 0);
	F(w, FUTEX_REQUEUE, 1, (void *)1, w + 1, 0); F(w, FUTEX_CMP_REQUEUE, 1, (void *)1, w + 1, 5); F(w, FUTEX_CMP_REQUEUE, 1, (void *)1, w + 1, 0); F(w, FUTEX_REQUEUE, -1, (void *)1, w + 1, 0); F(w, FUTEX_REQUEUE, 1, (void *)-1l, w + 1, 0); F(w, FUTEX_WAKE_OP, 1, (void *)1, w + 1, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0)); V(w[1]); F(w, FUTEX_WAKE_OP, 1, (void *)1, w + 1, FUTEX_OP(FUTEX_OP_OR, 4, FUTEX_OP_CMP_LT, 0)); V(w[1]); F(w, FUTEX_WAKE_OP, 1, (void *)1, w + 1, FUTEX_OP(7, 4, FUTEX_OP_CMP_LT, 0)); F(w, FUTEX_WAKE_OP, 1, (void *)1, (void *)8, 0); F(w, FUTEX_FD, 0, NULL, NULL, 0);
	w[0] = 0; F(w, FUTEX_LOCK_PI, 0, NULL, NULL, 0); V(w[0] == getpid()); F(w, FUTEX_LOCK_PI, 0, NULL, NULL, 0); F(w, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0); F(w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0); V(w[0]); F(w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0); w[0] = 999999; F(w, FUTEX_LOCK_PI, 0, NULL, NULL, 0); F(w, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0); F(w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0); w[0] = 0; F(w, FUTEX_LOCK_PI2, 0, NULL, NULL, 0); F(w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	F(w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0); pthread_create(&t, NULL, pi_waiter, NULL); while (!(w[0] & FUTEX_WAITERS)) usleep(1000); F(w, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0); pthread_join(t, NULL); V(w[0]); V(pi_got[0]); V(pi_got[1]); V(pi_got[2]);
	V(syscall(SYS_get_robust_list, 0, &hp, &hs)); V(hs); V(syscall(SYS_get_robust_list, 999999, &hp, &hs)); V(syscall(SYS_get_robust_list, 0, 8l, &hs)); V(syscall(SYS_set_robust_list, &rh, 5)); pthread_create(&t, NULL, dier, NULL); pthread_join(t, NULL); V(lk->f == FUTEX_OWNER_DIED); lk->f = 0; p = fork(); if (!p) { dier(NULL); lk->f |= FUTEX_WAITERS; _exit(0); } waitpid(p, 0, 0); V(lk->f == (FUTEX_OWNER_DIED | FUTEX_WAITERS));
	struct wv v[130] = { { 0, (uintptr_t)&w[4], 2 | 128 } }; V(waitv(v, 0, 0, NULL, 0)); V(waitv(v, 129, 0, NULL, 0)); V(waitv(v, 1, 1, NULL, 0)); V(waitv(NULL, 1, 0, NULL, 0)); clock_gettime(CLOCK_MONOTONIC, &abs); V(waitv(v, 1, 0, &abs, CLOCK_MONOTONIC)); V(waitv(v, 1, 0, &abs, 7)); v[0].val = 1; V(waitv(v, 1, 0, NULL, 0)); v[0].val = 0; v[0].flags = 0; V(waitv(v, 1, 0, NULL, 0)); v[0].flags = 1 | 128; V(waitv(v, 1, 0, NULL, 0)); v[0].flags = 2; v[0].pad = 1; V(waitv(v, 1, 0, NULL, 0)); v[0].pad = 0; v[0].uaddr++; V(waitv(v, 1, 0, NULL, 0));
	pthread_create(&t, NULL, wvt, NULL); while (stage != 2) usleep(1000); usleep(20000); while (!fx(&w[5], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0)) usleep(1000); pthread_join(t, NULL);
	return 0;
}
