/* SPDX-License-Identifier: Apache-2.0 */
/* granted_close.c: two threads close at once, the first time that anybody changes the table of
 * a third, which is being given reads of what they close: neither may free a file that it still has. */
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include "tests/unit/program.h"
#include "tests/unit/unit.h"

#define TABLES 100
#define CLOSERS 2
#define POLLS 30
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

#define get(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define add(x, n) __atomic_add_fetch(&(x), (n), __ATOMIC_SEQ_CST)

static uint32_t going, left;    /* atomic; of the one process that is there */
static int32_t fds[CLOSERS][2];

static int closer(int nr)
{
	add(going, 1);
	while (get(going) < CLOSERS)
		u(SYS_sched_yield);
	u(SYS_close, fds[nr][0]);
	add(left, -1u);
	u(SYS_exit, 0);
	return 0;
}

static int process(int nr)
{
	uint64_t a = u_page() + 4096;
	struct pollfd p[CLOSERS];

	__atomic_store_n(&going, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&left, CLOSERS, __ATOMIC_SEQ_CST);
	for (int i = 0; i < CLOSERS; i++) {
		IS(u(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, a), 0);
		u_get(fds[i], a, sizeof fds[i]);
		IS(u(SYS_write, fds[i][1], a, 4), 4);
		p[i] = (struct pollfd){ fds[i][0], POLLIN, 0 };
	}
	for (int i = 0; i < CLOSERS; i++)
		GOOD(u_clone(THREAD_FLAGS, closer, i));
	for (int i = 0; i < POLLS || get(left); i++) {
		u_put(a, p, sizeof p);
		u(SYS_poll, a, CLOSERS, 0);
	}
	return nr < 0;
}

int granted_close(int arg)
{
	uint64_t a = u_page() + 4096;
	uint32_t status;

	for (int i = 0; i < TABLES; i++) {
		GOOD(u_fork(process, arg));
		GOOD(u(SYS_wait4, -1, a, 0, 0));
		u_get(&status, a, sizeof status);
		IS(status, 0);
	}
	return 0;
}
