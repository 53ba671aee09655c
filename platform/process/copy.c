/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c: reaching the program's memory from the kernel.
 *
 * process_vm_readv and _writev obey the mappings' protection and stop at the
 * first page that does not allow the access.  The stub is pinned meanwhile,
 * so that its pid cannot become another's.  Where the host forbids these
 * calls (Yama, seccomp of a container engine), the app thread copies to and
 * from its mailbox. */
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "platform/process/internal.h"

HOST_CALLS(sandbox, process_vm_readv, process_vm_writev);

bool user_range(uint64_t addr, size_t n)
{
	uint64_t end;

	return !DEFENCE(RANGE) || (addr >= USER_LO && !add_overflows(addr, n, &end) && end <= USER_HI);
}

/* Bytes not copied. */
size_t vm_copy(struct stub *s, uint64_t user, void *buf, size_t n, bool out)
{
	while (n) {
		struct iovec local = { buf, n }, remote = { (void *)user, n };
		ssize_t r;

		test_step(s, STEP_COPY);
		if (!stub_pin(s))
			break;
		r = out ? process_vm_writev(s->pid, &local, 1, &remote, 1, 0)
			: process_vm_readv(s->pid, &local, 1, &remote, 1, 0);
		stub_unpin(s);
		if (r <= 0)
			break;
		buf = (uint8_t *)buf + r;
		user += (size_t)r;
		n -= (size_t)r;
	}
	return n;
}

static size_t box_copy(struct stub *s, uint64_t user, void *buf, size_t n, bool out)
{
	unsigned cpu = plat_cpu_self();
	uint8_t *data;
	uint64_t va;

	if (stub_dead(s) || !app_thread_get(s, cpu))
		return n;
	riders_flush(s, cpu);                   /* they have their data there */
	data = (uint8_t *)stub_box_of(s, cpu) + BOX_DATA;
	va = stub_box_va(s, cpu) + BOX_DATA;
	ahead_drop(&s->thread[cpu]);            /* its place is needed */
	while (n) {
		size_t part = MIN(n, (size_t)BOX_DATA_SIZE), done;
		struct stub_cmd cmd = { .op = OP_COPY, .a = { va, user, part } };

		if (out) {
			memcpy(data, buf, part);
			cmd.a[0] = user;
			cmd.a[1] = va;
		}
		if (app_commands(s, &cmd, 1) || (uint64_t)cmd.ret > part)
			break;
		done = part - (size_t)cmd.ret;
		if (!out)
			memcpy(buf, data, done);
		buf = (uint8_t *)buf + done;
		user += done;
		n -= done;
		if (cmd.ret)
			break;
	}
	return n;
}

#define COPY_LONG 65536u

/* A thread that spins for us would go to sleep meanwhile, and be woken on another core for more
 * than the copy takes.  The order to run ends this. */
static void bear_with_us(struct stub *s)
{
	struct stub_box *box = stub_box_of(s, plat_cpu_self());

	if (mailbox_apart(box) && __atomic_load_n(&box->kern_cpu, __ATOMIC_RELAXED) != CORE_NOWHERE)
		__atomic_store_n(&box->kern_cpu, CORE_NOWHERE, __ATOMIC_RELAXED);
}

static size_t copy(plat_as_t as, uint64_t user, void *buf, size_t n, bool out)
{
	struct stub *s = stub_find(as.id);

	if (!n)
		return 0;
	if (!s || !user_range(user, n)) {
		/* A range that only ends outside still has a part inside. */
		uint64_t room = user >= USER_LO && user < USER_HI ? USER_HI - user : 0;

		if (!s || !room)
			return n;
		return n - room + copy(as, user, buf, room, out);
	}
	later_need(s, user, n);
	if (n >= COPY_LONG)
		bear_with_us(s);
	return process.no_vm_access ? box_copy(s, user, buf, n, out) : vm_copy(s, user, buf, n, out);
}

/* Copies of this CPU see each other in order. */
static void riders_precede(struct stub *s, unsigned cpu, uint64_t at, uint64_t n)
{
	struct app_thread *th = &s->thread[cpu];

	if (unlikely(th->rider_count) && riders_touch(th, at, n))
		riders_flush(s, cpu);
}

size_t plat_copied_ahead(plat_as_t as, uint64_t src)
{
	struct stub *s = stub_find(as.id);
	unsigned cpu = plat_cpu_self();

	return s ? ahead_find(&s->thread[cpu], stub_box_of(s, cpu), src, 1) : 0;
}

size_t plat_copy_in(plat_as_t as, void *dst, uint64_t src, size_t n)
{
	struct stub *s = stub_find(as.id);
	unsigned cpu = plat_cpu_self();

	if (s && user_range(src, n) && ahead_copy_in(&s->thread[cpu], stub_box_of(s, cpu), dst, src, n))
		return 0;
	if (s)
		riders_precede(s, cpu, src, n);
	return copy(as, src, dst, n, false);
}

bool plat_copy_in_parts(plat_as_t as, void *dst, const struct plat_part *part, unsigned count)
{
	struct stub *s = stub_find(as.id);
	struct iovec local = { dst, 0 }, remote[PLAT_PARTS_MAX];
	ssize_t r;

	if (!s || process.no_vm_access || count > PLAT_PARTS_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (!user_range(part[i].addr, part[i].size))
			return false;
		riders_precede(s, plat_cpu_self(), part[i].addr, part[i].size);
		later_need(s, part[i].addr, part[i].size);
		remote[i] = (struct iovec){ (void *)part[i].addr, part[i].size };
		local.iov_len += part[i].size;
	}
	test_step(s, STEP_COPY);
	if (!stub_pin(s))
		return false;
	r = process_vm_readv(s->pid, &local, 1, remote, count, 0);
	stub_unpin(s);
	return r >= 0 && (size_t)r == local.iov_len;
}

size_t plat_copy_out(plat_as_t as, uint64_t dst, const void *src, size_t n)
{
	struct stub *s = stub_find(as.id);
	unsigned cpu = plat_cpu_self();

	if (s) {
		ahead_written(&s->thread[cpu], dst, n);
		riders_precede(s, cpu, dst, n);
	}
	return copy(as, dst, (void *)src, n, true);
}

size_t plat_copy_out_force(plat_as_t as, uint64_t dst, const void *src, size_t n)
{
	const uint8_t *p = src;
	size_t left = plat_copy_out(as, dst, p, n);

	/* What protection stopped: page by page, made writable.  The caller
	 * restores the protection, which only it knows. */
	while (left) {
		uint64_t at = dst + (n - left), page = align_down(at, PLAT_PAGE_SIZE);
		size_t part = MIN(left, (size_t)(page + PLAT_PAGE_SIZE - at)), rest;

		if (plat_as_protect(as, page, PLAT_PAGE_SIZE, PLAT_PROT_READ | PLAT_PROT_WRITE))
			break;
		rest = plat_copy_out(as, at, p + (n - left), part);
		left -= part - rest;
		if (rest)
			break;
	}
	return left;
}

/* A command about one word: its result, or -EFAULT. */
static int64_t word_command(struct stub *s, struct stub_cmd *cmd)
{
	later_need(s, cmd->a[0], 4);
	if (app_commands(s, cmd, 1))
		return -EFAULT;
	return cmd->ret < 0 || cmd->ret > UINT32_MAX ? -EFAULT : cmd->ret;
}

int plat_user_cmpxchg32(plat_as_t as, uint64_t addr, uint32_t old, uint32_t val, uint32_t *ret_prev)
{
	struct stub *s = stub_find(as.id);
	struct stub_cmd cmd = { .op = OP_CMPXCHG32, .a = { addr, old, val } };
	int64_t r;

	if (!s || (addr & 3) || !user_range(addr, 4))
		return -EFAULT;
	r = word_command(s, &cmd);
	if (r < 0)
		return -EFAULT;
	*ret_prev = (uint32_t)r;
	return 0;
}

int plat_user_load32(plat_as_t as, uint64_t addr, uint32_t *ret)
{
	struct stub *s = stub_find(as.id);
	struct stub_cmd cmd = { .op = OP_LOAD32, .a = { addr } };
	int64_t r;

	if (!s || (addr & 3) || !user_range(addr, 4))
		return -EFAULT;
	/* The host copies an aligned word by one access. */
	if (!process.no_vm_access) {
		riders_precede(s, plat_cpu_self(), addr, 4);
		return copy(as, addr, ret, sizeof(*ret), false) ? -EFAULT : 0;
	}
	r = word_command(s, &cmd);
	if (r < 0)
		return -EFAULT;
	*ret = (uint32_t)r;
	return 0;
}
