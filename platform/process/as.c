/* SPDX-License-Identifier: Apache-2.0 */
/* as.c: address spaces are stubs; their memory is the host's business.
 *
 * Anonymous memory calls are executed by this CPU's app thread of the stub
 * (argument-checked by its filter), everything that needs a descriptor or
 * makes a process by its mapper, which also runs whole batches (batch.c).
 * A fresh address space is a fork of the
 * template, a copied one a fork of the parent's stub: the host does the
 * copy-on-write.
 *
 * A forked stub starts as a copy of its parent's mapper in the middle of a
 * list; it goes on with the child list, takes its own control file and
 * socket, maps the control file over the parent's, makes an app thread, and
 * answers there.  Both command pages hold the same child list up to the last
 * call, so the change of page is not noticed.  Nobody waits for that answer
 * before the child's mapper is needed again (mapper_lock()).
 *
 * Trust: the results of app thread commands are the program's word; a lie
 * there only hurts the liar.  Its pid comes by the mapper. */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "platform/process/internal.h"

/* One host call takes less than SIZE_BOUND. */
#define CHUNK 0x8000000000ull
#define RESIDENT_CHUNK 0x8000u          /* pages per mincore, one scratch byte each */

void plat_as_limits(uint64_t *ret_lo, uint64_t *ret_hi)
{
	*ret_lo = USER_LO;
	*ret_hi = USER_HI;
}

static bool range_valid(uint64_t addr, uint64_t size)
{
	uint64_t end;

	return !((addr | size) & (PLAT_PAGE_SIZE - 1)) && size && addr >= USER_LO &&
	       !add_overflows(addr, size, &end) && end <= USER_HI;
}

/* ---- birth and death ------------------------------------------------------ */

/* What a child does first: its own descriptors, its own control file over
 * the parent's, then the app thread of the CPU that made it.  Up to the first
 * mmap it reads this from the parent's page, where it is always the same. */
void child_list_write(struct stub *s, unsigned cpu)
{
	struct stub_cmdpage *page = (struct stub_cmdpage *)(s->ctl->base + CTL_CMD);
	const uint64_t ro = DEFENCE(ACK_READONLY) ? CTL_RO_SIZE : CTL_ACK;

	page->child_count = 0;
	mapper_page_init(s);
	MAPPER_CALL(s, true, SYS_dup2, 0, FD_FREE, FD_CTL);
	MAPPER_CALL(s, true, SYS_dup2, 0, FD_FREE + 1, FD_SOCK);
	MAPPER_CALL(s, true, SYS_close, 0, FD_FREE);
	MAPPER_CALL(s, true, SYS_close, 0, FD_FREE + 1);
	MAPPER_CALL(s, true, SYS_mmap, 0, STUB_CTL, ro, PROT_READ,
		    MAP_SHARED | MAP_FIXED, FD_CTL, 0);
	MAPPER_CALL(s, true, SYS_mmap, 0, STUB_CTL + ro, process.ctl_size - ro,
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, FD_CTL, ro);
	app_thread_call(s, true, cpu);
}

/* Parent's mapper_lock held.  The child is not born before fork_finish(). */
static int fork_start(struct stub *parent, struct stub **ret_child)
{
	struct ctl *ctl = ctl_new();
	struct stub_cmdpage *page, *child_page;
	struct stub *child;
	int fds[2], err;

	if (!ctl) {
		/* Descriptors are what runs out first: files that nobody uses
		 * at the moment are opened again when they are needed. */
		hc_file_give_back();
		ctl = ctl_new();
	}
	if (!ctl)
		return -EAGAIN;
	child = stub_new(ctl);
	if (!child) {
		ctl_free(ctl, true);
		return -EAGAIN;
	}
	fds[0] = ctl->fd;
	fds[1] = ctl->peer;
	page = mapper_begin(parent);
	MAPPER_CALL(parent, false, SYS_clone, CALL_FORK | CALL_VALUE | CALL_IGNORE, MAPPER_FORK_FLAGS);
	MAPPER_CALL(parent, false, SYS_close, 0, FD_FREE);
	MAPPER_CALL(parent, false, SYS_close, 0, FD_FREE + 1);

	child->parent_id = parent->id;
	child->birth_cpu = plat_cpu_self();
	child->birth_open = true;
	child_list_write(child, child->birth_cpu);
	child_page = (struct stub_cmdpage *)(ctl->base + CTL_CMD);
	child_page->seq = page->seq + 1;        /* this list is not to be run again */
	*(uint32_t *)(ctl->base + CTL_ACK) = ACK_PENDING;
	*(uint32_t *)(parent->ctl->base + CTL_ACK + ACK_VALUE) = 0;
	err = mapper_post(parent, fds, 2);
	child->mapper_home = parent->mapper_home;
	if (err) {
		stub_abandon(child);
		return err;
	}
	*ret_child = child;
	return 0;
}

static int fork_finish(struct stub *parent, struct stub *child)
{
	int err = mapper_wait(parent);
	uint32_t pid;

	test_step(parent, STEP_FORKED);
	pid = mapper_value(parent);
	if (err) {
		/* Which descriptors it holds is now unknown. */
		parent->tainted = true;
		stub_kill(parent, "its copy failed");
	}
	if (!pid) {
		/* The host refused, or the parent died before it could say. */
		mapper_order_exit(child);
		stub_abandon(child);
		return -EAGAIN;
	}
	if (stub_born(child, (pid_t)pid) || err) {
		child->tainted = true;
		stub_free(child);
		return -EAGAIN;
	}
	test_step(child, STEP_BORN);
	return 0;
}

/* The next fresh stub is made while the last one is put to use. */
static struct stub *fresh;

int plat_as_new(plat_as_t *ret)
{
	struct stub *t = stub_find(process.template_id), *s;
	int err;

	if (!t)
		return -EAGAIN;
	err = mapper_lock(t);
	if (err)
		return err;
	s = fresh;
	fresh = NULL;
	if (!s)
		err = fork_start(t, &s);
	if (!err)
		err = fork_finish(t, s);
	if (!err && fork_start(t, &fresh))
		fresh = NULL;                   /* the next caller will see why */
	mapper_unlock(t);
	if (err)
		return err;
	*ret = (plat_as_t){ s->id };
	return 0;
}

int plat_as_fork(plat_as_t parent, plat_as_t *ret_child)
{
	struct stub *p = stub_find(parent.id), *s;
	int err;

	if (!p)
		return -ESRCH;
	riders_flush(p, plat_cpu_self());
	(void)later_settle(p);          /* what failed is not there, in both */
	err = mapper_lock(p);
	if (!err) {
		err = fork_start(p, &s);
		if (!err)
			err = fork_finish(p, s);
		mapper_unlock(p);
	}
	if (err)
		return err == -ESRCH ? -EAGAIN : err;
	*ret_child = (plat_as_t){ s->id };
	return 0;
}

void plat_as_free(plat_as_t as)
{
	struct stub *s = stub_find(as.id);

	if (s && as.id != process.template_id)
		stub_free(s);
}

/* ---- anonymous memory ----------------------------------------------------- */

/* May the call wait with mappings that do?  What becomes writable is touched next. */
static unsigned how_later(uint32_t nr, uint64_t prot)
{
	if (nr == SYS_madvise)
		return 0;
	return nr == SYS_mprotect && (prot & PROT_WRITE) ? LATER_KEEP | LATER_LAST : LATER_KEEP;
}

/* One host call for each chunk of a range, argument `first` the address. */
static int app_range(plat_as_t as, uint32_t nr, uint64_t addr, uint64_t size,
		     uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	struct stub *s = stub_find(as.id);

	if (!s)
		return -ESRCH;
	if (!range_valid(addr, size))
		return -EINVAL;
	while (size) {
		uint64_t n = MIN(size, CHUNK);
		struct stub_cmd cmd = { .op = nr, .a = { addr, n, a2, a3, a4, a5 } };
		bool kept;
		int err = later_take(s, nr, cmd.a, (plat_obj_t){ 0 }, how_later(nr, a2), &kept);

		if (!err && s->batch)
			err = batch_add(s, s->batch, nr, cmd.a, (plat_obj_t){ 0 });
		else if (!err && !kept)
			err = app_commands(s, &cmd, 1);
		if (err)
			return err;
		if (cmd.ret < 0 && cmd.ret >= -4095)
			return (int)cmd.ret;
		addr += n;
		size -= n;
	}
	return 0;
}

/* The same, left for u's way back; one host call only. */
static bool app_ride(plat_as_t as, struct plat_uctx *u, uint32_t nr, uint64_t addr, uint64_t size,
		     uint64_t a2, uint64_t a3, uint64_t a4)
{
	struct stub *s = stub_find(as.id);
	const struct stub_cmd cmd = { .op = nr, .a = { addr, size, a2, a3, a4 } };

	return s && range_valid(addr, size) && size < CHUNK && rider_add(s, plat_cpu_self(), u, &cmd);
}

static uint64_t anon_flags(unsigned flags)
{
	return MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (flags & PLAT_MAP_NORESERVE ? MAP_NORESERVE : 0) |
	       (flags & PLAT_MAP_POPULATE ? MAP_POPULATE : 0);
}

int plat_as_map_anon(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot, unsigned flags)
{
	if ((prot & ~7u) || (flags & PLAT_MAP_SHARED))
		return -EINVAL;
	return app_range(as, SYS_mmap, addr, size, prot, anon_flags(flags), UINT64_MAX, 0);
}

bool plat_ride_map_anon(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size, unsigned prot,
			unsigned flags)
{
	return !(prot & ~7u) && !(flags & PLAT_MAP_SHARED) &&
	       app_ride(as, u, SYS_mmap, addr, size, prot, anon_flags(flags), UINT64_MAX);
}

int plat_as_unmap(plat_as_t as, uint64_t addr, uint64_t size)
{
	return app_range(as, SYS_munmap, addr, size, 0, 0, 0, 0);
}

bool plat_ride_unmap(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size)
{
	return app_ride(as, u, SYS_munmap, addr, size, 0, 0, 0);
}

int plat_as_protect(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot)
{
	if (prot & ~7u)
		return -EINVAL;
	return app_range(as, SYS_mprotect, addr, size, prot, 0, 0, 0);
}

bool plat_ride_protect(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size, unsigned prot)
{
	return !(prot & ~7u) && app_ride(as, u, SYS_mprotect, addr, size, prot, 0, 0);
}

int plat_as_advise(plat_as_t as, uint64_t addr, uint64_t size, int advice)
{
	/* What the stub's filter lets pass; prefaulting is not among it. */
	if (advice < 0 || advice > MADV_PAGEOUT)
		return -EINVAL;
	return app_range(as, SYS_madvise, addr, size, (uint32_t)advice, 0, 0, 0);
}

bool plat_ride_advise(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size, int advice)
{
	return advice >= 0 && advice <= MADV_PAGEOUT && app_ride(as, u, SYS_madvise, addr, size, (uint32_t)advice, 0, 0);
}

static int remap(struct stub *s, uint64_t src, uint64_t old_size, uint64_t new_size, uint64_t dst)
{
	uint64_t flags = dst == src ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;
	struct stub_cmd cmd = { .op = SYS_mremap, .a = { src, old_size, new_size, flags, dst == src ? 0 : dst } };
	int err = app_commands(s, &cmd, 1);

	if (err)
		return err;
	return cmd.ret < 0 && cmd.ret >= -4095 ? (int)cmd.ret : 0;
}

/* The host moves only what is one mapping of its own (-EFAULT otherwise), and
 * it may have split what the kernel sees as one: halve until it does.  The
 * depth is the logarithm of the page count. */
static int move_split(struct stub *s, uint64_t src, uint64_t size, uint64_t dst)
{
	int err = size < CHUNK ? remap(s, src, size, size, dst) : -EFAULT;
	uint64_t half = align_up(size / 2, PLAT_PAGE_SIZE);

	if (err != -EFAULT || size == PLAT_PAGE_SIZE)
		return err;
	err = move_split(s, src, half, dst);
	return err ? err : move_split(s, src + half, size - half, dst + half);
}

int plat_as_move(plat_as_t as, uint64_t src, uint64_t old_size, uint64_t dst, uint64_t new_size)
{
	struct stub *s = stub_find(as.id);
	int err;

	if (!s)
		return -ESRCH;
	if (!range_valid(src, old_size) || !range_valid(dst, new_size) || new_size >= CHUNK)
		return -EINVAL;
	(void)later_settle(s);
	if (new_size < old_size) {
		err = plat_as_unmap(as, src + new_size, old_size - new_size);
		if (err)
			return err;
		old_size = new_size;
	}
	if (dst == src) {
		if (new_size == old_size)
			return 0;
		err = plat_as_unmap(as, src + old_size, new_size - old_size);
		return err ? err : remap(s, src + old_size - PLAT_PAGE_SIZE, PLAT_PAGE_SIZE,
					 PLAT_PAGE_SIZE + new_size - old_size,
					 src + old_size - PLAT_PAGE_SIZE);
	}
	if (src < dst + new_size && dst < src + old_size)
		return -EINVAL;
	err = remap(s, src, old_size, new_size, dst);
	if (err != -EFAULT)
		return err;
	/* Grow with the last page, the rest moves as it is. */
	if (old_size > PLAT_PAGE_SIZE) {
		err = move_split(s, src, old_size - PLAT_PAGE_SIZE, dst);
		if (err)
			return err;
	}
	old_size -= PLAT_PAGE_SIZE;
	return remap(s, src + old_size, PLAT_PAGE_SIZE, new_size - old_size, dst + old_size);
}

/* ---- objects and enquiries ------------------------------------------------ */

int plat_as_map_obj(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot, unsigned flags,
		    plat_obj_t obj, uint64_t off)
{
	struct stub *s = stub_find(as.id);
	unsigned how = flags & PLAT_MAP_LATER ? LATER_KEEP : LATER_KEEP | LATER_LAST;
	int host = MAP_FIXED, err, fd;
	struct stub_call call;
	bool kept;

	if (!s)
		return -ESRCH;
	if (!range_valid(addr, size) || (prot & ~7u) || (off & (PLAT_PAGE_SIZE - 1)))
		return -EINVAL;
	if (size >= CHUNK)
		return -ENOMEM;                 /* more than one host call may take */
	/* A program could raise the protection of a shared mapping behind the
	 * kernel's back.  One that never may be written is therefore a private
	 * mapping to the host: it sees the object's pages all the same. */
	if ((flags & PLAT_MAP_SHARED) && ((prot & PLAT_PROT_WRITE) || (flags & PLAT_MAP_MAYWRITE)))
		host |= MAP_SHARED;
	else
		host |= MAP_PRIVATE;
	if (flags & PLAT_MAP_NORESERVE)
		host |= MAP_NORESERVE;
	if (flags & PLAT_MAP_POPULATE)
		host |= MAP_POPULATE;
	call = (struct stub_call){ .nr = SYS_mmap, .a = { addr, size, prot, (uint64_t)host, FD_FREE, off } };
	if (s->batch)
		return batch_add(s, s->batch, call.nr, call.a, obj);
	riders_flush(s, plat_cpu_self());
	if ((flags & PLAT_MAP_LATER) && (flags & PLAT_MAP_NEW))
		how |= LATER_BEGIN;
	err = later_take(s, call.nr, call.a, obj, how, &kept);
	if (err || kept)
		return err;
	fd = obj_fd_get(obj);
	if (fd < 0)
		return fd;
	err = mapper_run_calls(s, &call, 1, &fd, 1);
	obj_fd_put(obj);
	return err;
}

int plat_as_resident(plat_as_t as, uint64_t addr, uint64_t size, uint8_t *vec)
{
	struct stub *s = stub_find(as.id);
	int err;

	if (!s)
		return -ESRCH;
	if (!range_valid(addr, size))
		return -EINVAL;
	riders_flush(s, plat_cpu_self());
	(void)later_settle(s);
	err = mapper_lock(s);
	if (err)
		return err;
	while (size && !err) {
		uint64_t n = MIN(size, (uint64_t)RESIDENT_CHUNK * PLAT_PAGE_SIZE);
		uint64_t pages = n / PLAT_PAGE_SIZE;

		mapper_begin(s);
		MAPPER_CALL(s, false, SYS_mincore, 0, addr, n, STUB_CTL + CTL_SCRATCH + 0x1000);
		err = mapper_run(s, NULL, 0);
		if (err == -ESRCH)
			s->tainted = true;
		for (uint64_t i = 0; i < pages && !err; i++)
			vec[i] = ((volatile uint8_t *)s->ctl->base)[CTL_SCRATCH + 0x1000 + i] & 1;
		addr += n;
		size -= n;
		vec += pages;
	}
	mapper_unlock(s);
	return err;
}

/* The host offers no way to ask without a file of /proc, which the sandbox
 * must not open: the kernel counts by its own mappings. */
uint64_t plat_as_rss(__unused_arg plat_as_t as)
{
	return 0;
}
