/* SPDX-License-Identifier: Apache-2.0 */
/* lockless.c: what was freed while somebody read without locks goes when they have
 * ended, also when the CPU that freed it has nothing more to do. */
#include <sys/socket.h>

#include "tests/unit/program.h"
#include "tests/unit/unit.h"

/* atomic.  OFFERED: the first program is on a CPU now; taken by a reader on another. */
static uint32_t step;
enum { NONE, OFFERED, READING, FREED };
static uint64_t before;

static bool step_from(uint32_t old, uint32_t next)
{
	return __atomic_compare_exchange_n(&step, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static bool is_reading(void) { return __atomic_load_n(&step, __ATOMIC_SEQ_CST) == READING; }
static bool is_freed(void) { return __atomic_load_n(&step, __ATOMIC_SEQ_CST) == FREED; }
static bool is_gone(void) { return testhost_live_blocks() == before; }
static bool never(void) { return false; }

/* Without a call: this CPU does nothing else. */
static void spin_until(bool (*good)(void), unsigned ms)
{
	uint64_t end = plat_time_mono_ns() + ms * NSEC_PER_MSEC;

	while (!good() && plat_time_mono_ns() < end)
		;
}

static int reader(int nr)
{
	uint64_t waiting;

	for (;;) {
		unit_lockless(true);
		if (step_from(OFFERED, READING))
			break;
		unit_lockless(false);
		u(SYS_sched_yield);
	}
	spin_until(is_freed, 5000);
	spin_until(never, 50);          /* the other waits for us meanwhile */
	waiting = testhost_live_blocks();
	unit_lockless(false);
	if (waiting <= before)
		return fail(__LINE__, nr);
	spin_until(is_gone, 5000);
	if (!is_gone())
		testhost_heap_tell();
	IS(testhost_live_blocks(), before);
	return 0;
}

/* The inode waits for those who read. */
static int open_close(void)
{
	long s = GOOD(u(SYS_socket, AF_UNIX, SOCK_STREAM, 0));

	IS(u(SYS_close, s), 0);
	return 0;
}

int lockless(int arg)
{
	uint64_t a = u_page() + 4096;
	uint32_t status;

	if (testhost.cpus == 1)
		return arg;             /* nobody reads while another runs */
	IS(open_close(), 0);
	GOOD(u_fork(reader, 0));
	do {
		u(SYS_sched_yield);
		step_from(NONE, OFFERED);
		spin_until(is_reading, 2);
	} while (step_from(OFFERED, NONE));
	before = testhost_live_blocks();
	testhost_heap_mark();
	IS(open_close(), 0);
	__atomic_store_n(&step, FREED, __ATOMIC_SEQ_CST);
	GOOD(u(SYS_wait4, -1, a, 0, 0));
	u_get(&status, a, sizeof status);
	IS(status, 0);
	return 0;
}
