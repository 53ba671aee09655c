/* SPDX-License-Identifier: Apache-2.0 */
/* views.c: files of the host that are read over and over, mapped here.
 *
 * A large read through the kernel's memory is two copies.  Of a file that has
 * been read once through, and is not too large, this process maps the whole
 * (a view), and process_vm_writev copies from there to the program: one copy,
 * at the price of a native read.
 *
 * This process never touches a view by itself: behind the end of a file that
 * was cut off lies SIGBUS, which a copy by the host meets as EFAULT.
 *
 * A view is good while size, mtime and ctime of the file are those it was made
 * with; fstat() says so before a copy and after it, and where the file ends.
 * That is needed where mapping and read() can differ (an overlay
 * that has copied the file up, a network file system); a file that changed a
 * moment ago is not mapped, since times have a grain.
 *
 * Mapped pages count as resident memory of this process, so views are bounded,
 * and plat_views_rest() drops those that nobody uses. */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "platform/process/internal.h"
#include "platform/process/process.h"

HOST_CALLS(sandbox, mmap, munmap, madvise, fstat);

#define VIEWS_MAX 32u
#define VIEW_FILE_MAX (16ul << 20)
#define VIEWS_BYTES_MAX (64ul << 20)
#define STILL_NS 2000000000ll           /* the coarsest clock of a file system */
#define SEEN_MAX 128u
#define HUGE_PAGE (2 << 20)

struct stamp { uint64_t size; int64_t mtime_ns, ctime_ns; };

static struct view {
	uint64_t file;                  /* 0: free */
	const uint8_t *base;
	size_t size;                    /* mapped */
	struct stamp stamp;
	uint32_t users, last;
	bool used, stale;               /* since the last rest; goes when its users have gone */
} views[VIEWS_MAX];

/* How much of a file was asked for by large reads: a guess, files share places. */
static struct seen { uint64_t file, bytes, from; } seen[SEEN_MAX];

static pthread_mutex_t views_lock = PTHREAD_MUTEX_INITIALIZER;  /* guards all of it, and unmapping */
static size_t views_bytes;
static uint32_t views_count, views_clock;       /* views_count: read without the lock */

static bool stamp_of(int fd, struct stamp *ret)
{
	struct stat st;

	/* Huge pages are mapped and unmapped by their own size only. */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0 || st.st_blksize >= HUGE_PAGE)
		return false;
	*ret = (struct stamp){
		.size = (uint64_t)st.st_size,
		.mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec,
		.ctime_ns = st.st_ctim.tv_sec * 1000000000ll + st.st_ctim.tv_nsec,
	};
	return true;
}

static bool stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static bool stamp_old(const struct stamp *s)
{
	int64_t now = (int64_t)plat_time_real_ns(), m = now - s->mtime_ns, c = now - s->ctime_ns;

	return (m > STILL_NS || m < -STILL_NS) && (c > STILL_NS || c < -STILL_NS);
}

static void drop_locked(struct view *v)
{
	v->stale = true;
	if (v->users)
		return;
	munmap((void *)(uintptr_t)v->base, v->size);
	views_bytes -= v->size;
	*v = (struct view){ 0 };
	__atomic_store_n(&views_count, views_count - 1, __ATOMIC_RELAXED);
}

static void view_put(struct view *v, bool good)
{
	pthread_mutex_lock(&views_lock);
	v->users--;
	if (!good || v->stale)
		drop_locked(v);
	pthread_mutex_unlock(&views_lock);
}

static struct view *find_locked(uint64_t file)
{
	for (unsigned i = 0; i < VIEWS_MAX; i++)
		if (views[i].file == file && !views[i].stale) {
			views[i].users++;
			views[i].used = true;
			views[i].last = ++views_clock;
			return &views[i];
		}
	return NULL;
}

static struct seen *seen_locked(uint64_t file)
{
	struct seen *s = &seen[file % SEEN_MAX];

	if (s->file != file)
		*s = (struct seen){ .file = file };
	return s;
}

/* A free entry, and room for size bytes; the oldest views go for it. */
static struct view *room_locked(size_t size)
{
	for (;;) {
		struct view *old = NULL, *empty = NULL;

		for (unsigned i = 0; i < VIEWS_MAX; i++) {
			struct view *v = &views[i];

			if (!v->file)
				empty = v;
			else if (!v->users && (!old || (int32_t)(v->last - old->last) < 0))
				old = v;
		}
		if (empty && views_bytes + size <= VIEWS_BYTES_MAX)
			return empty;
		if (!old)
			return NULL;
		drop_locked(old);
	}
}

/* A view of what fd, the descriptor of file, holds now; counted as used. */
static struct view *view_make(uint64_t file, int fd, const struct stamp *now)
{
	size_t size = align_up((size_t)now->size, PLAT_PAGE_SIZE);
	void *base = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	struct view *v;

	if (base == MAP_FAILED)
		return NULL;
	madvise(base, size, MADV_DONTDUMP);
	pthread_mutex_lock(&views_lock);
	v = find_locked(file);          /* another CPU was faster */
	if (v || !(v = room_locked(size))) {
		munmap(base, size);
	} else {
		*v = (struct view){
			.file = file, .base = base, .size = size, .stamp = *now, .users = 1, .last = ++views_clock, .used = true,
		};
		views_bytes += size;
		__atomic_store_n(&views_count, views_count + 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&views_lock);
	return v;
}

/* Counts a read for which there is no view.  True: look whether one pays. */
static bool noted_locked(uint64_t file, size_t n)
{
	struct seen *s = seen_locked(file);

	return !__builtin_add_overflow(s->bytes, n, &s->bytes) && s->bytes > s->from;
}

/* A view pays for a file that has been read once through; when it has not, or
 * it cannot be mapped now, the question comes again after so many bytes. */
static struct view *view_if_worth(uint64_t file, int fd, const struct stamp *now, uint64_t off, size_t n)
{
	uint64_t size = (uint64_t)now->size;
	bool fits = size <= VIEW_FILE_MAX, pays = false;
	struct view *v = NULL;
	struct seen *s;

	pthread_mutex_lock(&views_lock);
	s = seen_locked(file);
	if (off >= size) {
		s->bytes -= MIN(s->bytes, (uint64_t)n);         /* asked for the end */
	} else if (!s->from) {
		s->bytes = MIN((uint64_t)n, size - off);
		s->from = size;
	} else {
		pays = fits && s->bytes > size && stamp_old(now);
		s->from = s->bytes + size;
	}
	if (!fits)
		s->from = UINT64_MAX;
	pthread_mutex_unlock(&views_lock);
	if (pays)
		v = view_make(file, fd, now);
	return v;
}

int plat_view_read(plat_as_t as, uint64_t dst, size_t n, uint64_t hc_file, uint64_t off, size_t *ret_n)
{
	struct stamp now, then;
	struct view *v;
	size_t done;
	bool look;
	int fd;

	if (process.no_vm_access)
		return -EAGAIN;
	pthread_mutex_lock(&views_lock);
	v = find_locked(hc_file);
	look = v || noted_locked(hc_file, n);
	pthread_mutex_unlock(&views_lock);
	if (!look)
		return -EAGAIN;
	fd = hc_file_use(hc_file);
	if (fd < 0 || !stamp_of(fd, &now)) {
		if (v)
			view_put(v, false);
		goto out;
	}
	if (!v)
		v = view_if_worth(hc_file, fd, &now, off, n);
	if (v && !stamp_same(&now, &v->stamp)) {
		view_put(v, false);
		v = NULL;
	}
	if (!v)
		goto out;
	n = off < v->stamp.size ? MIN(n, v->stamp.size - off) : 0;
	done = n - plat_copy_out(as, dst, v->base + off, n);
	if (!stamp_of(fd, &then) || !stamp_same(&now, &then)) {
		view_put(v, false);
		v = NULL;
		goto out;
	}
	view_put(v, true);
	hc_file_unuse(hc_file);
	stats_count(STATS_VIEW_READS);
	*ret_n = done;
	return 0;
out:
	if (fd >= 0)
		hc_file_unuse(hc_file);
	return -EAGAIN;
}

void views_forget(uint64_t file)
{
	struct view *v;

	if (!__atomic_load_n(&views_count, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&views_lock);
	v = find_locked(file);
	if (v) {
		v->users--;
		drop_locked(v);
	}
	pthread_mutex_unlock(&views_lock);
}

bool plat_views_rest(void)
{
	bool any = false;

	pthread_mutex_lock(&views_lock);
	for (unsigned i = 0; i < VIEWS_MAX; i++) {
		struct view *v = &views[i];

		if (v->file && !v->used)
			drop_locked(v);
		v->used = false;
		any |= v->file != 0;
	}
	pthread_mutex_unlock(&views_lock);
	return any;
}
