/* SPDX-License-Identifier: Apache-2.0 */
/* slots.c: contexts whose registers stay in a mailbox while they do not run.
 *
 * After a trap by the gate a context's extended state and most of its registers
 * lie in a slot of the mailbox (stub/slot.c).  There they stay when its task
 * leaves the CPU, so that to go on with it on the same CPU moves nothing but the slot's
 * number.  They are fetched when somebody asks: the context comes to another CPU,
 * a tracer looks at it, or the slot, the one unused for longest, is given to another.
 *
 * After a host signal they lie in that signal's frame instead (in_frame), of which
 * a context that leaves its CPU takes a copy.
 *
 * Locking: a slot is given, and its contents used, by the CPU thread of its mailbox.
 * Stub.slots_lock is for taking it away from its owner, which other CPUs may do too; the
 * owner does not run then, or is the caller's.
 *
 * Trust: what is fetched is the program's word about its own registers, made valid as a
 * frame's. */
#include <string.h>

#include "platform/process/internal.h"
#include "platform/process/sigframe.h"

static uint8_t *image_of(struct stub_box *box, const struct slot *slot, uint32_t nr)
{
	return (uint8_t *)box + (slot->in_frame ? frame_shape.fp_off : frame_shape.slot_image[nr]);
}

uint8_t *slot_image(struct app_thread *th, struct stub_box *box, uint32_t nr)
{
	return image_of(box, &th->slot[nr], nr);
}

/* It saves, then says that it sleeps: hand_over() of stub/app.c. */
static bool sleeps_unsaved(const struct stub_box *box, const uint32_t *saved)
{
	return __atomic_load_n(&box->app_sleeping, __ATOMIC_SEQ_CST) && !__atomic_load_n(saved, __ATOMIC_ACQUIRE);
}

/* Until the thread has saved what belongs to the slot, or it is no longer owner's. */
int slot_await(struct stub *s, struct app_thread *th, struct stub_box *box, uint32_t nr,
	       const struct plat_uctx *owner)
{
	uint32_t *saved = &box_slot(box, nr)->saved;
	struct slot *slot = &th->slot[nr];
	uint64_t start, end_ns = 0;

	if (slot->in_frame || __atomic_load_n(&slot->seen, __ATOMIC_ACQUIRE))
		return 0;
	start = host_cycles();
	while (!__atomic_load_n(saved, __ATOMIC_ACQUIRE)) {
		uint64_t now_ns = plat_time_mono_ns();

		if (__atomic_load_n(&slot->owner, __ATOMIC_ACQUIRE) != owner)
			return 0;
		if (host_cycles() - start < process.spin_cycles) {
			__builtin_ia32_pause();
			continue;
		}
		/* It lost its core in between; too rare to be woken for.  One that sleeps has
		 * saved before, if it is honest. */
		end_ns = end_ns ? end_ns : now_ns + SLOT_SAVE_NS;
		if (stub_dead(s) || (DEFENCE(XSTATE_BOUND) && (now_ns >= end_ns || sleeps_unsaved(box, saved)))) {
			stub_kill(s, "its registers were not saved");
			return -ESRCH;
		}
		futex_wait(saved, 0, now_ns + SLOT_POLL_NS);
	}
	__atomic_store_n(&slot->seen, true, __ATOMIC_RELEASE);
	return 0;
}

/* Lock held: the owner has all of its state in itself again. */
static void take(struct stub_box *box, struct slot *slot, uint32_t nr)
{
	struct plat_uctx *u = slot->owner;

	if (!u)
		return;
	if (u->xstate_live && !slot->in_frame)
		frame_xstate_save(u->xstate, image_of(box, slot, nr));
	if (u->regs_partial)
		gate_regs_parked(slot, box_slot(box, nr), &u->regs);
	u->regs_partial = false;
	u->xstate_live = false;
	__atomic_store_n(&slot->owner, NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&u->slotted, false, __ATOMIC_RELEASE);
}

/* The calling CPU's slot: somebody else gets it. */
void slot_evict(struct stub *s, struct app_thread *th, struct stub_box *box, uint32_t nr)
{
	struct slot *slot = &th->slot[nr];
	const struct plat_uctx *owner = __atomic_load_n(&slot->owner, __ATOMIC_ACQUIRE);

	if (!owner || slot_await(s, th, box, nr, owner))
		return;
	pthread_mutex_lock(&s->slots_lock);
	take(box, slot, nr);
	pthread_mutex_unlock(&s->slots_lock);
}

/* Whichever CPU's slot u has, it needs it no longer; fetch: nor does it lose what is there. */
static void give_up(struct plat_uctx *u, bool fetch)
{
	struct stub *s = stub_find((uint32_t)u->cookie);
	struct app_thread *th;
	struct stub_box *box;

	if (!__atomic_load_n(&u->slotted, __ATOMIC_ACQUIRE))
		return;
	if (!s)
		goto none;
	th = &s->thread[u->slot_cpu];
	box = stub_box_of(s, u->slot_cpu);
	if (u->slot_cpu == plat_cpu_self())
		ahead_drop(th);
	if (fetch && slot_await(s, th, box, u->slot, u))
		fetch = false;
	pthread_mutex_lock(&s->slots_lock);
	if (th->slot[u->slot].owner == u) {
		if (!fetch)
			u->xstate_live = u->regs_partial = false;
		take(box, &th->slot[u->slot], u->slot);
	}
	pthread_mutex_unlock(&s->slots_lock);
	return;
none:
	u->slotted = u->xstate_live = u->regs_partial = false;
}

void slot_fetch(struct plat_uctx *u) { give_up(u, true); }
void plat_uctx_drop(struct plat_uctx *u) { give_up(u, false); }
void plat_user_end(struct plat_uctx *u) { give_up(u, false); }

void plat_uctx_arrive(struct plat_uctx *u)
{
	unsigned cpu = plat_cpu_self();

	if (__atomic_load_n(&u->slotted, __ATOMIC_ACQUIRE) && u->slot_cpu != cpu)
		give_up(u, true);
	else
		user_soon((uint32_t)u->cookie, cpu);
}

void plat_uctx_leave(struct plat_uctx *u, bool whole)
{
	unsigned cpu = plat_cpu_self();
	struct stub *s = stub_find((uint32_t)u->cookie);
	struct app_thread *th;

	if (!s || !u->slotted || u->slot_cpu != cpu)
		return;
	th = &s->thread[cpu];
	if (whole || th->slot[u->slot].in_frame) {
		plat_uctx_save(u);
		if (whole)
			plat_uctx_drop(u);
		return;
	}
	if (unlikely(th->rider_xstates))
		riders_flush(s, cpu);
	ahead_drop(th);
}

/* u's answers, those that its slot has, are about to be those of the mailbox. */
void slot_answers(struct app_thread *th, struct stub_box *box, const struct plat_uctx *u)
{
	struct stub_slot *slot = box_slot(box, u->slot);

	if (th->slot[u->slot].tid != u->answers.tid)
		__atomic_store_n(&slot->tid, u->answers.tid, __ATOMIC_RELAXED);
	th->slot[u->slot].tid = u->answers.tid;
	if (u->slot != th->slot_at)
		th->answers.tid = u->answers.tid;
}

/* The slot for u, which has no state in one. */
static uint32_t choose(const struct app_thread *th, const struct plat_uctx *u)
{
	uint32_t oldest = th->slot_at;

	if (u->slotted)
		return u->slot;
	if (!th->slot[oldest].owner)
		return oldest;
	for (uint32_t i = 0; i < frame_shape.slot_count; i++) {
		if (!th->slot[i].owner)
			return i;
		if (i != th->slot_at && (oldest == th->slot_at || th->slot[i].used < th->slot[oldest].used))
			oldest = i;
	}
	return oldest;
}

int slot_load(struct stub *s, struct app_thread *th, struct stub_box *box, unsigned cpu, struct plat_uctx *u)
{
	uint32_t nr = choose(th, u);
	struct slot *slot = &th->slot[nr];

	if (slot->owner != u)
		slot_evict(s, th, box, nr);
	/* The thread may be about to save what was there. */
	if (nr == th->slot_at && slot_await(s, th, box, nr, slot->owner))
		return -ESRCH;
	slot->in_frame = slot->at_gate = false;
	frame_xstate_load(slot_image(th, box, nr), u->xstate);
	__atomic_store_n(&box_slot(box, nr)->saved, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->seen, true, __ATOMIC_RELAXED);
	if (s->ctl->slots_used <= nr)
		s->ctl->slots_used = nr + 1;
	u->cookie = s->id;
	u->slot = nr;
	u->slot_cpu = cpu;
	u->xstate_live = true;
	slot_answers(th, box, u);
	__atomic_store_n(&u->slotted, true, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->owner, u, __ATOMIC_RELEASE);
	return 0;
}

/* The order that is about to be given is for slot_next. */
void slot_tell(struct stub *s, struct app_thread *th, struct stub_box *box)
{
	box->line.slot = 0;
	th->slot[th->slot_next].used = ++th->slot_runs;
	if (th->slot_next == th->slot_at)
		return;
	/* The frame will be another's. */
	if (th->slot[th->slot_at].in_frame)
		slot_evict(s, th, box, th->slot_at);
	th->slot_at = th->slot_next;
	box->line.slot = (uint16_t)(th->slot_at + 1);
}
