/* SPDX-License-Identifier: Apache-2.0 */
/* Base vocabulary: fixed-width types, user addresses, checked arithmetic.
 *
 * Freestanding: needs nothing but the compiler.  Every part of Nacre may
 * include this file, on either side of each boundary. */
#ifndef NACRE_BASE_TYPES_H
#define NACRE_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __must_check __attribute__((warn_unused_result))
#define __noreturn __attribute__((noreturn))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __unused_arg __attribute__((unused))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))

/* For our own bugs, never for input. */
#define STATIC_ASSERT(c) _Static_assert(c, #c)

#ifdef __CPPCHECK__                     /* it gives a file up at a statement expression in a list */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#else
#define MIN(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define MAX(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })
#endif

/* An address in a task's memory.  It cannot be dereferenced: copy_in() and
 * copy_out() are the only way to the bytes behind it. */
typedef struct { uint64_t va; } uaddr;

/* A user address with the type of what it points at; copy_in_obj() and
 * copy_out_obj() (kernel/mm/mm.h) check the pointee type at compile time. */
#define DECLARE_UPTR(name, type) \
	typedef struct { uint64_t va; type *_pointee[0]; } name

/* A user pointer to a NUL-terminated string. */
typedef struct { uint64_t va; } ustr;

static inline uaddr uaddr_add(uaddr a, uint64_t n) { return (uaddr){ a.va + n }; }

/* Bytes with a length. */
struct span { uint8_t *p; size_t n; };
struct cspan { const uint8_t *p; size_t n; };

/* true on overflow, as the builtins. */
#define add_overflows(a, b, ret) __builtin_add_overflow(a, b, ret)
#define mul_overflows(a, b, ret) __builtin_mul_overflow(a, b, ret)

static inline uint64_t align_down(uint64_t x, uint64_t a) { return x & ~(a - 1); }
static inline uint64_t align_up(uint64_t x, uint64_t a) { return (x + a - 1) & ~(a - 1); }

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_USEC 1000ull
#define NSEC_PER_MSEC 1000000ull
#define NO_DEADLINE UINT64_MAX

#endif
