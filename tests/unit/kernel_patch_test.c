/* SPDX-License-Identifier: Apache-2.0 */
/* Units of patched text that are functions on bytes: headers, proofs, jumps.
 * Built as kernel code. */
#include "kernel/mm/patch.h"
#include "tests/unit/unit.h"

#define CHECK(c) unit_check((c), __FILE__, __LINE__, #c)

static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* ---- proofs ---- */

/* How far before the call in these bytes (a literal) the window begins; 0: no
 * proof.  What comes before them is unknown. */
#define PROVE(bytes, nr) ({ struct patch_proof p_ = { 0 }; \
	patch_prove((const uint8_t *)(bytes), sizeof(bytes) - 1, false, (nr), &p_) ? (int)p_.back : 0; })
#define SYSCALL "\x0f\x05"
#define RET "\xc3"
#define GETPID "\xb8\x27\0\0\0"

static void test_proof_known(void)
{
	struct patch_proof p;

	CHECK(PROVE(RET GETPID SYSCALL, 39) == 5);
	CHECK(PROVE(RET "\xb8\x0b\x01\0\0" SYSCALL, 267) == 5);
	/* open() of glibc: the byte before is no prefix, and would be a harmless one */
	CHECK(PROVE("\x89\xf2\xb8\x01\x01\0\0\x48\x89\xfe\xbf\x9c\xff\xff\xff" SYSCALL, 257) == 13);
	/* read() of glibc */
	CHECK(PROVE(RET "\x80\x3d\x31\x33\x0e\0\0\x74\x17\x31\xc0" SYSCALL, 0) == 11);
	/* syscall() of glibc, its slow read(), futex, musl's cancellation point */
	CHECK(PROVE("\xc8\x4c\x8b\x4c\x24\x08" SYSCALL, 5) == 5);
	CHECK(PROVE("\xc8\x48\x8b\x74\x24\x10\x41\x89\xc0\x8b\x7c\x24\x08\x31\xc0" SYSCALL, 0) == 14);
	CHECK(PROVE("\xd2\xb8\xca\0\0\0\x40\x80\xf6\x81" SYSCALL, 202) == 9);
	CHECK(PROVE("\xc8\x4c\x89\x5c\x24\x08" SYSCALL, 1) == 5);
	CHECK(PROVE("\xc8\x4c\x8b\x4c\x24\x08\x48\x89\xca" SYSCALL, 1) == 8);
	/* pthread_create() and a thread's start */
	CHECK(PROVE("\xf2\xb8\x0e\0\0\0\x48\x8d\x35\xdd\x78\x11\0" SYSCALL, 14) == 12);
	CHECK(PROVE("\xf2\xb8\x0e\0\0\0\x48\x8d\xb3\xf0\x08\0\0" SYSCALL, 14) == 12);
	CHECK(PROVE("\xf2\xb8\x0e\0\0\0\x48\x8d\x74\x24\x08\x4c\x8d\x14\x25\x08\0\0\0" SYSCALL, 14) == 18);
	CHECK(PROVE("\xf2\xb8\x0e\0\0\0\x48\x8d\x74\xbd\x08\x48\x8d\x3e" SYSCALL, 14) == 13);
	CHECK(patch_prove((const uint8_t *)RET "\x80\x3d\x31\x33\x0e\0\0\x74\x17\x31\xc0" SYSCALL, 14, false, 0, &p) &&
	      p.compare && p.count == 3 && p.len[0] == 7 && p.len[1] == 2 && p.len[2] == 2);
}

static void test_proof_refused(void)
{
	struct patch_proof p;

	CHECK(!PROVE(RET GETPID SYSCALL, 40));                  /* another number */
	CHECK(patch_prove((const uint8_t *)RET GETPID SYSCALL, 8, false, PATCH_NR_ANY, &p) && p.nr == 39);
	CHECK(patch_prove((const uint8_t *)"\xc8\x4c\x8b\x4c\x24\x08" SYSCALL, 8, false, PATCH_NR_ANY, &p) &&
	      p.nr == PATCH_NR_ANY);
	CHECK(!PROVE(RET "\xb8\x0f\0\0\0" SYSCALL, PATCH_NR_ANY));
	CHECK(!PROVE(RET "\xb8\xff\xff\0\0" SYSCALL, PATCH_NR_ANY));
	CHECK(!PROVE(RET "\xb8\x0f\0\0\0" SYSCALL, 15));        /* rt_sigreturn */
	CHECK(!PROVE(RET "\xb8\0\0\x01\0" SYSCALL, 65536));
	CHECK(!PROVE("\x48" GETPID SYSCALL, 39));               /* prefixes */
	CHECK(!PROVE("\x66" GETPID SYSCALL, 39));
	CHECK(!PROVE("\x0f" GETPID SYSCALL, 39));
	CHECK(!PROVE("\xf0" GETPID SYSCALL, 39));
	CHECK(!PROVE("\x64\x80\x3d\x31\x33\x0e\0\0\x74\x17\x31\xc0" SYSCALL, 0));
	CHECK(!PROVE("\x67\x4c\x8b\x4c\x24\x08" SYSCALL, 1));
	CHECK(!PROVE("\x66\x4c\x8b\x4c\x24\x08" SYSCALL, 1));
	CHECK(!PROVE("\xc7\x45\xb8\x27\0\0\0" SYSCALL, 39));    /* movl $39,-0x48(%rbp) */
	CHECK(!PROVE("\xc7\x44\x24\xb8\x27\0\0\0" SYSCALL, 39));
	CHECK(!PROVE("\x8d\xb8\x27\0\0\0" SYSCALL, 39));        /* lea 39(%rax),%edi */
	CHECK(!PROVE("\x48\x8d\x84\xb8\x27\0\0\0" SYSCALL, 39));
	CHECK(!PROVE("\x0f\x1f\xb8\x27\0\0\0" SYSCALL, 39));
	CHECK(!PROVE("\x48\xba\x01\x02\x03\xb8\x27\0\0\0" SYSCALL, 39));        /* movabs */
	CHECK(!PROVE(RET "\x48\xba" GETPID SYSCALL, 39));       /* all of it the constant */
	CHECK(!PROVE(RET "\x4d\xb8\x01" GETPID SYSCALL, 39));
	CHECK(!PROVE(RET "\x48\xb8\x4c\x8b\x4c\x24\x08" SYSCALL, 1));
	CHECK(!PROVE(RET GETPID "\x31\xc0" SYSCALL, 39));       /* rax changes */
	CHECK(!PROVE(RET GETPID "\x41\x5f" SYSCALL, 39));       /* not on the list */
	CHECK(!PROVE(RET GETPID "\x48\x89\xfc" SYSCALL, 39));   /* writes rsp */
	CHECK(!PROVE(RET GETPID "\x48\x8d\x63\x08" SYSCALL, 39));      /* lea */
	CHECK(!PROVE(RET GETPID "\x8d\x43\x08" SYSCALL, 39));
	CHECK(!PROVE(RET GETPID "\x48\x8d\xf0" SYSCALL, 39));
	CHECK(!PROVE(RET GETPID "\x67\x48\x8d\x73\x08" SYSCALL, 39));
	CHECK(!PROVE(RET GETPID "\x48\x8d\x35\0\0\0" SYSCALL, 39));    /* cut off */
	CHECK(!PROVE(RET "\x48\x8b\x64\x24\x08" SYSCALL, 1));
	CHECK(!PROVE(RET "\x48\x8b\x74\x25\x10" SYSCALL, 1));   /* not relative to rsp */
	CHECK(!PROVE(RET "\x49\x8b\x74\x24\x10" SYSCALL, 1));
	CHECK(!PROVE(RET "\x80\x3d\x31\x33\x0e\0\x01\x74\x17\x31\xc0" SYSCALL, 0));
	CHECK(!PROVE(RET "\x80\x3d\x31\x33\x0e\0\0\x31\xc0" SYSCALL, 0));
	CHECK(!PROVE(RET "\x48\x89\xfa\x48\x89\xce\x48\x89\xdf" SYSCALL, 1));   /* Go: no room */
	CHECK(!PROVE(GETPID SYSCALL, 39));                      /* unknown before it */
	CHECK(!PROVE("\x27\0\0\0" SYSCALL, 39));
	CHECK(!PROVE(SYSCALL, 39) && !PROVE("\x05", 39) && !PROVE(RET GETPID "\x0f\x06", 39));
}

/* Whatever the bytes: what is proven stays inside them and adds up, and its
 * trampoline fits. */
static void test_proof_random(void)
{
#define PIECE(s) { (s), sizeof(s) - 1 }
	static const struct { const char *p; size_t n; } pieces[] = {
		PIECE(GETPID), PIECE("\x4c\x8b\x4c\x24\x08"), PIECE("\x31\xc0"), PIECE("\x80\x3d\1\2\3\4\0\x74\x17"),
		PIECE("\x48\x8d\x35\1\2\3\4"), PIECE("\x8d\x7c\x9d\1"), PIECE("\x48"), PIECE("\x40\x80\xf6\x81"), PIECE("\x48\x89\xca"), PIECE("\xb8"), PIECE("\x8b\x7c\x24\x04"),
	};
	const struct patch_text t = { 0x1000, 0x2f00, 0x1000, 0x3000 };
	uint8_t code[PATCH_LOOKBACK + 10], out[PATCH_TRAMPOLINE_MAX + 8];
	unsigned proven = 0;

	for (unsigned round = 0; round < 200000; round++) {
		size_t n = 2 + rnd() % (sizeof(code) - 1), sum = 0, size;
		struct patch_proof p;
		struct patch_site s;

		for (size_t k = 0; k < n; k++)
			code[k] = (uint8_t)rnd();
		for (size_t k = n - 2, i; k > 0; k -= pieces[i].n + (rnd() % 16 ? 0 : rnd() % MAX(k - pieces[i].n, 1ul))) {
			i = rnd() % ARRAY_SIZE(pieces);
			if (pieces[i].n > k)
				break;
			memcpy(code + k - pieces[i].n, pieces[i].p, pieces[i].n);
		}
		memcpy(code + n - 2, SYSCALL, 2);
		if (!patch_prove(code, n, rnd() & 1, rnd() % 3 ? 39 : rnd() % 2000, &p))
			continue;
		proven++;
		for (unsigned k = 0; k < p.count; k++)
			sum += p.len[k];
		CHECK(p.count && p.count <= PATCH_STEPS && sum == p.back && p.back <= n - 2 && p.len[0] >= 5);
		memset(out, 0xee, sizeof(out));
		size = patch_emit(&t, code, n, &p, 0x1800, 0x2f10, out, PATCH_TRAMPOLINE_MAX, &s);
		CHECK(size <= PATCH_TRAMPOLINE_MAX);
		for (size_t k = size ? PATCH_TRAMPOLINE_MAX : 0; k < (size ? sizeof(out) : 0); k++)
			CHECK(out[k] == 0xee);
		for (size_t k = 0; k < size; k++) {
			uint64_t at = patch_natural(&s, 0x2f10 + k);

			CHECK(at >= s.win && at <= s.site);
		}
		CHECK(!patch_emit(&t, code, n, &p, 0x1800, 0x2f10, out, size ? size - 1 : 0, &s));
	}
	CHECK(proven > 100);
}

/* ---- trampolines ---- */

static void test_emit(void)
{
	static const uint8_t read_code[] = RET "\x80\x3d\x00\x10\0\0\0\x74\x17\x31\xc0" SYSCALL;
	static const uint8_t want[] =
		"\x80\x3d\xf5\xff\xff\xff\0"            /* cmpb, 0x100b nearer */
		"\x0f\x84\x08\xf0\xff\xff"              /* je to where it went */
		"\x31\xc0"
		"\x48\x8d\x0d\xec\xef\xff\xff"          /* lea site+2 */
		"\xff\x25\xd2\xff\xff\xff";             /* jmp *slot */
	static const uint8_t lea_code[] = RET "\xb8\x0e\0\0\0\x48\x8d\x35\x00\x20\0\0" SYSCALL;
	static const uint8_t lea_want[] = "\xb8\x0e\0\0\0\x48\x8d\x35\xf4\x0f\0\0";
	struct patch_text here = { 0x1000, 0x2df8, 0x1000, 0x3000 };
	const uint64_t site = 0x1e0a, tramp = 0x2e0a;
	struct patch_proof p;
	struct patch_site s;
	uint8_t out[64], jump[8];

	CHECK(patch_slot(&here) == 0x2df8);
	CHECK(patch_prove(read_code, sizeof(read_code) - 1, false, 0, &p));
	CHECK(patch_emit(&here, read_code, sizeof(read_code) - 1, &p, site, tramp, out, sizeof(out), &s) ==
	      sizeof(want) - 1);
	CHECK(s.win == site - 11 && s.first == 7 && !memcmp(s.orig, read_code + 1, 7));
	CHECK(!memcmp(out, want, sizeof(want) - 1));
	/* Where a stopped task would be in the file. */
	CHECK(patch_natural(&s, tramp) == s.win && patch_natural(&s, tramp + 6) == s.win);
	CHECK(patch_natural(&s, tramp + 7) == s.win + 7 && patch_natural(&s, tramp + 13) == s.win + 9);
	CHECK(patch_natural(&s, tramp + 15) == site && patch_natural(&s, tramp + 22) == site);
	patch_jump(&s, jump);
	CHECK(jump[0] == 0xe9 && jump[5] == 0xcc && jump[6] == 0xcc);
	CHECK(s.win + 5 + (int64_t)(int32_t)(jump[1] | jump[2] << 8 | jump[3] << 16 | (uint32_t)jump[4] << 24) == tramp);
	/* The branch of the compare leads out of the text. */
	here.off = site + 10;
	CHECK(!patch_emit(&here, read_code, sizeof(read_code) - 1, &p, 0x1000, tramp, out, sizeof(out), &s));
	/* What lea takes relative to rip stays the same address. */
	CHECK(patch_prove(lea_code, sizeof(lea_code) - 1, false, 14, &p) && p.rip == 2);
	CHECK(patch_emit(&here, lea_code, sizeof(lea_code) - 1, &p, site, tramp, out, sizeof(out), &s));
	CHECK(!memcmp(out, lea_want, sizeof(lea_want) - 1));
}

/* ---- what a text holds ---- */

static void test_next_pair(void)
{
	for (unsigned round = 0; round < 20000; round++) {
		size_t n = rnd() % 40, want = 0;
		uint8_t *b = kmalloc(n + !n);
		const uint8_t *p;

		for (size_t i = 0; i < n; i++)
			b[i] = rnd() % 3 ? (uint8_t)"\x0f\x05\xa2\x0e\x10\x04\xa1\xa3"[rnd() % 8] : (uint8_t)rnd();
		while (want + 1 < n && !(b[want] == 0x0f && (b[want + 1] == 0x05 || b[want + 1] == 0xa2)))
			want++;
		p = patch_next_pair(b, b + n);
		CHECK(want + 1 < n ? p == b + want : !p);
		kfree(b);
	}
}

static void put32(uint8_t *p, uint64_t v)
{
	uint32_t w = (uint32_t)v;

	memcpy(p, &w, 4);
}

/* Functions of n bytes each, at these places, in a table at 0x32000. */
static void put_functions(plat_obj_t o, const uint64_t *start, unsigned count, unsigned n)
{
	static const uint8_t cie[] = "\x14\0\0\0\0\0\0\0\1zR\0\1\x78\x10\1\x1b\x0c\7\x08\x90\1";
	enum { TABLE = 0x32000, CIE = 0x32400 };
	uint8_t t[12 + 8 * 32] = "\1\x1b\x03\x3b", f[16];

	put32(t + 4, CIE - TABLE - 4);
	put32(t + 8, count);
	CHECK(!plat_obj_write(o, CIE, cie, sizeof(cie) - 1));
	for (unsigned i = 0; i < count; i++) {
		const uint64_t fde = CIE + 64 + 32 * i;

		put32(t + 12 + 8 * i, start[i] - TABLE);
		put32(t + 16 + 8 * i, fde - TABLE);
		put32(f, 0x14);
		put32(f + 4, fde + 4 - CIE);
		put32(f + 8, start[i] - (fde + 8));
		put32(f + 12, n);
		CHECK(!plat_obj_write(o, fde, f, sizeof(f)));
	}
	CHECK(!plat_obj_write(o, TABLE, t, 12 + 8 * count));
}

/* Call sites of frequent and odd calls, some at the edges of what is read at
 * once and of the text: the frequent ones are found, the first ones first. */
static void test_scan(void)
{
	static const uint8_t site[] = RET "\xb8\1\0\0\0" SYSCALL, constant[] = "\x48\xba\xb8\1\0\0\0\x0f";
	const struct patch_text t = { 0x1000, 0x31000, 0x1000, 0x32000 };
	const uint64_t at[] = { 0x1000, 0x2000, 0x3000, 0x3100, 0x4000, 0x10ff9, 0x11100, 0x20fe0, 0x20ffa, 0x21100,
				0x21200, 0x30fe0, 0x31000 - 7 };
	static const uint8_t nr[] = { 3, 110, 202, 15, 0, 1, 0, 1, 1, 1, 1, 0, 0 };
	static const uint16_t want[] = { 0, 0, 1, 1, 1, 1, 3, 202 };
	struct patch_eh eh_table = { .va = 0x32000, .size = 12 + 8 * ARRAY_SIZE(at), .off = 0x32000, .end = 0x33000 };
	struct patch_found *f = kmalloc(sizeof(*f));
	uint8_t b[sizeof(site) - 1];
	plat_obj_t o;

	CHECK(!plat_obj_new(0x33000, &o));
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		memcpy(b, site, sizeof(b));
		b[2] = nr[i];
		CHECK(!plat_obj_write(o, at[i], b, sizeof(b)));
	}
	CHECK(!plat_obj_write(o, 0x5000, site, sizeof(b)));     /* in no function */
	CHECK(!plat_obj_write(o, 0x4000, constant, sizeof(b)));
	CHECK(!plat_obj_write(o, 0x4008, SYSCALL "\x90", 3));
	put_functions(o, at, ARRAY_SIZE(at), sizeof(b));
	patch_scan(o, &t, &eh_table, 96, f);
	/* two of read, four of five of write, close, futex; the last is cut by the text's end */
	CHECK(f->sites == ARRAY_SIZE(want) && !f->cpuids);
	for (unsigned i = 0; i < f->sites && i < ARRAY_SIZE(want); i++)
		CHECK(f->site[i].nr == want[i]);
	CHECK(f->site[0].off == 0x11106 && f->site[2].off == 0x10fff);
	patch_scan(o, &t, &eh_table, 3, f);
	CHECK(f->sites == 3 && f->site[2].nr == 1);
	patch_scan(o, &t, &eh_table, 0, f);
	CHECK(!f->sites);
	eh_table.size = 0;
	patch_scan(o, &t, &eh_table, 96, f);
	CHECK(!f->sites);
	plat_obj_free(o);
	kfree(f);
}

/* The return from a handler: where the tables call it a signal's frame. */
static void test_return(void)
{
	static const uint8_t code[] = "\0\x48\xc7\xc0\x0f\0\0\0" SYSCALL;
	static const uint8_t zrs[] = "\x10\0\0\0\0\0\0\0\1zRS\0\1\x78\x10\1\x1b\0\0";
	static const uint64_t at[] = { 0x2000 };
	const struct patch_text t = { 0x1000, 0x31000, 0x1000, 0x32000 };
	const struct patch_eh table = { .va = 0x32000, .size = 12 + 8, .off = 0x32000, .end = 0x33000 };
	struct patch_found *f = kmalloc(sizeof(*f));
	uint8_t b[sizeof(code) - 1];
	struct patch_proof p;
	plat_obj_t o;

	memcpy(b, code, sizeof(b));
	CHECK(patch_prove_return(b, sizeof(b), &p) && p.back == 7 && p.count == 1 && p.len[0] == 7 && p.nr == 15);
	CHECK(patch_prove_return(b + 1, sizeof(b) - 1, &p) && !patch_prove_return(b + 2, sizeof(b) - 2, &p));
	for (size_t i = 1; i < sizeof(b); i++) {
		b[i] ^= 1;
		CHECK(!patch_prove_return(b, sizeof(b), &p));
		b[i] ^= 1;
	}
	CHECK(!PROVE("\x90\x48\xc7\xc0\x0f\0\0\0" SYSCALL, 15));
	CHECK(!plat_obj_new(0x33000, &o) && !plat_obj_write(o, at[0], code, sizeof(b)));
	put_functions(o, at, 1, sizeof(b));
	patch_scan(o, &t, &table, 96, f);
	CHECK(!f->sites);
	CHECK(!plat_obj_write(o, 0x32400, zrs, sizeof(zrs) - 1));
	patch_scan(o, &t, &table, 96, f);
	CHECK(f->sites == 1 && f->site[0].nr == 15 && f->site[0].off == 0x2008);
	put_functions(o, at, 1, sizeof(b) + 1);         /* more than that */
	CHECK(!plat_obj_write(o, 0x32400, zrs, sizeof(zrs) - 1));
	patch_scan(o, &t, &table, 96, f);
	CHECK(!f->sites);
	plat_obj_free(o);
	kfree(f);
}

/* ---- headers ---- */

static struct elf64_ehdr eh;
static struct elf64_phdr ph[4];

static void good_headers(void)
{
	memset(&eh, 0, sizeof(eh));
	memset(ph, 0, sizeof(ph));
	memcpy(eh.ident, ELF_MAGIC "\2\1\1", 7);
	eh.type = ET_DYN;
	eh.machine = EM_X86_64;
	eh.phentsize = sizeof(ph[0]);
	eh.phnum = 4;
	ph[0] = (struct elf64_phdr){ .type = PT_LOAD, .flags = PF_R, .filesz = 0x500, .memsz = 0x500 };
	ph[1] = (struct elf64_phdr){ .type = PT_LOAD, .flags = PF_R | PF_X, .offset = 0x1000, .vaddr = 0x1000,
				     .filesz = 0x1e00, .memsz = 0x1e00 };
	ph[2] = (struct elf64_phdr){ .type = PT_LOAD, .flags = PF_R | PF_W, .offset = 0x3010, .vaddr = 0x4010,
				     .filesz = 0x100, .memsz = 0x4000 };
	ph[3] = (struct elf64_phdr){ .type = PT_GNU_STACK, .flags = PF_R | PF_W };
}

static void test_text_find(void)
{
	struct patch_text t;

#define REFUSED(change) do { good_headers(); change; CHECK(!patch_text_find(&eh, ph, 0x4000, &t)); } while (0)
	good_headers();
	CHECK(patch_text_find(&eh, ph, 0x4000, &t));
	CHECK(t.off == 0x1000 && t.end == 0x2e00 && t.page_off == 0x1000 && t.page_end == 0x3000);
	REFUSED(eh.ident[0] = 0);
	REFUSED(eh.ident[EI_CLASS] = 1);
	REFUSED(eh.machine = 3);
	REFUSED(eh.type = 1);
	REFUSED(ph[1].flags |= PF_W);
	REFUSED(ph[1].flags = PF_X);
	REFUSED(ph[0].flags |= PF_X);
	REFUSED(ph[1].filesz = ph[1].memsz = 0x1fff);
	REFUSED(ph[1].filesz = ph[1].memsz = 0x2000);
	REFUSED(ph[1].filesz = ph[1].memsz = 0);
	REFUSED(ph[1].memsz++);
	REFUSED(ph[1].filesz = ph[1].memsz = 0x3001);
	REFUSED(ph[1].offset = UINT64_MAX - 0xfff);
	REFUSED(ph[1].vaddr++);
	REFUSED(ph[2].offset = 0x2f00);
	REFUSED(ph[0].filesz = 0x1001);
	REFUSED(ph[0].offset = UINT64_MAX - 4);
	REFUSED(ph[2].offset = INT64_MAX);
#undef REFUSED
}

static void test_text_random(void)
{
	for (unsigned round = 0; round < 200000; round++) {
		uint64_t size = rnd() % 5 ? 0x4000 : rnd();
		struct patch_text t;

		good_headers();
		for (unsigned k = rnd() % 4; k; k--) {
			uint8_t *at = rnd() % 4 ? (uint8_t *)ph + rnd() % (3 * sizeof(ph[0])) : (uint8_t *)&eh + rnd() % 24;

			*at = (uint8_t)(rnd() & 1 ? rnd() : 1u << rnd() % 8);
		}
		if (!patch_text_find(&eh, ph, size, &t))
			continue;
		CHECK(t.off < t.end && t.end <= size && t.page_off <= t.off && t.end < t.page_end &&
		      t.page_end - t.end < PAGE_SIZE && t.end - t.off <= PATCH_TEXT_MAX);
	}
}

const struct unit_test unit_patch_tests[] = {
	{ "patch-proof", test_proof_known }, { "patch-refused", test_proof_refused },
	{ "patch-random", test_proof_random }, { "patch-pairs", test_next_pair }, { "patch-scan", test_scan },
	{ "patch-return", test_return },
	{ "patch-emit", test_emit },
	{ "patch-headers", test_text_find }, { "patch-headers-random", test_text_random }, { NULL, NULL },
};
