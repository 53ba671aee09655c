/* SPDX-License-Identifier: Apache-2.0 */
/* rings.h: private to rings_model.c and its parts. */
#ifndef NACRE_UNIT_RINGS_H
#define NACRE_UNIT_RINGS_H

#include <stdint.h>

#define RINGS_TYPE 0x88b5               /* a protocol for experiments: nobody else speaks it */
#define RINGS_FRAME 3000u
#define RINGS_PORT 7777

int rings_wrong(const char *file, int line, long a, long b);   /* 1, and the run has failed */
#define RINGS_WRONG(a, b) rings_wrong(__FILE__, __LINE__, (long)(a), (long)(b))

/* Frame number nr goes out through s, behind as many zero bytes. */
int rings_say(long s, uint32_t nr, uint32_t size, uint32_t before);
/* Are n bytes at user address `at` those of frame nr from its byte `from` on? */
int rings_check(uint64_t at, uint32_t nr, uint32_t from, uint32_t n);

/* One process alone, without faults; 0: all is as foretold. */
int rings_exact(void);                  /* rings_exact.c */
int groups_exact(void);                 /* groups_exact.c: who of a group gets what */

#endif
