/* SPDX-License-Identifier: Apache-2.0 */
/* app.c: an app thread between a trap and the resume.
 *
 * Runs on the alternate signal stack inside the thread's mailbox, so that the
 * host's signal frame is where the kernel can read and rewrite it, or after a
 * trap by the gate on the gate's stack.  Publishes the trap, hands the turn
 * over, runs the kernel's commands, and returns the frame to resume.  No libc,
 * no vector registers, no global data.
 *
 * On the gate's stack kicks are not blocked.  One that comes before the trap
 * is published, or later but before the order to run, needs no answer of its
 * own.  One that comes after that order must not be lost: stub_kicked().
 *
 * Trust: the program can write the mailbox and may call in here with any
 * registers; all it can reach is what its filter lets it do anyway. */
#include "platform/process/sigframe.h"
#include "platform/process/stub/ahead.h"

#define NR_sched_yield 24
#define NR_futex 202
#define SIGNO_SYS 31
#define WAKE_ALL 0x7fffffff
#define CODE_INSIDE(ip, name) ((ip) >= (uint64_t)name && (ip) < (uint64_t)name##_end)

uint64_t stub_copy(uint64_t dst, uint64_t src, uint64_t n);
uint64_t stub_zero(uint64_t dst, uint64_t n);
uint64_t stub_copy_string(uint64_t dst, uint64_t src, uint64_t n);
int64_t stub_cmpxchg32(uint64_t addr, uint32_t old, uint32_t val);
int64_t stub_load32(uint64_t addr);
uint64_t stub_trap(struct stub_box *box, uint32_t signo, uint64_t frame);
uint64_t stub_gate(struct stub_box *box, uint32_t trap);
int64_t stub_frame(struct stub_box *box, const struct stub_cmd *cmd);
uint32_t stub_futex_look(uint64_t nr, const uint64_t *arg);
void stub_load_make(struct stub_box *box, bool as_saved);
void stub_slot_save(struct stub_box *box);
void stub_slot_change(struct stub_box *box, uint32_t to);
uint32_t stub_kicked(struct stub_box *box, struct sigframe *frame);
uint32_t stub_host_cpu(void);
void stub_returned(const struct stub_box *box, struct sigmcontext *m, bool made);
void stub_ahead_then(struct stub_ahead *a, uint32_t then, uint32_t n);
extern const uint8_t gate_posted[], gate_posted_end[], gate_grant[], gate_granted[], gate_granted_end[];
extern const uint8_t gate[], gate_end[], gate_answer[], gate_answer_end[], gate_exit[], gate_exit_end[];

static inline int64_t host_call(uint64_t nr, const uint64_t *a)
{
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];
	int64_t ret;

	__asm__ volatile("syscall" : "=a"(ret)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline void futex(uint32_t *word, uint32_t op, uint32_t val)
{
	const uint64_t a[6] = { (uint64_t)word, op, val, 0, 0, 0 };

	host_call(NR_futex, a);
}

static inline const struct stub_config *config(void)
{
	return (const void *)(STUB_BASE + IMAGE_CONFIG);
}

/* The CPU number the host keeps in a segment limit, or rdpid. */
static inline uint32_t host_cpu(void)
{
	uint64_t v;

	if (config()->has_rdpid)
		__asm__ volatile(".byte 0xf3, 0x0f, 0xc7, 0xf8" : "=a"(v));
	else
		__asm__ volatile("lsl %1, %0" : "=r"(v) : "r"(0x7bul));
	return v & 0xfff;
}

uint32_t stub_host_cpu(void) { return host_cpu(); }

static inline uint64_t cycles(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline uint32_t *wake_word(uint32_t nr) { return (uint32_t *)STUB_WAKE + nr % WAKE_WORDS; }

/* The kernel, which runs another program on this core, leaves its waking to
 * the thread that makes room for it: within one core that is ten times cheaper. */
static void relay(struct stub_box *box)
{
	uint32_t nr;

	if (!__atomic_load_n(&box->relay, __ATOMIC_SEQ_CST))
		return;
	nr = __atomic_exchange_n(&box->relay, 0, __ATOMIC_SEQ_CST);
	if (nr)
		futex(wake_word(nr - 1), 1, WAKE_ALL);
}

static inline bool parked(uint32_t turn) { return turn == TURN_KERNEL || turn == TURN_ROOM; }

/* Sleep until the turn is given.  It is given first, then the word changes. */
static uint32_t sleep(struct stub_box *box)
{
	uint32_t first = *(const uint32_t *)(STUB_CTL + CTL_ACK + ACK_WAKE);
	uint32_t *word = wake_word(first + (uint32_t)(((uint64_t)box - (STUB_CTL + CTL_BOX(0))) >> BOX_SHIFT) * WAKE_STRIDE);
	uint32_t turn;

	/* In this order: turn_give(). */
	__atomic_store_n(&box->app_sleeping, 1, __ATOMIC_SEQ_CST);
	relay(box);
	for (;;) {
		uint32_t seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);

		turn = __atomic_load_n(&box->line.turn, __ATOMIC_SEQ_CST);
		if (!parked(turn))
			break;
		futex(word, 0, seen);
	}
	__atomic_store_n(&box->app_sleeping, 0, __ATOMIC_RELEASE);
	return turn;
}

/* The kernel's thread is on this core, and nobody else, as far as it knows:
 * whether it has given the turn back when this thread runs again. */
static bool yield(const struct stub_box *box, uint32_t *ret_turn)
{
	static const uint64_t none[6];

	for (unsigned i = 0; i < YIELDS_MAX && __atomic_load_n(&box->yields, __ATOMIC_RELAXED); i++) {
		host_call(NR_sched_yield, none);
		*ret_turn = __atomic_load_n(&box->line.turn, __ATOMIC_ACQUIRE);
		if (*ret_turn != TURN_KERNEL)
			return *ret_turn != TURN_ROOM;
	}
	return false;
}

/* Another program's thread goes on on this core, which the kernel's thread has left to them.
 * If the two talk to each other it is this one's turn again at once: it yields, which is
 * half as dear as to sleep and be woken.  If that took long, the other computes or a
 * stranger had the core, for a slice of the host's: then less and less is tried. */
static bool make_room(struct stub_box *box, uint32_t *ret_turn)
{
	static const uint64_t none[6];
	const uint64_t spin = config()->spin_cycles;
	uint64_t start = cycles(), now;

	if (start < box->room.retry)
		return false;
	for (unsigned i = 0; i < YIELDS_MAX; i++) {
		relay(box);
		host_call(NR_sched_yield, none);
		*ret_turn = __atomic_load_n(&box->line.turn, __ATOMIC_ACQUIRE);
		now = cycles();
		if (now - start >= spin) {
			box->room.soon = 0;
			box->room.after = MIN(MAX(2 * box->room.after, YIELD_RETRY_FIRST(spin)), YIELD_RETRY_LAST(spin));
			box->room.retry = now + box->room.after;
			return !parked(*ret_turn);
		}
		/* The other was told to make room before this one gets the turn. */
		start = now;
		while (parked(*ret_turn) && now - start < ROOM_AHEAD(spin)) {
			__builtin_ia32_pause();
			*ret_turn = __atomic_load_n(&box->line.turn, __ATOMIC_ACQUIRE);
			now = cycles();
		}
		if (!parked(*ret_turn)) {
			box->room.soon = MIN(box->room.soon + 1, YIELDED_SOON);
			if (box->room.soon == YIELDED_SOON)
				box->room.after = 0;
			return true;
		}
	}
	return false;
}

static inline struct stub_slot *slot_now(struct stub_box *box)
{
	return box_slot(box, slot_valid(config(), box->slot));
}

/* The call that the gate handed over.  One that waits at one place and not at another is two. */
static inline uint32_t call_now(const struct stub_box *box)
{
	uint64_t nr = box->saved.rax;

	return (uint32_t)nr | (uint32_t)(nr == NR_futex ? box->saved.rsi : box->saved.rdi) << 16;
}

static inline bool call_will_pass(const struct stub_box *box)
{
	return box->room.sure >= MAX(box->room.need, ROOM_SURE) && box->room.call == call_now(box);
}

/* How it ended, for its next time.  Room made in vain is dear: somebody who computes may have got it. */
static void call_ended(struct stub_box *box)
{
	bool was = box->room.passed;
	uint32_t call = call_now(box), need = MAX(box->room.need, ROOM_SURE);

	box->room.passed = 0;
	if (box->room.early && !was)
		box->room.need = (uint16_t)MIN(4 * need, ROOM_SURE_LAST);
	box->room.early = 0;
	if (box->room.call != call) {
		if (!was)
			return;
		box->room.call = call;
		box->room.sure = 0;
	}
	box->room.sure = was ? (uint16_t)MIN(box->room.sure + 1u, 8 * ROOM_SURE_LAST) : 0;
	if (box->room.sure >= 8 * need)
		box->room.need = (uint16_t)(need / 2);
}

/* Give the turn to the kernel, return when it is back.  xstate: to be saved;
 * the partner on another core need not wait for that.  call: of the gate, no more than that. */
static uint32_t hand_over(struct stub_box *box, bool xstate, bool call)
{
	uint32_t cpu = host_cpu();
	uint32_t turn, partner = __atomic_load_n(&box->kern_cpu, __ATOMIC_RELAXED);
	/* On one core the partner can only run when we sleep. */
	bool apart = partner != cpu;

	if (__atomic_load_n(&box->app_cpu, __ATOMIC_RELAXED) != cpu)
		__atomic_store_n(&box->app_cpu, cpu, __ATOMIC_RELAXED);
	if (xstate && !apart)
		stub_slot_save(box);
	__atomic_store_n(&box->line.turn, TURN_KERNEL, __ATOMIC_SEQ_CST);
	line_push(&box->line);
	if (__atomic_load_n(&box->kern_sleeping, __ATOMIC_SEQ_CST))
		futex(&box->line.turn, 1, 1);
	if (xstate && apart)
		stub_slot_save(box);
	if (apart && call && unlikely(box->room.sure) && call_will_pass(box)) {
		box->room.early = 1;
		if (make_room(box, &turn))
			return turn;
	}
	if (apart) {
		uint64_t start = cycles(), spin = config()->spin_cycles;

		do {
			turn = __atomic_load_n(&box->line.turn, __ATOMIC_ACQUIRE);
			if (turn == TURN_ROOM)
				break;
			if (turn != TURN_KERNEL)
				return turn;
			__builtin_ia32_pause();
			partner = __atomic_load_n(&box->kern_cpu, __ATOMIC_RELAXED);
			/* The kernel comes to this core; or it is on its way to another, or
			 * has something long to do for this call. */
		} while (partner != cpu && cycles() - start < spin << (partner == CORE_NOWHERE ? 2 : 0));
		if (turn == TURN_ROOM && make_room(box, &turn))
			return turn;
	} else if (yield(box, &turn)) {
		return turn;
	}
	return sleep(box);
}

static int64_t run_command(struct stub_box *box, const struct stub_cmd *cmd)
{
	if (cmd->op < OP_COPY)
		return host_call(cmd->op, cmd->a);
	if (cmd->op == OP_COPY)
		return (int64_t)stub_copy(cmd->a[0], cmd->a[1], cmd->a[2]);
	if (cmd->op == OP_ZERO)
		return (int64_t)stub_zero(cmd->a[0], cmd->a[2]);
	if (cmd->op == OP_CMPXCHG32)
		return stub_cmpxchg32(cmd->a[0], cmd->a[1], cmd->a[2]);
	if (cmd->op == OP_LOAD32)
		return stub_load32(cmd->a[0]);
	return stub_frame(box, cmd);
}

/* The first copy: what of it is not in the line is always at the same place. */
static bool line_copy(struct stub_box *box, uint32_t order)
{
	uint32_t size = order >> ORDER_COPY_SHIFT & COPY_LINE_MAX, head = MIN(size, COPY_INLINE);
	uint64_t rest = (uint64_t)box + BOX_COPY_REST;

	if (order & ORDER_ZERO)
		return stub_zero(box->line.copy.to, box->line.copy.zeroes);
	if (size > COPY_INLINE + 64)
		__builtin_prefetch((void *)(rest + 64));
	return stub_copy(box->line.copy.to, (uint64_t)box->line.copy.data, head) ||
	       (size > head && stub_copy(box->line.copy.to + head, rest, size - head));
}

/* What came with an order to run.  Success is not told: the kernel would have
 * to get the line back.  True when one failed. */
static bool run_riders(struct stub_box *box, uint32_t order)
{
	uint32_t n = order >> ORDER_COUNT_SHIFT & ORDER_RIDERS_MASK;
	bool failed = line_copy(box, order);

	for (uint32_t i = 0; i < n && i < BOX_CMD_MAX; i++) {
		struct stub_cmd *cmd = &box->cmds[i];
		int64_t ret = run_command(box, cmd);

		if (OP_IS_COPY(cmd->op) ? ret == 0 : (uint64_t)ret < -4095ul)
			continue;
		cmd->ret = ret;
		failed = true;
	}
	return failed;
}

static inline uint64_t robust_head(uint64_t fs) { return fs ? fs + ROBUST_BEHIND_FS : 0; }

static uint64_t ahead_size(const struct ahead *e, const uint64_t *arg, uint64_t addr)
{
	uint64_t count;

	switch (e->kind) {
	case AHEAD_STRING:
		count = 4096 - (addr & 4095);
		return MIN(count, (uint64_t)AHEAD_STRING_SIZE);
	case AHEAD_SIZE:
		return e->size;
	case AHEAD_COUNT:
		count = arg[e->count_arg];
		return count <= BOX_AHEAD_MAX / e->size ? count * e->size : 0;
	case AHEAD_TIMEOUT:
		return futex_waits(arg[1]) ? e->size : 0;
	case AHEAD_FRAME:
		return MIN(config()->sigframe_size, (uint64_t)BOX_AHEAD_MAX);
	default:
		return 0;
	}
}

/* TRAP_AHEAD or 0. */
static uint32_t copy_ahead(struct stub_box *box, uint64_t nr, const uint64_t arg[ARGUMENTS])
{
	struct stub_ahead *a = (void *)((uint64_t)box + BOX_DATA);
	const struct ahead *e;
	uint64_t addr, n;

	if (nr >= ARRAY_SIZE(ahead_table) || ahead_table[nr].kind == AHEAD_NONE)
		return 0;
	e = &ahead_table[nr];
	addr = arg[e->arg];
	n = addr ? ahead_size(e, arg, addr) : 0;
	if (n == 0)
		return 0;
	if (e->kind == AHEAD_STRING)
		n = stub_copy_string((uint64_t)a->data, addr, n);
	else
		n -= stub_copy((uint64_t)a->data, addr, n);
	a->addr = addr;
	a->size = (uint32_t)n;
	a->more = 0;
	if (e->then)
		stub_ahead_then(a, e->then, (uint32_t)n);
	return TRAP_AHEAD;
}

/* Serve the kernel until it says run; returns that order.  What it wants done before
 * that rides on the order; when some of it fails, the thread does not run. */
static uint32_t serve(struct stub_box *box, bool xstate, bool call)
{
	for (;; call = false) {
		uint32_t turn = hand_over(box, xstate, call);
		uint32_t order = __atomic_load_n(&box->line.order, __ATOMIC_RELAXED);
		uint32_t slot = __atomic_load_n(&box->line.slot, __ATOMIC_RELAXED);

		if (slot & SLOT_PASSED)
			box->room.passed = 1;
		slot &= ~SLOT_PASSED;
		if (slot)
			stub_slot_change(box, slot - 1);
		if (turn == TURN_RUN) {
			if (!(order & ~(ORDER_FAST | ORDER_LOAD)) || !run_riders(box, order))
				return order;
			box->line.trap = TRAP_RIDERS;
		} else {
			uint32_t n = order >> ORDER_COUNT_SHIFT & ORDER_COUNT_MASK;

			for (uint32_t i = 0; i < n && i < BOX_CMD_MAX; i++)
				box->cmds[i].ret = run_command(box, &box->cmds[i]);
		}
		xstate = !slot_now(box)->saved;         /* changed by a command */
	}
}

static uint64_t frame_to_resume(struct stub_box *box)
{
	if (box->set_bases) {
		__builtin_ia32_wrfsbase64(box->new_fs_base);
		__builtin_ia32_wrgsbase64(box->new_gs_base);
	}
	/* rt_sigreturn expects the return address popped. */
	return (uint64_t)box + box->resume_off + 8;
}

/* They lie in the mailbox, and are the kernel's from now on. */
static uint32_t posts_told(struct stub_box *box)
{
	uint32_t n = box->post_count;

	if (n)
		box->post_count = 0;
	return (n & TRAP_POSTS_MASK) << TRAP_POSTS_SHIFT;
}

uint64_t stub_trap(struct stub_box *box, uint32_t signo, uint64_t frame)
{
	uint64_t fs = __builtin_ia32_rdfsbase64();
	uint32_t ahead = 0;

	if (signo == SIGNO_SYS) {
		const struct sigmcontext *m = &((const struct sigframe *)frame)->uc.mc;
		const uint64_t arg[ARGUMENTS] = { m->di, m->si, m->dx, m->r10, m->r8, m->r9, m->sp, robust_head(fs) };

		ahead = copy_ahead(box, m->ax, arg) | stub_futex_look(m->ax, arg);
	}
	box->line.trap = (uint16_t)(signo | ahead | posts_told(box));
	slot_now(box)->saved = 1;
	box->frame_off = (uint32_t)(frame - (uint64_t)box);
	box->fs_base = fs;
	box->gs_base = __builtin_ia32_rdgsbase64();
	serve(box, false, false);
	return frame_to_resume(box);
}

/* From the gate, which has put the registers into the mailbox: GATE_RETURN to
 * resume with them, GATE_LOAD with others, or the frame. */
uint64_t stub_gate(struct stub_box *box, uint32_t trap)
{
	/* A frame that was not returned to holds newer state than the registers. */
	bool call, xstate = trap == TRAP_GATE || (box->line.order & (ORDER_FAST | ORDER_LOAD));
	uint32_t order, slot = box->slot;
	uint64_t fs = __builtin_ia32_rdfsbase64();

	box->frame_off = 0;
	box->fs_base = fs;
	box->kicked = 0;
	slot_now(box)->saved = !xstate;
	if (trap == TRAP_GATE) {
		struct stub_line *line = &box->line;
		uint64_t nr = box->saved.rax;
		const uint64_t arg[ARGUMENTS] = { box->saved.rdi, box->saved.rsi, box->saved.rdx, box->saved.r10,
						  box->saved.r8, box->saved.r9, box->saved.rsp, robust_head(fs) };

		trap |= copy_ahead(box, nr, arg) | stub_futex_look(nr, arg);
		/* All at once: the kernel, which looks at it, takes it away in between. */
		line->nr = (uint16_t)MIN(nr, (uint64_t)NR_LONG);
		line->rip = box->saved.rip;
		for (unsigned i = 0; i < ARRAY_SIZE(line->arg); i++)
			line->arg[i] = arg[i];
	}
	call = (trap & TRAP_MASK) == TRAP_GATE;
	box->line.trap = (uint16_t)(trap | posts_told(box));
	order = serve(box, xstate, call);
	if (call && (box->room.passed || box->room.sure))
		call_ended(box);
	/* What may be read without a trap: soon, if at all. */
	prefetch_write((const uint8_t *)box + BOX_GRANTS);
	__builtin_prefetch((const uint8_t *)box + BOX_GRANT_DATA);
	/* The gate still has the others, if they are of the same slot. */
	if ((order & ORDER_FAST) && box->slot == slot)
		return GATE_RETURN;
	if (!(order & (ORDER_FAST | ORDER_LOAD)))
		return frame_to_resume(box);
	stub_load_make(box, order & ORDER_FAST);
	return GATE_LOAD;
}

/* As if the call that the gate was about to answer had not been made yet. */
static void answer_undo(const struct stub_box *box, struct sigmcontext *m)
{
	uint64_t high = box->saved.rip >> GATE_FLAGS_SHIFT;

	m->cx = box->saved.rip << (64 - GATE_FLAGS_SHIFT) >> (64 - GATE_FLAGS_SHIFT);
	m->ip = m->cx - 2;
	m->ax = box->saved.rax;
	m->flags = (m->flags & ~(uint64_t)FLAGS_ARITHMETIC) | (high >> 8 & FLAGS_LAHF) |
		   (high & 1) << FLAG_OF_SHIFT;
}

/* A kick hit the stub's own code: what to report, or 0 to go on there.  What
 * lies between the order to run and the program's first instruction is either
 * in front of the gate's last look at `kicked` or undone as a whole here. */
uint32_t stub_kicked(struct stub_box *box, struct sigframe *frame)
{
	uint64_t ip = frame->uc.mc.ip;

	if (CODE_INSIDE(ip, gate_exit))
		return TRAP_UNRUN;
	if (CODE_INSIDE(ip, gate_answer)) {
		answer_undo(box, &frame->uc.mc);
		return KICK_SIGNAL;
	}
	if (CODE_INSIDE(ip, gate_posted)) {
		stub_returned(box, &frame->uc.mc, true);
		return KICK_SIGNAL;
	}
	/* At gate_granted carry tells whose the grant was. */
	if (ip >= (uint64_t)gate_grant && ip < (uint64_t)gate_granted_end) {
		stub_returned(box, &frame->uc.mc, ip != (uint64_t)gate_granted ? ip > (uint64_t)gate_granted
			      : frame->uc.mc.flags & FLAG_CARRY);
		return KICK_SIGNAL;
	}
	/* Somebody who jumped into other code of ours is a program that runs. */
	if (!CODE_INSIDE(ip, gate) &&
	    frame->uc.mc.sp - ((uint64_t)box + BOX_GATE_STACK - BOX_GATE_STACK_SIZE) > BOX_GATE_STACK_SIZE)
		return KICK_SIGNAL;
	__atomic_store_n(&box->kicked, 1, __ATOMIC_SEQ_CST);
	return 0;
}
