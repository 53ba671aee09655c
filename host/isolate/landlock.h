/* SPDX-License-Identifier: Apache-2.0 */
/* landlock.h: path rules of a process; silently less where the host has none. */
#ifndef NACRE_ISOLATE_LANDLOCK_H
#define NACRE_ISOLATE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

struct landlock_root { int fd; bool writable; };

/* The host's ABI version, 0 without Landlock. */
int landlock_abi(void);
/* Deny all file access but reading (and, where writable, changing) beneath
 * the roots; TCP and signals to outside as far as the ABI knows them.
 * Applies to the calling thread and what it makes later; no_new_privs must
 * be set.  0 or -errno. */
int landlock_restrict(const struct landlock_root *roots, size_t count);

#endif
