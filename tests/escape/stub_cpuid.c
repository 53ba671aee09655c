/* SPDX-License-Identifier: Apache-2.0 */
/* stub_cpuid.c: cpuid's stand-in is answered by the stub where the kernel says so
 * and nowhere else, whatever a program does to the tables. */
#include <string.h>
#include <sys/sysinfo.h>

#include "tests/escape/stub_harness.h"

static const struct plat_cpuid answers[] = {
	{ 0, 0, 0xd, 0x756e6547, 0x6c65746e, 0x49656e69, PLAT_CPUID_ANY }, { 7, 0, 1, 2, 3, 4, PLAT_CPUID_ANY },
	{ 7, 1, 0xffffffff, 0x80000000, 5, 6, PLAT_CPUID_ANY }, { 0x80000000, 0, 0x80000008, 0, 0, 0, PLAT_CPUID_ANY },
};

static void offer(plat_as_t as)
{
	const uint64_t sites[] = { 0x1234, guest_at(guest_cpuid_at), guest_at(guest_cpuid_loop_at) };

	plat_cpuid_offer(as, sites, ARRAY_SIZE(sites), answers, ARRAY_SIZE(answers));
}

static struct plat_trap ask(plat_as_t as, struct plat_uctx *u, uint64_t leaf, uint64_t sub)
{
	u->regs.rip = guest_at(guest_cpuid);
	u->regs.r13 = leaf;
	u->regs.r14 = sub;
	return run(as, u);
}

static bool fault(const struct plat_trap *t, const struct plat_uctx *u, const char *at)
{
	return t->kind == PLAT_TRAP_EXCEPTION && t->signo == 11 && t->code == 128 && t->addr == 0 &&
	       t->trapno == PLAT_CPUID_TRAPNO && t->err == PLAT_CPUID_ERR && u->regs.rip == guest_at(at);
}

static bool trapped(plat_as_t as, struct plat_uctx *u, uint64_t leaf, uint64_t sub)
{
	struct plat_trap t = ask(as, u, leaf, sub);

	return fault(&t, u, guest_cpuid_at) && u->regs.rax == leaf && u->regs.rcx == sub && u->regs.rbx == UINT64_MAX;
}

static bool answered(plat_as_t as, struct plat_uctx *u, uint64_t leaf, uint64_t sub, const uint32_t *want)
{
	struct plat_trap t = ask(as, u, leaf, sub);
	const struct plat_regs *r = &u->regs;

	return t.kind == PLAT_TRAP_SYSCALL && r->r8 == want[0] && r->rbx == want[1] && r->r9 == want[2] &&
	       r->rdx == want[3] && (r->rflags & 1) && r->rdi == 0x101 && r->rsp == GUEST_STACK + GUEST_STACK_SIZE - 64;
}

static bool offered(plat_as_t as, struct plat_uctx *u)
{
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		ok &= answered(as, u, answers[i].leaf, answers[i].subleaf, &answers[i].eax);
	return ok;
}

static void where_offered(plat_as_t as, struct plat_uctx *u)
{
	struct plat_trap t;

	CHECK(trapped(as, u, 0, 0));
	offer(as);
	CHECK(offered(as, u));
	/* The subleaf does where there are some. */
	CHECK(answered(as, u, 0, 77, &answers[0].eax) && answered(as, u, 0x80000000, 1, &answers[3].eax));
	/* Upper halves do not count; other questions are the kernel's. */
	CHECK(answered(as, u, 0xabcdef0100000007, 0x1234567800000001, &answers[2].eax));
	CHECK(trapped(as, u, 7, 2) && trapped(as, u, 1, 0) && trapped(as, u, 0x80000001, 0));
	/* Another place, and a program that steps. */
	u->regs.rip = guest_at(guest_cpuid_other);
	t = run(as, u);
	CHECK(fault(&t, u, guest_cpuid_other));
	u->regs.rip = guest_at(guest_cpuid_at);
	u->regs.rax = u->regs.rcx = 0;
	u->regs.rflags |= 0x100;
	t = run(as, u);
	CHECK(fault(&t, u, guest_cpuid_at));
	u->regs.rflags &= ~0x100ul;
	CHECK(offered(as, u));
	plat_cpuid_revoke(as);
	CHECK(trapped(as, u, 0, 0));
	plat_cpuid_offer(as, NULL, 0, answers, ARRAY_SIZE(answers));
	CHECK(trapped(as, u, 0, 0));
	offer(as);
	CHECK(offered(as, u));
}

/* What one core says is not said on another. */
static void of_cores(plat_as_t as, struct plat_uctx *u)
{
	const uint64_t site = guest_at(guest_cpuid_at);
	struct plat_cpuid list[64] = { { .leaf = 0xb, .core = 1000 } };
	unsigned known = 0;

	plat_cpuid_offer(as, &site, 1, list, 1);
	CHECK(trapped(as, u, 0xb, 0));
	for (uint32_t i = 0; i < ARRAY_SIZE(list); i++)
		list[i] = (struct plat_cpuid){ .leaf = 0xb, .core = i, .eax = i + 1, .ebx = i + 2, .ecx = i + 3, .edx = i + 4 };
	plat_cpuid_offer(as, &site, 1, list, ARRAY_SIZE(list));
	for (unsigned i = 0; i < 50; i++) {
		struct plat_trap t = ask(as, u, 0xb, 0);
		const struct plat_regs *r = &u->regs;

		known += t.kind == PLAT_TRAP_SYSCALL && r->r8 && r->r8 <= (uint64_t)get_nprocs_conf() && r->rbx == r->r8 + 1 &&
			 r->r9 == r->r8 + 2 && r->rdx == r->r8 + 3;
	}
	CHECK(known == 50 || get_nprocs_conf() > 64);
	offer(as);
}

static void forged(plat_as_t as, struct plat_uctx *u)
{
	static const uint32_t lie[4] = { 9, 8, 7, 6 };
	struct stub_box *box = box_of(as);

	/* Counts beyond the tables: the search ends with them. */
	memset(box->cpuid_site, 0, sizeof(box->cpuid_site));
	box->cpuid_sites = UINT32_MAX;
	CHECK(trapped(as, u, 0, 0));
	box->cpuid_site[CPUID_SITES - 1] = guest_at(guest_cpuid_at);
	memset(box->cpuid_question, 0xff, sizeof(box->cpuid_question));
	box->cpuid_answers = UINT32_MAX;
	CHECK(trapped(as, u, 0, 0));
	/* A program can lie to itself, until the kernel speaks again. */
	box->cpuid_question[CPUID_ANSWERS - 1] = 1ull << 32 | 7;
	box->cpuid_core[CPUID_ANSWERS - 1] = CPUID_ANY_CORE;
	memcpy(box->cpuid_answer[CPUID_ANSWERS - 1], lie, sizeof(lie));
	CHECK(answered(as, u, 7, 1, lie));
	CHECK(trapped(as, u, 7, 0));
	offer(as);
	CHECK(offered(as, u));
}

/* Neither a child nor the next owner of the mailbox has what was offered. */
static void inherited(plat_as_t as, struct plat_uctx *u)
{
	struct plat_uctx *c = guest_ctx(guest_cpuid);
	plat_as_t child;

	CHECK(plat_as_fork(as, &child) == 0);
	CHECK(trapped(child, c, 0, 0) && offered(as, u));
	offer(child);
	CHECK(offered(child, c));
	plat_as_free(child);
	guest_ctx_free(c);
	for (unsigned i = 0; i < 20; i++) {
		plat_as_t next = guest_as();
		struct plat_uctx *n = guest_ctx(guest_cpuid);
		const struct stub_box *box;

		CHECK(trapped(next, n, 0, 0));
		box = box_of(next);
		for (unsigned k = 0; k < CPUID_SITES; k++)
			CHECK(!box->cpuid_site[k]);
		offer(next);
		CHECK(offered(next, n));
		plat_as_free(next);
		guest_ctx_free(n);
	}
}

/* A program that does nothing else is still stopped at the end of its time. */
static void kicked(plat_as_t as)
{
	struct plat_uctx *u = guest_ctx(guest_cpuid_loop);
	uint64_t turns = 0;

	offer(as);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t start = plat_time_mono_ns();
		struct plat_trap t;

		user_run(as, u, start + 1000000, &t);
		CHECK(t.kind == PLAT_TRAP_KICK && plat_time_mono_ns() - start < 2 * NSEC_PER_SEC);
		CHECK(u->regs.r12 >= turns);
		turns = u->regs.r12;
		if (t.kind != PLAT_TRAP_KICK)
			break;
	}
	CHECK(turns > 100);
	guest_ctx_free(u);
}

void test_cpuid(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_cpuid);

	where_offered(as, u);
	of_cores(as, u);
	forged(as, u);
	inherited(as, u);
	guest_ctx_free(u);
	plat_as_free(as);
	as = guest_as();
	kicked(as);
	plat_as_free(as);
}
