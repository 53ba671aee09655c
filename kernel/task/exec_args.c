/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of execve(2): from user memory into one packed block, bounded as
 * on Linux (one string 128 KiB; together a quarter of the stack limit, at
 * least 128 KiB, at most 6 MiB; pointers count). */
#include "kernel/task/exec.h"
#include "kernel/task/internal.h"

#define ARG_STRLEN_MAX (128ul << 10)
#define ARG_TOTAL_MIN (128ul << 10)
#define ARG_TOTAL_MAX (6ul << 20)
#define PTR_BATCH 64u

uint64_t exec_args_limit(void)
{
	uint64_t lim = rlimit_cur(RLIMIT_STACK) / 4;

	return MAX(MIN(lim, ARG_TOTAL_MAX), ARG_TOTAL_MIN);
}

static int reserve(struct exec_strings *s, size_t n)
{
	size_t want = s->size + n, cap = MAX(s->cap, 4096ul);
	char *p;

	if (want <= s->cap)
		return 0;
	while (cap < want)
		cap *= 2;
	p = krealloc(s->p, cap);
	if (!p)
		return -ENOMEM;
	s->p = p;
	s->cap = cap;
	return 0;
}

int exec_strings_add(struct exec_strings *s, const char *text, size_t n)
{
	int err = reserve(s, n + 1);

	if (err)
		return err;
	memcpy(s->p + s->size, text, n);
	s->p[s->size + n] = 0;
	s->size += n + 1;
	s->count++;
	return 0;
}

void exec_strings_free(struct exec_strings *s)
{
	kfree(s->p);
	*s = (struct exec_strings){ 0 };
}

/* Strings mostly lie side by side: a page is read once for all that begin in
 * its rest.  What the program changes meanwhile is seen or not, as by any read. */
struct window {
	uint64_t at;
	size_t n;
	char buf[PLAT_PAGE_SIZE];
};

/* The window begins at va, or before it. */
static int window_move(struct window *w, uint64_t va)
{
	size_t n = PLAT_PAGE_SIZE - va % PLAT_PAGE_SIZE;

	if (va >= w->at && va - w->at < w->n)
		return 0;
	w->at = va;
	w->n = n - copy_in_partial(w->buf, (uaddr){ va }, n);
	return w->n ? 0 : -EFAULT;
}

static int add_user(struct exec_strings *s, struct window *w, uint64_t va, uint64_t budget)
{
	size_t size = 0;
	char *nul;

	do {
		int err = window_move(w, va);
		const char *p = w->buf + (va - w->at);
		size_t n;

		if (err)
			return err;
		n = w->n - (va - w->at);
		nul = memchr(p, 0, n);
		if (nul)
			n = (size_t)(nul - p) + 1;
		size += n;
		if (size > ARG_STRLEN_MAX || (!nul && s->size + n > budget))
			return -E2BIG;
		err = reserve(s, n);
		if (err)
			return err;
		memcpy(s->p + s->size, p, n);
		s->size += n;
		va += n;
	} while (!nul);
	s->count++;
	return 0;
}

static int add_all(struct exec_strings *s, struct window *w, uaddr array, uint64_t limit)
{
	uint64_t ptr[PTR_BATCH];

	for (;;) {
		size_t left = copy_in_partial(ptr, array, sizeof(ptr));
		size_t n = (sizeof(ptr) - left) / sizeof(ptr[0]);

		if (!n)
			return -EFAULT;
		for (size_t i = 0; i < n; i++) {
			int err;

			if (!ptr[i])
				return 0;
			err = add_user(s, w, ptr[i], limit);
			if (err)
				return err;
			if (s->size + (s->count + 1) * sizeof(ptr[0]) > limit)
				return -E2BIG;
		}
		array = uaddr_add(array, n * sizeof(ptr[0]));
	}
}

int exec_strings_user(struct exec_strings *s, uaddr array, uint64_t limit)
{
	struct window *w;
	int err;

	if (!array.va)
		return 0;               /* Linux takes NULL for an empty list */
	w = kmalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->at = w->n = 0;
	err = add_all(s, w, array, limit);
	kfree(w);
	return err;
}
