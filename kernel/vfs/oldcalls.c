/* SPDX-License-Identifier: Apache-2.0 */
/* ustat(2) and sysfs(2), which statfs(2) and /proc/filesystems replace. */
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/internal.h"

struct linux_ustat { int32_t tfree; uint64_t tinode; char fname[6], fpack[6]; };
_Static_assert(sizeof(struct linux_ustat) == 32, "struct ustat");

/* What stat(2) gives for a device, in the old 32 bits. */
static uint32_t dev_encode(uint64_t dev)
{
	return (MINOR(dev) & 0xff) | MAJOR(dev) << 8 | (MINOR(dev) & ~0xffu) << 12;
}

SYSCALL2(ustat, unsigned, dev, uaddr, to)
{
	struct linux_ustat u = { 0 };
	struct super_block *sb = NULL;
	struct kstatfs k = { 0 };
	struct mount *m;
	int err;

	spin_lock(&mount_lock);
	list_for_each(m, &t->mntns->mounts, ns_link)
		if (dev_encode(m->sb->dev) == dev) {
			sb = m->sb;
			ref_get(&sb->ref);
			break;
		}
	spin_unlock(&mount_lock);
	if (!sb)
		return -EINVAL;
	err = sb->ops && sb->ops->statfs ? sb->ops->statfs(sb, &k) : 0;
	super_put(sb);
	if (err)
		return err;
	u.tfree = (int32_t)k.bfree;
	u.tinode = k.ffree;
	return copy_out(to, &u, sizeof(u));
}

#define FS_INDEX 1
#define FS_NAME 2
#define FS_COUNT 3

SYSCALL3(sysfs, int, option, uint64_t, a, uaddr, to)
{
	unsigned count = 0, k;
	char name[64];
	long n;

	while (fs_types[count])
		count++;
	switch (option) {
	case FS_INDEX:
		n = copy_in_str(name, (ustr){ a }, sizeof(name));
		if (n < 0)
			return n == -ENAMETOOLONG ? -EINVAL : n;
		for (k = 0; k < count; k++)
			if (!strcmp(fs_types[k]->name, name))
				return k;
		return -EINVAL;
	case FS_NAME:
		return a >= count ? -EINVAL : copy_out(to, fs_types[a]->name, strlen(fs_types[a]->name) + 1);
	case FS_COUNT:
		return count;
	default:
		return -EINVAL;
	}
}
