/* SPDX-License-Identifier: Apache-2.0 */
/* getdents(2) records. */
#ifndef NACRE_LINUX_ABI_DIRENT_H
#define NACRE_LINUX_ABI_DIRENT_H

#include <base/types.h>

#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10
#define DT_SOCK 12
#define DT_WHT 14

struct linux_dirent64 { uint64_t ino; int64_t off; uint16_t reclen; uint8_t type; char name[]; };
/* The older call: the type is the record's last byte. */
struct linux_dirent { uint64_t ino; uint64_t off; uint16_t reclen; char name[]; };

/* S_IFMT bits of a mode to DT_. */
static inline uint8_t mode_to_dtype(uint32_t mode) { return (mode >> 12) & 15; }

#endif
