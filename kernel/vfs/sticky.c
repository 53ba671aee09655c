/* SPDX-License-Identifier: Apache-2.0 */
/* What others may have laid out in a directory that all may write to: the
 * settings fs.protected_* of proc(5).
 *
 * With them a program that follows, links or opens a name in such a directory
 * does not reach an object that somebody else chose for it.  The settings are
 * the sandbox's, as they are the machine's on Linux. */
#include "kernel/vfs/internal.h"

static uint32_t settings[PROTECTED_COUNT] = {          /* atomic words */
	[PROTECTED_SYMLINKS] = 1, [PROTECTED_HARDLINKS] = 1,
};

uint32_t sticky_setting(enum sticky_setting s)
{
	return __atomic_load_n(&settings[s], __ATOMIC_RELAXED);
}

void sticky_set(enum sticky_setting s, uint32_t v)
{
	__atomic_store_n(&settings[s], v, __ATOMIC_RELAXED);
}

int sticky_may_follow(struct inode *dir, const struct inode *link)
{
	const uint32_t shared = S_ISVTX | S_IWOTH;

	if ((inode_mode(dir) & shared) != shared || !sticky_setting(PROTECTED_SYMLINKS))
		return 0;
	return link->uid == current_cred()->fsuid || link->uid == dir->uid ? 0 : -EACCES;
}

int sticky_may_link(struct inode *i)
{
	uint32_t mode = inode_mode(i);

	if (!sticky_setting(PROTECTED_HARDLINKS) || owner_or_capable(i))
		return 0;
	if (!S_ISREG(mode) || (mode & S_ISUID) || (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return -EPERM;
	return inode_permission(i, MAY_READ | MAY_WRITE) ? -EPERM : 0;
}

/* open(2) with O_CREAT of what is there already. */
int sticky_may_open(struct inode *dir, struct inode *i)
{
	uint32_t mode = inode_mode(dir), setting;

	if (!(mode & S_ISVTX))
		return 0;
	if (S_ISREG(inode_mode(i)))
		setting = sticky_setting(PROTECTED_REGULAR);
	else if (S_ISFIFO(inode_mode(i)))
		setting = sticky_setting(PROTECTED_FIFOS);
	else
		return 0;
	if (!setting || i->uid == dir->uid || i->uid == current_cred()->fsuid)
		return 0;
	return (mode & S_IWOTH) || ((mode & S_IWGRP) && setting >= 2) ? -EACCES : 0;
}
