/* SPDX-License-Identifier: Apache-2.0 */
/* memfd.c: memfd_create(2): an unnamed tmpfs file behind a descriptor.
 * Seals, mapping and I/O are those of tmpfs. */
#include "kernel/mm/internal.h"
#include "kernel/fs/tmpfs/tmpfs.h"
#include "kernel/syscall/syscall.h"

#define MEMFD_NAME_SIZE 250             /* with NUL, memfd_create(2) */

SYSCALL2(memfd_create, ustr, uname, unsigned, flags)
{
	static const char prefix[] = "memfd:";
	char name[sizeof(prefix) + MEMFD_NAME_SIZE];
	struct file *f;
	int err, fd;
	long n;

	if (flags & MFD_HUGETLB)
		return -ENOSYS;
	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	memcpy(name, prefix, sizeof(prefix));
	n = copy_in_str(name + sizeof(prefix) - 1, uname, MEMFD_NAME_SIZE);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	err = tmpfs_new_file(name, 0, flags & MFD_NOEXEC_SEAL ? TMPFS_FILE_NOEXEC :
			     flags & MFD_ALLOW_SEALING ? TMPFS_FILE_SEALS : 0, &f);
	if (err)
		return err;
	if (f->inode) {
		mutex_lock(&f->inode->lock);
		f->inode->mode = (f->inode->mode & S_IFMT) | (flags & MFD_NOEXEC_SEAL ? 0666 : 0777);
		mutex_unlock(&f->inode->lock);
	}
	fd = fd_add(f, flags & MFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}
