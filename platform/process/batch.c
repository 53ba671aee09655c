/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c: descriptors and lists of mapping calls for a stub's mapper.
 *
 * A message to the mapper costs a switch of threads, on some cores a wake-up
 * of 50 µs; the calls of its list cost a microsecond each.  The dozen
 * mappings of a new program therefore go as one list: between begin and end
 * of a batch the calls are kept here, with a reference to each object that
 * they map, and end posts them together.  A list that is full goes early.
 *
 * Descriptors become FD_FREE and up in the stub, each passed once per list,
 * and are closed at its end.  A list that fails ends before its closes: a
 * second one closes them, or the stub is killed.
 *
 * Locking: calls for one address space are serialized by the kernel, and the
 * batch belongs to the stub; the mapper's lock is held while a list runs. */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/process/internal.h"

static int close_left(struct stub *s, unsigned n)
{
	mapper_begin(s);
	for (unsigned i = 0; i < n; i++)
		MAPPER_CALL(s, false, SYS_close, CALL_IGNORE, FD_FREE + i);
	return mapper_run(s, NULL, 0);
}

/* After a list whose end closes n descriptors.  The mapper's lock is held. */
static int calls_end(struct stub *s, int err, unsigned n)
{
	if (err && err != -ESRCH && n && close_left(s, n)) {
		stub_kill(s, "descriptors could not be closed in it");
		err = -ESRCH;
	}
	/* The message may still lie in its socket. */
	if (err == -ESRCH)
		s->tainted = true;
	return err;
}

int mapper_run_calls(struct stub *s, const struct stub_call *calls, unsigned count, const int *fds,
		     unsigned fd_count)
{
	int err = mapper_lock(s);

	if (err)
		return err;
	mapper_begin(s);
	for (unsigned i = 0; i < count; i++)
		mapper_call(s, false, calls[i].nr, calls[i].flags, calls[i].a);
	for (unsigned i = 0; DEFENCE(CLOSE) && i < fd_count; i++)
		MAPPER_CALL(s, false, SYS_close, 0, FD_FREE + i);
	err = calls_end(s, mapper_run(s, fds, fd_count), fd_count);
	mapper_unlock(s);
	return err;
}

/* ---- files straight into the program's memory ------------------------------- */

#define VALUE_MAX 0xfff000u             /* the mapper answers with 24 bits */

/* The mapper reads, in the program's address space: one copy instead of two.
 * Only where it is idle; the program's other threads may want it for longer
 * than the second copy takes. */
static int mapper_read(struct stub *s, uint64_t dst, size_t n, int fd, uint64_t off, size_t *ret_n)
{
	int err = 0;

	if (pthread_mutex_trylock(&s->mapper_lock))
		return -EAGAIN;
	if (!s->settled) {              /* born some time ago, and not used since */
		mapper_unlock(s);
		err = mapper_lock(s);
		if (err)
			return err;
	}
	mapper_begin(s);
	MAPPER_CALL(s, false, SYS_pread64, CALL_VALUE, FD_FREE, dst, n, off);
	MAPPER_CALL(s, false, SYS_close, 0, FD_FREE);
	*(uint32_t *)(s->ctl->base + CTL_ACK + ACK_VALUE) = 0;
	err = mapper_run(s, &fd, 1);
	if (!err)
		*ret_n = MIN(mapper_value(s), n);
	err = calls_end(s, err, 1);
	mapper_unlock(s);
	return err;
}

int plat_read_file(plat_as_t as, uint64_t dst, size_t n, uint64_t hc_file, uint64_t off, size_t *ret_n)
{
	struct stub *s = stub_find(as.id);
	uint64_t end;
	int fd, err;

	if (!s || s->batch || !n)
		return -EAGAIN;
	n = MIN(n, (size_t)VALUE_MAX);
	if (dst < USER_LO || add_overflows(dst, n, &end) || end > USER_HI || off > INT64_MAX)
		return -EFAULT;
	fd = hc_file_dup(hc_file);
	if (fd < 0)
		return fd;
	ahead_written(&s->thread[plat_cpu_self()], dst, n);
	riders_flush(s, plat_cpu_self());
	(void)later_settle(s);
	err = mapper_read(s, dst, n, fd, off, ret_n);
	close(fd);
	return err;
}

/* ---- batches --------------------------------------------------------------- */

struct batch *batch_new(void)
{
	struct batch *b = malloc(sizeof(*b));

	if (b)
		b->count = b->fd_count = b->err = 0;
	return b;
}

int batch_flush(struct stub *s, struct batch *b)
{
	int err = 0;

	if (b->count && !b->err)
		err = mapper_run_calls(s, b->call, b->count, b->fd, b->fd_count);
	for (unsigned i = 0; i < b->fd_count; i++)
		obj_fd_put(b->obj[i]);
	b->count = b->fd_count = 0;
	if (err)
		b->err = err;
	return b->err;
}

/* The number that the object's descriptor will have. */
static int batch_fd(struct stub *s, struct batch *b, plat_obj_t obj)
{
	int fd;

	for (unsigned i = 0; i < b->fd_count; i++)
		if (b->obj[i].id == obj.id)
			return (int)(FD_FREE + i);
	if (b->fd_count == MAPPER_FDS_MAX && batch_flush(s, b))
		return b->err;
	fd = obj_fd_get(obj);
	if (fd < 0)
		return fd;
	b->obj[b->fd_count] = obj;
	b->fd[b->fd_count] = fd;
	return (int)(FD_FREE + b->fd_count++);
}

int batch_add(struct stub *s, struct batch *b, uint32_t nr, const uint64_t a[6], plat_obj_t obj)
{
	struct stub_call *c;
	int fd = -1;

	if (b->count == BATCH_MAX && batch_flush(s, b))
		return b->err;
	if (obj.id) {
		fd = batch_fd(s, b, obj);
		if (fd < 0)
			return fd;
	}
	c = &b->call[b->count++];
	*c = (struct stub_call){ .nr = nr };
	memcpy(c->a, a, sizeof(c->a));
	if (obj.id)
		c->a[4] = (uint64_t)fd;
	return 0;
}

/* Drop what was kept; the stub is about to go, or the batch has run. */
void batch_free(struct batch *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < b->fd_count; i++)
		obj_fd_put(b->obj[i]);
	free(b);
}

int plat_as_batch_begin(plat_as_t as)
{
	struct stub *s = stub_find(as.id);

	if (!s)
		return -ESRCH;
	if (s->batch)
		return -EBUSY;
	s->batch = batch_new();
	return s->batch ? 0 : -ENOMEM;
}

int plat_as_batch_end(plat_as_t as)
{
	struct stub *s = stub_find(as.id);
	int err;

	if (!s)
		return -ESRCH;
	if (!s->batch)
		return 0;
	err = batch_flush(s, s->batch);
	batch_free(s->batch);
	s->batch = NULL;
	return err;
}
