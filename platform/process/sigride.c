/* SPDX-License-Identifier: Apache-2.0 */
/* sigride.c: signal frames of the program ride on the order to run.
 *
 * The program's thread makes a handler's frame itself, with the extended state
 * that is in its registers or in the frame of a host's signal (stub/frame.c),
 * and loads that state back from the program's memory.  Of the frame only
 * those words are told that the thread does not know.
 *
 * Trust: as of all riders.  What the thread does not find as it would write it
 * itself, it leaves to the kernel. */
#include "platform/process/internal.h"
#include "platform/process/sigframe.h"

#define MAGIC2_SIZE 4u

static size_t xstate_bytes(void) { return plat_xstate_size() + MAGIC2_SIZE; }

/* The thread that holds u's extended state, if it can move it; NULL. */
static struct app_thread *mover(struct stub *s, unsigned cpu, const struct plat_uctx *u)
{
	struct app_thread *th = &s->thread[cpu];

	if (s->batch || later_waits(s) || !th->live || !u->xstate_live || !is_owner(th, u))
		return NULL;
	/* One that has been given its slot but has not run yet is in neither. */
	if (!(th->below ? slot_now(th)->at_gate : slot_now(th)->in_frame) || !rider_room(s, th, u))
		return NULL;
	return th;
}

static void add(struct stub *s, struct app_thread *th, struct plat_uctx *u, struct stub_cmd cmd)
{
	cmd.a[1] = th->below ? 0 : frame_shape.fp_off;
	th->rider[th->rider_count] = cmd;
	th->rider_xstates++;
	rider_added(s, th, u);
}

bool plat_ride_frame_out(plat_as_t as, struct plat_uctx *u, uint64_t at, const uint64_t *frame, uint64_t xstate_at)
{
	struct stub *s = stub_find(as.id);
	const unsigned cpu = plat_cpu_self(), regs_end = FRAME_WORD_REGS + LOAD_WORDS;
	const uint64_t size = xstate_at + xstate_bytes() - at;
	uint64_t which = 0, *word, data_at;
	struct app_thread *th;

	if (!s || (xstate_at & 63) || xstate_at < at || !user_range(at, size))
		return false;
	th = mover(s, cpu, u);
	if (th && !th->rider_data)
		th->rider_data = RIDER_DATA_NEAR;
	word = th ? rider_data(s, cpu, FRAME_WORDS * sizeof(*word), &data_at) : NULL;
	if (!word)
		return false;
	for (unsigned i = 0; i < FRAME_WORDS; i++) {
		if (i == FRAME_WORD_REGS && slot_now(th)->at_gate) {
			uint64_t regs = gate_words(slot_now(th), word, (const struct stub_load *)(frame + i));

			which |= regs << i;
			word += __builtin_popcountll(regs);
			i = regs_end;
		}
		if (frame[i]) {
			which |= 1ull << i;
			*word++ = frame[i];
		}
	}
	ahead_written(th, at, size);
	add(s, th, u, (struct stub_cmd){ .op = OP_FRAME_OUT, .a = { at, 0, size, xstate_at, which, data_at } });
	return true;
}

bool plat_ride_xstate_in(plat_as_t as, struct plat_uctx *u, uint64_t at)
{
	struct stub *s = stub_find(as.id);
	struct app_thread *th;

	if (!s || (at & 63) || !user_range(at, xstate_bytes()))
		return false;
	th = mover(s, plat_cpu_self(), u);
	if (th)
		add(s, th, u, (struct stub_cmd){ .op = OP_XSTATE_IN, .a = { at, 0, xstate_bytes() } });
	return th;
}
