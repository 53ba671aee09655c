/* SPDX-License-Identifier: Apache-2.0 */
/* lib.h: what the whole kernel uses: text, memory blocks, assertions, the
 * heap, hashing, random numbers.  Source: kernel/lib/. */
#ifndef NACRE_KERNEL_LIB_H
#define NACRE_KERNEL_LIB_H

#include <base/list.h>
#include <base/ref.h>
#include <base/types.h>
#include <linux_abi/errno.h>
#include <platform.h>

/* ---- strings (also what the compiler calls by itself) ---- */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *p, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
/* Known sizes become moves: a freestanding compiler does that only on request. */
#define memcpy(dst, src, n) (__builtin_constant_p(n) ? __builtin_memcpy(dst, src, n) : (memcpy)(dst, src, n))
#define memmove(dst, src, n) (__builtin_constant_p(n) ? __builtin_memmove(dst, src, n) : (memmove)(dst, src, n))
#define memset(p, c, n) (__builtin_constant_p(n) ? __builtin_memset(p, c, n) : (memset)(p, c, n))
#define memcmp(a, b, n) (__builtin_constant_p(n) ? __builtin_memcmp(a, b, n) : (memcmp)(a, b, n))
void *memchr(const void *p, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/* Copies at most size-1 bytes and always terminates; returns strlen(src). */
size_t kstrlcpy(char *dst, const char *src, size_t size);
/* Decimal digits only, whole string; -EINVAL, -ERANGE. */
int kparse_u64(const char *s, size_t n, uint64_t *ret);

/* %s %.*s %c %d %u %x %lx %ld %lu %lld %llu %llx %X %zu %p %o %%, width, '0', '-'.
 * Returns the length that the whole text has (as C99). */
int ksnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int kvsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list ap);

/* ---- reports ---- */
/* To the operator's log, one line.  For events of our own, never a stream
 * that a task can drive without bound. */
void klog(const char *fmt, ...) __printf(1, 2);
__noreturn void kpanic(const char *fmt, ...) __printf(1, 2);
#define KASSERT(c) \
	do { if (unlikely(!(c))) kpanic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #c); } while (0)

/* ---- heap ----
 * Callable anywhere, also under spinlocks; never sleeps.  NULL when the
 * kernel's memory is used up: every caller handles it.  16-byte aligned;
 * from 4096 bytes up page-aligned. */
void *kmalloc(size_t size) __attribute__((malloc, warn_unused_result));
void *kzalloc(size_t size) __attribute__((malloc, warn_unused_result));
void *krealloc(void *p, size_t size) __must_check;  /* p stays valid on failure */
void kfree(void *p);                                /* NULL is fine */
char *kstrdup(const char *s) __must_check;
char *kstrndup(const char *s, size_t n) __must_check;
uint64_t kheap_used(void);                          /* bytes handed out */

/* Buffers for the time of one call: path names, bytes on their way.  A few stay
 * with the kernel, so that the usual case neither splits blocks nor touches
 * fresh pages.  *ret_size: what it holds, KBUF_SMALL or KBUF_LARGE, whichever
 * suits `want`.  NULL: no memory.  kernel/lib/buf.c */
#define KBUF_SMALL 4096u
#define KBUF_LARGE 65536u
void *kbuf_get(size_t want, size_t *ret_size) __must_check;
void kbuf_put(void *p, size_t size);                /* NULL is fine */

/* ---- memory that several hold, in place of copies ----
 * bytes: a heap block of its own.  new takes it on success; NULL: no memory.
 * put: NULL is fine.  Callable as the heap.  kernel/lib/lent.c */
struct lent { struct ref ref; void *bytes; };
struct lent *lent_new(void *bytes) __must_check;
void lent_put(struct lent *l);

/* ---- numbers ---- */
uint32_t hash_bytes(const void *p, size_t n);       /* seeded per boot: not predictable from inside */
uint32_t hash_u64(uint64_t v);
/* The kernel's CSPRNG, seeded by plat_entropy. */
void krandom(void *buf, size_t n);

/* ---- growing text (proc files and the like) ---- */
struct sbuf { char *p; size_t n, cap; bool failed; };
void sbuf_init(struct sbuf *s);
void sbuf_printf(struct sbuf *s, const char *fmt, ...) __printf(2, 3);
void sbuf_write(struct sbuf *s, const void *p, size_t n);
void sbuf_free(struct sbuf *s);

void lib_init(void);

#endif
