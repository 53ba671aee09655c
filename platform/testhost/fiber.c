/* SPDX-License-Identifier: Apache-2.0 */
/* fiber.c: stacks, and switching between them with the sanitizers' knowledge.
 *
 * platform/x86/kstack.S does the switch (built under the names raw_*).  The
 * functions that straddle a switch are not instrumented: the sanitizer's view
 * of the call stack changes in their middle. */
#include <pthread.h>
#include <stdlib.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif
#include <string.h>
#include <sys/mman.h>

#include <errno.h>
#include "platform/testhost/testhost.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif
#define NO_SANITIZE __attribute__((no_sanitize("thread", "address", "undefined"), noinline))

void raw_switch(void **save_sp, void *to_sp);
void *raw_prepare(void *top, void (*fn)(void *), void *arg);

#define GUARD 4096ul
#define KSTACK_SIZE 65536ul             /* instrumented frames are larger */

static __thread struct fiber *self;
static struct fiber *all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

NO_SANITIZE struct fiber *fiber_self(void) { return self; }
static NO_SANITIZE void set_self(struct fiber *f) { self = f; }

static void enlist(struct fiber *f)
{
	pthread_mutex_lock(&all_lock);
	f->next = all;
	all = f;
	pthread_mutex_unlock(&all_lock);
}

struct fiber *fiber_new(size_t size)
{
	struct fiber *f = calloc(1, sizeof *f);
	uint8_t *p = mmap(NULL, size + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!f || p == MAP_FAILED || mprotect(p, GUARD, PROT_NONE))
		abort();
	f->lo = p + GUARD;
	f->size = size;
#if defined(__SANITIZE_THREAD__)
	f->tsan = __tsan_create_fiber(0);
#endif
	enlist(f);
	return f;
}

void fiber_free(struct fiber *f)
{
	pthread_mutex_lock(&all_lock);
	for (struct fiber **p = &all; *p; p = &(*p)->next)
		if (*p == f) {
			*p = f->next;
			break;
		}
	pthread_mutex_unlock(&all_lock);
#if defined(__SANITIZE_THREAD__)
	__tsan_destroy_fiber(f->tsan);
#endif
#if defined(__SANITIZE_ADDRESS__)
	/* A task that was killed left frames behind; the next mapping here is not theirs. */
	__asan_unpoison_memory_region(f->lo, f->size);
#endif
	munmap((uint8_t *)f->lo - GUARD, f->size + GUARD);
	free(f);
}

void fiber_adopt_thread(void)
{
	struct fiber *f = calloc(1, sizeof *f);
	pthread_attr_t a;

	if (!f || pthread_getattr_np(pthread_self(), &a))
		abort();
	pthread_attr_getstack(&a, &f->lo, &f->size);
	pthread_attr_destroy(&a);
#if defined(__SANITIZE_THREAD__)
	f->tsan = __tsan_get_current_fiber();
#endif
	enlist(f);
	set_self(f);
}

/* The fiber on whose stack p lies. */
static struct fiber *fiber_of(const void *p)
{
	struct fiber *f;

	pthread_mutex_lock(&all_lock);
	for (f = all; f; f = f->next)
		if (p >= f->lo && (const uint8_t *)p < (const uint8_t *)f->lo + f->size)
			break;
	pthread_mutex_unlock(&all_lock);
	if (!f)
		abort();
	return f;
}

static NO_SANITIZE void fiber_begin(void *arg)
{
	struct fiber *f = arg;

#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
	f->fn(f->arg);
	__builtin_trap();
}

void fiber_prepare(struct fiber *f, void (*fn)(void *), void *arg)
{
	f->fn = fn;
	f->arg = arg;
	f->sp = raw_prepare((uint8_t *)f->lo + f->size, fiber_begin, f);
}

static NO_SANITIZE void switch_to(void **save_sp, struct fiber *to, void *to_sp)
{
	struct fiber *from __unused_arg = fiber_self();

	set_self(to);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_start_switch_fiber(&from->fake, to->lo, to->size);
#elif defined(__SANITIZE_THREAD__)
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	raw_switch(save_sp, to_sp);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
#endif
}

NO_SANITIZE void fiber_switch(struct fiber *to)
{
	switch_to(&fiber_self()->sp, to, to->sp);
}

/* -- platform.h -- */
int plat_kstack_new(void **ret_top, size_t *ret_size)
{
	struct fiber *f;

	if (testhost_fails())
		return -ENOMEM;
	f = fiber_new(KSTACK_SIZE);
	*ret_top = (uint8_t *)f->lo + f->size;
	*ret_size = f->size;
	return 0;
}

void plat_kstack_free(void *top) { fiber_free(fiber_of((uint8_t *)top - 1)); }

void *plat_kstack_prepare(void *top, void (*fn)(void *arg), void *arg)
{
	struct fiber *f = fiber_of((uint8_t *)top - 1);

	fiber_prepare(f, fn, arg);
	return f->sp;
}

NO_SANITIZE void plat_kstack_switch(void **save_sp, void *to_sp)
{
	switch_to(save_sp, fiber_of(to_sp), to_sp);
}
