/* SPDX-License-Identifier: Apache-2.0 */
/* later.c: mappings of a running program that wait until somebody needs them.
 *
 * A dynamic linker reserves a library's range, maps three or four segments
 * over it and touches the memory only then.  Each would be a message to the
 * mapper.  So what the kernel allows to wait (PLAT_MAP_LATER) is kept, with the calls
 * about the same range that follow, and posted as one list: before a call that
 * may not wait, before a copy from or to there, when the program
 * touches the range (the kernel asks: plat_as_settle), before a fork.
 *
 * Only one range waits at a time, and nothing else is mapped there; calls about other
 * places do not depend on it and go past.
 *
 * Locking: later_lock, over the run of the list too: whoever finds nothing
 * waiting finds it mapped. */
#include <sys/syscall.h>

#include "platform/process/internal.h"

/* Lock held.  What is left of a list that fails is unknown: the range goes. */
static int run(struct stub *s)
{
	struct batch *b = s->later;
	int err = batch_flush(s, b);

	if (err && err != -ESRCH) {
		const struct stub_call gone = { .nr = SYS_munmap, .a = { b->lo, b->hi - b->lo } };

		if (mapper_run_calls(s, &gone, 1, NULL, 0))
			stub_kill(s, "its memory could not be unmapped");
	}
	__atomic_store_n(&s->later, NULL, __ATOMIC_RELEASE);
	batch_free(b);
	return err;
}

static int begin(struct stub *s, uint64_t lo, uint64_t hi)
{
	struct batch *b = batch_new();

	if (!b)
		return -ENOMEM;
	b->lo = lo;
	b->hi = hi;
	__atomic_store_n(&s->later, b, __ATOMIC_RELEASE);
	return 0;
}

/* Lock held, something waits. */
static int add(struct stub *s, uint32_t nr, const uint64_t a[6], plat_obj_t obj, unsigned how)
{
	int err = batch_add(s, s->later, nr, a, obj), late;

	if (!err && !(how & LATER_LAST))
		return 0;
	late = run(s);
	return err ? err : late;
}

int later_take(struct stub *s, uint32_t nr, const uint64_t a[6], plat_obj_t obj, unsigned how, bool *ret_kept)
{
	uint64_t lo = a[0], hi = a[0] + a[1];
	const struct batch *b;
	int err = 0;

	*ret_kept = false;
	if (!__atomic_load_n(&s->later, __ATOMIC_ACQUIRE) && !(how & LATER_BEGIN))
		return 0;
	pthread_mutex_lock(&s->later_lock);
	b = s->later;
	if (b && !(how & LATER_BEGIN) && (hi <= b->lo || lo >= b->hi))
		goto out;
	if (b && !(lo >= b->lo && hi <= b->hi && (how & LATER_KEEP))) {
		err = run(s);
		b = NULL;
	}
	if (!err && !b && (how & LATER_BEGIN)) {
		/* Without memory for it the call is made at once. */
		b = begin(s, lo, hi) ? NULL : s->later;
	}
	if (!err && b) {
		err = add(s, nr, a, obj, how);
		*ret_kept = true;
	}
out:
	pthread_mutex_unlock(&s->later_lock);
	return err;
}

int later_settle_slow(struct stub *s)
{
	int ret = 0;

	pthread_mutex_lock(&s->later_lock);
	if (s->later) {
		ret = run(s);
		ret = ret ? ret : 1;
	}
	pthread_mutex_unlock(&s->later_lock);
	return ret;
}

void later_need_slow(struct stub *s, uint64_t at, uint64_t n)
{
	const struct batch *b;

	pthread_mutex_lock(&s->later_lock);
	b = s->later;
	if (b && at < b->hi && at + n > b->lo)
		run(s);         /* if it fails, the access does */
	pthread_mutex_unlock(&s->later_lock);
}

int plat_as_settle(plat_as_t as)
{
	struct stub *s = stub_find(as.id);

	return s ? later_settle(s) : -ESRCH;
}
