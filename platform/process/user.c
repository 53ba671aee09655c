/* SPDX-License-Identifier: Apache-2.0 */
/* user.c: running a user context in a stub until it traps.
 *
 * The host delivers every trap of an app thread as a signal whose frame lands
 * at one known place in the thread's mailbox (alternate stack, fixed frame
 * size).  The kernel copies the registers out of it, and to resume writes a
 * whole new frame there, which the thread gives to rt_sigreturn.  A frame at
 * any other place means that the program played with stack or mask: the stub
 * is killed.  The extended state stays in the frame ("live") until asked for.
 *
 * The program may write its mailbox too: so every wait (turn.c) ends after
 * PATROL_NS, and a thread that does not answer kicks is killed (struct patience). */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/process/internal.h"
#include "platform/process/sigframe.h"

HOST_CALLS(sandbox, tgkill);

#define RELEASE_NS (10 * 1000 * 1000ull)
#define REKICK_NS (50 * 1000 * 1000ull)
#define ANSWER_NS (2 * NSEC_PER_SEC)
#define ANSWER_CPU_NS (NSEC_PER_SEC / 4)        /* of it on a CPU, unless it sleeps: */
#define ANSWER_ASLEEP_NS (3 * NSEC_PER_SEC)
#define COMMAND_NS (10 * NSEC_PER_SEC)

/* ---- app threads ---------------------------------------------------------- */

/* Append the making of a thread to a list of the mapper.  The call's unused
 * arguments are the stack_t that the thread gives to sigaltstack. */
void app_thread_call(struct stub *s, bool child, unsigned cpu)
{
	struct stub_box *box = stub_box_of(s, cpu);
	uint64_t va = stub_box_va(s, cpu);
	uint64_t sp = (va + frame_shape.frame_off - 256) & ~15ull;

	__atomic_fetch_or(&s->ctl->boxes_used, 1ull << s->thread[cpu].box, __ATOMIC_RELAXED);
	box->line.order = box->line.slot = 0;
	/* Several threads may have the same word: who is woken in vain sleeps again. */
	*(uint32_t *)(s->ctl->base + CTL_ACK + ACK_WAKE) = s->id & UINT16_MAX;
	/* Nobody knows where it will run: sleep rather than spin in its way. */
	box->kern_cpu = box->app_cpu = host_cpu();
	__atomic_store_n(&box->line.turn, TURN_COMMANDS, __ATOMIC_SEQ_CST);
	MAPPER_CALL(s, child, SYS_clone, CALL_THREAD, MAPPER_THREAD_FLAGS, sp,
		    va + offsetof(struct stub_box, tid), va + BOX_STACK, 0, BOX_STACK_SIZE);
}

/* The thread parks itself when it is ready. */
static int app_thread_await(struct stub *s, struct app_thread *th, struct stub_box *box)
{
	uint64_t end_ns = plat_time_mono_ns() + COMMAND_NS;
	uint32_t turn;
	int err;

	test_step(s, STEP_THREAD);
	do {
		uint64_t now_ns = plat_time_mono_ns();

		if (now_ns >= end_ns)
			return -ESRCH;
		turn = turn_wait(th, box, TURN_COMMANDS, now_ns + REKICK_NS);
		err = mapper_failed(s);
	} while (turn == TURN_COMMANDS && !err);
	return err ? err : turn == TURN_KERNEL ? 0 : -ESRCH;
}

/* The app thread of the birth belongs to the first CPU that wants one, which
 * need not be the one that made the stub: then the two change mailboxes.
 * The other's is not in use, or it would have come here first. */
static bool birth_claim(struct stub *s, unsigned cpu)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct app_thread *mine = &s->thread[cpu], *made = &s->thread[s->birth_cpu];
	bool open;

	pthread_mutex_lock(&lock);
	open = s->birth_open;
	if (open) {
		uint8_t nr = made->box;

		made->box = mine->box;
		mine->box = nr;
		s->birth_open = false;
	}
	pthread_mutex_unlock(&lock);
	return open;
}

static int app_thread_new(struct stub *s, unsigned cpu)
{
	bool born = birth_claim(s, cpu);
	struct stub_box *box = stub_box_of(s, cpu);
	int err;

	if (!s->thread[cpu].slot)
		s->thread[cpu].slot = calloc(frame_shape.slot_count, sizeof(struct slot));
	if (!s->thread[cpu].slot) {
		stub_kill(s, "no memory for its threads");
		return -ENOMEM;
	}
	if (born) {
		err = app_thread_await(s, &s->thread[cpu], box);
		if (!err)
			goto live;
		stub_kill(s, "its first thread did not come up");
		return err;
	}
	err = mapper_lock(s);
	if (err)
		return err;
	mapper_begin(s);
	app_thread_call(s, false, cpu);
	err = mapper_run(s, NULL, 0);
	if (err == -ESRCH)
		s->tainted = true;
	/* The list stays as it is until the thread has read it. */
	if (!err)
		err = app_thread_await(s, &s->thread[cpu], box);
	mapper_unlock(s);
	if (err == -ESRCH)
		stub_kill(s, "a thread did not come up");
	if (err)
		return err;
live:
	s->thread[cpu].tid = box->tid;  /* a lie only misdirects kicks within the stub */
	s->thread[cpu].below = 0;
	s->thread[cpu].answers.valid = false;
	s->thread[cpu].sigmask.may = 0;
	s->thread[cpu].told = false;
	s->thread[cpu].wake_word = ((s->id & UINT16_MAX) + s->thread[cpu].box * WAKE_STRIDE) % WAKE_WORDS;
	ahead_drop(&s->thread[cpu]);
	place_thread_init(s, &s->thread[cpu]);
	s->thread[cpu].live = true;
	return 0;
}

struct app_thread *app_thread_get(struct stub *s, unsigned cpu)
{
	if (!s->thread[cpu].live && app_thread_new(s, cpu))
		return NULL;
	return &s->thread[cpu];
}

/* Run commands on this CPU's app thread of s, filling in their results. */
int app_commands(struct stub *s, struct stub_cmd *cmds, unsigned n)
{
	unsigned cpu = plat_cpu_self();

	if (n > BOX_CMD_MAX)
		return -EINVAL;
	if (stub_dead(s) || !app_thread_get(s, cpu))
		return -ESRCH;
	riders_flush(s, cpu);
	return commands_run(s, cpu, cmds, n);
}

int commands_run(struct stub *s, unsigned cpu, struct stub_cmd *cmds, unsigned n)
{
	struct stub_box *box = stub_box_of(s, cpu);
	uint32_t turn;

	memcpy(box->cmds, cmds, n * sizeof(*cmds));
	box->line.order = (uint16_t)(n << ORDER_COUNT_SHIFT);
	box->line.slot = 0;
	test_step(s, STEP_COMMANDS);
	stats_count(STATS_STUB_COMMANDS);
	turn_give(&s->thread[cpu], box, TURN_COMMANDS, NULL);
	test_step(s, STEP_COMMANDED);
	if (stub_dead(s))
		return -ESRCH;
	turn = turn_wait(&s->thread[cpu], box, TURN_COMMANDS, plat_time_mono_ns() + COMMAND_NS);
	if (turn != TURN_KERNEL) {
		stub_kill(s, "it did not do what it was told in time");
		return -ESRCH;
	}
	test_step(s, STEP_RESULTS);
	for (unsigned i = 0; i < n; i++)
		cmds[i].ret = __atomic_load_n(&box->cmds[i].ret, __ATOMIC_RELAXED);
	return 0;
}

/* ---- frames --------------------------------------------------------------- */

/* Everything in the frame is written anew, so nothing that the program left
 * there (mask, stack, selectors) survives. */
static void frame_store(struct stub_box *box, uint64_t va, uint32_t below, uint64_t xstate, const struct plat_regs *r)
{
	const uint32_t off = frame_shape.frame_off - below;
	struct sigframe *f = (void *)((uint8_t *)box + off);

	f->uc.flags = frame_shape.uc_flags;
	f->uc.link = 0;
	f->uc.stack_sp = va + BOX_STACK;
	f->uc.stack_flags = 0;
	f->uc.stack_size = BOX_STACK_SIZE;
	f->uc.mc = (struct sigmcontext){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11,
		.r12 = r->r12, .r13 = r->r13, .r14 = r->r14, .r15 = r->r15,
		.di = r->rdi, .si = r->rsi, .bp = r->rbp, .bx = r->rbx,
		.dx = r->rdx, .ax = r->rax, .cx = r->rcx, .sp = r->rsp, .ip = r->rip,
		.flags = (r->rflags & RFLAGS_USER) | RFLAGS_FIXED,
		.cs = CS_USER, .ss = SS_USER,
		.fpstate = xstate,
	};
	f->uc.sigmask = 0;
	box->resume_off = off;
	box->set_bases = 1;
	box->new_fs_base = base_valid(r->fs_base);
	/* A program that does not use gs lends it to the gate. */
	box->new_gs_base = base_valid(r->gs_base) ? base_valid(r->gs_base) : va;
}

static uint64_t gs_of_program(uint64_t gs)
{
	return gs >= STUB_CTL && gs < STUB_CTL + process.ctl_size ? 0 : base_valid(gs);
}

/* Registers of the frame, by value: the program can change it meanwhile. */
static void frame_snapshot(struct sigframe *dst, const struct sigframe *src)
{
	memcpy(dst, src, offsetof(struct sigframe, info_rest));
	/* The compiler must not read the source again later. */
	__asm__ volatile("" : : "r"(dst), "r"(src) : "memory");
}

static void regs_from(struct plat_regs *r, const struct sigmcontext *m, const struct stub_box *box)
{
	uint64_t fs = __atomic_load_n(&box->fs_base, __ATOMIC_RELAXED);
	uint64_t gs = __atomic_load_n(&box->gs_base, __ATOMIC_RELAXED);

	*r = (struct plat_regs){
		.r15 = m->r15, .r14 = m->r14, .r13 = m->r13, .r12 = m->r12,
		.rbp = m->bp, .rbx = m->bx, .r11 = m->r11, .r10 = m->r10,
		.r9 = m->r9, .r8 = m->r8, .rax = m->ax, .rcx = m->cx, .rdx = m->dx,
		.rsi = m->si, .rdi = m->di, .orig_rax = UINT64_MAX,
		.rip = m->ip, .cs = CS_USER, .rsp = m->sp, .ss = SS_USER,
		.rflags = (m->flags & RFLAGS_USER) | RFLAGS_FIXED,
		.fs_base = base_valid(fs), .gs_base = gs_of_program(gs),
	};
}

static void trap_decode(struct plat_trap *t, struct plat_regs *r, uint32_t signo,
			const struct sigframe *f)
{
	*t = (struct plat_trap){
		.signo = (int32_t)signo, .code = f->info_code, .addr = f->info_addr,
		.trapno = (uint32_t)f->uc.mc.trapno, .err = (uint32_t)f->uc.mc.err,
	};
	switch (signo) {
	case SIGSYS:
		t->kind = PLAT_TRAP_SYSCALL;
		r->orig_rax = r->rax;
		t->compat = f->info_arch != FRAME_ARCH_X86_64;
		break;
	case SIGSEGV:
	case SIGBUS:
		if (t->trapno != FRAME_TRAP_PAGE_FAULT) {
			t->kind = PLAT_TRAP_EXCEPTION;
			break;
		}
		t->kind = PLAT_TRAP_FAULT;
		if (t->err & 2)
			t->access |= PLAT_ACCESS_WRITE;
		if (t->err & 16)
			t->access |= PLAT_ACCESS_EXEC;
		if (t->code == SEGV_ACCERR)
			t->access |= PLAT_ACCESS_PRESENT;
		break;
	case KICK_SIGNAL:
		t->kind = PLAT_TRAP_KICK;
		break;
	default:
		t->kind = PLAT_TRAP_EXCEPTION;
		break;
	}
}

/* Signals that the template installed a handler for. */
static bool signo_known(uint32_t signo)
{
	return signo == SIGSYS || signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE ||
	       signo == SIGILL || signo == SIGTRAP || signo == KICK_SIGNAL;
}

/* ---- contexts ------------------------------------------------------------- */

/* A context's cookie names the address space whose mailboxes may hold its state. */
static struct app_thread *thread_of(const struct plat_uctx *u, unsigned cpu, struct stub **ret_stub,
				    struct stub_box **ret_box)
{
	struct stub *s = u->slotted && u->slot_cpu == cpu ? stub_find((uint32_t)u->cookie) : NULL;

	if (!s)
		return NULL;
	*ret_stub = s;
	*ret_box = stub_box_of(s, cpu);
	return &s->thread[cpu];
}

void plat_uctx_regs_rest(struct plat_uctx *u)
{
	struct stub_box *box;
	struct stub *s;
	struct app_thread *th = thread_of(u, plat_cpu_self(), &s, &box);

	u->regs_partial = false;
	if (!th)
		return;
	if (is_owner(th, u))
		gate_regs_rest(th, box, &u->regs);
	else if (!slot_await(s, th, box, u->slot, u))
		gate_regs_parked(&th->slot[u->slot], box_slot(box, u->slot), &u->regs);
}

void plat_uctx_save(struct plat_uctx *u)
{
	unsigned cpu = plat_cpu_self();
	struct stub_box *box;
	struct stub *s;
	struct app_thread *th = thread_of(u, cpu, &s, &box);

	plat_uctx_regs(u);
	if (!th)
		return;
	if (unlikely(th->rider_xstates))
		riders_flush(s, cpu);
	ahead_drop(th);
	if (u->xstate_live && slot_await(s, th, box, u->slot, u) == 0)
		frame_xstate_save(u->xstate, slot_image(th, box, u->slot));
}

/* With a thread that has been kicked.  A host that is short of CPU time, or that
 * stopped the sandbox for a while, says nothing about the thread: only time in
 * which we were awake counts, at most REKICK_NS from one kick to the next, and it must
 * have had a share of it, unless it may have put itself to sleep. */
struct patience {
	uint64_t asked_ns, waited_ns, cpu_ns;
};

static bool patience_over(struct patience *p, const struct stub *s, uint64_t now_ns)
{
	uint64_t cpu_ns;

	if (!p->asked_ns) {
		p->cpu_ns = time_of_process(s->pid);
		p->asked_ns = now_ns;
		return false;
	}
	p->waited_ns += MIN(now_ns - p->asked_ns, REKICK_NS);
	p->asked_ns = now_ns;
	if (p->waited_ns <= ANSWER_NS)
		return false;
	cpu_ns = time_of_process(s->pid);
	return p->waited_ns > ANSWER_ASLEEP_NS || cpu_ns - p->cpu_ns > ANSWER_CPU_NS * plat_cpu_count();
}

static int refuse(struct stub *s, const char *cause)
{
	stub_kill(s, cause);
	return -ESRCH;
}

/* 0: handed back; -ESRCH: dead or killed.  *ret_expired: deadline passed. */
static int run_until_back(struct stub *s, struct app_thread *th, struct stub_box *box,
			  unsigned cpu, uint64_t deadline_ns, bool *ret_expired)
{
	struct patience patience = { 0 };
	uint64_t limit_ns = 0;
	bool limited = place_release(th, false);

	if (limited)
		limit_ns = plat_time_recent_ns() + RELEASE_NS;
	else if (deadline_ns != NO_DEADLINE)
		limit_ns = plat_time_recent_ns() + PATROL_NS;
	limit_ns = MIN(deadline_ns, limit_ns);
	for (;;) {
		uint32_t turn = turn_wait(th, box, TURN_RUN, limit_ns);
		uint64_t now_ns;

		if (turn == TURN_KERNEL)
			return 0;
		if (turn != TURN_RUN || stub_dead(s))
			return -ESRCH;
		now_ns = plat_time_mono_ns();
		limit_ns = MIN(deadline_ns, now_ns + PATROL_NS);
		if (limited)
			limited = place_release(th, true);
		if (now_ns >= deadline_ns)
			*ret_expired = true;
		else if (!cpu_kick_pending(cpu))
			continue;
		/* Out of patience: a first kick may have come from elsewhere. */
		if (DEFENCE(KICK_BOUND) && patience_over(&patience, s, now_ns))
			return refuse(s, "it did not answer kicks");
		syscall(SYS_tgkill, s->pid, th->tid, KICK_SIGNAL);
		limit_ns = now_ns + REKICK_NS;
	}
}

/* The order to run: with the registers that the thread has, or with a frame. */
static int resume_prepare(struct stub *s, struct app_thread *th, struct stub_box *box, unsigned cpu,
			  struct plat_uctx *u)
{
	bool loaded, now;
	struct slot *slot;
	uint8_t *image;

	if (u->slotted && (u->slot_cpu != cpu || u->cookie != s->id))
		slot_fetch(u);
	loaded = u->slotted && u->xstate_live;
	slot = &th->slot[u->slot];
	now = loaded && slot == slot_now(th);
	posts_prepare(th, box, u, now);
	if (!now || u->answers_changed) {
		if (loaded)
			slot_answers(th, box, u);
		answers_store(s, th, box, &u->answers);
		u->answers_changed = false;
	}
	th->slot_next = u->slot;
	/* Only in the gate can it go on without a frame. */
	if (loaded && th->below && gate_resumable(slot, &u->regs)) {
		box->line.copy.result = u->regs.rax;
		th->order = ORDER_FAST;
		th->resumed_fast = true;
		return 0;
	}
	plat_uctx_regs(u);
	if (loaded && th->below && gate_loadable(slot, &u->regs)) {
		gate_load(slot, box, &u->regs);
		th->order = ORDER_LOAD;
		th->resumed_fast = true;
		return 0;
	}
	if (!loaded && slot_load(s, th, box, cpu, u))
		return -ESRCH;
	th->slot_next = u->slot;
	slot = &th->slot[u->slot];
	image = slot_image(th, box, u->slot);
	if (loaded && !slot->in_frame) {
		if (slot_await(s, th, box, u->slot, u))
			return -ESRCH;
		frame_xstate_describe(image);
	}
	frame_store(box, stub_box_va(s, cpu), th->below, stub_box_va(s, cpu) + (uint64_t)(image - (uint8_t *)box), &u->regs);
	th->order = 0;
	th->resumed_fast = false;
	return 0;
}

/* Which stub each CPU ran last. */
static struct { uint32_t id; } last_run[PLAT_MAX_CPUS] __aligned(64);

/* The stub, pinned, if this CPU has a thread there; or NULL. */
static struct stub *stub_get(uint32_t id, unsigned cpu)
{
	struct stub *s = stub_find(id);

	if (!s || !stub_pin(s))
		return NULL;
	if (s->id == id && s->thread[cpu].live)
		return s;
	stub_unpin(s);
	return NULL;
}

static struct stub *last_get(unsigned cpu) { return stub_get(last_run[cpu].id, cpu); }

/* What the kernel has to do for it before it runs takes as long as the other needs to
 * make room for it, if it is awake.  Its address space may have ended meanwhile: the task is
 * on its way to another, or out. */
void user_soon(uint32_t id, unsigned cpu)
{
	struct stub *s, *last;
	bool awake;

	if (last_run[cpu].id == id || !place_apart())
		return;
	s = stub_get(id, cpu);
	if (!s)
		return;
	awake = !__atomic_load_n(&stub_box_of(s, cpu)->app_sleeping, __ATOMIC_RELAXED);
	stub_unpin(s);
	last = awake ? last_get(cpu) : NULL;
	if (!last)
		return;
	turn_over(&last->thread[cpu], stub_box_of(last, cpu));
	stub_unpin(last);
}

/* Another program than the last takes over, whose thread leaves the core
 * whether this one has to be woken or had only been pushed aside. */
static void take_over(struct app_thread *th, struct stub_box *box, unsigned cpu)
{
	struct stub *last = last_get(cpu);

	turn_give(th, box, TURN_RUN, last);
	if (!last)
		return;
	stub_unpin(last);
}

/* What the thread handed back with: registers to u, the rest to *ret. */
static int trap_read(struct stub *s, struct app_thread *th, struct stub_box *box, struct plat_uctx *u,
		     struct plat_trap *ret)
{
	const uint32_t trap = __atomic_load_n(&box->line.trap, __ATOMIC_RELAXED), signo = trap & TRAP_MASK;
	struct slot *slot = slot_now(th);
	struct sigframe frame;
	uint32_t frame_off;

	ahead_drop(th);
	if (u->grant_count)
		prefetch_write(u->grant_ready);
	if (unlikely(trap >> TRAP_POSTS_SHIFT & TRAP_POSTS_MASK))
		posts_take(th, u, box, trap >> TRAP_POSTS_SHIFT & TRAP_POSTS_MASK);
	if (signo == TRAP_RIDERS) {
		/* Nothing was resumed; a frame that was meant to be holds the
		 * newest state. */
		if (!th->rider_count)
			return refuse(s, "it failed at what it was not told");
		slot->at_gate &= th->resumed_fast;
		*ret = (struct plat_trap){ .kind = PLAT_TRAP_RIDER };
		return 0;
	}
	slot->at_gate = false;
	if (signo == TRAP_GATE) {
		th->below = GATE_BELOW;
		slot->in_frame = slot->seen = false;
		test_step(s, STEP_FRAME);
		gate_regs_read(th, box, &u->regs);
		if (trap & TRAP_AHEAD)
			ahead_announce(th, box, u->regs.orig_rax);
		riders_expect(box);
		u->regs_partial = true;
		*ret = (struct plat_trap){
			.kind = PLAT_TRAP_SYSCALL, .signo = SIGSYS,
			.gate = true, .word = trap & TRAP_WORD,
		};
		return 0;
	}
	frame_off = __atomic_load_n(&box->frame_off, __ATOMIC_RELAXED);
	th->below = signo == TRAP_UNRUN && frame_off == 0 ? GATE_BELOW : 0;
	if (DEFENCE(FRAME_PLACE) && !th->below && frame_off != frame_shape.frame_off)
		return refuse(s, "a signal's frame is at another place");
	if (signo == TRAP_UNRUN) {
		/* The state of a frame that was not returned to is still there. */
		if (!th->resumed_fast) {
			frame_xstate_save(u->xstate, slot_image(th, box, th->slot_at));
			plat_uctx_xstate_changed(u);
		}
		slot->in_frame = !th->below;
		slot->seen = false;
		*ret = (struct plat_trap){ .kind = PLAT_TRAP_KICK, .signo = KICK_SIGNAL };
		return 0;
	}
	if (DEFENCE(SIGNO) && !signo_known(signo))
		return refuse(s, "it told of a signal that it cannot have had");
	slot->in_frame = true;
	test_step(s, STEP_FRAME);
	frame_snapshot(&frame, (void *)((uint8_t *)box + frame_shape.frame_off));
	regs_from(&u->regs, &frame.uc.mc, box);
	u->regs_partial = false;
	trap_decode(ret, &u->regs, signo, &frame);
	ret->word = trap & TRAP_WORD;
	if (trap & TRAP_AHEAD)
		th->ahead_waits = true;
	return 0;
}

/* A rider has failed, in this run or when it was flushed. */
static void rider_report(struct plat_uctx *u, struct plat_trap *ret)
{
	*ret = (struct plat_trap){ .kind = PLAT_TRAP_RIDER, .code = u->rider_err, .addr = u->rider_addr };
	u->rider_err = 0;
}

void plat_user_run(plat_as_t as, struct plat_uctx *u, uint64_t deadline_ns,
		   struct plat_trap *ret_trap)
{
	unsigned cpu = plat_cpu_self();
	struct stub *s = stub_find(as.id);
	struct app_thread *th;
	struct stub_box *box;
	bool expired = false;

	u->post_count = 0;
	if (!s || stub_dead(s))
		goto dead;
	th = app_thread_get(s, cpu);
	if (!th)
		goto dead;
	box = stub_box_of(s, cpu);
	if (unlikely(th->rider_xstates) && (!u->xstate_live || (th->below && !gate_loadable(slot_now(th), &u->regs))))
		riders_flush(s, cpu);   /* the frame to resume with is made before they would be */
	if (u->rider_err) {
		rider_report(u, ret_trap);
		return;
	}
	do {
		if (resume_prepare(s, th, box, cpu, u))
			goto killed;
		sigmask_tell(th, box, u);       /* before the look for kicks: kernel/signal/maskpost.c */
		cpu_user_set(cpu, s->pid, th->tid);
		if (cpu_kick_pending(cpu)) {
			cpu_user_clear(cpu);
			cpu_kick_clear(cpu);
			*ret_trap = (struct plat_trap){ .kind = PLAT_TRAP_KICK };
			return;
		}
		if (th->rider_count)
			riders_board(s, cpu, u);
		if (unlikely(fds_differ(&th->fds, &u->fds) || !u->answers.valid))
			fds_tell(s, cpu, box, u);
		slot_tell(s, th, box);
		box->line.order = th->order;
		test_step(s, STEP_RESUME);
		if (last_run[cpu].id != s->id)
			take_over(th, box, cpu);
		else
			turn_give(th, box, TURN_RUN, NULL);
		last_run[cpu].id = s->id;
		test_step(s, STEP_RUNNING);
		if (stub_dead(s) || run_until_back(s, th, box, cpu, deadline_ns, &expired))
			goto killed;
		cpu_user_clear(cpu);
		test_step(s, STEP_BACK);
		if (trap_read(s, th, box, u, ret_trap))
			goto killed;
		if (th->rider_count)
			riders_arrived(s, cpu, u, ret_trap->kind == PLAT_TRAP_RIDER);
		if (ret_trap->kind == PLAT_TRAP_RIDER)
			rider_report(u, ret_trap);
		test_step(s, STEP_READ);
		/* A kick that was meant for an earlier run is nobody's. */
	} while (ret_trap->signo == KICK_SIGNAL && !expired && !cpu_kick_pending(cpu) && !u->post_count);
	u->regs_changed = false;
	cpu_kick_clear(cpu);
	return;

killed:
	cpu_user_clear(cpu);
	stub_kill(s, NULL);
dead:
	cpu_kick_clear(cpu);
	*ret_trap = (struct plat_trap){ .kind = PLAT_TRAP_DEAD };
}
