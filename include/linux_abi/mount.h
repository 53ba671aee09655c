/* SPDX-License-Identifier: Apache-2.0 */
/* mount(2), umount2(2) flags. */
#ifndef NACRE_LINUX_ABI_MOUNT_H
#define NACRE_LINUX_ABI_MOUNT_H

#define MS_RDONLY 1ul
#define MS_NOSUID 2ul
#define MS_NODEV 4ul
#define MS_NOEXEC 8ul
#define MS_SYNCHRONOUS 16ul
#define MS_REMOUNT 32ul
#define MS_MANDLOCK 64ul
#define MS_DIRSYNC 128ul
#define MS_NOSYMFOLLOW 256ul
#define MS_NOATIME 1024ul
#define MS_NODIRATIME 2048ul
#define MS_BIND 4096ul
#define MS_MOVE 8192ul
#define MS_REC 16384ul
#define MS_SILENT 32768ul
#define MS_UNBINDABLE (1ul << 17)
#define MS_PRIVATE (1ul << 18)
#define MS_SLAVE (1ul << 19)
#define MS_SHARED (1ul << 20)
#define MS_RELATIME (1ul << 21)
#define MS_STRICTATIME (1ul << 24)
#define MS_LAZYTIME (1ul << 25)

#define MNT_FORCE 1
#define MNT_DETACH 2
#define MNT_EXPIRE 4
#define UMOUNT_NOFOLLOW 8

#endif
