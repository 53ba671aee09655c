/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals: the table of /dev/pts, life, hangup.
 *
 * A terminal is in the table from its creation until its far side goes; open
 * slave files and sessions keep the memory after that.  Lock: table_lock
 * (spin) for the table, innermost. */
#include "kernel/tty/tty.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#include <boot.h>

static struct spinlock table_lock;
static struct tty *table[TTY_MAX];
static struct tty *host_tty;

struct tty *tty_get(struct tty *t)
{
	ref_get(&t->ref);
	return t;
}

void tty_put(struct tty *t)
{
	if (!t || !ref_put(&t->ref))
		return;
	if (t->inode)
		inode_put(t->inode);
	kfree(t);
}

struct tty *tty_by_index_get(int index)
{
	struct tty *t = NULL;

	if (index < 0 || index >= TTY_MAX)
		return NULL;
	spin_lock(&table_lock);
	if (table[index])
		t = tty_get(table[index]);
	spin_unlock(&table_lock);
	return t;
}

int tty_next_index(int from)
{
	int found = -1;

	spin_lock(&table_lock);
	for (int n = from < 0 ? 0 : from; n < TTY_MAX && found < 0; n++)
		if (table[n])
			found = n;
	spin_unlock(&table_lock);
	return found;
}

struct tty *tty_host(void) { return __atomic_load_n(&host_tty, __ATOMIC_ACQUIRE); }

int tty_new(bool host, struct tty **ret)
{
	struct tty *t = kzalloc(sizeof(*t));
	int n;

	if (!t)
		return -ENOMEM;
	ref_init(&t->ref);
	spin_init(&t->lock);
	waitq_init(&t->in_wait);
	waitq_init(&t->out_wait);
	waitq_init(&t->master_wait);
	tty_default_termios(&t->t);
	t->host = host;
	t->master = true;
	t->slave_locked = !host;
	spin_lock(&table_lock);
	for (n = 0; n < TTY_MAX; n++)
		if (!table[n])
			break;
	if (n < TTY_MAX) {
		t->index = n;
		table[n] = tty_get(t);
	}
	spin_unlock(&table_lock);
	if (n == TTY_MAX) {
		kfree(t);
		return -ENOSPC;
	}
	*ret = t;
	return 0;
}

int tty_host_init(const struct boot_params *bp, struct tty **ret)
{
	struct tty *t = tty_host();
	int err;

	if (!t) {
		err = tty_new(true, &t);
		if (err)
			return err;
		t->t.c_iflag |= IUTF8;
		t->ws.ws_row = bp->tty_rows;
		t->ws.ws_col = bp->tty_cols;
		__atomic_store_n(&host_tty, t, __ATOMIC_RELEASE);
		tty_host_pump_in(t);
		/* What changed before there was a terminal to tell. */
		tty_host_winch();
	}
	*ret = t;
	return 0;
}

void tty_hangup(struct tty *t)
{
	struct session *s;
	int32_t sid = 0, pgrp;
	bool first;

	spin_lock(&t->lock);
	first = !t->hung_up;
	t->hung_up = true;
	t->master = false;
	spin_unlock(&t->lock);
	if (!first)
		return;
	spin_lock(&table_lock);
	if (table[t->index] == t)
		table[t->index] = NULL;
	else
		first = false;
	spin_unlock(&table_lock);

	spin_lock(&task_list_lock);
	s = t->session;
	pgrp = t->pgrp;
	t->session = NULL;
	t->pgrp = 0;
	if (s) {
		struct task *leader = task_find_locked(s->sid);

		sid = s->sid;
		s->tty = NULL;
		/* SIGHUP to the leader, then to who is in front. */
		if (leader) {
			signal_send_group_locked(leader->tg, SIGHUP, NULL);
			signal_send_group_locked(leader->tg, SIGCONT, NULL);
		}
	}
	spin_unlock(&task_list_lock);
	if (pgrp && pgrp != sid) {
		signal_send_pgrp(pgrp, SIGHUP, NULL);
		signal_send_pgrp(pgrp, SIGCONT, NULL);
	}
	waitq_wake_all(&t->in_wait, 0);
	waitq_wake_all(&t->out_wait, 0);
	waitq_wake_all(&t->master_wait, 0);
	if (s)
		tty_put(t);             /* the session's */
	if (first)
		tty_put(t);             /* the table's */
}

void tty_set_winsize(struct tty *t, const struct linux_winsize *ws)
{
	bool changed;

	spin_lock(&t->lock);
	changed = memcmp(&t->ws, ws, sizeof(*ws)) != 0;
	t->ws = *ws;
	spin_unlock(&t->lock);
	if (changed)
		tty_signal_pgrp(t, SIGWINCH);
}
