/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what the host side answers.
 *
 * Trust: nothing here is believed; a value outside what Linux documents for
 * the call becomes EIO.  Lengths are clamped by the callers, which know their
 * buffers. */
#include "kernel/fs/hostfs/hostfs.h"

/* Errors that path and file operations may have (the ERRORS sections of the
 * manual pages); anything else would reach programs as nonsense. */
int hostfs_errno(int err)
{
	switch (-err) {
	case 0:
	case EPERM: case ENOENT: case EINTR: case EIO: case ENXIO: case EAGAIN:
	case ENOMEM: case EACCES: case EBUSY: case EEXIST: case EXDEV:
	case ENODEV: case ENOTDIR: case EISDIR: case EINVAL: case ENFILE:
	case EMFILE: case ETXTBSY: case EFBIG: case ENOSPC: case ESPIPE:
	case EROFS: case EMLINK: case ERANGE: case ENAMETOOLONG: case ENOSYS:
	case ENOTEMPTY: case ELOOP: case ENODATA: case EOVERFLOW:
	case EOPNOTSUPP: case ESTALE: case EDQUOT: case E2BIG:
		return err == -EINTR ? -EIO : err;
	default:
		return -EIO;
	}
}

int hostfs_check_attr(const struct hc_attr *a)
{
	switch (a->mode & S_IFMT) {
	case S_IFREG: case S_IFDIR: case S_IFLNK: case S_IFSOCK:
	case S_IFIFO: case S_IFCHR: case S_IFBLK:
		break;
	default:
		return -EIO;
	}
	if (a->mode & ~(S_IFMT | S_IALLUGO))
		return -EIO;
	if (a->size > INT64_MAX || a->blocks > INT64_MAX)
		return -EIO;
	return 0;
}

bool hostfs_check_name(const char *name, size_t n)
{
	if (n < 1 || n > HC_NAME_MAX)
		return false;
	if (memchr(name, '/', n) || memchr(name, 0, n))
		return false;
	return !(name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')));
}
