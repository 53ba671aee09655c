/* SPDX-License-Identifier: Apache-2.0 */
/* overlay: reading directories.
 *
 * A directory that exists below only is read there directly.  Any other is
 * listed once per open (again after a rewind): the upper names, then the lower
 * ones that no upper name or whiteout hides.  The list's order gives stable
 * positions.  Its size is what the two directories are; it is charged to the
 * kernel heap and fails with ENOMEM. */
#include "kernel/fs/overlay/overlay.h"
#include <linux_abi/dirent.h>

struct name {
	struct list link, hash;
	uint64_t ino;
	uint32_t h;
	uint8_t type, size;
	bool upper;
	char text[];
};

struct listing {
	struct dir_sink sink;
	struct list names;
	struct list *buckets;
	unsigned bucket_count, count;
	bool upper;                     /* collecting from the upper layer */
	int err;
};

struct ovl_dir { struct listing *l; struct file *real; };       /* file->priv */

static void listing_free(struct listing *l)
{
	if (!l)
		return;
	while (!list_empty(&l->names)) {
		struct name *e = list_first(&l->names, struct name, link);

		list_del(&e->link);
		kfree(e);
	}
	kfree(l->buckets);
	kfree(l);
}

static bool grow(struct listing *l)
{
	unsigned want = l->bucket_count ? l->bucket_count * 4 : 64;
	struct list *b;
	struct name *e;

	if (l->count < l->bucket_count)
		return true;
	b = kmalloc(want * sizeof(*b));
	if (!b)
		return false;
	for (unsigned k = 0; k < want; k++)
		list_init(&b[k]);
	list_for_each(e, &l->names, link)
		list_push_back(&b[e->h % want], &e->hash);
	kfree(l->buckets);
	l->buckets = b;
	l->bucket_count = want;
	return true;
}

static bool collect(struct dir_sink *s, const char *name, size_t n, uint64_t ino, uint8_t dtype, int64_t next_pos)
{
	struct listing *l = container_of(s, struct listing, sink);
	uint32_t h = hash_bytes(name, n);
	struct name *e;

	if (n == 0 || n > NAME_MAX || (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.'))))
		return true;
	if (!grow(l)) {
		l->err = -ENOMEM;
		return false;
	}
	list_for_each(e, &l->buckets[h % l->bucket_count], hash)
		if (e->h == h && e->size == n && !memcmp(e->text, name, n))
			return true;
	e = kmalloc(sizeof(*e) + n);
	if (!e) {
		l->err = -ENOMEM;
		return false;
	}
	*e = (struct name){ .ino = ino, .h = h, .type = dtype, .size = (uint8_t)n, .upper = l->upper };
	memcpy(e->text, name, n);
	list_push_back(&l->names, &e->link);
	list_push_back(&l->buckets[h % l->bucket_count], &e->hash);
	l->count++;
	return true;
}

static int collect_layer(struct listing *l, struct inode *dir, bool upper)
{
	struct file *f;
	int err = inode_open_internal(dir, O_RDONLY | O_DIRECTORY, &f);

	if (err)
		return err;
	l->upper = upper;
	err = f->ops->readdir ? f->ops->readdir(f, &l->sink) : -ENOTDIR;
	file_put(f);
	return err ? err : l->err;
}

static int listing_make(struct inode *dir, struct listing **ret)
{
	struct ovl_inode *od = ovl_i(dir);
	struct inode *u = ovl_upper(od);
	struct listing *l = kzalloc(sizeof(*l));
	struct name *e;
	int err = 0;

	if (!l)
		return -ENOMEM;
	l->sink.emit = collect;
	list_init(&l->names);
	if (u)
		err = collect_layer(l, u, true);
	if (!err && od->lower)
		err = collect_layer(l, od->lower, false);
	if (err) {
		listing_free(l);
		return err;
	}
	/* Numbers as stat() shows them: objects keep theirs when copied up. */
	list_for_each(e, &l->names, link) {
		struct inode *i;

		if (!e->upper || e->type == DT_WHT)
			continue;
		e->ino += OVL_UPPER_INO;
		if (ovl_layer_lookup(u, e->text, e->size, &i))
			continue;
		e->ino = ovl_ino_of_upper(i);
		inode_put(i);
	}
	*ret = l;
	return 0;
}

bool ovl_dir_empty(struct inode *dir, int *ret_err)
{
	struct listing *l;
	struct name *e;
	bool empty = true;

	*ret_err = listing_make(dir, &l);
	if (*ret_err)
		return false;
	list_for_each(e, &l->names, link)
		if (e->type != DT_WHT)
			empty = false;
	listing_free(l);
	return empty;
}

/* An upper directory about to go holds nothing but whiteouts. */
int ovl_clean_whiteouts(struct inode *u)
{
	struct listing *l = kzalloc(sizeof(*l));
	struct name *e;
	struct inode *w;
	int err;

	if (!l)
		return -ENOMEM;
	l->sink.emit = collect;
	list_init(&l->names);
	err = collect_layer(l, u, true);
	mutex_lock(&u->lock);
	list_for_each(e, &l->names, link) {
		if (err || u->ops->lookup(u, e->text, e->size, &w))
			continue;
		if (ovl_is_whiteout(w))
			err = u->ops->unlink(u, e->text, e->size, w);
		inode_put(w);
	}
	mutex_unlock(&u->lock);
	listing_free(l);
	return err;
}

/* ---- file operations ---- */

static int dir_state(struct file *f, struct ovl_dir **ret)
{
	struct ovl_dir *d = f->priv;

	if (!d) {
		d = kzalloc(sizeof(*d));
		if (!d)
			return -ENOMEM;
		f->priv = d;
	}
	*ret = d;
	return 0;
}

/* Below only: straight from the layer, less its dots. */
struct pass { struct dir_sink sink, *to; };

static bool pass_emit(struct dir_sink *s, const char *name, size_t n, uint64_t ino, uint8_t dtype, int64_t next_pos)
{
	struct pass *p = container_of(s, struct pass, sink);

	return p->to->emit(p->to, name, n, ino, dtype, next_pos);
}

static int read_lower(struct file *f, struct ovl_dir *d, struct dir_sink *s)
{
	struct pass p = { .sink.emit = pass_emit, .to = s };
	int err = 0;

	if (!d->real)
		err = inode_open_internal(ovl_i(f->inode)->lower, O_RDONLY | O_DIRECTORY, &d->real);
	if (err)
		return err;
	d->real->pos = f->pos;
	err = d->real->ops->readdir(d->real, &p.sink);
	f->pos = d->real->pos;
	return err;
}

static int read_listing(struct file *f, struct listing *l, struct dir_sink *s)
{
	int64_t at = 2;
	struct name *e;

	list_for_each(e, &l->names, link) {
		if (at++ < (int64_t)f->pos || e->type == DT_WHT)
			continue;
		if (!s->emit(s, e->text, e->size, e->ino, e->type, at))
			return 0;
		f->pos = (uint64_t)at;
	}
	return 0;
}

static int ovl_readdir(struct file *f, struct dir_sink *s)
{
	struct ovl_dir *d;
	bool fresh = f->pos <= 2;
	int err = dir_state(f, &d);

	if (err)
		return err;
	if (!dir_emit_dots(f, s))
		return 0;
	if (fresh && d->l) {
		listing_free(d->l);
		d->l = NULL;
	}
	if (!d->l) {
		/* What was begun below goes on there: positions are its own. */
		if (!ovl_upper(ovl_i(f->inode)) || (d->real && !fresh))
			return read_lower(f, d, s);
		err = listing_make(f->inode, &d->l);
		if (err)
			return err;
	}
	return read_listing(f, d->l, s);
}

static void ovl_dir_release(struct file *f)
{
	struct ovl_dir *d = f->priv;

	if (!d)
		return;
	listing_free(d->l);
	file_put(d->real);
	kfree(d);
}

const struct file_ops ovl_dir_fops = {
	.readdir = ovl_readdir, .lseek = sizeless_lseek, .release = ovl_dir_release,
	.quiet_close = true,
};
