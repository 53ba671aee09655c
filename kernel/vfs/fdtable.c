/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor tables: slots, reservation, close-on-exec, sharing.
 *
 * `open` has a bit per reserved or used slot, `fd` the file once installed.
 * The table grows by doubling up to RLIMIT_NOFILE.
 * Lock: files->lock (spin); closing happens outside it, it may sleep.
 *
 * One task of those that share a table may post changes of its epoll sets
 * (kernel/ipc/epoll_post.c); who has one alone may also post closes (closepost.c).
 * What others do with the table first ends that. */
#include "kernel/ipc/ipc.h"
#include "kernel/vfs/internal.h"

#define FD_MIN_SIZE 64u
#define FD_HARD_MAX (1u << 20)

struct files {
	struct ref ref;
	struct spinlock lock;
	unsigned size;                  /* slots, a multiple of 64 */
	unsigned next;                  /* no free slot below */
	struct file **fd;
	uint64_t *open, *cloexec;
	struct task *poster;            /* lock; atomic */
	bool posts_off;                 /* lock: for good */
	unsigned ending;                /* lock: a poster that is one no longer may still run */
};

static bool test_bit(const uint64_t *m, unsigned n) { return m[n / 64] >> (n % 64) & 1; }
static void set_bit(uint64_t *m, unsigned n) { m[n / 64] |= 1ull << (n % 64); }
static void clear_bit(uint64_t *m, unsigned n) { m[n / 64] &= ~(1ull << (n % 64)); }

static bool table_alloc(unsigned size, struct file ***fd, uint64_t **open, uint64_t **cloexec)
{
	*fd = kzalloc(size * sizeof(**fd));
	*open = kzalloc(size / 8 * 2);
	if (!*fd || !*open) {
		kfree(*fd);
		kfree(*open);
		return false;
	}
	*cloexec = *open + size / 64;
	return true;
}

struct files *files_new(void)
{
	struct files *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	ref_init(&fs->ref);
	fs->size = FD_MIN_SIZE;
	if (!table_alloc(fs->size, &fs->fd, &fs->open, &fs->cloexec)) {
		kfree(fs);
		return NULL;
	}
	return fs;
}

/* ---- posting ---- */

/* The lock is held; the poster itself looks without it. */
static void poster_set(struct files *fs, struct task *t)
{
	__atomic_store_n(&fs->poster, t, __ATOMIC_RELAXED);
}

bool files_post_claim(int epfd, const struct file *set, int fd, const struct file *f)
{
	struct task *t = current_task();
	struct files *fs = t->files;
	bool ok;

	spin_lock(&fs->lock);
	ok = !fs->posts_off && (!fs->poster || fs->poster == t) && (unsigned)epfd < fs->size &&
	     (unsigned)fd < fs->size && fs->fd[epfd] == set && fs->fd[fd] == f;
	if (ok)
		poster_set(fs, t);
	spin_unlock(&fs->lock);
	return ok;
}

bool files_post_claim_fd(int fd, const struct file *f)
{
	struct task *t = current_task();
	struct files *fs = t->files;
	bool ok;

	if (likely(__atomic_load_n(&fs->poster, __ATOMIC_RELAXED) == t && ref_is_only(&fs->ref)))
		return (unsigned)fd < fs->size && fs->fd[fd] == f;
	spin_lock(&fs->lock);
	ok = !fs->posts_off && (!fs->poster || fs->poster == t) && (unsigned)fd < fs->size && fs->fd[fd] == f;
	if (ok)
		poster_set(fs, t);
	spin_unlock(&fs->lock);
	return ok;
}

/* t, which runs, posts, and nobody else has its table.  Who takes a reference looks
 * at `poster' afterwards (files_settle()). */
bool files_post_claim_alone(struct task *t)
{
	struct files *fs = t->files;
	bool ok;

	if (likely(__atomic_load_n(&fs->poster, __ATOMIC_RELAXED) == t))
		return ref_is_only(&fs->ref);
	spin_lock(&fs->lock);
	ok = !fs->posts_off && !fs->poster && ref_is_only(&fs->ref);
	if (ok)
		poster_set(fs, t);
	spin_unlock(&fs->lock);
	return ok;
}

void files_settle(struct files *fs)
{
	bool other;

	spin_lock(&fs->lock);
	other = fs->ending || (fs->poster && fs->poster != current_task());
	spin_unlock(&fs->lock);
	if (other)
		files_posts_end(fs, false);
}

void files_posts_end(struct files *fs, bool for_good)
{
	struct task *t;
	bool visit;

	spin_lock(&fs->lock);
	t = fs->poster;
	poster_set(fs, NULL);
	fs->posts_off |= for_good;
	if (t)
		__atomic_store_n(&t->uctx.posts_withdrawn, true, __ATOMIC_SEQ_CST);
	/* Also when another ends them: neither may go on before the poster has stopped. */
	visit = fs->ending || (t && t != current_task());
	fs->ending += visit;
	spin_unlock(&fs->lock);
	if (!visit)
		return;
	task_visit_cpus(current_task());
	spin_lock(&fs->lock);
	fs->ending--;
	spin_unlock(&fs->lock);
}

void files_poster_exits(struct files *fs, const struct task *t)
{
	spin_lock(&fs->lock);
	if (fs->poster == t)
		poster_set(fs, NULL);
	spin_unlock(&fs->lock);
}

/* The lock is held, and the calling task's table has changed or is to be told of. */
static void tell_free_locked(const struct files *fs)
{
	uint64_t limit = MIN(rlimit_cur(RLIMIT_NOFILE), PLAT_CLOSABLE_MAX - 1ul);

	current_task()->uctx.fds.free = PLAT_FDS_FREE | (~fs->open[0] & ((1ull << limit) - 1));
}

static void note_free_locked(const struct files *fs)
{
	if (unlikely(fs->poster) && fs->poster == current_task() && (fs->poster->uctx.fds.free & PLAT_FDS_FREE))
		tell_free_locked(fs);
}

void files_tell_free(void)
{
	struct files *fs = current_task()->files;

	spin_lock(&fs->lock);
	if (fs->poster == current_task())
		tell_free_locked(fs);
	spin_unlock(&fs->lock);
}

/* A slot is about to change: nobody else posts calls about it. */
static void lock_to_change(struct files *fs)
{
	bool ended = false;

	spin_lock(&fs->lock);
	while (unlikely((fs->poster && fs->poster != current_task()) || (fs->ending && !ended))) {
		spin_unlock(&fs->lock);
		files_posts_end(fs, true);
		ended = true;
		spin_lock(&fs->lock);
	}
}

/* f has left slot fd of the calling task's table. */
static void slot_changed(const struct files *fs, unsigned fd, const struct file *f)
{
	struct task *t = current_task();

	if (!fs->poster)
		return;
	if (fd < PLAT_CLOSABLE_MAX) {
		t->uctx.fds.closable &= ~(1ull << fd);
		t->uctx.fds.flagged &= ~(1ull << fd);
	}
	if (t->posts)
		epoll_fd_gone((int)fd, f);
}

struct files *files_get(struct files *fs)
{
	if (fs)
		ref_get(&fs->ref);
	return fs;
}

struct files *files_share(struct files *fs)
{
	if (ref_is_only(&fs->ref))
		files_posts_end(fs, false);     /* closes: only who is alone may post them */
	return files_get(fs);
}

static void close_file(struct files *fs, struct file *f)
{
	if (f->ops && f->ops->flush)
		(void)f->ops->flush(f, current_task());
	if (f->inode && !(f->mode & FMODE_PATH) && __atomic_load_n(&f->inode->flocks, __ATOMIC_ACQUIRE))
		locks_release_posix(f, fs);
	file_put(f);
}

void files_put(struct files *fs)
{
	if (!fs || !ref_put(&fs->ref))
		return;
	for (unsigned i = 0; i < fs->size; i++)
		if (fs->fd[i])
			close_file(fs, fs->fd[i]);
	kfree(fs->fd);
	kfree(fs->open);
	kfree(fs);
}

/* Room for `want` slots; the lock is held and dropped meanwhile. */
static int grow_locked(struct files *fs, unsigned want)
{
	unsigned size = fs->size;
	struct file **fd;
	uint64_t *open, *cloexec, *old_bits;
	struct file **old_fd;

	while (size < want)
		size *= 2;
	spin_unlock(&fs->lock);
	if (!table_alloc(size, &fd, &open, &cloexec)) {
		spin_lock(&fs->lock);
		return -ENOMEM;
	}
	spin_lock(&fs->lock);
	if (fs->size >= size) {
		kfree(fd);
		kfree(open);
		return 0;
	}
	memcpy(fd, fs->fd, fs->size * sizeof(*fd));
	memcpy(open, fs->open, fs->size / 8);
	memcpy(cloexec, fs->cloexec, fs->size / 8);
	old_fd = fs->fd;
	old_bits = fs->open;
	fs->fd = fd;
	fs->open = open;
	fs->cloexec = cloexec;
	fs->size = size;
	kfree(old_fd);
	kfree(old_bits);
	return 0;
}

static unsigned find_free(const struct files *fs, unsigned from)
{
	unsigned w = from / 64;

	for (; w < fs->size / 64; w++) {
		uint64_t free = ~fs->open[w];

		if (w == from / 64)
			free &= ~0ull << (from % 64);
		if (free)
			return w * 64 + (unsigned)__builtin_ctzll(free);
	}
	return fs->size;
}

static int alloc_locked(struct files *fs, unsigned min, bool cloexec)
{
	uint64_t limit = MIN(rlimit_cur(RLIMIT_NOFILE), (uint64_t)FD_HARD_MAX);

	for (;;) {
		unsigned n = find_free(fs, MAX(min, fs->next));

		if (n >= limit)
			return -EMFILE;
		if (n < fs->size) {
			set_bit(fs->open, n);
			if (cloexec)
				set_bit(fs->cloexec, n);
			else
				clear_bit(fs->cloexec, n);
			if (n == fs->next)
				fs->next = n + 1;
			note_free_locked(fs);
			return (int)n;
		}
		if (grow_locked(fs, MAX(n, min) + 1))
			return -ENOMEM;
	}
}

int fd_alloc(unsigned min, bool cloexec)
{
	struct files *fs = current_task()->files;
	int fd;

	spin_lock(&fs->lock);
	fd = alloc_locked(fs, min, cloexec);
	spin_unlock(&fs->lock);
	return fd;
}

void fd_install(int fd, struct file *f)
{
	struct files *fs = current_task()->files;

	spin_lock(&fs->lock);
	KASSERT((unsigned)fd < fs->size && !fs->fd[fd]);
	fs->fd[fd] = f;
	spin_unlock(&fs->lock);
}

static void release_locked(struct files *fs, unsigned fd)
{
	clear_bit(fs->open, fd);
	clear_bit(fs->cloexec, fd);
	if (fd < fs->next)
		fs->next = fd;
	note_free_locked(fs);
}

void fd_release_unused(int fd)
{
	struct files *fs = current_task()->files;

	spin_lock(&fs->lock);
	release_locked(fs, (unsigned)fd);
	spin_unlock(&fs->lock);
}

int files_install_at(unsigned fd, struct file *f, bool cloexec)
{
	struct files *fs = current_task()->files;
	int err = -EBUSY;

	spin_lock(&fs->lock);
	if (fd < fs->size && !test_bit(fs->open, fd)) {
		fs->fd[fd] = f;
		set_bit(fs->open, fd);
		if (cloexec)
			set_bit(fs->cloexec, fd);
		fs->next += fd == fs->next;
		note_free_locked(fs);
		err = 0;
	}
	spin_unlock(&fs->lock);
	return err;
}

int fd_add(struct file *f, bool cloexec)
{
	int fd = fd_alloc(0, cloexec);

	if (fd >= 0)
		fd_install(fd, f);
	return fd;
}

int fd_add_two(struct file *const f[2], bool cloexec, uaddr ufds)
{
	int fds[2], err;

	fds[0] = fd_alloc(0, cloexec);
	fds[1] = fds[0] < 0 ? fds[0] : fd_alloc(0, cloexec);
	err = fds[1] < 0 ? fds[1] : copy_out(ufds, fds, sizeof fds);
	for (int i = 0; i < 2; i++) {
		if (!err)
			fd_install(fds[i], f[i]);
		else if (fds[i] >= 0)
			fd_release_unused(fds[i]);
	}
	for (int i = 0; err && i < 2; i++)
		file_put(f[i]);
	return err;
}

struct file *files_lookup_get(struct files *fs, int fd)
{
	struct file *f = NULL;

	spin_lock(&fs->lock);
	if ((unsigned)fd < fs->size && fs->fd[fd])
		f = file_get(fs->fd[fd]);
	spin_unlock(&fs->lock);
	return f;
}

struct file *fd_get_any(int fd)
{
	return files_lookup_get(current_task()->files, fd);
}

unsigned fd_table_size(void)
{
	struct files *fs = current_task()->files;
	unsigned size;

	spin_lock(&fs->lock);
	size = fs->size;
	spin_unlock(&fs->lock);
	return size;
}

struct file *fd_get(int fd)
{
	struct file *f = fd_get_any(fd);

	if (f && (f->mode & FMODE_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

struct fd_use fd_use(int fd)
{
	struct files *fs = current_task()->files;
	struct file *f;

	if (!ref_is_only(&fs->ref)) {
		f = fd_get(fd);
		return (struct fd_use){ f, f };
	}
	/* Only this task changes it, and is here. */
	f = (unsigned)fd < fs->size ? fs->fd[fd] : NULL;
	return (struct fd_use){ f && !(f->mode & FMODE_PATH) ? f : NULL, false };
}

int files_next_fd(struct files *fs, int from)
{
	int ret = -1;

	spin_lock(&fs->lock);
	for (unsigned n = from < 0 ? 0 : (unsigned)from; n < fs->size; n++)
		if (fs->fd[n]) {
			ret = (int)n;
			break;
		}
	spin_unlock(&fs->lock);
	return ret;
}

bool files_cloexec(struct files *fs, int fd)
{
	bool yes;

	spin_lock(&fs->lock);
	yes = (unsigned)fd < fs->size && test_bit(fs->cloexec, (unsigned)fd);
	spin_unlock(&fs->lock);
	return yes;
}

static struct file *take(struct files *fs, unsigned fd)
{
	struct file *f = NULL;

	lock_to_change(fs);
	if (fd < fs->size && fs->fd[fd]) {
		f = fs->fd[fd];
		fs->fd[fd] = NULL;
		release_locked(fs, fd);
		slot_changed(fs, fd, f);
	}
	spin_unlock(&fs->lock);
	return f;
}

int fd_close(int fd)
{
	struct files *fs = current_task()->files;
	struct file *f = take(fs, (unsigned)fd);
	int err = 0;

	if (!f)
		return -EBADF;
	if (f->ops && f->ops->flush)
		err = f->ops->flush(f, current_task());
	if (f->inode && !(f->mode & FMODE_PATH) && __atomic_load_n(&f->inode->flocks, __ATOMIC_ACQUIRE))
		locks_release_posix(f, fs);
	file_put(f);
	return err;
}

void files_close_on_exec(struct files *fs)
{
	for (unsigned n = 0;; n++) {
		bool yes;

		spin_lock(&fs->lock);
		if (n >= fs->size) {
			spin_unlock(&fs->lock);
			break;
		}
		yes = fs->fd[n] && test_bit(fs->cloexec, n);
		if (!fs->cloexec[n / 64])
			n |= 63;        /* nothing in this word */
		spin_unlock(&fs->lock);
		if (yes) {
			struct file *f = take(fs, n);

			if (f)
				close_file(fs, f);
		}
	}
}

int files_copy(struct files *from, struct files **ret)
{
	struct files *to = kzalloc(sizeof(*to));
	unsigned size;

	if (!to)
		return -ENOMEM;
	ref_init(&to->ref);
	files_posts_end(from, !ref_is_only(&from->ref));
	for (;;) {
		unsigned top = FD_MIN_SIZE;

		spin_lock(&from->lock);
		for (unsigned w = from->size / 64; w-- > 0;)
			if (from->open[w]) {
				top = MAX(top, (w + 1) * 64);
				break;
			}
		size = from->size;
		spin_unlock(&from->lock);
		size = MIN(size, top);
		if (!table_alloc(size, &to->fd, &to->open, &to->cloexec)) {
			kfree(to);
			return -ENOMEM;
		}
		to->size = size;
		spin_lock(&from->lock);
		for (unsigned n = size; n < from->size; n += 64)
			if (from->open[n / 64])
				size = 0;       /* it grew meanwhile */
		if (size)
			break;
		spin_unlock(&from->lock);
		kfree(to->fd);
		kfree(to->open);
	}
	for (unsigned n = 0; n < size; n++) {
		if (!from->fd[n])
			continue;
		to->fd[n] = file_get(from->fd[n]);
		__atomic_store_n(&to->fd[n]->shared, true, __ATOMIC_RELAXED);
		set_bit(to->open, n);
		if (test_bit(from->cloexec, n))
			set_bit(to->cloexec, n);
	}
	spin_unlock(&from->lock);
	*ret = to;
	return 0;
}

int files_unshare(struct task *t)
{
	struct files *old = t->files, *own;
	int err;

	if (ref_read(&old->ref) == 1)
		return 0;
	err = files_copy(old, &own);
	if (err)
		return err;
	spin_lock(&task_list_lock);
	t->files = own;
	spin_unlock(&task_list_lock);
	files_put(old);
	return 0;
}

/* Put f into slot fd whatever is there (dup2); consumes f on success. */
int files_replace(unsigned fd, struct file *f, bool cloexec)
{
	struct files *fs = current_task()->files;
	struct file *old;

	if (fd >= MIN(rlimit_cur(RLIMIT_NOFILE), (uint64_t)FD_HARD_MAX))
		return -EBADF;
	lock_to_change(fs);
	while (fd >= fs->size)
		if (grow_locked(fs, fd + 1)) {
			spin_unlock(&fs->lock);
			return -ENOMEM;
		}
	old = fs->fd[fd];
	if (!old && test_bit(fs->open, fd)) {
		spin_unlock(&fs->lock);
		return -EBUSY;          /* another thread's open is about to fill it */
	}
	if (old)
		slot_changed(fs, fd, old);
	fs->fd[fd] = f;
	set_bit(fs->open, fd);
	if (cloexec)
		set_bit(fs->cloexec, fd);
	else
		clear_bit(fs->cloexec, fd);
	note_free_locked(fs);
	spin_unlock(&fs->lock);
	if (old)
		close_file(fs, old);
	return 0;
}

int files_set_cloexec(int fd, bool on)
{
	struct files *fs = current_task()->files;
	int err = -EBADF;

	spin_lock(&fs->lock);
	if ((unsigned)fd < fs->size && fs->fd[fd]) {
		if (on)
			set_bit(fs->cloexec, (unsigned)fd);
		else
			clear_bit(fs->cloexec, (unsigned)fd);
		err = 0;
	}
	spin_unlock(&fs->lock);
	return err;
}
