/* SPDX-License-Identifier: Apache-2.0 */
/* poll(2), ppoll(2).  The descriptors' files are held for the whole call, so
 * that the queues we sleep on stay. */
#include "kernel/ipc/grant.h"
#include "kernel/ipc/ipc.h"
#include "kernel/syscall/syscall.h"

#define ALWAYS (POLLERR | POLLHUP)
#define POLL_STACK 8

struct polled { struct linux_pollfd p; struct file *f; };

static unsigned scan(struct polled *v, unsigned n, struct poll_wait_set *s)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t ev, want = (uint16_t)v[i].p.events | ALWAYS;

		v[i].p.revents = 0;
		if (v[i].p.fd < 0)
			continue;
		/* Once something is ready nobody will sleep: no more queueing. */
		ev = v[i].f ? file_poll(v[i].f, ready ? NULL : s) & want : POLLNVAL;
		v[i].p.revents = (int16_t)ev;
		if (ev)
			ready++;
	}
	return ready;
}

/* Ready descriptors, 0 at the deadline, -EINTR, -ENOMEM. */
static long poll_loop(struct polled *v, unsigned n, uint64_t deadline)
{
	struct poll_wait_set s;
	unsigned ready;
	int err = 0;

	poll_wait_set_init(&s);
	ready = scan(v, n, deadline ? &s : NULL);
	if (!ready && s.error)
		err = s.error;
	while (!ready && !err && deadline) {
		err = poll_wait_set_sleep(&s, deadline);
		ready = scan(v, n, NULL);
	}
	poll_wait_set_free(&s);
	if (ready)
		return ready;
	return err == -ETIMEDOUT ? 0 : err;
}

static long poll_files(uaddr ufds, struct polled *v, unsigned n, uint64_t deadline)
{
	struct linux_pollfd *out;
	long ret;
	int err;

	for (unsigned i = 0; i < n; i++) {
		err = copy_in(&v[i].p, uaddr_add(ufds, i * sizeof v[i].p), sizeof v[i].p);
		if (err) {
			n = i;
			ret = err;
			goto put;
		}
		v[i].f = v[i].p.fd >= 0 ? fd_get(v[i].p.fd) : NULL;
	}
	ret = poll_loop(v, n, deadline);
	if (ret >= 0) {
		grant_wishes_over();
		/* One copy: pack the answers to the front of the same memory. */
		out = (struct linux_pollfd *)(void *)v;
		for (unsigned i = 0; i < n; i++) {
			struct polled e = v[i];

			if (e.f && e.p.revents & POLLIN)
				grant_wish(e.f, e.p.fd);
			if (e.f)
				file_put(e.f);
			out[i] = e.p;
		}
		err = copy_out(ufds, out, n * sizeof *out);
		return err ? err : ret;
	}
put:
	for (unsigned i = 0; i < n; i++)
		if (v[i].f)
			file_put(v[i].f);
	return ret;
}

static long poll_call(uaddr ufds, unsigned n, uint64_t deadline)
{
	struct polled small[POLL_STACK], *v = small;
	long ret;

	if (n > rlimit_cur(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > POLL_STACK) {
		v = kmalloc(n * sizeof *v);
		if (!v)
			return -ENOMEM;
	}
	ret = poll_files(ufds, v, n, deadline);
	if (v != small)
		kfree(v);
	return ret;
}

static long poll_restart(struct task *t)
{
	long ret = poll_call((uaddr){ t->restart.a[0] }, (unsigned)t->restart.a[1], t->restart.a[2]);

	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

SYSCALL3(poll, uaddr, ufds, unsigned, n, int, timeout_ms)
{
	uint64_t deadline = timeout_ms < 0 ? NO_DEADLINE :
			    timeout_ms == 0 ? 0 :
			    plat_time_mono_ns() + (uint64_t)timeout_ms * 1000000;
	long ret = poll_call(ufds, n, deadline);

	if (ret == -EINTR) {
		t->restart.fn = poll_restart;
		t->restart.a[0] = ufds.va;
		t->restart.a[1] = n;
		t->restart.a[2] = deadline;
		return -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

/* What is left of a timeout, back to the caller as Linux does; a fault there
 * is no error of the call. */
static void timeout_left(uaddr uts, uint64_t deadline)
{
	struct linux_timespec ts;
	uint64_t now;

	if (!uts.va || deadline == NO_DEADLINE)
		return;
	now = plat_time_mono_ns();
	ts = ns_timespec(deadline > now ? (int64_t)(deadline - now) : 0);
	(void)!copy_out(uts, &ts, sizeof ts);
}

SYSCALL5(ppoll, uaddr, ufds, unsigned, n, uaddr, utimeout, uaddr, umask, size_t, masksize)
{
	uint64_t deadline, mask;
	long ret;
	int err;

	err = deadline_from_user(utimeout, &deadline);
	if (err)
		return err;
	if (umask.va) {
		if (masksize != sizeof mask)
			return -EINVAL;
		err = copy_in(&mask, umask, sizeof mask);
		if (err)
			return err;
		signal_set_temporary_mask(mask);
	}
	ret = poll_call(ufds, n, deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	signal_restore_mask_unless(ret == -ERESTARTNOHAND);
	timeout_left(utimeout, deadline);
	return ret;
}
