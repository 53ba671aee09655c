/* SPDX-License-Identifier: Apache-2.0 */
/* place.h: on which of the host's CPUs a channel's thread runs.
 *
 * The asker sleeps until it is answered, so its CPU is free meanwhile: a
 * thread that runs there is reached by two switches on one CPU instead of two
 * wake-ups of idle ones (docs/decisions/0007-gofer-place.md).  A request says
 * where the thread is to be; it moves itself there after it has answered.
 *
 * Trust: the number is the sandbox's word.  It is taken only if this process
 * may run there anyway, and moves nobody else. */
#ifndef NACRE_GOFER_PLACE_H
#define NACRE_GOFER_PLACE_H

#include <base/types.h>

struct place { uint32_t now; };         /* the CPU the thread keeps to, + 1; 0: any */

/* Where this process may run; before the lock-down and the threads. */
void place_init(void);
/* A request named this CPU (+ 1; 0: none).  The calling thread may move. */
void place_near(struct place *p, uint32_t cpu);

#endif
