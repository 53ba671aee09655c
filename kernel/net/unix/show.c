/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/net/unix: proc(5). */
#include "kernel/net/diag.h"
#include "kernel/net/unix/unix.h"

#define ACCEPTS 0x10000u                /* __SO_ACCEPTCON */

/* "@" stands for each NUL of an abstract name. */
static void put_name(struct sbuf *s, const struct unix_addr *a)
{
	const char *p = (const char *)&a->a.u + SUN_PATH_OFFSET;
	size_t n = a->a.size > SUN_PATH_OFFSET ? a->a.size - SUN_PATH_OFFSET : 0;

	if (!n)
		return;
	if (p[0])
		n = strnlen(p, n);
	sbuf_write(s, " ", 1);
	for (size_t i = 0; i < n; i++)
		sbuf_write(s, p[i] ? &p[i] : "@", 1);
}

struct show { struct netns *ns; struct sbuf *s; };

/* It comes with the file, when the socket is known already. */
static uint64_t ino_of(const struct unix_sock *u) { return __atomic_load_n(&u->ino, __ATOMIC_RELAXED); }

static void line(struct unix_sock *u, void *arg)
{
	struct show *show = arg;
	struct sbuf *s = show->s;
	unsigned state;

	if (u->ns != show->ns)
		return;
	spin_lock(&u->lock);
	if (u->dead) {                  /* only its peer remembers it */
		spin_unlock(&u->lock);
		return;
	}
	state = u->state == UNIX_CONNECTED ? 3 : 1;
	sbuf_printf(s, "0000000000000000: %08X 00000000 %08X %04X %02X %5llu", ref_read(&u->ref),
		    u->state == UNIX_LISTEN ? ACCEPTS : 0u, (unsigned)u->type, state,
		    (unsigned long long)ino_of(u));
	if (u->addr)
		put_name(s, u->addr);
	sbuf_write(s, "\n", 1);
	spin_unlock(&u->lock);
}

void net_show_unix(struct netns *ns, struct sbuf *s)
{
	struct show show = { ns, s };

	unix_for_each(line, &show);
}

/* ---- sock_diag(7) ---- */

struct diag_walk { struct netns *ns; void (*fn)(const struct unix_diag *d, void *arg); void *arg; };

static void diag_one(struct unix_sock *u, void *arg)
{
	struct diag_walk *w = arg;
	struct unix_diag d = { .type = (uint8_t)u->type, .ino = ino_of(u) };

	if (u->ns != w->ns)
		return;
	spin_lock(&u->lock);
	d.state = u->state == UNIX_LISTEN ? TCP_LISTEN : u->state == UNIX_CONNECTED ? TCP_ESTABLISHED : TCP_CLOSE;
	d.shutdown = (uint8_t)u->shutdown;
	d.uid = u->uid;
	d.rqueue = u->state == UNIX_LISTEN ? u->pending_count : (uint32_t)u->queued;
	d.wqueue = u->state == UNIX_LISTEN ? u->backlog : (uint32_t)__atomic_load_n(&u->wmem, __ATOMIC_RELAXED);
	d.peer_ino = u->peer ? ino_of(u->peer) : 0;
	if (u->addr && u->addr->a.size > SUN_PATH_OFFSET) {
		d.name = (const char *)&u->addr->a.u + SUN_PATH_OFFSET;
		d.name_size = d.name[0] ? strnlen(d.name, u->addr->a.size - SUN_PATH_OFFSET) : u->addr->a.size - SUN_PATH_OFFSET;
	}
	if (!u->dead && d.ino)         /* not those that nobody accepted */
		w->fn(&d, w->arg);
	spin_unlock(&u->lock);
}

void unix_diag_each(struct netns *ns, void (*fn)(const struct unix_diag *d, void *arg), void *arg)
{
	struct diag_walk w = { ns, fn, arg };

	unix_for_each(diag_one, &w);
}
