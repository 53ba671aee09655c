/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock: what no path of the host may be used for, whatever else fails.
 *
 * The gofer reads beneath its roots and writes beneath the writable ones; it
 * may never execute, nor make sockets and devices.  The sandbox has no root
 * at all.  The constants are ours, since build hosts have older headers than
 * running kernels; see landlock(7). */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host/isolate/landlock.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_REMOVE_DIR (1ull << 4)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_DIR (1ull << 7)
#define FS_MAKE_REG (1ull << 8)
#define FS_MAKE_SOCK (1ull << 9)
#define FS_MAKE_FIFO (1ull << 10)
#define FS_MAKE_SYM (1ull << 12)
#define FS_REFER (1ull << 13)           /* ABI 2 */
#define FS_TRUNCATE (1ull << 14)        /* ABI 3 */

struct ruleset_attr { uint64_t fs, net, scoped; };
struct beneath_attr { uint64_t allowed; int32_t parent_fd; } __attribute__((packed));

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);

	return abi < 0 ? 0 : (int)abi;
}

int landlock_restrict(const struct landlock_root *roots, size_t count)
{
	int abi = landlock_abi(), fd, err = 0;
	unsigned fs_bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
	struct ruleset_attr attr = { .fs = (1ull << fs_bits) - 1 };
	size_t attr_size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8, i;

	if (abi == 0)
		return 0;
	if (abi >= 4)
		attr.net = 3;           /* TCP bind, connect */
	if (abi >= 6)
		attr.scoped = 3;        /* abstract sockets, signals */
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size, 0u);
	if (fd < 0)
		return -errno;
	for (i = 0; i < count && !err; i++) {
		struct beneath_attr rule = {
			.allowed = FS_READ_FILE | FS_READ_DIR, .parent_fd = roots[i].fd,
		};

		if (roots[i].writable)
			rule.allowed |= FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
					FS_MAKE_REG | FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER | FS_TRUNCATE;
		rule.allowed &= attr.fs;
		if (syscall(SYS_landlock_add_rule, fd, 1, &rule, 0u))
			err = -errno;
	}
	if (!err && syscall(SYS_landlock_restrict_self, fd, 0u))
		err = -errno;
	close(fd);
	return err;
}
