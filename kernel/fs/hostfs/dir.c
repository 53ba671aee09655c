/* SPDX-License-Identifier: Apache-2.0 */
/* hostfs: reading directories.
 *
 * Positions that programs see are plain indexes (0 ".", 1 "..", 2 the first
 * entry): the host's cookies are opaque 64-bit values that need not fit.  A
 * stream reads from the listing (listing.c) that it began with.  A directory
 * that is too long for one is streamed: the open file remembers the cookie of
 * its present index; seeking elsewhere starts anew and skips.
 * file->pos_lock serializes. */
#include "kernel/fs/hostfs/hostfs.h"
#include "kernel/signal/signal.h"
#include <linux_abi/dirent.h>

#define BATCH (16u << 10)

struct dir_state {
	uint64_t index;                 /* of the next entry in buf */
	uint64_t cookie;                /* continues after buf */
	size_t n, off;
	bool end;
	uint8_t buf[BATCH];
};

struct dir_file { struct hostfs_listing *l; struct dir_state *d; };     /* file->priv */

static int fill(struct hostfs_node *n, struct dir_state *d)
{
	int err;

	d->n = d->off = 0;
	err = hc_readdir(n->handle, d->cookie, d->buf, BATCH, &d->n, &d->end);
	if (err || d->n > BATCH || (!d->n && !d->end)) {
		d->n = 0;
		return err ? hostfs_errno(err) : -EIO;
	}
	return 0;
}

/* The next valid entry, or false at the end of the batch. */
static bool next_entry(struct dir_state *d, struct hc_dirent *e, const char **name)
{
	size_t need;

	while (d->n - d->off >= sizeof(*e)) {
		memcpy(e, d->buf + d->off, sizeof(*e));
		need = align_up(sizeof(*e) + e->name_size, 8);
		if (need > d->n - d->off && sizeof(*e) + e->name_size <= d->n - d->off)
			need = d->n - d->off;
		if (need > d->n - d->off)
			break;          /* cut short: nothing after it can be trusted */
		*name = (const char *)d->buf + d->off + sizeof(*e);
		return true;
	}
	d->off = d->n;
	return false;
}

static void consume(struct dir_state *d, const struct hc_dirent *e)
{
	d->off = MIN(d->off + (size_t)align_up(sizeof(*e) + e->name_size, 8), d->n);
	/* A host that repeats cookies could keep us here for ever: the caller
	 * leaves after each full buffer, and a signal ends the task. */
	d->cookie = e->next_cookie;
	d->index++;
}

static int state_get(struct file *f, struct dir_file *df, struct dir_state **ret)
{
	struct dir_state *d = df->d;

	if (!d) {
		d = kzalloc(sizeof(*d));
		if (!d)
			return -ENOMEM;
		d->index = 2;
		df->d = d;
	}
	if (f->pos < d->index || f->pos <= 2) {
		d->index = 2;
		d->cookie = 0;
		d->n = d->off = 0;
		d->end = false;
	}
	*ret = d;
	return 0;
}

static int stream(struct file *f, struct dir_file *df, struct dir_sink *s)
{
	struct hostfs_node *n = hostfs_node(f->inode);
	struct dir_state *d;
	struct hc_dirent e;
	const char *name;
	int err = state_get(f, df, &d);

	if (err)
		return err;
	for (;;) {
		while (next_entry(d, &e, &name)) {
			if (d->index >= f->pos) {
				if (hostfs_check_name(name, e.name_size) &&
				    !s->emit(s, name, e.name_size, e.ino ? e.ino : 1, e.type & 15,
					     (int64_t)d->index + 1))
					return 0;
				f->pos = d->index + 1;
			}
			consume(d, &e);
		}
		if (d->end)
			return 0;
		err = fill(n, d);
		if (err)
			return err;
		if (signal_fatal_pending(current_task()))
			return -EINTR;
	}
}

static void from_listing(struct file *f, const struct hostfs_listing *l, struct dir_sink *s)
{
	for (uint64_t k = f->pos - 2; k < l->count; k++) {
		const struct hostfs_entry *e = &l->entries[k];

		if (!s->emit(s, l->names + e->at, e->size, e->ino, e->type, (int64_t)k + 3))
			return;
		f->pos = k + 3;
	}
}

static int hostfs_readdir(struct file *f, struct dir_sink *s)
{
	struct hostfs_node *n = hostfs_node(f->inode);
	struct dir_file *df = f->priv;
	bool fresh = f->pos <= 2;
	int err = 0;

	if (!dir_emit_dots(f, s))
		return 0;
	if (!df) {
		df = kzalloc(sizeof(*df));
		if (!df)
			return -ENOMEM;
		f->priv = df;
	}
	if (df->l && fresh) {
		hostfs_listing_put(n->hs, df->l);
		df->l = NULL;
	}
	if (!df->l && (fresh || !df->d)) {
		err = hostfs_list(n, &df->l);
		if (err && err != -E2BIG)
			return err;
	}
	if (!df->l)
		return stream(f, df, s);
	from_listing(f, df->l, s);
	return 0;
}

static void dir_release(struct file *f)
{
	struct dir_file *df = f->priv;

	if (!df)
		return;
	hostfs_listing_put(hostfs_node(f->inode)->hs, df->l);
	kfree(df->d);
	kfree(df);
	f->priv = NULL;
}

static int dir_fsync(struct file *f, bool data_only)
{
	return 0;
}

const struct file_ops hostfs_dir_ops = {
	.readdir = hostfs_readdir,
	.lseek = sizeless_lseek,
	.fsync = dir_fsync,
	.release = dir_release,
	.quiet_close = true,
};
