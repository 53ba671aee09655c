/* SPDX-License-Identifier: Apache-2.0 */
/* TCP's clocks: bytes held back too long (TCP_CORK, MSG_MORE), a receiver that
 * does not read (TCP_USER_TIMEOUT), a connection that stays silent
 * (TCP_DEFER_ACCEPT), a listener without room (TCP_SYNCNT).
 *
 * One ktimer per socket, armed for the earliest of them.  While armed it holds
 * a reference.  Its function runs between traps and must not sleep: it takes
 * spinlocks and wakes.  Setting a kind that is set already changes nothing, so
 * a stream of corked writes arms once. */
#include "kernel/net/inet/tcp.h"

static uint64_t earliest(const struct tcp_sock *t)
{
	uint64_t min = 0;

	for (int k = 0; k < TCP_TIMERS; k++)
		if (t->due[k] && (!min || t->due[k] < min))
			min = t->due[k];
	return min;
}

/* The receiver has read nothing since its queue was found full. */
static void stalled(struct tcp_sock *t)
{
	struct tcp_sock *p = tcp_peer_get(t);
	bool stuck = false, behind = false;
	uint64_t seq = 0;

	if (p) {
		tcp_lock(p);
		seq = p->read_seq;
		stuck = seq == t->stall_seq && !p->orphan;
		behind = tcp_room(p, t->sndbuf) == 0;
		spin_unlock(&p->lock);
		tcp_put(p);
	}
	if (stuck) {
		tcp_give_up(t, false);
	} else if (behind && t->opt[TCP_USER_TIMEOUT]) {
		t->stall_seq = seq;
		tcp_timer_set(t, TCP_TIMER_STALL, plat_time_mono_ns() +
			      (uint64_t)t->opt[TCP_USER_TIMEOUT] * NSEC_PER_MSEC);
	}
}

static void fire(struct ktimer *timer)
{
	struct tcp_sock *t = container_of(timer, struct tcp_sock, timer);
	uint64_t now = plat_time_mono_ns(), next;
	bool fired[TCP_TIMERS] = { false };

	tcp_lock(t);
	for (int k = 0; k < TCP_TIMERS; k++) {
		fired[k] = t->due[k] && t->due[k] <= now;
		if (fired[k])
			t->due[k] = 0;
	}
	next = t->timers_off ? 0 : earliest(t);
	t->timer_armed = next;
	if (next)
		ktimer_set(&t->timer, next);
	spin_unlock(&t->lock);
	if (fired[TCP_TIMER_FLUSH])
		tcp_push(t);
	if (fired[TCP_TIMER_DEFER])
		tcp_defer_done(t);
	if (fired[TCP_TIMER_STALL])
		stalled(t);
	if (fired[TCP_TIMER_SYN])
		tcp_give_up(t, true);
	if (!next)
		tcp_put(t);
}

uint32_t tcp_keepalive_ms(const struct tcp_sock *t)
{
	uint64_t idle = (uint64_t)t->opt[TCP_KEEPIDLE] * 1000;
	uint64_t last = MAX(MAX(t->last_sent_ns, t->last_received_ns), t->start_ns);

	if (!t->keepalive || !tcp_connected(t->state) || !idle)
		return 0;
	return (uint32_t)(idle - (plat_time_mono_ns() - last) / NSEC_PER_MSEC % idle);
}

void tcp_timers_init(struct tcp_sock *t) { ktimer_init(&t->timer, fire); }

void tcp_timer_set(struct tcp_sock *t, enum tcp_timer k, uint64_t due_ns)
{
	tcp_lock(t);
	if (!t->due[k] && !t->timers_off) {
		t->due[k] = due_ns;
		if (!t->timer_armed || due_ns < t->timer.deadline_ns) {
			if (!t->timer_armed)
				tcp_get(t);
			t->timer_armed = true;
			ktimer_set(&t->timer, earliest(t));
		}
	}
	spin_unlock(&t->lock);
}

/* The ktimer stays armed and finds nothing to do: cheaper for those who set
 * and clear all the time. */
void tcp_timer_clear(struct tcp_sock *t, enum tcp_timer k)
{
	tcp_lock(t);
	t->due[k] = 0;
	spin_unlock(&t->lock);
}

void tcp_timers_off(struct tcp_sock *t)
{
	bool armed;

	tcp_lock(t);
	t->timers_off = true;
	memset(t->due, 0, sizeof t->due);
	armed = t->timer_armed;
	spin_unlock(&t->lock);
	if (!armed)
		return;
	/* Whoever disarms it drops the reference: the function, or we. */
	if (ktimer_cancel(&t->timer))
		tcp_put(t);
}
