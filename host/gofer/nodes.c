/* SPDX-License-Identifier: Apache-2.0 */
/* The gofer's node table (see nodes.h for purpose and locking).
 *
 * Slots are never given back to the allocator; their generation grows with
 * each reuse, so that a handle names one object for the life of the gofer.
 * Everything is bounded: at most NODES_MAX nodes, fd_max descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host/gofer/nodes.h"
#include "host/isolate/isolate.h"

HOST_CALLS(gofer, openat, openat2, newfstatat, close, futex, mmap, munmap, mremap, brk, madvise);

#define NODES_MAX (1u << 20)            /* about 150 MB at the worst */
#define HASH_SIZE 8192u
#define DEPTH_MAX 512u                  /* reopening a chain of evicted parents */
#define FD_RESERVE 160u                 /* channels, open files in flight, stdio */

struct slot { struct node *node; uint32_t gen, next_free; };

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot *slots;              /* by table_lock, like all below */
static uint32_t slot_count, slot_room, free_head;       /* free_head: slot + 1, 0 none */
static struct node *hash[HASH_SIZE];
static struct node lru = { .lru_prev = &lru, .lru_next = &lru };
static size_t node_count, fd_count, fd_max;
static bool no_openat2;

static uint32_t hash_of(uint32_t root, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ (dev << 40) ^ root) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(h >> 40) % HASH_SIZE;
}

int node_open_path(int dirfd, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	if (!no_openat2) {
		fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
		if (fd >= 0)
			return fd;
		if (errno != ENOSYS)
			return -errno;
		no_openat2 = true;
	}
	/* name is a single component that is not "..": the same guarantee. */
	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void lru_del(struct node *n)
{
	if (!n->lru_next)
		return;
	n->lru_prev->lru_next = n->lru_next;
	n->lru_next->lru_prev = n->lru_prev;
	n->lru_prev = n->lru_next = NULL;
}

static void lru_add(struct node *n)
{
	if (!n->parent)
		return;                 /* roots are never evicted */
	n->lru_next = lru.lru_next;
	n->lru_prev = &lru;
	lru.lru_next->lru_prev = n;
	lru.lru_next = n;
}

/* Close old descriptors until one more fits. */
static void evict_locked(void)
{
	struct node *n = lru.lru_prev, *prev;

	while (fd_count >= fd_max && n != &lru) {
		prev = n->lru_prev;
		if (!n->pins) {
			lru_del(n);
			close(n->fd);
			n->fd = -1;
			fd_count--;
		}
		n = prev;
	}
}

static int slot_take_locked(uint32_t *ret)
{
	struct slot *bigger;
	uint32_t room;

	if (free_head) {
		*ret = free_head - 1;
		free_head = slots[*ret].next_free;
		return 0;
	}
	if (slot_count == slot_room) {
		if (slot_room >= NODES_MAX)
			return -ENFILE;
		room = slot_room ? slot_room * 2 : 256;
		bigger = realloc(slots, room * sizeof(*slots));
		if (!bigger)
			return -ENOMEM;
		slots = bigger;
		slot_room = room;
	}
	*ret = slot_count++;
	slots[*ret] = (struct slot){ .gen = 0 };
	return 0;
}

static int node_new_locked(struct node *parent, const char *name, int fd,
			   const struct stat *st, struct node **ret)
{
	struct node *n = calloc(1, sizeof(*n));
	uint32_t h;
	int err;

	if (!n)
		return -ENOMEM;
	if (name) {
		n->name = strdup(name);
		if (!n->name) {
			free(n);
			return -ENOMEM;
		}
	}
	err = slot_take_locked(&n->slot);
	if (err) {
		free(n->name);
		free(n);
		return err;
	}
	n->gen = ++slots[n->slot].gen;
	slots[n->slot].node = n;
	n->fd = fd;
	n->type = st->st_mode & S_IFMT;
	n->dev = st->st_dev;
	n->ino = st->st_ino;
	n->parent = parent;
	if (parent) {
		n->root = parent->root;
		n->writable = parent->writable;
		parent->children++;
	}
	h = hash_of(n->root, n->dev, n->ino);
	n->hash_next = hash[h];
	hash[h] = n;
	node_count++;
	fd_count++;
	lru_add(n);
	*ret = n;
	return 0;
}

/* Free n if nobody needs it, then its parents for the same reason. */
static void node_drop_locked(struct node *n)
{
	struct node **p, *parent;

	while (n && n->parent && !n->lookups && !n->pins && !n->children) {
		for (p = &hash[hash_of(n->root, n->dev, n->ino)]; *p != n; p = &(*p)->hash_next)
			;
		*p = n->hash_next;
		lru_del(n);
		if (n->fd >= 0) {
			close(n->fd);
			fd_count--;
		}
		slots[n->slot].node = NULL;
		if (slots[n->slot].gen < UINT32_MAX) {  /* a worn-out slot stays unused */
			slots[n->slot].next_free = free_head;
			free_head = n->slot + 1;
		}
		parent = n->parent;
		parent->children--;
		node_count--;
		free(n->name);
		free(n);
		n = parent;
	}
}

/* Open an evicted node again, from the nearest parent that is open down. */
static int reopen_locked(struct node *n)
{
	struct node *chain[DEPTH_MAX], *at;
	struct stat st;
	size_t depth = 0;
	int fd;

	for (at = n; at->fd < 0; at = at->parent) {
		if (depth == DEPTH_MAX)
			return -ESTALE;
		chain[depth++] = at;
	}
	while (depth) {
		at = chain[--depth];
		at->parent->pins++;             /* not evicted for its own child */
		evict_locked();
		fd = node_open_path(at->parent->fd, at->name);
		at->parent->pins--;
		if (fd < 0)
			return fd == -ENOENT || fd == -ENOTDIR ? -ESTALE : fd;
		if (fstatat(fd, "", &st, AT_EMPTY_PATH) || st.st_dev != at->dev ||
		    st.st_ino != at->ino || (st.st_mode & S_IFMT) != at->type) {
			close(fd);
			return -ESTALE;
		}
		at->fd = fd;
		fd_count++;
		lru_add(at);
	}
	return 0;
}

static struct node *find_locked(uint64_t handle)
{
	uint32_t slot = (uint32_t)handle - 1;
	struct node *n;

	if (slot >= slot_count)
		return NULL;
	n = slots[slot].node;
	if (!n || n->gen != handle >> 32 || (n->parent && !n->lookups))
		return NULL;
	return n;
}

int node_pin(uint64_t handle, struct node **ret)
{
	struct node *n;
	int err = 0;

	pthread_mutex_lock(&table_lock);
	n = find_locked(handle);
	if (!n) {
		err = -ESTALE;
	} else {
		n->pins++;
		if (n->fd < 0)
			err = reopen_locked(n);
		if (err) {
			n->pins--;
		} else {
			if (lru.lru_next != n) {
				lru_del(n);
				lru_add(n);
			}
			*ret = n;
		}
	}
	pthread_mutex_unlock(&table_lock);
	return err;
}

void node_unpin(struct node *n)
{
	pthread_mutex_lock(&table_lock);
	n->pins--;
	node_drop_locked(n);
	pthread_mutex_unlock(&table_lock);
}

static void replace_place_locked(struct node *n, struct node *parent, const char *name)
{
	struct node *at, *old = n->parent;
	char *copy;
	unsigned depth = 0;

	if (!old || (old == parent && !strcmp(n->name, name)))
		return;
	for (at = parent; at; at = at->parent)  /* no cycles, whatever the host did meanwhile */
		if (at == n || ++depth > DEPTH_MAX)
			return;
	copy = strdup(name);
	if (!copy)
		return;
	free(n->name);
	n->name = copy;
	parent->children++;
	n->parent = parent;
	old->children--;
	node_drop_locked(old);
}

static struct node *find_object_locked(uint32_t root, uint64_t dev, uint64_t ino)
{
	struct node *n;

	for (n = hash[hash_of(root, dev, ino)]; n; n = n->hash_next)
		if (n->root == root && n->dev == dev && n->ino == ino)
			return n;
	return NULL;
}

/* One more handle of n. */
static uint64_t handle_locked(struct node *n)
{
	n->lookups++;
	return ((uint64_t)n->gen << 32) | (n->slot + 1);
}

int node_enter(struct node *parent, const char *name, int fd,
	       const struct stat *st, bool hollow, uint64_t *ret_handle)
{
	struct node *n;
	int err = 0;

	pthread_mutex_lock(&table_lock);
	n = find_object_locked(parent->root, st->st_dev, st->st_ino);
	/* An evicted node's number may have gone to a new object meanwhile. */
	if (n && n->type == (st->st_mode & S_IFMT) && n->hollow == hollow) {
		if (n->fd < 0) {
			n->fd = fd;
			fd_count++;
			lru_add(n);
			n->pins++;
			evict_locked();
			n->pins--;
		} else {
			close(fd);
		}
		replace_place_locked(n, parent, name);
	} else {
		evict_locked();
		err = node_new_locked(parent, name, fd, st, &n);
		if (err)
			close(fd);
		else
			n->hollow = hollow;
	}
	if (!err)
		*ret_handle = handle_locked(n);
	pthread_mutex_unlock(&table_lock);
	return err;
}

bool node_enter_known(struct node *parent, const char *name, const struct stat *st, uint64_t *ret_handle)
{
	struct node *n;
	bool known;

	pthread_mutex_lock(&table_lock);
	n = find_object_locked(parent->root, st->st_dev, st->st_ino);
	known = n && n->fd >= 0 && n->type == (st->st_mode & S_IFMT) && !n->hollow;
	if (known) {
		replace_place_locked(n, parent, name);
		*ret_handle = handle_locked(n);
	}
	pthread_mutex_unlock(&table_lock);
	return known;
}

void node_moved(struct node *parent, const char *name, uint64_t dev, uint64_t ino)
{
	struct node *n;

	pthread_mutex_lock(&table_lock);
	n = find_object_locked(parent->root, dev, ino);
	if (n)
		replace_place_locked(n, parent, name);
	pthread_mutex_unlock(&table_lock);
}

int node_forget(uint64_t handle)
{
	struct node *n;

	pthread_mutex_lock(&table_lock);
	n = find_locked(handle);
	if (n && n->lookups) {
		n->lookups--;
		node_drop_locked(n);
	}
	pthread_mutex_unlock(&table_lock);
	return n ? 0 : -ESTALE;
}

void nodes_count(size_t *ret_nodes, size_t *ret_fds)
{
	pthread_mutex_lock(&table_lock);
	*ret_nodes = node_count;
	*ret_fds = fd_count;
	pthread_mutex_unlock(&table_lock);
}

int nodes_init(const struct gofer_config *cfg)
{
	struct rlimit r;
	struct stat st;
	struct node *n;
	size_t i;
	int err;

	/* All the descriptors the host lets this process have. */
	if (getrlimit(RLIMIT_NOFILE, &r))
		return -errno;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) && getrlimit(RLIMIT_NOFILE, &r))
		return -errno;
	fd_max = r.rlim_cur > 1u << 20 ? 1u << 20 : r.rlim_cur;
	fd_max = fd_max > 2 * FD_RESERVE ? fd_max - FD_RESERVE : fd_max / 2;
	if (cfg->node_fd_max)
		fd_max = cfg->node_fd_max;
	for (i = 0; i < cfg->root_count; i++) {
		if (fstatat(cfg->roots[i].fd, "", &st, AT_EMPTY_PATH))
			return -errno;
		if (!S_ISDIR(st.st_mode))
			return -ENOTDIR;
		err = node_new_locked(NULL, NULL, cfg->roots[i].fd, &st, &n);
		if (err)
			return err;
		n->root = (uint32_t)i;
		n->writable = cfg->roots[i].writable;
	}
	/* Roots hash under root 0 until here; none has been looked up yet. */
	memset(hash, 0, sizeof(hash));
	for (i = 0; i < cfg->root_count; i++) {
		uint32_t h;

		n = slots[i].node;
		h = hash_of(n->root, n->dev, n->ino);
		n->hash_next = hash[h];
		hash[h] = n;
	}
	return 0;
}
