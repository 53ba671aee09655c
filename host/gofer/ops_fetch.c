/* SPDX-License-Identifier: Apache-2.0 */
/* The gofer's operation that answers for many names of a directory at once
 * (hc_fetch() in hostcall.h).
 *
 * How it works: a name is looked at without opening it, or held by O_PATH if
 * more than its attributes is wanted; directories become nodes, of which those
 * that are held already need not be opened; the contents
 * of a small file are read through a descriptor that was first held by O_PATH
 * and found to be a regular file, so nothing else is ever opened.  What lies
 * on another file system than the directory goes the long way of a lookup,
 * which knows the forbidden ones.
 *
 * Trust: names and counts are hostile; the work of one request is bounded by
 * HC_FETCH_NAMES and the room of the answer. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/gofer/ops.h"
#include "host/isolate/isolate.h"

HOST_CALLS(gofer, statx, pread64, readlinkat, close);

#define ROOM_LEAST 2048u                /* with less left no contents are tried */

struct fetch {
	struct gofer_call *c;
	struct node *dir;
	unsigned files, dirs;           /* how many more to read ahead */
	bool open, file;                /* the name at hand is being opened, for more than reading */
	struct hc_fetched *out;
	uint8_t *data;                  /* after out */
	size_t room;                    /* at data */
};

/* All of fd's size bytes, or nothing: it may be changing. */
static void read_all(struct fetch *f, int fd, uint64_t size)
{
	ssize_t got;

	do      /* One byte more than there should be. */
		got = pread(fd, f->data, size + 1, 0);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)size || (size >= 4 && !memcmp(f->data, "\177ELF", 4)))
		return;
	f->out->flags |= HC_FETCHED_DATA;
	f->out->data_size = (uint32_t)size;
}

/* The first name, which is to be opened, is too big or does not hold still. */
static void hand_over(struct fetch *f, const char *name, int path_fd, int fd, const struct stat *st)
{
	uint64_t node;

	if (node_enter(f->dir, name, path_fd, st, false, &node)) {
		close(fd);
		return;
	}
	f->out->node = node;
	f->out->flags |= HC_FETCHED_FILE;
	f->c->fd = fd;
}

/* path_fd holds it and is closed. */
static void regular(struct fetch *f, const char *name, int path_fd, const struct stat *st)
{
	bool fits = (uint64_t)st->st_size <= HC_FETCH_DATA_MAX && (uint64_t)st->st_size < f->room;
	int fd = -1;

	if (f->open || (f->files && fits)) {
		fd = ops_reopen_fd(path_fd, O_RDONLY);
		if (!f->open)
			f->files--;
	}
	if (fd >= 0 && !f->file && fits)
		read_all(f, fd, (uint64_t)st->st_size);
	if (fd >= 0 && f->open && !(f->out->flags & HC_FETCHED_DATA)) {
		hand_over(f, name, path_fd, fd, st);
		return;
	}
	if (fd >= 0)
		close(fd);
	close(path_fd);
}

static void directory(struct fetch *f, uint64_t handle)
{
	struct node *n;
	size_t size;
	bool end;
	int fd;

	if (!f->dirs || f->room < 1024 || node_pin(handle, &n))
		return;
	f->dirs--;
	fd = n->hollow ? -1 : ops_reopen(n, O_RDONLY);
	if (fd >= 0) {
		if (!ops_list(fd, f->data, MIN(f->room, (size_t)HC_FETCH_LIST_MAX), &size, &end) && end) {
			f->out->flags |= HC_FETCHED_LIST;
			f->out->data_size = (uint32_t)size;
		}
		close(fd);
	}
	node_unpin(n);
}

static void link_text(struct fetch *f, int dirfd, const char *name)
{
	ssize_t got = f->room > HC_LINK_MAX ? readlinkat(dirfd, name, (char *)f->data, HC_LINK_MAX) : 0;

	if (got > 0) {
		f->out->flags |= HC_FETCHED_DATA;
		f->out->data_size = (uint32_t)got;
	}
}

/* More than attributes may be wanted: what is looked at is what is read. */
static void held(struct fetch *f, const char *name)
{
	int fd = node_open_path(f->dir->fd, name);
	struct hc_fetched *out = f->out;
	int64_t btime_ns;
	struct stat st;

	out->err = fd < 0 ? fd : ops_stat(fd, "", AT_EMPTY_PATH, &st, &btime_ns);
	if (!out->err && (S_ISDIR(st.st_mode) || st.st_dev != f->dir->dev)) {
		out->err = ops_enter_fd(f->dir, name, fd, &out->node, &out->attr);
		if (!out->err && S_ISDIR(out->attr.mode))
			directory(f, out->node);
		return;
	}
	if (!out->err)
		ops_attr(&st, btime_ns, false, &out->attr);
	if (!out->err && S_ISREG(st.st_mode)) {
		regular(f, name, fd, &st);
		return;
	}
	if (!out->err && S_ISLNK(st.st_mode))
		link_text(f, fd, "");
	if (fd >= 0)
		close(fd);
}

static void one(struct fetch *f, const char *name)
{
	struct hc_fetched *out = f->out;
	int64_t btime_ns;
	struct stat st;

	if (f->open || f->files) {
		held(f, name);
		return;
	}
	out->err = ops_stat(f->dir->fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, &st, &btime_ns);
	if (out->err)
		return;
	if (S_ISDIR(st.st_mode) || st.st_dev != f->dir->dev) {
		if (st.st_dev == f->dir->dev && node_enter_known(f->dir, name, &st, &out->node))
			ops_attr(&st, btime_ns, false, &out->attr);
		else
			out->err = ops_enter_name(f->dir, name, &out->node, &out->attr);
		if (!out->err && S_ISDIR(out->attr.mode))
			directory(f, out->node);
		return;
	}
	ops_attr(&st, btime_ns, false, &out->attr);
	if (S_ISLNK(st.st_mode))
		link_text(f, f->dir->fd, name);
}

#define OTHER_DIR_SIZE (1 + sizeof(uint64_t))

/* The names are whole and single components, other directories are followed by
 * one; how many, or 0. */
static unsigned names_count(const char *names, size_t size)
{
	unsigned count = 0, dirs = 0;
	size_t at, n;

	for (at = 0; at < size; at += n + 1, count++) {
		if (!names[at]) {
			if (size - at <= OTHER_DIR_SIZE || dirs++ == HC_FETCH_DIRS)
				return 0;
			at += OTHER_DIR_SIZE;
		}
		n = strnlen(names + at, size - at);
		if (n == size - at || !ops_name_ok(names + at, n) || count == HC_FETCH_NAMES)
			return 0;
	}
	return count;
}

/* The names that follow are in the directory whose handle is at p; *held: the
 * last such one, pinned.  What it says goes into the records of its names. */
static int other_dir(struct fetch *f, struct node **held, const char *p)
{
	uint64_t handle;
	int err;

	if (*held)
		node_unpin(*held);
	*held = NULL;
	memcpy(&handle, p, sizeof(handle));
	err = node_pin(handle, held);
	if (err)
		return err;
	f->dir = *held;
	return f->dir->type != S_IFDIR ? -ENOTDIR : f->dir->hollow ? -ENOENT : 0;
}

void op_fetch(struct gofer_call *c, struct node *dir)
{
	size_t room = align_down(MIN((size_t)c->req.size, (size_t)GOFER_DATA_MAX), 8);
	unsigned k, count = names_count(c->name2, c->req.name2_size);
	int err = dir->hollow ? -ENOENT : 0;
	const char *name = c->name2;
	struct node *held = NULL;
	struct fetch f = {
		.c = c, .dir = dir, .files = c->req.cookie & 0xffff, .dirs = c->req.cookie >> 16 & 0xffff,
	};

	if (!count || c->req.flags & ~(HC_FETCH_OPEN | HC_FETCH_FILE) || room < sizeof(*f.out))
		c->rep.err = -EINVAL;
	else if (dir->type != S_IFDIR)
		c->rep.err = -ENOTDIR;
	if (c->rep.err)
		return;
	for (k = 0; k < count && room - c->data_size >= sizeof(*f.out); k++) {
		if (!*name) {
			err = other_dir(&f, &held, name + 1);
			name += OTHER_DIR_SIZE;
		}
		f.out = (struct hc_fetched *)(c->data + c->data_size);
		f.data = (uint8_t *)(f.out + 1);
		c->data_size += sizeof(*f.out);
		f.room = room - c->data_size;
		f.file = !k && c->req.flags & HC_FETCH_FILE;
		f.open = f.file || (!k && c->req.flags & HC_FETCH_OPEN);
		*f.out = (struct hc_fetched){ .err = err };
		if (f.room < ROOM_LEAST)
			f.files = 0;    /* what does not fit need not be held */
		if (!err)
			one(&f, name);
		memset(f.data + f.out->data_size, 0, align_up(f.out->data_size, 8) - f.out->data_size);
		c->data_size += align_up(f.out->data_size, 8);
		name += strlen(name) + 1;
	}
	if (held)
		node_unpin(held);
}
