/* SPDX-License-Identifier: Apache-2.0 */
/* riders.c: commands that ride on the order to run.
 *
 * Copies to the program's memory, and its anonymous memory calls, are left in
 * the mailbox of this CPU's app thread, which makes them when it is told to
 * run: no call of the host, no hand-off of their own.  A thread whose command
 * fails does not run but hands back (TRAP_RIDERS).  What must be done earlier
 * is flushed: copied by the host, or run as a list of commands.
 *
 * A rider is made once: by the run that takes the list along, or by a flush,
 * whichever is first.  A kick meanwhile changes nothing; the list ends when
 * the thread has handed back.
 *
 * Trust: the list that counts is the kernel's own (struct app_thread); the
 * program may change the mailbox's, which says what happens to its memory
 * only.  That a command failed is the program's word about itself.
 *
 * Locking: as the mailbox, a list belongs to the CPU thread of its number. */
#include <string.h>

#include "platform/process/internal.h"

#define RIDER_INLINE COPY_INLINE         /* so much lies in a command's a[3] and up */
#define RIDER_DATA (BOX_DATA + BOX_AHEAD_SIZE)
#define RIDER_DATA_SIZE (BOX_DATA_SIZE - BOX_AHEAD_SIZE)
/* A first copy that goes with the order is in two parts: the head in the command,
 * the rest where it follows the head's own place. */
#define RIDER_FIRST (BOX_COPY_REST - RIDER_INLINE)
STATIC_ASSERT(PLAT_RIDER_MAX <= RIDER_DATA_SIZE);
STATIC_ASSERT(RIDER_INLINE == 3 * sizeof(uint64_t) && BOX_COPY_REST % 64 == 0);

static bool is_short(const struct stub_cmd *c) { return c->op == OP_COPY && c->a[2] <= RIDER_INLINE; }

static bool in_two_parts(const struct stub_cmd *c)
{
	return c->op == OP_COPY && c->a[2] > RIDER_INLINE && c->a[1] == RIDER_FIRST && c->a[2] <= COPY_LINE_MAX;
}

/* The two lines that most results need, while the call is being worked on: getting them
 * back from the program's core would otherwise hold up the order to run. */
void riders_expect(struct stub_box *box)
{
	prefetch_write((uint8_t *)box + BOX_COPY_REST);
	prefetch_write((uint8_t *)box + BOX_COPY_REST + 64);
}

void rider_added(struct stub *s, struct app_thread *th, struct plat_uctx *u)
{
	th->rider_count++;
	th->rider_of = u;
	u->rider_as = s->id;
	u->riders = true;
	stats_count(STATS_RIDERS);
}

bool rider_room(const struct stub *s, const struct app_thread *th, const struct plat_uctx *u)
{
	return !stub_dead(s) && th->rider_count < RIDERS_MAX && (!th->rider_count || th->rider_of == u);
}

uint64_t *rider_data(const struct stub *s, unsigned cpu, size_t n, uint64_t *ret_at)
{
	struct app_thread *th = &s->thread[cpu];

	if (n > RIDER_DATA_SIZE - th->rider_data)
		return NULL;
	*ret_at = RIDER_DATA + th->rider_data;
	th->rider_data += (uint32_t)align_up(n, sizeof(uint64_t));
	return (uint64_t *)((uint8_t *)stub_box_of(s, cpu) + *ret_at);
}

bool rider_add(struct stub *s, unsigned cpu, struct plat_uctx *u, const struct stub_cmd *cmd)
{
	struct app_thread *th = &s->thread[cpu];

	/* What waits in another list may concern it. */
	if (s->batch || later_waits(s) || !rider_room(s, th, u))
		return false;
	ahead_drop(th);
	th->rider[th->rider_count] = *cmd;
	th->rider_calls++;
	rider_added(s, th, u);
	return true;
}

bool plat_ride_copy_out(plat_as_t as, struct plat_uctx *u, uint64_t dst, const void *src, size_t n)
{
	struct stub *s = stub_find(as.id);
	unsigned cpu = plat_cpu_self();
	struct app_thread *th;
	struct stub_cmd *c;

	if (!s || s->batch || later_waits(s) || !user_range(dst, n))
		return false;
	th = &s->thread[cpu];
	/* A thread that is not there yet may get another mailbox. */
	if (!th->live && n > RIDER_INLINE)
		return false;
	if (!rider_room(s, th, u) || (n > process.rider_apart && mailbox_apart(stub_box_of(s, cpu))))
		return false;
	c = &th->rider[th->rider_count];
	c->op = OP_COPY;
	c->ret = 0;
	c->a[0] = dst;
	c->a[2] = n;
	if (n <= RIDER_INLINE) {
		memcpy(&c->a[3], src, n);
	} else {
		size_t head;

		if (!th->rider_data && n <= COPY_LINE_MAX)
			th->rider_data = RIDER_FIRST - RIDER_DATA;
		if (!rider_data(s, cpu, n, &c->a[1]))
			return false;
		head = in_two_parts(c) ? RIDER_INLINE : 0;
		memcpy(&c->a[3], src, head);
		memcpy((uint8_t *)stub_box_of(s, cpu) + c->a[1] + head, (const uint8_t *)src + head, n - head);
	}
	ahead_written(th, dst, n);
	rider_added(s, th, u);
	return true;
}

bool plat_ride_zero(plat_as_t as, struct plat_uctx *u, uint64_t dst, size_t n)
{
	struct stub *s = stub_find(as.id);
	unsigned cpu = plat_cpu_self();
	struct app_thread *th;

	if (!s || s->batch || later_waits(s) || n > PLAT_RIDE_ZERO_MAX || !user_range(dst, n))
		return false;
	th = &s->thread[cpu];
	if (!rider_room(s, th, u))
		return false;
	th->rider[th->rider_count] = (struct stub_cmd){ .op = OP_ZERO, .a = { dst, 0, n } };
	ahead_written(th, dst, n);
	rider_added(s, th, u);
	return true;
}

/* Memory calls: whatever is copied comes after them. */
bool riders_touch(const struct app_thread *th, uint64_t at, uint64_t n)
{
	if (th->rider_calls)
		return true;
	for (uint32_t i = 0; i < th->rider_count; i++) {
		const struct stub_cmd *c = &th->rider[i];

		if (at < c->a[0] + c->a[2] && c->a[0] < at + n)
			return true;
	}
	return false;
}

/* ret: the program's word. */
static void result(struct plat_uctx *u, const struct stub_cmd *c, int64_t ret)
{
	if (OP_IS_COPY(c->op) ? ret == 0 : (ret >= 0 || ret < -4095))
		return;
	u->rider_err = OP_IS_COPY(c->op) ? -EFAULT : (int32_t)ret;
	u->rider_addr = c->a[0];
}

/* Its own place has the head too, from now on. */
static void make_whole(struct stub *s, unsigned cpu, struct stub_cmd *c)
{
	if (in_two_parts(c))
		memcpy((uint8_t *)stub_box_of(s, cpu) + c->a[1], &c->a[3], RIDER_INLINE);
}

static void riders_store(struct stub *s, unsigned cpu, struct stub_cmd *to, uint32_t first)
{
	struct app_thread *th = &s->thread[cpu];

	uint64_t va = stub_box_va(s, cpu), place = va + offsetof(struct stub_box, cmds[0].a[3]);

	for (uint32_t i = first; i < th->rider_count; i++, to++, place += sizeof(*to)) {
		make_whole(s, cpu, &th->rider[i]);
		*to = th->rider[i];
		if (to->op == OP_COPY)
			to->a[1] = is_short(to) ? place : va + to->a[1];
	}
}

/* Does c go with the order itself? */
static bool first_to_line(struct stub_box *box, struct app_thread *th, const struct stub_cmd *c)
{
	if (!th->rider_count)
		return false;
	if (is_short(c) || in_two_parts(c)) {
		memcpy(box->line.copy.data, &c->a[3], RIDER_INLINE);
		th->order |= (uint16_t)(c->a[2] << ORDER_COPY_SHIFT);
	} else if (c->op == OP_ZERO) {
		box->line.copy.zeroes = c->a[2];
		th->order |= ORDER_ZERO;
	} else {
		return false;
	}
	box->line.copy.to = c->a[0];
	return true;
}

/* The list is about to be taken along by a run of u. */
void riders_board(struct stub *s, unsigned cpu, struct plat_uctx *u)
{
	struct app_thread *th = &s->thread[cpu];
	struct stub_box *box = stub_box_of(s, cpu);

	if (th->rider_of != u)
		riders_flush(s, cpu);   /* an order of the kernel's own making */
	th->rider_first = first_to_line(box, th, &th->rider[0]);
	riders_store(s, cpu, box->cmds, th->rider_first);
	th->order |= (uint16_t)((th->rider_count - th->rider_first) << ORDER_COUNT_SHIFT);
}

/* That run is over; handed_back: because one failed, the thread says. */
void riders_arrived(struct stub *s, unsigned cpu, struct plat_uctx *u, bool handed_back)
{
	struct app_thread *th = &s->thread[cpu];
	struct stub_box *box = stub_box_of(s, cpu);

	for (uint32_t i = th->rider_first; handed_back && i < th->rider_count; i++)
		result(u, &th->rider[i], __atomic_load_n(&box->cmds[i - th->rider_first].ret, __ATOMIC_RELAXED));
	if (handed_back && !u->rider_err)
		result(u, &th->rider[0], -EFAULT);
	if (th->rider_xstates)
		slot_now(th)->seen = false;
	th->rider_count = th->rider_data = th->rider_calls = th->rider_xstates = 0;
	u->riders = false;
}

/* By the host: what was left in the mailbox or in the list. */
static bool copy_now(struct stub *s, unsigned cpu, struct stub_cmd *c)
{
	static uint8_t zeroes[PLAT_RIDE_ZERO_MAX];      /* never written to: one page of the host */
	uint8_t *from = (uint8_t *)stub_box_of(s, cpu) + c->a[1];

	if (c->op == OP_ZERO)
		from = zeroes;
	else if (is_short(c))
		from = (uint8_t *)&c->a[3];
	else
		make_whole(s, cpu, c);
	return !vm_copy(s, c->a[0], from, c->a[2], true);
}

void riders_flush(struct stub *s, unsigned cpu)
{
	struct app_thread *th = &s->thread[cpu];
	uint32_t n = th->rider_count;
	struct plat_uctx *u = th->rider_of;
	struct stub_cmd cmds[RIDERS_MAX];
	bool by_thread = process.no_vm_access || th->rider_calls || th->rider_xstates;

	if (!n)
		return;
	stats_count(STATS_RIDERS_EARLY);
	if (by_thread) {
		if (!app_thread_get(s, cpu))
			return;
		riders_store(s, cpu, cmds, 0);
	}
	th->rider_count = th->rider_data = th->rider_calls = th->rider_xstates = 0;
	u->riders = false;
	if (by_thread && commands_run(s, cpu, cmds, n))
		return;
	if (th->slot)
		slot_now(th)->seen = false;     /* it may be saved anew */
	for (uint32_t i = 0; i < n; i++)
		result(u, &th->rider[i], by_thread ? cmds[i].ret : copy_now(s, cpu, &th->rider[i]) ? 0 : -EFAULT);
}

void plat_riders_flush(struct plat_uctx *u)
{
	unsigned cpu = plat_cpu_self();
	struct stub *s = stub_find(u->rider_as);

	if (s && s->thread[cpu].rider_of == u)
		riders_flush(s, cpu);
	u->riders = false;
}
