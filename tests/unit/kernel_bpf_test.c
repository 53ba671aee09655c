/* SPDX-License-Identifier: Apache-2.0 */
/* Units of the seccomp filters' interpreter (kernel/security/bpf.c).  Built as
 * kernel code. */
#include "kernel/lib/lib.h"
#include "kernel/security/security.h"
#include "tests/unit/unit.h"

#define CHECK(c) unit_check((c), __FILE__, __LINE__, #c)
#define INSN(c, t, f, v) (struct linux_sock_filter){ .code = (c), .jt = (t), .jf = (f), .k = (v) }
#define ALLOW 0x7fff0000u

static void test_known(void)
{
	struct linux_seccomp_data d = { .nr = 39 };
	struct linux_sock_filter p[4];

	p[0] = INSN(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0);
	p[1] = INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 39);
	p[2] = INSN(BPF_RET | BPF_K, 0, 0, ALLOW);
	p[3] = INSN(BPF_RET | BPF_K, 0, 0, 0x50001);
	CHECK(!bpf_validate(p, 4) && bpf_run(p, 4, &d) == ALLOW);
	d.nr = 40;
	CHECK(bpf_run(p, 4, &d) == 0x50001);
	CHECK(bpf_validate(p, 0) && bpf_validate(p, 1) && bpf_validate(p, 2));
	p[1].jf = 2;                    /* behind the end */
	CHECK(bpf_validate(p, 4));
	p[1].jf = 1;
	p[0].k = sizeof(d);             /* behind the data */
	CHECK(bpf_validate(p, 4));
	p[0] = INSN(BPF_ALU | BPF_DIV | BPF_X, 0, 0, 0);        /* by zero: ends the program, kills */
	p[1] = INSN(BPF_RET | BPF_K, 0, 0, ALLOW);
	CHECK(!bpf_validate(p, 2) && bpf_run(p, 2, &d) == 0);
	p[0] = INSN(BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0);
	CHECK(bpf_validate(p, 2));
}

/* What passes the check ends, and stays inside its data and scratch words: the
 * sanitizers look. */
static void test_any(void)
{
	static const uint8_t codes[] = {
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x15, 0x16, 0x1d, 0x20, 0x25, 0x2c,
		0x35, 0x3c, 0x34, 0x45, 0x60, 0x61, 0x64, 0x6c, 0x74, 0x80, 0x81, 0x84, 0x87, 0xa4,
	};
	struct linux_seccomp_data d = { .nr = 1, .args = { 1, ~0ull, 3, 4, 5, 6 } };
	struct linux_sock_filter p[12];
	unsigned passed = 0;

	for (unsigned n = 0; n < 20000; n++) {
		uint64_t r[ARRAY_SIZE(p)];
		unsigned count;

		krandom(r, sizeof(r));
		count = 1 + (unsigned)(r[0] % ARRAY_SIZE(p));
		for (unsigned i = 0; i < count; i++)
			p[i] = INSN(codes[(r[i] >> 40) % ARRAY_SIZE(codes)], (r[i] >> 8) % 4, (r[i] >> 16) % 4,
				    r[i] >> 60 ? (uint32_t)(r[i] >> 24) % 68 : (uint32_t)(r[i] >> 24));
		p[count - 1] = INSN(BPF_RET | BPF_A, 0, 0, 0);
		if (!bpf_validate(p, count)) {
			(void)bpf_run(p, count, &d);
			passed++;
		}
	}
	CHECK(passed > 1000);
}

const struct unit_test unit_bpf_tests[] = { { "bpf-known", test_known }, { "bpf-any", test_any }, { NULL, NULL } };
