/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs: super blocks, inodes, limits, mount options.
 *
 * Everything lives in kernel memory or in memory objects and dies with the
 * super block.  The limit is in bytes; what a large file uses is asked of its
 * object from time to time (data.c). */
#include "kernel/fs/tmpfs/internal.h"

static uint64_t default_limit = 16ull << 30;
#define DEFAULT_INODES (4ull << 20)
#define INODE_COST 512ull                 /* what a name and its inode count for */

int tmpfs_charge(struct tmpfs_inode *ti, uint64_t n)
{
	struct tmpfs_super *ts = tmpfs_sb(ti->sb);
	int err = 0;

	spin_lock(&ts->lock);
	if (n > ts->limit || ts->used > ts->limit - n)
		err = -ENOSPC;
	else
		ts->used += n;
	spin_unlock(&ts->lock);
	if (!err)
		ti->charged += n;
	return err;
}

void tmpfs_uncharge(struct tmpfs_inode *ti, uint64_t n)
{
	struct tmpfs_super *ts = tmpfs_sb(ti->sb);

	spin_lock(&ts->lock);
	ts->used -= n;
	spin_unlock(&ts->lock);
	ti->charged -= n;
}

void tmpfs_evict(struct inode *i)
{
	struct tmpfs_inode *ti = tmpfs_i(i);
	struct tmpfs_super *ts;

	if (!ti)
		return;
	ts = tmpfs_sb(ti->sb);
	if (S_ISDIR(inode_mode(i)))
		tmpfs_dir_free(ti);
	else if (S_ISREG(inode_mode(i)))
		tmpfs_data_free(ti);
	else if (S_ISLNK(inode_mode(i)))
		kfree(ti->target);
	tmpfs_xattrs_free(ti);
	spin_lock(&ts->lock);
	ts->used -= ti->charged;
	ts->inodes--;
	spin_unlock(&ts->lock);
	kfree(ti);
}

struct inode *tmpfs_inode_new(struct super_block *sb, const struct inode *dir, uint32_t mode, int *ret_err)
{
	struct tmpfs_super *ts = tmpfs_sb(sb);
	uint64_t cost = ts->by_pages ? 0 : INODE_COST;
	struct tmpfs_inode *ti;
	struct inode *i;
	bool full;

	spin_lock(&ts->lock);
	full = ts->inodes >= ts->max_inodes || (cost && ts->used + cost > ts->limit);
	if (!full) {
		ts->inodes++;
		ts->used += cost;
	}
	spin_unlock(&ts->lock);
	*ret_err = -ENOSPC;
	if (full)
		return NULL;
	*ret_err = -ENOMEM;
	ti = kzalloc(sizeof(*ti));
	i = inode_new(sb, mode);
	if (!ti || !i) {
		kfree(ti);
		if (i)
			inode_put(i);
		spin_lock(&ts->lock);
		ts->inodes--;
		ts->used -= cost;
		spin_unlock(&ts->lock);
		return NULL;
	}
	ti->sb = sb;
	ti->charged = cost;
	list_init(&ti->xattrs);
	i->priv = ti;
	if (dir)
		inode_init_owner(i, dir);
	switch (mode & S_IFMT) {
	case S_IFDIR:
		list_init(&ti->dir.order);
		ti->dir.next_cookie = 2;
		i->nlink = 2;
		i->ops = &tmpfs_dir_iops;
		i->fops = &tmpfs_dir_fops;
		break;
	case S_IFREG:
		ti->data.seals = F_SEAL_SEAL;
		i->ops = &tmpfs_file_iops;
		i->fops = &tmpfs_file_fops;
		break;
	case S_IFLNK:
		i->ops = &tmpfs_link_iops;
		break;
	default:
		i->ops = &tmpfs_node_iops;
		break;
	}
	*ret_err = 0;
	return i;
}

struct inode *tmpfs_node_new(struct super_block *sb, uint32_t mode, int *ret_err)
{
	struct inode *i = tmpfs_inode_new(sb, NULL, mode, ret_err);

	if (i)
		i->nlink = 0;
	return i;
}

int tmpfs_getattr(struct inode *i, struct kstat *ret)
{
	if (S_ISREG(inode_mode(i))) {
		struct tmpfs_inode *ti = tmpfs_i(i);

		mutex_lock(&i->lock);
		if (ti->data.has_obj)
			tmpfs_data_sync_charge(i);
		/* The small buffer is larger than what is in it. */
		inode_set_blocks(i, align_up(ti->data.has_obj || ti->data.paged ? ti->data.charged :
					     MIN(ti->data.charged, i->size), 4096) / 512);
		mutex_unlock(&i->lock);
	}
	inode_fill_stat(i, ret);
	return 0;
}

int tmpfs_setattr(struct inode *i, const struct kattr *a)
{
	if (a->mask & ATTR_MODE && S_ISREG(inode_mode(i)) && tmpfs_i(i)->data.seals & F_SEAL_EXEC &&
	    (a->mode ^ inode_mode(i)) & 0111)
		return -EPERM;
	if (a->mask & ATTR_SIZE) {
		int err;

		if (!S_ISREG(inode_mode(i)))
			return S_ISDIR(inode_mode(i)) ? -EISDIR : -EINVAL;
		err = tmpfs_data_resize(i, a->size);
		if (err)
			return err;
		inode_touch(i, ATTR_MTIME);
	}
	inode_apply_attr(i, a);
	return 0;
}

static int tmpfs_statfs(struct super_block *sb, struct kstatfs *ret)
{
	struct tmpfs_super *ts = tmpfs_sb(sb);

	spin_lock(&ts->lock);
	ret->blocks = ts->limit / 4096;
	ret->bfree = ret->bavail = (ts->limit - MIN(ts->used, ts->limit)) / 4096;
	ret->files = ts->max_inodes;
	ret->ffree = ts->max_inodes - ts->inodes;
	spin_unlock(&ts->lock);
	return 0;
}

static void tmpfs_kill(struct super_block *sb)
{
	kfree(sb->priv);
}

static void tmpfs_show(struct super_block *sb, struct sbuf *s)
{
	struct tmpfs_super *ts = tmpfs_sb(sb);

	if (ts->limit != default_limit)
		sbuf_printf(s, ",size=%lluk", (unsigned long long)(ts->limit >> 10));
	sbuf_printf(s, ",mode=%o", sb->root->inode->mode & S_IALLUGO);
}

static const struct super_ops tmpfs_sops = {
	.statfs = tmpfs_statfs,
	.kill = tmpfs_kill,
	.show_options = tmpfs_show,
};

/* Half of the memory there is, as Linux has it: a full file system is an error
 * of write(2), full memory kills. */
void tmpfs_memory(uint64_t limit)
{
	if (limit)
		default_limit = MIN(default_limit, align_up(limit / 2, PLAT_PAGE_SIZE));
}

int tmpfs_new_super(uint64_t limit, uint32_t mode, struct super_block **ret)
{
	struct super_block *sb = super_new(&tmpfs_type, &tmpfs_sops, TMPFS_MAGIC);
	struct tmpfs_super *ts = kzalloc(sizeof(*ts));
	struct inode *root;
	int err = -ENOMEM;

	if (!sb || !ts) {
		kfree(ts);
		kfree(sb);
		return -ENOMEM;
	}
	ts->limit = limit ? limit : default_limit;
	ts->max_inodes = DEFAULT_INODES;
	list_init(&ts->pending);
	sb->priv = ts;
	root = tmpfs_inode_new(sb, NULL, S_IFDIR | mode, &err);
	if (root)
		err = super_set_root(sb, root);
	if (err) {
		super_put(sb);
		return err;
	}
	*ret = sb;
	return 0;
}

/* "size=64m,mode=1777,uid=…,gid=…,nr_inodes=…": tmpfs(5). */
struct options { uint64_t size, inodes; uint32_t mode, uid, gid; };

static int parse_size(const char *s, size_t n, uint64_t *ret)
{
	unsigned shift = 0;
	int err;

	if (n && s[n - 1] == '%') {
		err = kparse_u64(s, n - 1, ret);
		if (!err && *ret > 100000)
			return -ERANGE;
		*ret = default_limit / 50 * *ret;       /* which is half of the memory */
		return err;
	}
	if (n) {
		switch (s[n - 1] | 0x20) {
		case 'k': shift = 10; break;
		case 'm': shift = 20; break;
		case 'g': shift = 30; break;
		}
	}
	err = kparse_u64(s, n - (shift ? 1 : 0), ret);
	if (!err && *ret > UINT64_MAX >> shift)
		err = -ERANGE;
	if (!err)
		*ret <<= shift;
	return err;
}

static int parse_octal(const char *s, size_t n, uint32_t *ret)
{
	uint32_t v = 0;

	if (!n || n > 6)
		return -EINVAL;
	for (size_t k = 0; k < n; k++) {
		if (s[k] < '0' || s[k] > '7')
			return -EINVAL;
		v = v * 8 + (uint32_t)(s[k] - '0');
	}
	*ret = v & S_IALLUGO;
	return 0;
}

static int parse_one(struct options *o, const char *s, size_t n)
{
	const char *eq = memchr(s, '=', n);
	size_t kn = eq ? (size_t)(eq - s) : n, vn = eq ? n - kn - 1 : 0;
	const char *v = eq ? eq + 1 : s;
	uint64_t u;
	int err;

#define IS(word) (kn == sizeof(word) - 1 && !memcmp(s, word, kn))
	if (IS("size"))
		return parse_size(v, vn, &o->size) ? -EINVAL : 0;
	if (IS("nr_blocks")) {
		err = parse_size(v, vn, &o->size) || o->size > UINT64_MAX / PLAT_PAGE_SIZE ? -EINVAL : 0;
		o->size *= PLAT_PAGE_SIZE;
		return err;
	}
	if (IS("nr_inodes"))
		return parse_size(v, vn, &o->inodes) ? -EINVAL : 0;
	if (IS("mode"))
		return parse_octal(v, vn, &o->mode);
	if (IS("uid") || IS("gid")) {
		err = kparse_u64(v, vn, &u);
		if (err || u >= UINT32_MAX)
			return -EINVAL;
		*(s[0] == 'u' ? &o->uid : &o->gid) = (uint32_t)u;
		return 0;
	}
	if (IS("huge") || IS("mpol") || IS("inode64") || IS("inode32") || IS("noswap"))
		return 0;
#undef IS
	return -EINVAL;
}

static int tmpfs_mount(const struct fs_type *t, const char *source, const char *data, const void *arg,
		       struct super_block **ret)
{
	struct options o = { .mode = 01777, .uid = UINT32_MAX, .gid = UINT32_MAX };
	struct super_block *sb;
	int err;

	while (data && *data) {
		const char *comma = strchr(data, ',');
		size_t n = comma ? (size_t)(comma - data) : strlen(data);

		err = n ? parse_one(&o, data, n) : 0;
		if (err)
			return err;
		data += n + (comma ? 1 : 0);
	}
	err = tmpfs_new_super(o.size, o.mode, &sb);
	if (err)
		return err;
	if (o.size) {
		tmpfs_sb(sb)->by_pages = true;
		tmpfs_sb(sb)->limit = align_up(MIN(o.size, (uint64_t)INT64_MAX), PLAT_PAGE_SIZE);
		tmpfs_sb(sb)->max_inodes = MIN(DEFAULT_INODES, default_limit / INODE_COST);
		tmpfs_uncharge(tmpfs_i(sb->root->inode), INODE_COST);
	}
	if (o.inodes)
		tmpfs_sb(sb)->max_inodes = MIN(o.inodes, DEFAULT_INODES);
	if (o.uid != UINT32_MAX)
		sb->root->inode->uid = o.uid;
	if (o.gid != UINT32_MAX)
		sb->root->inode->gid = o.gid;
	*ret = sb;
	return 0;
}

const struct fs_type tmpfs_type = { .name = "tmpfs", .nodev = true, .mount = tmpfs_mount };
