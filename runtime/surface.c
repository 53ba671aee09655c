/* SPDX-License-Identifier: Apache-2.0 */
/* The host calls of each kind of process, counted from the very filters that
 * they install.
 *
 * How it works: the program is followed for each call number; a comparison of
 * anything but the number (arguments, addresses) is taken both ways.  A call
 * counts when some way reaches ALLOW, so argument checks never lower the
 * count.  Seccomp programs only jump forward: the walk ends. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include "host/isolate/lists.h"
#include "platform/process/internal.h"
#include "runtime/surface.h"

#define PROGRAM_MAX 512
#define ACC_OTHER 1u            /* reached with the accumulator holding something unknown */
#define ACC_NR 2u               /* … the call's number */

/* Can nr reach ALLOW? */
static bool reaches_allow(const struct sock_filter *f, size_t n, uint32_t nr)
{
	uint8_t reach[PROGRAM_MAX + 1] = { [0] = ACC_OTHER };
	size_t pc, t, e;
	unsigned acc;

	for (pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &f[pc];

		for (acc = ACC_OTHER; acc <= ACC_NR; acc <<= 1) {
			bool yes = true, no = true;

			if (!(reach[pc] & acc))
				continue;
			switch (BPF_CLASS(i->code)) {
			case BPF_RET:
				if ((i->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
					return true;
				continue;
			case BPF_LD:
				reach[pc + 1] |= i->k == offsetof(struct seccomp_data, nr) ? ACC_NR : ACC_OTHER;
				continue;
			case BPF_JMP:
				if (BPF_OP(i->code) == BPF_JA) {
					if (pc + 1 + i->k < n)
						reach[pc + 1 + i->k] |= acc;
					continue;
				}
				if (acc == ACC_NR) {
					switch (BPF_OP(i->code)) {
					case BPF_JEQ: yes = nr == i->k; break;
					case BPF_JGE: yes = nr >= i->k; break;
					case BPF_JGT: yes = nr > i->k; break;
					default: yes = (nr & i->k) != 0; break;
					}
					no = !yes;
				}
				t = pc + 1 + i->jt;
				e = pc + 1 + i->jf;
				if (yes && t < n)
					reach[t] |= acc;
				if (no && e < n)
					reach[e] |= acc;
				continue;
			default:                /* arithmetic: the number is lost */
				reach[pc + 1] |= ACC_OTHER;
			}
		}
	}
	return false;
}

static int add_program(struct surface *s, const struct sock_filter *f, size_t n, bool both)
{
	uint32_t nr;

	if (n > PROGRAM_MAX)
		return -E2BIG;
	for (nr = 0; nr < SURFACE_CALLS; nr++)
		s->allowed[nr] = reaches_allow(f, n, nr) && (!both || s->allowed[nr]);
	return 0;
}

static int add_stub(struct surface *s, const uint8_t *image, uint32_t head, uint32_t insns, bool both)
{
	struct sock_fprog prog;

	memcpy(&prog, image + head, sizeof(prog));
	return add_program(s, (const struct sock_filter *)(const void *)(image + insns), prog.len, both);
}

int surface_of(unsigned kind, struct surface *ret)
{
	static const char *const kinds[SURFACE_KINDS] = {
		"sandbox", "gofer", "monitor", "stub app thread", "stub mapper",
	};
	struct sock_filter filter[SECCOMP_FILTER_MAX];
	uint8_t *image;
	unsigned nr;
	int err = 0;

	if (kind >= SURFACE_KINDS)
		return -EINVAL;
	*ret = (struct surface){ .kind = kinds[kind] };
	switch (kind) {
	case 0:
		err = add_program(ret, filter, seccomp_build(isolate_sandbox_calls, isolate_sandbox_count, filter), false);
		break;
	case 1:
		err = add_program(ret, filter, seccomp_build(isolate_gofer_calls, isolate_gofer_count, filter), false);
		break;
	case 2:
		err = add_program(ret, filter, seccomp_build(isolate_monitor_calls, isolate_monitor_count, filter), false);
		break;
	default:
		image = aligned_alloc(4096, IMAGE_SIZE);
		if (!image)
			return -ENOMEM;
		memset(image, 0, IMAGE_SIZE);
		err = filter_build(image);
		if (!err)
			err = add_stub(ret, image, IMAGE_PROG_MAPPER, IMAGE_INSNS_MAPPER, false);
		/* App threads have both programs, the stricter answer counts. */
		if (!err && kind == 3)
			err = add_stub(ret, image, IMAGE_PROG_APP, IMAGE_INSNS_APP, true);
		free(image);
	}
	for (nr = 0; nr < SURFACE_CALLS; nr++)
		ret->count += ret->allowed[nr];
	return err;
}

const char *surface_name(unsigned nr)
{
	const struct isolate_call *c;

	for (c = isolate_names; c->name; c++)
		if (c->nr == (int)nr)
			return c->name;
	return "?";
}
