/* SPDX-License-Identifier: Apache-2.0 */
/* Classic BPF over struct linux_seccomp_data: aligned words inside it may be loaded. */
#include "kernel/lib/bpf.h"
#include "kernel/security/security.h"

#define DATA_SIZE ((uint32_t)sizeof(struct linux_seccomp_data))

static bool extra(const struct linux_sock_filter *f)
{
	return f->code == (BPF_LD | BPF_W | BPF_ABS) && f->k <= DATA_SIZE - 4 && !(f->k & 3);
}

static bool load(const void *data, const struct linux_sock_filter *f, uint32_t x, uint32_t *a)
{
	(void)x;
	memcpy(a, (const char *)data + f->k, sizeof *a);
	return true;
}

int bpf_validate(const struct linux_sock_filter *prog, unsigned count)
{
	return bpf_check(prog, count, extra);
}

uint32_t bpf_run(const struct linux_sock_filter *prog, unsigned count, const struct linux_seccomp_data *d)
{
	return bpf_interpret(prog, count, DATA_SIZE, load, d);
}
