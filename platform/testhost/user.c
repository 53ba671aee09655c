/* SPDX-License-Identifier: Apache-2.0 */
/* user.c: user contexts whose programs are C functions.
 *
 * A context is a pile of fibers: the program, above it the handlers of
 * signals that interrupted it.  regs.rip says where the kernel wants it to go
 * on: behind the system call it made, at the call again (restart), at a
 * program's or handler's entry.  Only these addresses mean anything. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "platform/testhost/testhost.h"

#define USTACK_SIZE (256ul << 10)
#define USTACK_VA 16384l                /* what the kernel sees of a thread's stack */
#define MAX_HANDLERS 64
#define RESTORER_FN ((int (*)(int))1)

enum why { WHY_SYSCALL, WHY_FAULT, WHY_RETURNED };

struct level {
	struct level *below;
	struct fiber *fiber;
	int (*fn)(int);
	int arg;
	enum why why;
	bool is_handler;
	int result;
	long nr, a[6];
	long ret;
	uint64_t site;                  /* where its calls are made; 0: U_SYSCALL */
	uint64_t r12, r13;              /* what a child of this call runs */
	uint64_t fault_addr;
	unsigned fault_access;
};

struct context {
	struct level *top;
	plat_as_t as;
	struct fiber *kernel;           /* whoever called plat_user_run */
	uint64_t page;
};

static __thread struct context *running;
static void (*handlers[MAX_HANDLERS])(int);
static unsigned handler_count;

static __attribute__((noinline)) struct context *self(void) { return running; }
static __attribute__((noinline)) void set_self(struct context *c) { running = c; }

static void level_main(void *arg)
{
	struct level *l = arg;

	l->result = l->fn(l->arg);
	if (!l->is_handler)
		u(SYS_exit_group, l->result);
	l->why = WHY_RETURNED;
	fiber_switch(self()->kernel);
	abort();
}

static void push(struct context *c, int (*fn)(int), int arg, bool is_handler)
{
	struct level *l = calloc(1, sizeof *l);

	if (!l)
		abort();
	l->below = c->top;
	l->fn = fn;
	l->arg = arg;
	l->is_handler = is_handler;
	l->fiber = fiber_new(USTACK_SIZE);
	fiber_prepare(l->fiber, level_main, l);
	c->top = l;
}

static void pop(struct context *c)
{
	struct level *l = c->top;

	c->top = l->below;
	fiber_free(l->fiber);
	free(l);
}

size_t plat_xstate_size(void) { return 576; }
uint64_t plat_xstate_features(void) { return 3; }

void plat_user_end(struct plat_uctx *u)
{
	struct context *c = (struct context *)u->cookie;

	while (c && c->top)
		pop(c);
	free(c);
	u->cookie = 0;
}

void plat_user_init(struct plat_uctx *u)
{
	static const uint8_t fcw[2] = { 0x7f, 0x03 }, mxcsr[4] = { 0x80, 0x1f };

	plat_user_end(u);               /* exec: the old program's stacks go */
	memset(u->xstate, 0, plat_xstate_size());
	memcpy(u->xstate, fcw, 2);
	memcpy((uint8_t *)u->xstate + 24, mxcsr, 4);
	u->xstate_live = false;
}

void plat_uctx_save(struct plat_uctx *u) { (void)u; }
void plat_uctx_leave(struct plat_uctx *u, bool whole) { (void)u, (void)whole; }
void plat_uctx_arrive(struct plat_uctx *u) { (void)u; }
void plat_uctx_drop(struct plat_uctx *u) { (void)u; }
void plat_uctx_regs_rest(struct plat_uctx *u) { (void)u; }

bool plat_ride_copy_out(__unused_arg plat_as_t as, __unused_arg struct plat_uctx *u, __unused_arg uint64_t dst,
			__unused_arg const void *src, __unused_arg size_t n)
{
	return false;
}

bool plat_ride_zero(__unused_arg plat_as_t as, __unused_arg struct plat_uctx *u, __unused_arg uint64_t dst,
		    __unused_arg size_t n)
{
	return false;
}

bool plat_ride_map_anon(__unused_arg plat_as_t as, __unused_arg struct plat_uctx *u, __unused_arg uint64_t addr,
			__unused_arg uint64_t size, __unused_arg unsigned prot, __unused_arg unsigned flags)
{
	return false;
}

bool plat_ride_unmap(__unused_arg plat_as_t as, __unused_arg struct plat_uctx *u, __unused_arg uint64_t addr,
		     __unused_arg uint64_t size)
{
	return false;
}

bool plat_ride_protect(__unused_arg plat_as_t as, __unused_arg struct plat_uctx *u, __unused_arg uint64_t addr,
		       __unused_arg uint64_t size, __unused_arg unsigned prot)
{
	return false;
}

bool plat_ride_advise(__unused_arg plat_as_t as, __unused_arg struct plat_uctx *u, __unused_arg uint64_t addr,
		      __unused_arg uint64_t size, __unused_arg int advice)
{
	return false;
}

bool plat_ride_frame_out(__unused_arg plat_as_t as, __unused_arg struct plat_uctx *u, __unused_arg uint64_t at,
			 __unused_arg const uint64_t *frame, __unused_arg uint64_t xstate_at)
{
	return false;
}

bool plat_ride_xstate_in(__unused_arg plat_as_t as, __unused_arg struct plat_uctx *u, __unused_arg uint64_t at)
{
	return false;
}

void plat_riders_flush(__unused_arg struct plat_uctx *u) { }

static void fill_syscall(struct plat_uctx *u, struct level *l, struct plat_trap *trap)
{
	u->regs.orig_rax = (uint64_t)l->nr;
	u->regs.rax = (uint64_t)l->nr;
	u->regs.rdi = (uint64_t)l->a[0];
	u->regs.rsi = (uint64_t)l->a[1];
	u->regs.rdx = (uint64_t)l->a[2];
	u->regs.r10 = (uint64_t)l->a[3];
	u->regs.r8 = (uint64_t)l->a[4];
	u->regs.r9 = (uint64_t)l->a[5];
	u->regs.r12 = l->r12;
	u->regs.r13 = l->r13;
	u->regs.rip = (l->site ? l->site : U_SYSCALL) + 2;
	*trap = (struct plat_trap){ .kind = PLAT_TRAP_SYSCALL };
}

static bool fault(struct plat_trap *trap, uint64_t addr, unsigned access)
{
	*trap = (struct plat_trap){ .kind = PLAT_TRAP_FAULT, .addr = addr, .access = access,
				    .signo = SIGSEGV, .code = SEGV_MAPERR, .trapno = 14 };
	return true;
}

/* Arrange for c->top to be what regs.rip asks for.  True: trap at once. */
static bool steer(struct context *c, struct plat_uctx *u, struct plat_trap *trap)
{
	struct plat_regs *r = &u->regs;
	uint64_t rip = r->rip, i;

	if (c->top && c->top->site && rip - c->top->site <= 2)
		rip += U_SYSCALL - c->top->site;
	if (rip == U_SYSCALL_RET || rip == U_FAULT) {
		if (!c->top && !r->r12)         /* of a clone that u_clone() did not make */
			return fault(trap, 0, PLAT_ACCESS_EXEC);
		if (!c->top)                    /* a child: its parent said what it runs */
			push(c, (int (*)(int))r->r12, (int)r->r13, false);
		else
			c->top->ret = (long)r->rax;
		return false;
	}
	if (rip == U_SYSCALL) {                 /* restart: the same call, number from rax */
		if (c->top) {
			c->top->nr = (long)r->rax;
			fill_syscall(u, c->top, trap);
			return true;
		}
		return fault(trap, rip, PLAT_ACCESS_EXEC);
	}
	if (rip == U_RESTORER) {                /* the handler returned here */
		r->orig_rax = r->rax = SYS_rt_sigreturn;
		r->rip = U_SYSCALL_RET;
		*trap = (struct plat_trap){ .kind = PLAT_TRAP_SYSCALL };
		return true;
	}
	i = (rip - U_PROGRAMS) / 16;
	if (rip >= U_PROGRAMS && !(rip % 16) && i < testhost_program_count) {
		push(c, testhost_programs[i].fn, 0, false);
		return false;
	}
	i = (rip - U_HANDLERS) / 16;
	if (rip >= U_HANDLERS && !(rip % 16) && i < handler_count) {
		push(c, (int (*)(int))(void (*)(void))handlers[i], (int)r->rdi, true);
		r->rip = U_FAULT;
		return false;
	}
	return fault(trap, rip, PLAT_ACCESS_EXEC);
}

void plat_user_run(plat_as_t as, struct plat_uctx *u, uint64_t deadline_ns, struct plat_trap *ret_trap)
{
	struct context *c = (struct context *)u->cookie;

	if (!c) {
		c = calloc(1, sizeof *c);
		if (!c)
			abort();
		u->cookie = (uint64_t)c;
	}
	__atomic_store_n(&testhost.booted, true, __ATOMIC_RELAXED);
	c->as = as;
	c->kernel = fiber_self();
	u->regs_changed = false;
	if (testhost_kick_taken() || (deadline_ns != NO_DEADLINE && plat_time_mono_ns() >= deadline_ns) ||
	    (testhost.kick_one_in && testhost.cpus == 1 && testhost_random() % testhost.kick_one_in == 0)) {
		*ret_trap = (struct plat_trap){ .kind = PLAT_TRAP_KICK };
		return;
	}
	for (;;) {
		if (steer(c, u, ret_trap))
			return;
		set_self(c);
		fiber_switch(c->top->fiber);
		switch (c->top->why) {
		case WHY_SYSCALL:
			fill_syscall(u, c->top, ret_trap);
			return;
		case WHY_FAULT:
			u->regs.rip = U_FAULT;
			fault(ret_trap, c->top->fault_addr, c->top->fault_access);
			return;
		case WHY_RETURNED:              /* a handler: its `ret` instruction */
			pop(c);
			if (plat_copy_in(as, &u->regs.rip, u->regs.rsp, 8)) {
				fault(ret_trap, u->regs.rsp, 0);
				return;
			}
			u->regs.rsp += 8;
		}
	}
}

/* -- what programs call -- */
static long trap(struct level *l)
{
	struct context *c = self();

	l->why = WHY_SYSCALL;
	fiber_switch(c->kernel);
	return l->ret;
}

long u_call(long nr, long a, long b, long cc, long d, long e, long f)
{
	struct level *l = self()->top;

	l->nr = nr;
	l->a[0] = a;
	l->a[1] = b;
	l->a[2] = cc;
	l->a[3] = d;
	l->a[4] = e;
	l->a[5] = f;
	return trap(l);
}

void u_site(uint64_t addr) { self()->top->site = addr; }

long u_clone(uint64_t flags, int (*fn)(int), int arg)
{
	struct level *l = self()->top;
	long ret, stack = 0;

	/* Frames of signals go there: not where the parent's go. */
	if (flags & CLONE_VM) {
		stack = u(SYS_mmap, 0, USTACK_VA, 3, 0x22, -1, 0);
		if (stack < 0)
			return stack;
		stack += USTACK_VA;
	}
	l->r12 = (uint64_t)fn;
	l->r13 = (uint64_t)(unsigned)arg;
	ret = u(SYS_clone, flags, stack, 0, 0, 0);
	l->r12 = 0;
	return ret;
}

static void fault_until(struct context *c, uint64_t addr, unsigned access)
{
	c->top->fault_addr = addr;
	c->top->fault_access = access;
	c->top->why = WHY_FAULT;
	fiber_switch(c->kernel);
}

void u_put(uint64_t addr, const void *p, size_t n)
{
	size_t left;

	while ((left = plat_copy_out(self()->as, addr, p, n)))
		fault_until(self(), addr + n - left, PLAT_ACCESS_WRITE);
}

void u_get(void *p, uint64_t addr, size_t n)
{
	size_t left;

	while ((left = plat_copy_in(self()->as, p, addr, n)))
		fault_until(self(), addr + n - left, 0);
}

uint64_t u_page(void)
{
	struct context *c = self();

	if (!c->page) {
		long a = u(SYS_mmap, 0, 16384, 3, 0x22, -1, 0);

		if (a < 0)
			u(SYS_exit_group, 90);
		self()->page = (uint64_t)a;
	}
	return self()->page;
}

uint64_t u_str(uint64_t page, const char *s)
{
	u_put(page, s, strlen(s) + 1);
	return page;
}

uint64_t u_code(void (*handler)(int signo))
{
	unsigned i;

	for (i = 0; i < handler_count; i++)
		if (handlers[i] == handler)
			return U_HANDLERS + 16ul * i;
	if (i == MAX_HANDLERS)
		abort();
	handlers[handler_count++] = handler;
	return U_HANDLERS + 16ul * i;
}
