/* SPDX-License-Identifier: Apache-2.0 */
/* patch_file.c: what is known of each file's call sites, and its copies.
 *
 * An inode whose text was seen to make system calls has a patch_file: the
 * sites seen, proven or refused, and the newest version of its copy.  Versions
 * only ever gain sites, and a site keeps its trampoline.  A file that was
 * written to gets a new patch_file.  Everything is bounded: files, sites,
 * versions, and the bytes of all copies; the file unused for longest gives way.
 *
 * Making a version costs about as much as 500 trapped calls, so it waits until
 * the new sites have trapped that often, twice as often each time.
 *
 * Trust: the file's contents are hostile; so are the sites, which are where a
 * task says that it was (patch_proof.c).  Locking: patch_lock, a leaf, guards
 * inode->patch, the list and the fields marked so; no host call under it. */
#include "kernel/mm/patch.h"
#include <linux_abi/syscall_nr.h>
#include <stats.h>

#define FILES_MAX 64u
#define CANDS_MAX 256u
#define VERSIONS_MAX 8u
#define BYTES_MAX (48ull << 20)
#define MEMORY_SHARE 8u                 /* and at most this part of the memory limit */
#define FIRST_HITS 128u
#define MORE_HITS 256u                  /* doubled with each version */
/* A copy for the sake of cpuid alone: the second program that is started by
 * this file makes it; it costs what one program saves. */
#define FIRST_STARTS 2u
/* A file changed so lately may change again without a new time stamp. */
#define SETTLE_NS (2 * (int64_t)NSEC_PER_SEC)
#define COPY_CHUNK KBUF_LARGE
#define TRAMPOLINE_MEAN 16u             /* bytes of one site, about */

struct cand {
	uint64_t off;
	uint16_t nr;
	bool proven;
};

struct patch_file {
	struct ref ref;
	uint64_t id;
	plat_obj_t obj;                 /* the inode's; not ours */
	struct plat_obj_stamp stamp;
	bool usable;
	struct patch_text text;
	struct patch_eh eh;

	/* whoever has set building */
	bool scanned;                   /* for cpuid */
	unsigned cpuids;
	uint64_t cpuid[PATCH_CPUIDS_MAX];

	/* patch_lock */
	struct inode *inode;            /* NULL: detached */
	struct list link;               /* files, most lately used last */
	struct patch_version *cur;
	bool building;
	unsigned versions, pending, count, starts;
	struct cand cand[CANDS_MAX];
};

static struct spinlock patch_lock = SPINLOCK_INIT;
static struct list files = LIST_INIT(files);
static unsigned file_count;
static uint64_t next_id, bytes_used;    /* atomics */
static uint64_t bytes_max = BYTES_MAX;

uint64_t patch_memory(void) { return __atomic_load_n(&bytes_used, __ATOMIC_RELAXED); }

void patch_limit_memory(uint64_t limit) { bytes_max = MIN(BYTES_MAX, limit / MEMORY_SHARE); }

/* ---- versions ---- */

struct patch_version *patch_version_get(struct patch_version *v)
{
	ref_get(&v->ref);
	return v;
}

void patch_version_put(struct patch_version *v)
{
	if (!v || !ref_put(&v->ref))
		return;
	plat_obj_free(v->obj);
	__atomic_fetch_sub(&bytes_used, v->bytes, __ATOMIC_RELAXED);
	kfree(v);
}

const struct patch_site *patch_version_site(const struct patch_version *v, uint64_t site)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->site[i].site == site)
			return &v->site[i];
	return NULL;
}

const struct patch_site *patch_version_tramp(const struct patch_version *v, uint64_t off)
{
	if (off < v->text.end || off >= v->text.page_end)
		return NULL;
	for (unsigned i = 0; i < v->count; i++)
		if (off - v->site[i].tramp < v->site[i].tramp_size)
			return &v->site[i];
	return NULL;
}

bool patch_version_cpuid(const struct patch_version *v, uint64_t off)
{
	for (unsigned i = 0; i < v->cpuids; i++)
		if (v->cpuid[i] == off)
			return true;
	return false;
}

/* ---- files ---- */

static void file_drop(struct patch_file *f)
{
	if (!f || !ref_put(&f->ref))
		return;
	patch_version_put(f->cur);
	kfree(f);
}

/* patch_lock held.  The caller drops the list's reference afterwards. */
static void detach_locked(struct patch_file *f)
{
	f->inode->patch = NULL;
	f->inode = NULL;
	list_del(&f->link);
	file_count--;
}

static void detach(struct patch_file *f)
{
	bool was;

	spin_lock(&patch_lock);
	was = f->inode;
	if (was)
		detach_locked(f);
	spin_unlock(&patch_lock);
	if (was)
		file_drop(f);
}

void patch_inode_changed(struct inode *i)
{
	struct patch_file *f;

	spin_lock(&patch_lock);
	f = i->patch;
	if (f)
		detach_locked(f);
	spin_unlock(&patch_lock);
	file_drop(f);
}

static struct patch_file *file_get_of(struct inode *i)
{
	struct patch_file *f;

	spin_lock(&patch_lock);
	f = i->patch;
	if (f) {
		ref_get(&f->ref);
		list_del(&f->link);
		list_push_back(&files, &f->link);
	}
	spin_unlock(&patch_lock);
	return f;
}

static bool stamp_same(const struct plat_obj_stamp *a, const struct plat_obj_stamp *b)
{
	return a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* Is the file still what it was, and not open to silent change? */
static bool unchanged(struct patch_file *f, struct inode *i)
{
	struct plat_obj_stamp now;

	return !__atomic_load_n(&i->writable_maps, __ATOMIC_SEQ_CST) && !plat_obj_stamp(f->obj, &now) &&
	       stamp_same(&now, &f->stamp);
}

/* Nothing but zeroes between the text and the end of its last page. */
static bool slack_free(const struct patch_file *f)
{
	uint8_t buf[256];
	uint64_t at = f->text.end, end = MIN(f->text.page_end, f->stamp.size);

	while (at < end) {
		size_t n = MIN(end - at, sizeof(buf));

		if (plat_obj_read(f->obj, at, buf, n))
			return false;
		for (size_t k = 0; k < n; k++)
			if (buf[k])
				return false;
		at += n;
	}
	return true;
}

static bool examine(struct patch_file *f)
{
	struct elf64_phdr *ph;
	struct elf64_ehdr eh;
	size_t size;
	bool ok;

	if (f->stamp.size < sizeof(eh) || plat_obj_read(f->obj, 0, &eh, sizeof(eh)))
		return false;
	size = eh.phnum * sizeof(*ph);
	if (eh.phentsize != sizeof(*ph) || !eh.phnum || eh.phnum > PATCH_PHDRS_MAX ||
	    eh.phoff > f->stamp.size || size > f->stamp.size - eh.phoff)
		return false;
	ph = kmalloc(size);
	if (!ph)
		return false;
	ok = !plat_obj_read(f->obj, eh.phoff, ph, size) && patch_text_find(&eh, ph, f->stamp.size, &f->text) &&
	     slack_free(f);
	if (ok)
		patch_eh_find(&eh, ph, f->stamp.size, &f->text, &f->eh);
	kfree(ph);
	return ok;
}

/* A file that cannot be patched gets one too, so that it is asked once. */
static struct patch_file *file_new(struct inode *i, plat_obj_t obj)
{
	struct patch_file *f = kzalloc(sizeof(*f)), *old = NULL;

	if (!f)
		return NULL;
	ref_init(&f->ref);
	f->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	f->obj = obj;
	if (plat_obj_stamp(obj, &f->stamp)) {
		kfree(f);
		return NULL;
	}
	f->usable = examine(f);
	spin_lock(&patch_lock);
	if (i->patch) {                 /* another was faster */
		spin_unlock(&patch_lock);
		kfree(f);
		return NULL;
	}
	if (file_count == FILES_MAX) {
		old = list_first(&files, struct patch_file, link);
		detach_locked(old);
	}
	i->patch = f;
	f->inode = i;
	list_push_back(&files, &f->link);
	file_count++;
	ref_get(&f->ref);
	spin_unlock(&patch_lock);
	file_drop(old);
	return f;
}

/* ---- a new version ---- */

/* What of size bytes at off lies in the n bytes from `from' on. */
static void overlay(uint8_t *buf, uint64_t from, size_t n, uint64_t off, const uint8_t *bytes, size_t size)
{
	uint64_t a = MAX(from, off), b = MIN(from + n, off + size);

	if (a < b)
		memcpy(buf + (a - from), bytes + (a - off), b - a);
}

/* Jumps and cpuid's stand-ins of v. */
static void lay_over(const struct patch_version *v, uint8_t *buf, uint64_t from, size_t n)
{
	static const uint8_t cpuid_trap[PATCH_CPUID_SIZE] = { 0xcd, PLAT_CPUID_VECTOR };     /* int */
	uint8_t jump[sizeof(v->site[0].orig)];

	for (unsigned i = 0; i < v->count; i++)
		if (v->site[i].win < from + n && v->site[i].win + sizeof(jump) > from) {
			patch_jump(&v->site[i], jump);
			overlay(buf, from, n, v->site[i].win, jump, v->site[i].first);
		}
	for (unsigned i = 0; i < v->cpuids; i++)
		overlay(buf, from, n, v->cpuid[i], cpuid_trap, sizeof(cpuid_trap));
}

static int copy_part(const struct patch_version *v, plat_obj_t from, uint64_t off, uint64_t end)
{
	size_t size;
	uint8_t *buf = kbuf_get(COPY_CHUNK, &size);
	int err = buf ? 0 : -ENOMEM;

	while (!err && off < end) {
		size_t n = MIN(end - off, size);

		err = plat_obj_read(from, off, buf, n);
		if (!err) {
			lay_over(v, buf, off, n);
			err = plat_obj_write(v->obj, off, buf, n);
		}
		off += n;
	}
	kbuf_put(buf, size);
	return err;
}

/* The code that ends with the site; *ret_n bytes. */
static int read_code(const struct patch_file *f, uint64_t site, uint8_t *code, size_t *ret_n, bool *ret_at_start)
{
	uint64_t from = f->text.off;

	if (site < f->text.off || site + 2 > f->text.end)
		return -EINVAL;
	if (site - from > PATCH_LOOKBACK + 8)
		from = site - PATCH_LOOKBACK - 8;
	*ret_n = site + 2 - from;
	*ret_at_start = from == f->text.off;
	return plat_obj_read(f->obj, from, code, *ret_n);
}

/* Prove c again and put its trampoline behind the others: v->site[v->count],
 * slack[*used].  false: no room, or no proof. */
static bool add_site(const struct patch_file *f, struct patch_version *v, const struct cand *c,
		     uint8_t *slack, size_t room, size_t *used)
{
	uint8_t code[PATCH_LOOKBACK + 10];
	struct patch_proof p;
	bool at_start;
	size_t n, k;

	if (v->count == PATCH_SITES_MAX || read_code(f, c->off, code, &n, &at_start) ||
	    !(c->nr == NR_rt_sigreturn ? patch_prove_return(code, n, &p) : patch_prove(code, n, at_start, c->nr, &p)))
		return false;
	k = patch_emit(&f->text, code, n, &p, c->off, f->text.end + *used, slack + *used, room - *used,
		       &v->site[v->count]);
	*used += k;
	v->count += k != 0;
	return k;
}

/* The sites of the last version first, in their order, so that each gets its
 * trampoline again. */
static bool add_sites(const struct patch_file *f, struct patch_version *v, const struct patch_version *old,
		      const struct cand *cand, unsigned count, uint8_t *slack, size_t room)
{
	uint64_t gate = plat_syscall_gate();
	size_t used = patch_slot(&f->text) - f->text.end;
	unsigned kept = old ? old->count : 0;

	memcpy(slack + used, &gate, sizeof(gate));
	used += PATCH_SLOT_SIZE;
	for (unsigned i = 0; i < kept; i++) {
		unsigned k = 0;

		while (k < count && cand[k].off != old->site[i].site)
			k++;
		if (k == count || !add_site(f, v, &cand[k], slack, room, &used) ||
		    v->site[i].tramp != old->site[i].tramp)
			return false;
	}
	for (unsigned k = 0; k < count; k++)
		if (cand[k].proven && !(old && patch_version_site(old, cand[k].off)))
			(void)add_site(f, v, &cand[k], slack, room, &used);
	return v->count > kept || (!old && v->cpuids);
}

static int fill(const struct patch_file *f, struct patch_version *v, const uint8_t *slack, size_t room)
{
	uint64_t last = f->text.page_end - PAGE_SIZE, from = MAX(last, f->text.off);
	uint8_t *page = kzalloc(PAGE_SIZE);
	int err = page ? 0 : -ENOMEM;

	if (!err)
		err = copy_part(v, f->obj, v->full ? 0 : f->text.off, v->full ? f->stamp.size : f->text.end);
	if (!err)
		err = plat_obj_write(v->obj, f->text.end, slack, room);
	if (!err)
		err = plat_obj_read(f->obj, from, page + (from - last), f->text.end - from);
	if (!err) {
		memcpy(page + (f->text.end - last), slack, room);
		err = plat_obj_write(v->obj, v->quiet, page, PAGE_SIZE);
	}
	kfree(page);
	return err;
}

/* Room for n more bytes of copies; files that were not used lately give way. */
static bool reserve(uint64_t n)
{
	while (__atomic_add_fetch(&bytes_used, n, __ATOMIC_RELAXED) > bytes_max) {
		struct patch_file *f, *old = NULL;

		__atomic_fetch_sub(&bytes_used, n, __ATOMIC_RELAXED);
		spin_lock(&patch_lock);
		list_for_each(f, &files, link)
			if (f->cur && ref_read(&f->cur->ref) == 1 && !f->building) {
				old = f;
				break;
			}
		if (old)
			detach_locked(old);
		spin_unlock(&patch_lock);
		if (!old)
			return false;
		file_drop(old);
	}
	return true;
}

/* f->building is ours.  NULL: not now. */
static struct patch_version *build(struct patch_file *f, const struct patch_version *old, const struct cand *cand,
				   unsigned count)
{
	size_t room = f->text.page_end - f->text.end;
	struct patch_version *v = kzalloc(sizeof(*v) + PATCH_SITES_MAX * sizeof(v->site[0]));
	uint8_t *slack = kzalloc(room);
	int err = -ENOMEM;

	if (!v || !slack)
		goto out;
	ref_init(&v->ref);
	v->file_id = f->id;
	v->text = f->text;
	v->cpuids = f->cpuids;
	memcpy(v->cpuid, f->cpuid, sizeof(v->cpuid));
	v->full = f->stamp.size <= PATCH_FULL_MAX;
	v->quiet = MAX(f->text.page_end, v->full ? align_up(f->stamp.size, PAGE_SIZE) : 0);
	v->bytes = PAGE_SIZE + (v->full ? v->quiet : f->text.page_end - f->text.page_off);
	if (!reserve(v->bytes))
		goto out;
	if (add_sites(f, v, old, cand, count, slack, room))
		err = plat_obj_new(v->quiet + PAGE_SIZE, &v->obj);
	if (!err) {
		err = fill(f, v, slack, room);
		if (err)
			plat_obj_free(v->obj);
	}
	if (err)
		__atomic_fetch_sub(&bytes_used, v->bytes, __ATOMIC_RELAXED);
out:
	kfree(slack);
	if (err) {
		kfree(v);
		return NULL;
	}
	return v;
}

static bool settled(const struct patch_file *f)
{
	return (int64_t)plat_time_real_ns() - MAX(f->stamp.mtime_ns, f->stamp.ctime_ns) >= SETTLE_NS;
}

/* patch_lock held */
static struct cand *find_cand(struct patch_file *f, uint64_t off)
{
	for (unsigned k = 0; k < f->count; k++)
		if (f->cand[k].off == off)
			return &f->cand[k];
	return NULL;
}

/* Sites of frequent calls, after what was learnt. */
static void add_found(struct patch_file *f, const struct patch_found *found)
{
	unsigned added = 0;

	spin_lock(&patch_lock);
	for (unsigned i = 0; i < found->sites; i++) {
		struct cand *c = find_cand(f, found->site[i].off);

		/* One that somebody was seen at may need the tables to be proven. */
		if (c && c->proven)
			continue;
		if (!c && f->count == CANDS_MAX)
			break;
		if (!c)
			c = &f->cand[f->count++];
		*c = (struct cand){ .off = found->site[i].off, .nr = found->site[i].nr, .proven = true };
		added++;
	}
	spin_unlock(&patch_lock);
	stats_bump(&plat_stats()->n[STATS_SITES_PROVEN], added);
}

/* f->building is ours. */
static void scan_once(struct patch_file *f)
{
	struct patch_found *found = f->scanned ? NULL : kmalloc(sizeof(*found));

	f->scanned = true;
	if (!found)
		return;
	patch_scan(f->obj, &f->text, &f->eh, (unsigned)(f->text.page_end - f->text.end) * 3 / (4 * TRAMPOLINE_MEAN), found);
	f->cpuids = found->cpuids;
	memcpy(f->cpuid, found->cpuid, found->cpuids * sizeof(f->cpuid[0]));
	add_found(f, found);
	stats_bump(&plat_stats()->n[STATS_SITES_CPUID], f->cpuids);
	kfree(found);
}

/* hits: for the sake of call sites, else of cpuid. */
static void update(struct patch_file *f, struct inode *i, bool hits)
{
	struct cand *cand = kmalloc(sizeof(f->cand));
	struct patch_version *v = NULL, *old = NULL;
	unsigned count = 0;
	bool same = unchanged(f, i);

	if (same && cand && settled(f)) {
		scan_once(f);
		spin_lock(&patch_lock);
		count = f->count;
		memcpy(cand, f->cand, count * sizeof(*cand));
		old = f->cur ? patch_version_get(f->cur) : NULL;
		spin_unlock(&patch_lock);
		if (hits || f->cpuids)
			v = build(f, old, cand, count);
		same = unchanged(f, i);
		patch_version_put(old);
		old = NULL;
	}
	spin_lock(&patch_lock);
	f->building = false;
	if (count)
		f->pending = 0;
	if (v && same) {
		stats_bump(&plat_stats()->n[STATS_SITES_COPIES], 1);
		old = f->cur;
		f->cur = v;
		v = NULL;
	}
	f->versions += hits && count;   /* an attempt counts, so that they end */
	spin_unlock(&patch_lock);
	patch_version_put(old);
	patch_version_put(v);
	if (!same)
		detach(f);
	kfree(cand);
}

/* ---- learning ---- */

/* patch_lock held.  Refused sites only save the next look at them. */
static struct cand *free_cand(struct patch_file *f, uint64_t off)
{
	if (f->count < CANDS_MAX)
		return &f->cand[f->count++];
	for (unsigned k = 0; k < CANDS_MAX; k++) {
		struct cand *c = &f->cand[(off + k) % CANDS_MAX];

		if (!c->proven)
			return c;
	}
	return NULL;
}

static void learn(struct patch_file *f, uint64_t site, uint64_t nr)
{
	uint8_t code[PATCH_LOOKBACK + 10];
	struct patch_proof p;
	bool at_start, proven;
	struct cand *c;
	size_t n;

	if (read_code(f, site, code, &n, &at_start))
		return;
	proven = patch_prove(code, n, at_start, nr, &p);
	spin_lock(&patch_lock);
	c = find_cand(f, site) ? NULL : free_cand(f, site);
	if (c) {
		*c = (struct cand){ .off = site, .nr = (uint16_t)nr, .proven = proven };
		stats_bump(&plat_stats()->n[proven ? STATS_SITES_PROVEN : STATS_SITES_REFUSED], 1);
	}
	spin_unlock(&patch_lock);
}

/* Count the hit.  True: the newest version has the site. */
static bool count_hit(struct patch_file *f, uint64_t site, unsigned weight, bool *ret_known, bool *ret_build)
{
	unsigned limit;
	struct cand *c;
	bool in = false;

	spin_lock(&patch_lock);
	c = find_cand(f, site);
	*ret_known = c;
	if (c && c->proven) {
		in = f->cur && patch_version_site(f->cur, site);
		if (!in)
			f->pending += weight;
	}
	limit = f->versions ? MORE_HITS << f->versions : FIRST_HITS;
	*ret_build = f->pending >= limit && f->versions < VERSIONS_MAX && !f->building && f->inode;
	if (*ret_build)
		f->building = true;
	spin_unlock(&patch_lock);
	return in;
}

/* What is known of obj, counted, or NULL. */
static struct patch_file *file_of(struct inode *i, plat_obj_t obj)
{
	struct patch_file *f = file_get_of(i);

	if (!f)
		f = file_new(i, obj);
	if (f && f->obj.id != obj.id) {
		detach(f);              /* the inode shows another file now */
		file_drop(f);
		f = NULL;
	}
	return f;
}

bool patch_file_hit(struct inode *i, plat_obj_t obj, uint64_t site, uint64_t nr, unsigned weight, bool *ret_made)
{
	struct patch_file *f = file_of(i, obj);
	bool in = false, known, build_now;

	*ret_made = false;
	if (!f)
		return false;
	if (f->usable) {
		in = count_hit(f, site, weight, &known, &build_now);
		if (!known)
			learn(f, site, nr);
		if (build_now) {
			update(f, i, true);
			spin_lock(&patch_lock);
			in = f->cur && patch_version_site(f->cur, site);
			spin_unlock(&patch_lock);
			*ret_made = in;
		}
	}
	file_drop(f);
	return in;
}

void patch_file_started(struct inode *i, plat_obj_t obj)
{
	struct patch_file *f = file_of(i, obj);
	bool build_now;

	if (!f)
		return;
	spin_lock(&patch_lock);
	f->starts += f->starts < FIRST_STARTS;
	build_now = f->usable && f->starts == FIRST_STARTS && !f->cur && !f->building && !f->scanned && f->inode;
	if (build_now)
		f->building = true;
	spin_unlock(&patch_lock);
	if (build_now)
		update(f, i, false);
	file_drop(f);
}

struct patch_version *patch_file_current(struct inode *i, plat_obj_t obj)
{
	struct patch_version *v = NULL;
	struct patch_file *f;

	if (!__atomic_load_n(&i->patch, __ATOMIC_RELAXED))
		return NULL;
	f = file_get_of(i);
	if (!f)
		return NULL;
	if (f->obj.id == obj.id) {
		spin_lock(&patch_lock);
		if (f->cur)
			v = patch_version_get(f->cur);
		spin_unlock(&patch_lock);
		if (v && !unchanged(f, i)) {
			patch_version_put(v);
			v = NULL;
			detach(f);
		}
	}
	file_drop(f);
	return v;
}
