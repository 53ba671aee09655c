/* SPDX-License-Identifier: Apache-2.0 */
/* The far side that is the host's terminal: streams 0 (input) and 1 (output).
 *
 * Input is taken as it comes, also when nobody reads, so that ^C works; it
 * stops when the reader is behind and goes on when it catches up.  Output is
 * pushed after each write; what the host does not take waits for its event.
 * Pumps run on any CPU, one at a time: who finds one busy leaves a mark and
 * the busy one goes round again. */
#include "kernel/tty/tty.h"
#include <hostcall.h>

#define PIECE 512

/* 0 idle, 1 busy, 2 busy and asked again */
static bool pump_enter(uint32_t *busy)
{
	uint32_t old = __atomic_load_n(busy, __ATOMIC_RELAXED);

	do {
		if (old == 2)
			return false;
	} while (!__atomic_compare_exchange_n(busy, &old, old + 1, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return old == 0;
}

static bool pump_leave(uint32_t *busy)
{
	uint32_t one = 1;

	if (__atomic_compare_exchange_n(busy, &one, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return true;
	__atomic_store_n(busy, 1, __ATOMIC_RELEASE);
	return false;
}

static void pump_in_once(struct tty *t)
{
	uint8_t buf[PIECE];

	for (;;) {
		size_t room, got = 0;
		int err;

		spin_lock(&t->lock);
		room = t->hung_up ? 0 : MIN(tty_input_room_locked(t), sizeof(buf));
		spin_unlock(&t->lock);
		if (!room)
			return;         /* the reader's next read pumps again */
		err = hc_stream_read(HC_STREAM_STDIN, buf, room, &got);
		if (err == -EAGAIN) {
			if (!(hc_stream_poll(HC_STREAM_STDIN, HC_POLL_IN | HC_POLL_HUP | HC_POLL_ERR) &
			      (HC_POLL_IN | HC_POLL_HUP | HC_POLL_ERR)))
				return;
			continue;
		}
		if (err || !got || got > room) {
			tty_hangup(t);
			return;
		}
		(void)tty_receive(t, buf, got);
	}
}

void tty_host_pump_in(struct tty *t)
{
	if (!pump_enter(&t->in_busy))
		return;
	do {
		pump_in_once(t);
	} while (!pump_leave(&t->in_busy));
}

static void pump_out_once(struct tty *t)
{
	uint8_t buf[PIECE];
	bool moved = false;

	for (;;) {
		size_t n = 0, done = 0;
		int err;

		spin_lock(&t->lock);
		if (!t->out_stopped)
			for (; n < sizeof(buf) && t->otail + n != t->ohead; n++)
				buf[n] = t->obuf[(t->otail + n) & (TTY_OBUF - 1)];
		spin_unlock(&t->lock);
		if (!n)
			break;
		err = hc_stream_write(HC_STREAM_STDOUT, buf, n, &done);
		if (err == -EAGAIN) {
			if (hc_stream_poll(HC_STREAM_STDOUT, HC_POLL_OUT | HC_POLL_HUP | HC_POLL_ERR) &
			    (HC_POLL_OUT | HC_POLL_HUP | HC_POLL_ERR))
				continue;
			break;
		}
		if (err || !done || done > n)
			done = n;       /* nobody looks any more */
		spin_lock(&t->lock);
		/* A flush may have emptied the buffer meanwhile. */
		t->otail += MIN((uint32_t)done, t->ohead - t->otail);
		spin_unlock(&t->lock);
		moved = true;
	}
	if (moved)
		waitq_wake_all(&t->out_wait, POLLOUT | POLLWRNORM);
}

void tty_host_pump_out(struct tty *t)
{
	if (!pump_enter(&t->out_busy))
		return;
	do {
		pump_out_once(t);
	} while (!pump_leave(&t->out_busy));
}

void tty_host_winch(void)
{
	struct tty *t = tty_host();
	struct linux_winsize ws = { 0 };

	if (t && !hc_tty_size(&ws.ws_row, &ws.ws_col))
		tty_set_winsize(t, &ws);
}
