/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel timers: per CPU an intrusive pairing heap, so that arming never
 * allocates.  Lock: cpu->timer_lock. */
#include "kernel/sched/sched.h"
#include "kernel/sched/internal.h"

static struct ktimer *meld(struct ktimer *a, struct ktimer *b)
{
	struct ktimer *t;

	if (!a)
		return b;
	if (!b)
		return a;
	if (b->deadline_ns < a->deadline_ns) {
		t = a;
		a = b;
		b = t;
	}
	b->sibling = a->child;
	b->prev = a;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	a->sibling = NULL;
	a->prev = NULL;
	return a;
}

/* Pair up the list of children that starts at c, then meld from the back. */
static struct ktimer *meld_children(struct ktimer *c)
{
	struct ktimer *pairs = NULL, *root = NULL;

	while (c) {
		struct ktimer *a = c, *b = c->sibling, *m;

		c = b ? b->sibling : NULL;
		a->sibling = a->prev = NULL;
		if (b)
			b->sibling = b->prev = NULL;
		m = meld(a, b);
		m->sibling = pairs;
		pairs = m;
	}
	while (pairs) {
		struct ktimer *next = pairs->sibling;

		pairs->sibling = pairs->prev = NULL;
		root = meld(root, pairs);
		pairs = next;
	}
	return root;
}

/* timers_run() and timers_next() look with no lock. */
static void set_root(struct cpu *c, struct ktimer *root)
{
	c->timers = root;
	__atomic_store_n(&c->timers_due_ns, root ? root->deadline_ns : NO_DEADLINE, __ATOMIC_RELAXED);
}

static void heap_remove(struct cpu *c, struct ktimer *t)
{
	struct ktimer *rest = meld_children(t->child);

	if (c->timers == t) {
		set_root(c, rest);
	} else {
		if (t->prev->child == t)
			t->prev->child = t->sibling;
		else
			t->prev->sibling = t->sibling;
		if (t->sibling)
			t->sibling->prev = t->prev;
		set_root(c, meld(c->timers, rest));
	}
	t->child = t->sibling = t->prev = NULL;
	t->armed = false;
}

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *))
{
	*t = (struct ktimer){ .fn = fn };
}

/* Locks the base that t is on; it may move between reading and locking. */
static struct cpu *timer_lock_base(struct ktimer *t)
{
	for (;;) {
		unsigned id = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);
		struct cpu *c = cpu_by_id(id);

		spin_lock(&c->timer_lock);
		if (__atomic_load_n(&t->cpu, __ATOMIC_RELAXED) == id)
			return c;
		spin_unlock(&c->timer_lock);
	}
}

void ktimer_set(struct ktimer *t, uint64_t deadline_ns)
{
	struct cpu *c = timer_lock_base(t), *self = cpu_self();
	bool elsewhere;

	if (t->armed)
		heap_remove(c, t);
	if (c != self && c->timer_running != t) {
		__atomic_store_n(&t->cpu, self->id, __ATOMIC_RELEASE);
		spin_unlock(&c->timer_lock);
		c = timer_lock_base(t);
		if (t->armed)
			heap_remove(c, t);
	}
	t->deadline_ns = deadline_ns;
	t->armed = true;
	set_root(c, meld(c->timers, t));
	elsewhere = c != self && c->timer_running != t;
	spin_unlock(&c->timer_lock);
	/* Its CPU armed it at the same moment: that may have looked already. */
	if (unlikely(elsewhere))
		plat_cpu_kick(c->id);
	/* A timer that stayed on another CPU (it is running there now) is seen
	 * when its function returns.  This CPU looks before it idles or enters
	 * user mode. */
}

bool ktimer_cancel(struct ktimer *t)
{
	struct cpu *c = timer_lock_base(t);
	bool was = t->armed;

	if (was)
		heap_remove(c, t);
	/* Timer functions are short and do not sleep. */
	while (c->timer_running == t && c != cpu_self()) {
		spin_unlock(&c->timer_lock);
		plat_relax();
		c = timer_lock_base(t);
	}
	/* The function may have armed it anew meanwhile. */
	if (t->armed) {
		heap_remove(c, t);
		was = true;
	}
	spin_unlock(&c->timer_lock);
	return was;
}

void timers_run(struct cpu *c, uint64_t now)
{
	if (now < timers_next(c))
		return;
	spin_lock(&c->timer_lock);
	while (c->timers && c->timers->deadline_ns <= now) {
		struct ktimer *t = c->timers;

		heap_remove(c, t);
		c->timer_running = t;
		spin_unlock(&c->timer_lock);
		t->fn(t);
		spin_lock(&c->timer_lock);
		c->timer_running = NULL;
	}
	spin_unlock(&c->timer_lock);
}
