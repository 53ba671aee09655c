/* SPDX-License-Identifier: Apache-2.0 */
/* testhost.h: a fake machine in one hosted process, for tests of the kernel.
 *
 * Two kinds of machine, chosen by struct testhost_config:
 *  - one CPU, fake time, every choice drawn from a seed: a run repeats exactly;
 *  - several CPUs as real threads with real time, for the thread sanitizer.
 * User memory is a table of pages; "programs" are C functions on stacks of
 * their own that make system calls through u().  A program cannot be copied
 * by fork: u_fork() names the function that the child runs.
 *
 * Faults: the n-th kernel allocation or platform call can be made to fail.
 * Lock order: mem_lock is a leaf. */
#ifndef NACRE_TESTHOST_H
#define NACRE_TESTHOST_H

#include <platform.h>

struct testhost_config {
	unsigned cpus;                  /* 1: deterministic */
	uint64_t seed;
	unsigned kick_one_in;           /* deterministic: interrupt one user run in n; 0 = never */
	uint64_t fail_at;               /* the n-th fallible operation fails (1..); 0 = none */
	uint64_t fail_count;            /* how many in a row */
	unsigned fail_one_in;           /* besides, at random; 0 = none; atomic */
	bool booted;                    /* set by the first user context: failures begin */
	/* Every CPU idles, and nothing within SOON_NS could end that.  Called
	 * on an idle CPU, as kernel code; may wake tasks.  When all sleep
	 * again the machine ends with status 99. */
	void (*all_asleep)(void);
	void (*dump)(void);             /* prints the tasks, before an end that a test did not want */
	char *out;                      /* what the programs write to stdout and stderr */
	size_t out_size, out_used;
};
extern struct testhost_config testhost;
/* Fallible operations so far: the range of fail_at. */
extern uint64_t testhost_operations;
bool testhost_fails(void);
uint64_t testhost_random(void);
uint64_t testhost_live_blocks(void);    /* of the kernel's heap */
void testhost_heap_mark(void);          /* remembers what there is ... */
void testhost_heap_tell(void);          /* ... and says on stderr who has more or fewer blocks since */

/* Boot the kernel with program `name`; does not return (exits the process
 * with the sandbox's status). */
__noreturn void testhost_boot(const char *name);

struct testhost_program { const char *name; int (*fn)(int arg); };
extern const struct testhost_program testhost_programs[];
extern const unsigned testhost_program_count;

/* -- for programs -- */
long u_call(long nr, long a, long b, long c, long d, long e, long f);
#define U_PICK(_0, _1, _2, _3, _4, _5, _6, name, ...) name
#define U0(n) u_call(n, 0, 0, 0, 0, 0, 0)
#define U1(n, a) u_call(n, (long)(a), 0, 0, 0, 0, 0)
#define U2(n, a, b) u_call(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define U3(n, a, b, c) u_call(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define U4(n, a, b, c, d) u_call(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define U5(n, a, b, c, d, e) u_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define U6(n, a, b, c, d, e, f) u_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define u(...) U_PICK(__VA_ARGS__, U6, U5, U4, U3, U2, U1, U0)(__VA_ARGS__)
/* From now on this program's system calls seem to be made at addr; 0: where they
 * were at first. */
void u_site(uint64_t addr);
/* clone(flags): the child runs fn(arg) and exits with what it returns. */
long u_clone(uint64_t flags, int (*fn)(int), int arg);
#define u_fork(fn, arg) u_clone(17, fn, arg)
/* User memory; a fault is delivered to the kernel like any other. */
void u_put(uint64_t addr, const void *p, size_t n);
void u_get(void *p, uint64_t addr, size_t n);
/* A page of user memory of this program's own, for arguments. */
uint64_t u_page(void);
uint64_t u_str(uint64_t page, const char *s);   /* copies s there, returns page */
/* The address at which fn is known to the kernel (signal handlers). */
uint64_t u_code(void (*handler)(int signo));
#define U_RESTORER 0x4000e0ul

/* -- inside the platform -- */
struct fiber { void *sp, *lo; size_t size; void *fake, *tsan; void (*fn)(void *); void *arg; struct fiber *next; };
struct fiber *fiber_new(size_t size);
void fiber_free(struct fiber *f);
struct fiber *fiber_self(void);
void fiber_adopt_thread(void);
void fiber_prepare(struct fiber *f, void (*fn)(void *), void *arg);
void fiber_switch(struct fiber *to);
void testhost_cpu_begin(void);
bool testhost_kick_taken(void);
__noreturn void testhost_end(int status, const char *why);
void testhost_out_end(void);            /* what the programs wrote goes to stdout; no more is taken */

#define U_BASE 0x400000ul
#define U_SYSCALL 0x400080ul            /* where the programs' system calls seem to be */
#define U_SYSCALL_RET (U_SYSCALL + 2)
#define U_GATE 0x400180ul               /* an address only: nothing here executes jumps */
#define U_FAULT 0x400090ul              /* where they seem to touch memory */
#define U_PROGRAMS 0x400100ul
#define U_HANDLERS 0x400800ul

#endif
