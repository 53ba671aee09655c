/* SPDX-License-Identifier: Apache-2.0 */
/* The file systems that this kernel knows, and the start of the VFS. */
#include "kernel/vfs/internal.h"

const struct fs_type *const fs_types[] = {
	&sysfs_type, &tmpfs_type, &proc_type, &devtmpfs_type, &devpts_type, &overlay_type,
	&hostfs_type, NULL,
};

const struct fs_type *fs_type_find(const char *name)
{
	for (unsigned k = 0; fs_types[k]; k++)
		if (!strcmp(fs_types[k]->name, name))
			return fs_types[k];
	return NULL;
}

void vfs_init(void)
{
	dcache_init();
	mutex_init(&mount_sem);
	rename_init();
	files_anon_init();
	dnotify_init();
}
