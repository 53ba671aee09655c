/* SPDX-License-Identifier: Apache-2.0 */
/* surface.h: what host calls a seccomp program lets through. */
#ifndef NACRE_RUNTIME_SURFACE_H
#define NACRE_RUNTIME_SURFACE_H

#include <base/types.h>

#define SURFACE_CALLS 1024

struct surface { const char *kind; bool allowed[SURFACE_CALLS]; unsigned count; };

/* Kinds: "sandbox", "gofer", "monitor", "stub app thread", "stub mapper".
 * -EINVAL for an unknown one. */
#define SURFACE_KINDS 5
int surface_of(unsigned kind, struct surface *ret);
const char *surface_name(unsigned nr);

#endif
