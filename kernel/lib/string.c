/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and string primitives.
 *
 * The memory functions are what the compiler calls by itself; where a C library
 * is linked in (process platform, testhost) its versions are used and
 * NACRE_LIBC_STRING leaves these out. */
#include "kernel/lib/lib.h"

#undef memcpy
#undef memmove
#undef memset
#undef memcmp

#ifndef NACRE_LIBC_STRING
/* Below this many bytes, moves of words are faster than the repeated instruction's start. */
#define STRING_MIN 64u

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static void store64(uint8_t *p, uint64_t v)
{
	__builtin_memcpy(p, &v, sizeof(v));
}

void *memcpy(void *dst, const void *src, size_t n)
{
	const uint8_t *s = src;
	uint8_t *d = dst;

	if (n >= STRING_MIN) {
		__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
		return dst;
	}
	for (; n >= 8; n -= 8, s += 8, d += 8)
		store64(d, load64(s));
	while (n--) {
		*d++ = *s++;
		__asm__ volatile("" : "+r"(d));         /* not a call of this function */
	}
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (d <= s || d >= s + n)
		return memcpy(dst, src, n);
	while (n--)
		d[n] = s[n];
	return dst;
}

void *memset(void *p, int c, size_t n)
{
	uint8_t *d = p;

	if (n >= STRING_MIN) {
		__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
		return p;
	}
	for (; n >= 8; n -= 8, d += 8)
		store64(d, ~0ull / 0xff * (uint8_t)c);
	while (n--) {
		*d++ = (uint8_t)c;
		__asm__ volatile("" : "+r"(d));         /* not a call of this function */
	}
	return p;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n >= 8 && load64(x) == load64(y); n -= 8, x += 8, y += 8)
		;
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

void *memchr(const void *p, int c, size_t n)
{
	const uint64_t ones = 0x0101010101010101, tops = ones << 7, want = ones * (uint8_t)c;
	const uint8_t *s = p;

	for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t), s += sizeof(uint64_t)) {
		uint64_t v, found;

		__builtin_memcpy(&v, s, sizeof(v));
		v ^= want;              /* the lowest byte that is 0 now: what is found above it may be wrong */
		found = (v - ones) & ~v & tops;
		if (found)
			return (void *)(s + __builtin_ctzll(found) / 8);
	}
	for (; n; n--, s++)
		if (*s == (uint8_t)c)
			return (void *)s;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *e = s;

	while (*e)
		e++;
	return (size_t)(e - s);
}

size_t strnlen(const char *s, size_t max)
{
	const char *e = memchr(s, 0, max);

	return e ? (size_t)(e - s) : max;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
		if (!*a)
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}
#endif

size_t kstrlcpy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src);

	if (size) {
		size_t k = MIN(n, size - 1);

		memcpy(dst, src, k);
		dst[k] = 0;
	}
	return n;
}

int kparse_u64(const char *s, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if (!n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		if (mul_overflows(v, 10ul, &v) || add_overflows(v, (uint64_t)(s[i] - '0'), &v))
			return -ERANGE;
	}
	*ret = v;
	return 0;
}
