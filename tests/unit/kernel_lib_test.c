/* SPDX-License-Identifier: Apache-2.0 */
/* Units of kernel/lib that need no running kernel.  Built as kernel code. */
#include "kernel/lib/lib.h"
#include "tests/unit/unit.h"

static struct unit_result res;
#define CHECK(c) unit_check((c), __FILE__, __LINE__, #c)

void unit_check(bool good, const char *file, int line, const char *what)
{
	if (!good && !res.failed++)
		ksnprintf(res.text, sizeof res.text, "%s:%d: %s", file, line, what);
}

struct item { int v; struct list link; };

static void test_list(void)
{
	struct list h = LIST_INIT(h), other = LIST_INIT(other);
	struct item a = { .v = 1 }, b = { .v = 2 }, c = { .v = 3 }, *e, *tmp;
	int sum = 0, order = 0;

	CHECK(list_empty(&h));
	list_push_back(&h, &b.link);
	list_push_front(&h, &a.link);
	list_push_back(&h, &c.link);
	list_for_each(e, &h, link)
		order = order * 10 + e->v;
	CHECK(order == 123);
	CHECK(list_first(&h, struct item, link) == &a && list_last(&h, struct item, link) == &c);
	list_for_each_safe(e, tmp, &h, link)
		if (e->v == 2)
			list_del(&e->link);
	list_del(&b.link);              /* twice is harmless */
	list_for_each(e, &h, link)
		sum += e->v;
	CHECK(sum == 4);
	list_splice_back(&other, &h);
	CHECK(list_empty(&h) && list_last(&other, struct item, link) == &c);
}

static void test_printf(void)
{
	char b[64];

#define P(want, ...) do { int n_ = ksnprintf(b, sizeof b, __VA_ARGS__); \
	CHECK(n_ == (int)strlen(want)); CHECK(!strcmp(b, want)); } while (0)
	P("x 5 -7 ff", "%s %d %d %x", "x", 5, -7, 255);
	P("  42|00042|42   ", "%4d|%05d|%-5d", 42, 42, 42);
	P("18446744073709551615", "%llu", ~0ull);
	P("-9223372036854775808", "%lld", (long long)INT64_MIN);
	P("100% c abc", "%d%% %c %.*s", 100, 'c', 3, "abcdef");
	P("777", "%o", 0777);
	CHECK(ksnprintf(b, 4, "%s", "abcdef") == 6);
	CHECK(!strcmp(b, "abc"));
	CHECK(ksnprintf(b, 0, "%s", "abcdef") == 6);
}

static void test_strings(void)
{
	char b[16];
	uint64_t v = 7;

	CHECK(kstrlcpy(b, "hello", 3) == 5 && !strcmp(b, "he"));
	CHECK(strnlen("abc", 2) == 2 && strlen("") == 0);
	CHECK(strcmp("a", "b") < 0 && strncmp("abx", "aby", 2) == 0);
	CHECK(strrchr("a/b/c", '/') && *(strrchr("a/b/c", '/') + 1) == 'c' && !strchr("abc", 'x'));
	CHECK(!kparse_u64("18446744073709551615", 20, &v) && v == UINT64_MAX);
	CHECK(kparse_u64("18446744073709551616", 20, &v) == -ERANGE && v == UINT64_MAX);
	CHECK(kparse_u64("", 0, &v) == -EINVAL && kparse_u64("12x", 3, &v) == -EINVAL);
}

static void test_memchr(void)
{
	uint8_t b[40];

	for (unsigned n = 0; n <= sizeof(b); n++)
		for (unsigned at = 0; at <= n; at++) {
			for (unsigned i = 0; i < sizeof(b); i++)
				b[i] = (uint8_t)(i % 2 ? 0x80 : 1);
			if (at < sizeof(b))
				b[at] = 0;
			if (at + 2 < sizeof(b))
				b[at + 2] = 0;          /* not this one */
			CHECK(memchr(b, 0, n) == (at < n ? b + at : NULL));
			CHECK(memchr(b, 0x7f, n) == NULL && memchr(b, 0x180, 2) == (at == 1 ? NULL : b + 1));
		}
}

static void test_sbuf(void)
{
	struct sbuf s;

	sbuf_init(&s);
	for (int i = 0; i < 1000; i++)
		sbuf_printf(&s, "%d,", i);
	CHECK(s.failed || (s.n == 3890 && !memcmp(s.p, "0,1,2,", 6)));
	sbuf_free(&s);
}

/* The real heap, under other names (the kernel of this build uses the
 * sanitizer's allocator). */
void *heap_kmalloc(size_t size);
void *heap_kzalloc(size_t size);
void *heap_krealloc(void *p, size_t size);
void heap_kfree(void *p);
uint64_t heap_kheap_used(void);
void heap_heap_init(void);

#define SLOTS 512

static void test_heap(void)
{
	static struct { uint8_t *p; size_t n; uint8_t v; } slot[SLOTS];
	uint64_t x = 88172645463325252ull, before;

	heap_heap_init();
	before = heap_kheap_used();
	for (unsigned i = 0; i < 60000; i++) {
		unsigned k;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		k = (unsigned)(x >> 20) % SLOTS;
		if (slot[k].p) {
			bool good = true;

			for (size_t j = 0; j < slot[k].n; j += slot[k].n / 7 + 1)
				good &= slot[k].p[j] == slot[k].v;
			CHECK(good);
			heap_kfree(slot[k].p);
			slot[k].p = NULL;
		} else {
			slot[k].n = (x >> 40) % ((x & 63) ? 3000 : 300000) + 1;
			slot[k].v = (uint8_t)x;
			slot[k].p = (x & 64) ? heap_kzalloc(slot[k].n) : heap_kmalloc(slot[k].n);
			CHECK(slot[k].p);
			if (!slot[k].p)
				return;
			CHECK(((uintptr_t)slot[k].p & 15) == 0);
			CHECK(slot[k].n < 4096 || ((uintptr_t)slot[k].p & 4095) == 0);
			if (x & 64)
				CHECK(!slot[k].p[0] && !slot[k].p[slot[k].n - 1]);
			memset(slot[k].p, slot[k].v, slot[k].n);
		}
	}
	for (unsigned k = 0; k < SLOTS; k++)
		heap_kfree(slot[k].p);
	/* an empty slab per class may stay for the next allocation */
	CHECK(heap_kheap_used() - before <= 1u << 20);
}

static void test_random(void)
{
	uint8_t a[32], b[32];

	krandom(a, sizeof a);
	krandom(b, sizeof b);
	CHECK(memcmp(a, b, sizeof a));
	CHECK(hash_u64(1) != hash_u64(2) && hash_bytes("a", 1) != hash_bytes("b", 1));
}

static const struct unit_test lib_tests[] = {
	{ "list", test_list }, { "ksnprintf", test_printf }, { "strings", test_strings }, { "memchr", test_memchr },
	{ "sbuf", test_sbuf }, { "heap", test_heap }, { "random", test_random }, { NULL, NULL },
};
static const struct unit_test *const groups[] = { lib_tests, unit_patch_tests, unit_cpuid_tests, unit_bpf_tests };

const struct unit_result *unit_run(unsigned i, const char **ret_name)
{
	const struct unit_test *t;

	for (unsigned g = 0; g < ARRAY_SIZE(groups); g++)
		for (t = groups[g]; t->name; t++)
			if (!i--) {
				res = (struct unit_result){ 0 };
				t->fn();
				*ret_name = t->name;
				return &res;
			}
	return NULL;
}

void unit_begin(void) { lib_init(); }
