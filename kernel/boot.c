/* SPDX-License-Identifier: Apache-2.0 */
/* Where the kernel starts: CPU 0, on its boot stack, nothing else running. */
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"
#include <boot.h>

static const struct boot_params *boot;

static void first(void)
{
	mm_init();
	vdso_init();
	vfs_init();
	memlimit_init(boot);
	task_init_boot(boot);
}

__noreturn void kernel_main(const struct boot_params *bp)
{
	if (bp->version != BOOT_VERSION)
		plat_panic("boot parameters of another version");
	boot = bp;
	lib_init();
	sched_start(first, bp->dense_cpus);
}
