/* SPDX-License-Identifier: Apache-2.0 */
/* model.h: what the models of sockets share.  They are programs of the fake
 * machine: random calls of several processes, with faults, signals and kills,
 * judged by what little a model knows of them. */
#ifndef NACRE_UNIT_MODEL_H
#define NACRE_UNIT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/testhost/testhost.h"

extern unsigned model_faults;           /* one call in so many may be refused; 0: none */

#define DATA 8192u                      /* of u_page() + 8192 */
static inline uint64_t args_page(void) { return u_page() + 4096; }
static inline uint64_t data_page(void) { return u_page() + 8192; }
static inline unsigned below(unsigned n) { return (unsigned)(testhost_random() >> 20) % n; }

/* The C programs share their variables, processes or not. */
#define get(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define set(x, v) __atomic_store_n(&(x), (v), __ATOMIC_SEQ_CST)
#define add(x, v) __atomic_fetch_add(&(x), (v), __ATOMIC_SEQ_CST)

void model_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Rounds of play; after them the kernel's heap holds no more than after the second. */
int model_rounds(int (*play)(void), unsigned rounds);
bool no_room(long r);                   /* not now, or for want of memory */
void pause_us(unsigned us);
/* Bind s where nobody is; the name stays at args_page(), its size at + 256.  mapped:
 * the address of IPv4 for an IPv6 socket. */
long bind_anywhere(int family, bool mapped, long s);
/* A filter of random instructions, as this option (packets_model.c). */
void model_attach_any(long s, int level, int opt);
void handle_usr1(void);                 /* does nothing; restarts calls or not */

#endif
