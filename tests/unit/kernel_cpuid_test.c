/* SPDX-License-Identifier: Apache-2.0 */
/* Units of what proves a cpuid in a file's text: instruction sizes, unwind
 * tables.  Built as kernel code. */
#include "kernel/mm/patch.h"
#include "tests/unit/unit.h"

#define CHECK(c) unit_check((c), __FILE__, __LINE__, #c)
#define SIZE(s) patch_insn_size((const uint8_t *)(s), sizeof(s) - 1)

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* A copy that ends where it ends: the sanitizer sees a byte too many. */
static uint8_t *exact(const void *p, size_t n)
{
	uint8_t *b = kmalloc(MAX(n, (size_t)1));

	memcpy(b, p, n);
	return b;
}

/* ---- instruction sizes ---- */

static void test_sizes(void)
{
	static const struct { const char *p; uint8_t size; } known[] = {
		{ "\x90", 1 }, { "\x0f\xa2", 2 }, { "\xcd\x42", 2 }, { "\xc3", 1 }, { "\xc2\x08\0", 3 }, { "\xc8\1\0\2", 4 },
		{ "\x48\x89\xe5", 3 }, { "\x8b\x05\1\2\3\4", 6 }, { "\x8b\x04\x25\1\2\3\4", 7 }, { "\x8b\x44\x24\x08", 4 },
		{ "\x8b\x84\x24\1\2\3\4", 7 }, { "\x8b\x04\x24", 3 }, { "\x8b\x45\xf8", 3 }, { "\x8b\x85\1\2\3\4", 6 },
		{ "\xb8\1\2\3\4", 5 }, { "\x66\xb8\1\2", 4 }, { "\x48\xb8\1\2\3\4\5\6\7\x08", 10 }, { "\x41\xb8\1\2\3\4", 6 },
		{ "\x66\x81\xf9\1\2", 5 }, { "\x81\xf9\1\2\3\4", 6 }, { "\x48\x81\xf9\1\2\3\4", 7 }, { "\x83\xf9\1", 3 },
		{ "\xf6\xc1\1", 3 }, { "\xf6\xd1", 2 }, { "\xf7\xc1\1\2\3\4", 6 }, { "\x66\xf7\xc1\1\2", 5 }, { "\xf7\xd9", 2 },
		{ "\xe8\1\2\3\4", 5 }, { "\x66\x66\x48\xe8\1\2\3\4", 8 }, { "\xeb\1", 2 }, { "\x0f\x84\1\2\3\4", 6 },
		{ "\xa1\1\2\3\4\5\6\7\x08", 9 }, { "\x67\xa1\1\2\3\4", 6 }, { "\x8f\xc0", 2 }, { "\xc7\x04\x24\1\2\3\4", 7 },
		{ "\xf3\x0f\x1e\xfa", 4 }, { "\x66\x2e\x0f\x1f\x84\0\0\0\0\0", 10 }, { "\x0f\x38\0\xc1", 4 },
		{ "\x66\x0f\x3a\x0f\xc1\x08", 6 }, { "\xc5\xf8\x77", 3 }, { "\xc5\xf9\x6f\x00", 4 }, { "\xc5\xf9\x70\xc1\1", 5 },
		{ "\xc4\xe2\x79\x18\x05\1\2\3\4", 9 }, { "\xc4\xe3\x7d\x39\xc1\1", 6 }, { "\x62\xf1\x7c\x48\x10\x40\1", 7 },
		{ "\x62\xf1\x7c\x48\x10\x80\1\2\3\4", 10 }, { "\x62\xf3\x75\x48\x25\xc2\xff", 7 }, { "\xf0\x0f\xb1\x0f", 4 },
		{ "\x64\x48\x8b\x04\x25\x28\0\0\0", 9 }, { "\x69\xc0\1\2\3\4", 6 }, { "\x6b\xc0\1", 3 }, { "\xd9\xc0", 2 },
		{ "\xf2\xe9\1\2\3\4", 6 }, { "\xc6\xf8\1", 3 }, { "\x68\1\2\3\4", 5 }, { "\x0f\xc7\xf8", 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		uint8_t *b = exact(known[i].p, known[i].size), more[24] = { 0 };

		CHECK(patch_insn_size(b, known[i].size) == known[i].size);
		for (unsigned n = 0; n < known[i].size; n++) {
			uint8_t *cut = exact(b, n);

			CHECK(!patch_insn_size(cut, n));
			kfree(cut);
		}
		memcpy(more, b, known[i].size);
		CHECK(patch_insn_size(more, sizeof(more)) == known[i].size);
		kfree(b);
	}
	/* Refused: invalid in 64-bit mode, of different sizes, prefixes out of place, too long. */
	CHECK(!SIZE("\x06") && !SIZE("\x27") && !SIZE("\x60") && !SIZE("\x82\xc0\1") && !SIZE("\x9a\1\2\3\4\5\6"));
	CHECK(!SIZE("\xce") && !SIZE("\xd4\1") && !SIZE("\xea\1\2\3\4\5\6") && !SIZE("\x0f\x04") && !SIZE("\x0f\xff\xc0"));
	CHECK(!SIZE("\x66\xe8\1\2\3\4") && !SIZE("\x66\x0f\x84\1\2\3\4") && !SIZE("\x8f\xe9\x78\xc7\xdb"));
	CHECK(!SIZE("\x48\x66\x90") && !SIZE("\x48\x48\x90") && !SIZE("\x66\xc5\xf8\x77") && !SIZE("\x48\xc5\xf8\x77"));
	CHECK(!SIZE("\xc4\xe4\x79\x18\xc0") && !SIZE("\x62\xf1\x78\x48\x10\x40\1") && !SIZE("\x62\xf4\x7c\x48\x10\x40\1"));
	CHECK(!SIZE("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90"));
}

static void test_function(void)
{
	/* push %rbx; mov $7,%eax; xor %ecx,%ecx; cpuid; mov $0x0fa2,%ecx .. */
	static const uint8_t f[] = "\x53\xb8\7\0\0\0\x31\xc9\x0f\xa2\xb9\x0f\xa2\0\0\x5b\xc3";
	const size_t n = sizeof(f) - 1;

	CHECK(patch_insn_at(f, n, 8, 2));
	CHECK(!patch_insn_at(f, n, 11, 2));             /* inside the constant */
	CHECK(!patch_insn_at(f, n, 7, 2) && !patch_insn_at(f, n, 9, 2) && !patch_insn_at(f, n, n, 2));
	CHECK(!patch_insn_at(f, 13, 8, 2));             /* does not end with an instruction */
	CHECK(!patch_insn_at(f, 9, 8, 2) && !patch_insn_at(f, 0, 0, 2));
	CHECK(!patch_insn_at((const uint8_t *)"\x06\x0f\xa2", 3, 1, 2));
	CHECK(!patch_insn_at((const uint8_t *)"\xf3\x0f\xa2", 3, 1, 2));        /* a prefix is part of it */
}

static void test_sizes_random(void)
{
	for (unsigned round = 0; round < 300000; round++) {
		size_t n = rnd() % 20;
		uint8_t b[20], *p;
		unsigned k;

		for (size_t i = 0; i < n; i++)
			b[i] = rnd() % 8 ? (uint8_t)rnd() : (uint8_t)"\x66\x0f\x62\xc4\xc5\x48\xf2\x67"[rnd() % 8];
		p = exact(b, n);
		k = patch_insn_size(p, n);
		CHECK(k <= n && k <= 15);
		if (k) {
			/* What follows does not matter, and nothing less will do. */
			CHECK(patch_insn_size(p, k) == k && !patch_insn_size(p, k - 1));
		}
		(void)patch_insn_at(p, n, rnd() % 20, 2);
		kfree(p);
	}
}

/* ---- unwind tables ---- */

enum { TABLE_VA = 0x3000, FRAME_VA = 0x3100, CODE_VA = 0x1000, FUNCTIONS = 4, STEP = 0x40 };

static void put32(uint8_t *p, uint64_t v)
{
	uint32_t w = (uint32_t)v;

	memcpy(p, &w, 4);
}

static size_t good_table(uint8_t *t)
{
	memcpy(t, "\1\x1b\x03\x3b", 4);
	put32(t + 4, FRAME_VA - TABLE_VA - 4);
	put32(t + 8, FUNCTIONS);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		put32(t + 12 + 8 * i, CODE_VA + STEP * i - (uint64_t)TABLE_VA);
		put32(t + 16 + 8 * i, FRAME_VA + 24 + 32 * i - (uint64_t)TABLE_VA);
	}
	return 12 + 8 * FUNCTIONS;
}

static void test_table(void)
{
	uint8_t t[12 + 8 * FUNCTIONS], *p;
	size_t n = good_table(t);
	uint64_t start, fde;

	p = exact(t, n);
	CHECK(patch_eh_search(p, n, TABLE_VA, CODE_VA, &start, &fde) && start == CODE_VA && fde == FRAME_VA + 24);
	CHECK(patch_eh_search(p, n, TABLE_VA, CODE_VA + STEP + 1, &start, &fde) && start == CODE_VA + STEP &&
	      fde == FRAME_VA + 56);
	CHECK(patch_eh_search(p, n, TABLE_VA, CODE_VA + 9 * STEP, &start, &fde) && start == CODE_VA + 3 * STEP);
	CHECK(!patch_eh_search(p, n, TABLE_VA, CODE_VA - 1, &start, &fde));
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *c = exact(t, cut);

		CHECK(!patch_eh_search(c, cut, TABLE_VA, CODE_VA, &start, &fde));
		kfree(c);
	}
	for (unsigned i = 0; i < 4; i++) {
		p[i] ^= 0x80;
		CHECK(!patch_eh_search(p, n, TABLE_VA, CODE_VA, &start, &fde));
		p[i] ^= 0x80;
	}
	put32(p + 8, UINT32_MAX);
	CHECK(!patch_eh_search(p, n, TABLE_VA, CODE_VA, &start, &fde));
	put32(p + 8, 0);
	CHECK(!patch_eh_search(p, n, TABLE_VA, CODE_VA, &start, &fde));
	kfree(p);
}

static void test_frames(void)
{
	static const uint8_t zr[] = "\x14\0\0\0\0\0\0\0\1zR\0\1\x78\x10\1\x1b\x0c\7\x08\x90\1";
	static const uint8_t zplr[] = "\x1c\0\0\0\0\0\0\0\1zPLR\0\1\x78\x10\7\x9b\1\2\3\4\x1b\x1b";
	uint8_t fde[] = "\x14\0\0\0\x1c\0\0\0\1\2\0\0\x40\0\0\0", *c;
	static const uint8_t zrs[] = "\x10\0\0\0\0\0\0\0\1zRS\0\1\x78\x10\1\x1b\0\0";
	uint64_t cie, start, size;
	bool sig;

	CHECK(patch_eh_cie(zrs, sizeof(zrs) - 1, &sig) && sig);
	CHECK(patch_eh_cie(zr, sizeof(zr) - 1, &sig) && !sig && patch_eh_cie(zplr, sizeof(zplr) - 1, &sig) && !sig);
	for (size_t n = 0; n < 17; n++) {
		uint8_t *p = exact(zr, n);

		CHECK(!patch_eh_cie(p, n, &sig));
		kfree(p);
	}
	for (uint32_t len = 0; len < 13; len++) {       /* its own word for its length */
		c = exact(zr, sizeof(zr) - 1);
		put32(c, len);
		CHECK(!patch_eh_cie(c, sizeof(zr) - 1, &sig));
		kfree(c);
	}
	for (size_t i = 4; i < 17; i++) {
		if (i >= 12 && i < 16)          /* alignments, register, size: any will do */
			continue;
		c = exact(zr, sizeof(zr) - 1);
		c[i] ^= 0x20;
		CHECK(!patch_eh_cie(c, sizeof(zr) - 1, &sig));
		kfree(c);
	}
	CHECK(patch_eh_fde(fde, 16, 0x4000, &cie, &start, &size) && cie == 0x4000 + 4 - 0x1c &&
	      start == 0x4008 + 0x201 && size == 0x40);
	CHECK(!patch_eh_fde(fde, 15, 0x4000, &cie, &start, &size));
	put32(fde, 11);
	CHECK(!patch_eh_fde(fde, 16, 0x4000, &cie, &start, &size));
	put32(fde, UINT32_MAX);
	CHECK(!patch_eh_fde(fde, 16, 0x4000, &cie, &start, &size));
	put32(fde, 20);
	put32(fde + 4, 0);              /* that is a CIE */
	CHECK(!patch_eh_fde(fde, 16, 0x4000, &cie, &start, &size));
}

static void test_eh_random(void)
{
	uint8_t t[12 + 8 * FUNCTIONS], cie[] = "\x1c\0\0\0\0\0\0\0\1zPLR\0\1\x78\x10\7\x9b\1\2\3\4\x1b\x1b";
	uint64_t a, b, c;
	bool sig;

	for (unsigned round = 0; round < 200000; round++) {
		size_t n = good_table(t), m = sizeof(cie) - 1;
		uint8_t *p, *q;

		for (unsigned k = rnd() % 6; k; k--)
			t[rnd() % n] = (uint8_t)rnd();
		n -= rnd() % 4 ? 0 : rnd() % n;
		p = exact(t, n);
		if (patch_eh_search(p, n, rnd() % 4 ? (uint64_t)TABLE_VA : rnd(), rnd() % 4 ? CODE_VA + rnd() % 512 : rnd(), &a, &b))
			(void)patch_eh_fde(p, n, rnd(), &a, &b, &c);
		kfree(p);
		q = exact(cie, m);
		for (unsigned k = rnd() % 4; k; k--)
			q[rnd() % m] = rnd() & 1 ? (uint8_t)rnd() : (uint8_t)"zRPLS\x80\xff\1"[rnd() % 8];
		(void)patch_eh_cie(q, m, &sig);
		kfree(q);
	}
}

static void test_eh_find(void)
{
	const struct patch_text t = { .off = 0x1000, .end = 0x1e00, .page_off = 0x1000, .page_end = 0x2000 };
	struct elf64_phdr ph[3] = {
		{ .type = PT_LOAD, .flags = PF_R | PF_X, .offset = 0x1000, .vaddr = 0x401000, .filesz = 0xe00 },
		{ .type = PT_LOAD, .flags = PF_R, .offset = 0x2000, .vaddr = 0x404000, .filesz = 0x800 },
		{ .type = PT_GNU_EH_FRAME, .offset = 0x2100, .vaddr = 0x404100, .filesz = 0x40 },
	};
	const struct elf64_ehdr eh = { .phnum = 3 };
	struct patch_eh e;

	patch_eh_find(&eh, ph, 0x3000, &t, &e);
	CHECK(e.size == 0x40 && e.va == 0x404100 && e.off == 0x2000 && e.end == 0x2800 && e.shift == 0x402000 &&
	      e.text_shift == 0x400000);
#define NONE(change) do { struct elf64_phdr was[3]; memcpy(was, ph, sizeof(ph)); change; \
	patch_eh_find(&eh, ph, 0x3000, &t, &e); CHECK(!e.size); memcpy(ph, was, sizeof(ph)); } while (0)
	NONE(ph[2].type = PT_LOAD);
	NONE(ph[2].filesz = 0x701);
	NONE(ph[2].filesz = 11);
	NONE(ph[2].filesz = UINT64_MAX);
	NONE(ph[2].vaddr = 0x404800);
	NONE(ph[2].vaddr = 0);
	NONE(ph[1].filesz = 0x1001);            /* more than the file */
	NONE(ph[1].offset = UINT64_MAX);
#undef NONE
	for (unsigned round = 0; round < 100000; round++) {
		struct elf64_phdr r[3];

		memcpy(r, ph, sizeof(r));
		for (unsigned k = 1 + rnd() % 4; k; k--)
			((uint8_t *)r)[rnd() % sizeof(r)] = (uint8_t)rnd();
		patch_eh_find(&eh, r, 0x3000, &t, &e);
		CHECK(!e.size || (e.size <= PATCH_EH_MAX && e.off < e.end && e.end <= 0x3000 &&
				  e.va - e.shift >= e.off && e.size <= e.end - (e.va - e.shift)));
	}
}

const struct unit_test unit_cpuid_tests[] = {
	{ "cpuid-sizes", test_sizes }, { "cpuid-function", test_function }, { "cpuid-sizes-random", test_sizes_random },
	{ "cpuid-table", test_table }, { "cpuid-frames", test_frames }, { "cpuid-tables-random", test_eh_random },
	{ "cpuid-headers", test_eh_find }, { NULL, NULL },
};
