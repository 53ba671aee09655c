/* SPDX-License-Identifier: Apache-2.0 */
/* select(2), pselect6(2). */
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"

#define BITS 64u
#define IN_SET (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR | POLLNVAL)
#define OUT_SET (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR | POLLNVAL)
#define EX_SET (POLLPRI | POLLNVAL)

enum { IN, OUT, EX, SETS };
static const uint32_t set_events[SETS] = { IN_SET, OUT_SET, EX_SET };

struct selected {
	unsigned n, words;
	uint64_t *want[SETS], *got[SETS];
	struct file **files;            /* n, NULL where nothing is asked */
};

static int load_files(struct selected *s)
{
	for (unsigned fd = 0; fd < s->n; fd++) {
		uint64_t bit = 1ull << (fd % BITS);
		unsigned w = fd / BITS;

		if (!((s->want[IN][w] | s->want[OUT][w] | s->want[EX][w]) & bit))
			continue;
		s->files[fd] = fd_get_any((int)fd);
		if (!s->files[fd])
			return -EBADF;
	}
	return 0;
}

static unsigned scan(struct selected *s, struct poll_wait_set *set)
{
	unsigned ready = 0;

	for (unsigned fd = 0; fd < s->n; fd++) {
		uint64_t bit = 1ull << (fd % BITS);
		unsigned w = fd / BITS;
		uint32_t ev;

		if (!s->files[fd])
			continue;
		ev = s->files[fd]->mode & FMODE_PATH ? POLLNVAL : file_poll(s->files[fd], ready ? NULL : set);
		for (unsigned k = 0; k < SETS; k++) {
			s->got[k][w] &= ~bit;
			if ((s->want[k][w] & bit) && (ev & set_events[k])) {
				s->got[k][w] |= bit;
				ready++;
			}
		}
	}
	return ready;
}

static long wait_ready(struct selected *s, uint64_t deadline)
{
	struct poll_wait_set set;
	unsigned ready;
	int err = 0;

	poll_wait_set_init(&set);
	ready = scan(s, deadline ? &set : NULL);
	if (!ready && set.error)
		err = set.error;
	while (!ready && !err && deadline) {
		err = poll_wait_set_sleep(&set, deadline);
		ready = scan(s, NULL);
	}
	poll_wait_set_free(&set);
	if (ready)
		return ready;
	return err == -ETIMEDOUT ? 0 : err;
}

static long select_call(int n, const uaddr *sets, uint64_t deadline)
{
	struct selected s = { 0 };
	size_t set_size, whole;
	uint64_t *mem;
	long ret;

	if (n < 0)
		return -EINVAL;
	/* What is above the table nobody looks at. */
	s.n = MIN((unsigned)n, fd_table_size());
	s.words = (s.n + BITS - 1) / BITS;
	set_size = s.words * sizeof(uint64_t);
	whole = 2 * SETS * set_size + s.n * sizeof(struct file *);
	mem = kzalloc(whole + 16);
	if (!mem)
		return -ENOMEM;
	for (unsigned k = 0; k < SETS; k++) {
		s.want[k] = mem + k * s.words;
		s.got[k] = mem + (SETS + k) * s.words;
	}
	s.files = (struct file **)(void *)(mem + 2 * SETS * s.words);
	for (unsigned k = 0; k < SETS; k++) {
		if (sets[k].va && copy_in(s.want[k], sets[k], set_size)) {
			ret = -EFAULT;
			goto out;
		}
		/* Bits past n are not ours to look at. */
		if (s.n % BITS)
			s.want[k][s.words - 1] &= (1ull << (s.n % BITS)) - 1;
	}
	ret = load_files(&s);
	if (!ret)
		ret = wait_ready(&s, deadline);
	for (unsigned k = 0; k < SETS && ret >= 0; k++)
		if (sets[k].va && copy_out(sets[k], s.got[k], set_size))
			ret = -EFAULT;
out:
	for (unsigned fd = 0; fd < s.n; fd++)
		if (s.files[fd])
			file_put(s.files[fd]);
	kfree(mem);
	return ret;
}

SYSCALL5(select, int, n, uaddr, in, uaddr, out, uaddr, ex, uaddr, utimeout)
{
	uaddr sets[SETS] = { in, out, ex };
	uint64_t deadline = NO_DEADLINE, now, add;
	struct linux_timeval tv;
	long ret;

	if (utimeout.va) {
		if (copy_in(&tv, utimeout, sizeof tv))
			return -EFAULT;
		if (tv.sec < 0 || tv.usec < 0)
			return -EINVAL;
		if (mul_overflows((uint64_t)tv.sec + (uint64_t)tv.usec / 1000000, NSEC_PER_SEC, &add))
			add = INT64_MAX;
		add += (uint64_t)tv.usec % 1000000 * NSEC_PER_USEC;
		deadline = add ? plat_time_mono_ns() + add : 0;
	}
	ret = select_call(n, sets, deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	if (utimeout.va && deadline != NO_DEADLINE) {
		now = plat_time_mono_ns();
		add = deadline > now ? deadline - now : 0;
		tv = (struct linux_timeval){ (int64_t)(add / NSEC_PER_SEC),
					     (int64_t)(add % NSEC_PER_SEC / NSEC_PER_USEC) };
		(void)!copy_out(utimeout, &tv, sizeof tv);
	}
	return ret;
}

SYSCALL6(pselect6, int, n, uaddr, in, uaddr, out, uaddr, ex, uaddr, utimeout, uaddr, usig)
{
	uaddr sets[SETS] = { in, out, ex };
	uint64_t deadline, mask, now;
	struct { uint64_t mask, size; } sig = { 0, 0 };
	struct linux_timespec ts;
	long ret;
	int err;

	err = deadline_from_user(utimeout, &deadline);
	if (err)
		return err;
	if (usig.va && copy_in(&sig, usig, sizeof sig))
		return -EFAULT;
	if (sig.mask) {
		if (sig.size != sizeof mask)
			return -EINVAL;
		if (copy_in(&mask, (uaddr){ sig.mask }, sizeof mask))
			return -EFAULT;
		signal_set_temporary_mask(mask);
	}
	ret = select_call(n, sets, deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	signal_restore_mask_unless(ret == -ERESTARTNOHAND);
	if (utimeout.va && deadline != NO_DEADLINE) {
		now = plat_time_mono_ns();
		ts = ns_timespec(deadline > now ? (int64_t)(deadline - now) : 0);
		(void)!copy_out(utimeout, &ts, sizeof ts);
	}
	return ret;
}
