/* SPDX-License-Identifier: Apache-2.0 */
/* stub_controls.c: the proof that each defence is what stops its attack.
 *
 * Controls run the same attack twice, each time in a sandbox process of its
 * own: with all defences, when it must fail, and with one off (test_off), when
 * it must succeed.  An attack reports success by attack_works. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/process/sigframe.h"
#include "tests/escape/stub_steps.h"

extern const uint8_t process_stub_image[];

#define SECRET 0x5ec2e75ec2e7ull
#define WORKS 42                        /* exit status: the attack works */

enum test_defence test_off;

/* ---- attacks that report whether they work ----------------------------------- */

static const char *cannot_show;

__noreturn static void verdict(bool works)
{
	if (cannot_show)
		printf("  note: %s\n", cannot_show);
	fflush(stdout);
	plat_exit(failures ? 1 : works ? WORKS : 0);
}

/* An instruction pair syscall; ud2 in the stub's own code. */
static uint64_t gadget(void)
{
	return STUB_BASE + ((const struct stub_image *)process_stub_image)->signal_return + 5;
}

static struct plat_trap by_gadget(plat_as_t as, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t *ret)
{
	struct plat_uctx *u = guest_ctx(guest_jump);
	struct plat_trap t;

	u->regs.r15 = gadget();
	u->regs.rax = nr;
	u->regs.rdi = a0;
	u->regs.rsi = a1;
	u->regs.rdx = a2;
	t = run(as, u);
	*ret = u->regs.rax;
	guest_ctx_free(u);
	return t;
}

static plat_as_t victim_new(void)
{
	plat_as_t as = guest_as();
	uint64_t v = SECRET;

	CHECK(plat_as_map_anon(as, DATA, 0x1000, 3, 0) == 0);
	CHECK(plat_copy_out(as, DATA, &v, 8) == 0);
	return as;
}

static void attack_raw_call(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_syscall);
	struct plat_trap t;

	u->regs.rax = SYS_getppid;
	t = run(as, u);
	verdict(!(t.kind == PLAT_TRAP_SYSCALL && u->regs.orig_rax == SYS_getppid));
}

static void attack_raw_call_from_stub(void)
{
	plat_as_t as = guest_as();
	uint64_t ret;
	struct plat_trap t = by_gadget(as, SYS_close, FD_SOCK, 0, 0, &ret);

	verdict(t.kind == PLAT_TRAP_EXCEPTION && t.signo == SIGILL && ret == 0);
}

/* The victim is another stub of the same sandbox and user. */
static void attack_read_other(void)
{
	plat_as_t victim = victim_new(), as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_syscall);
	struct iovec iov[2] = { { (void *)(GUEST_STACK + 0x100), 8 }, { (void *)DATA, 8 } };
	uint64_t v = 0;

	CHECK(plat_copy_out(as, GUEST_STACK, iov, sizeof(iov)) == 0);
	u->regs.rax = SYS_process_vm_readv;
	u->regs.rdi = (uint64_t)stub_find(victim.id)->pid;
	u->regs.rsi = GUEST_STACK;
	u->regs.rdx = 1;
	u->regs.r10 = GUEST_STACK + 16;
	u->regs.r8 = 1;
	u->regs.r9 = 0;
	run(as, u);
	(void)!plat_copy_in(as, &v, GUEST_STACK + 0x100, 8);
	verdict(v == SECRET);
}

static void attack_stub_pages(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_poke);
	uint64_t ret;
	struct plat_trap t = by_gadget(as, SYS_mprotect, STUB_CTL + CTL_ACK, 0x1000, 3, &ret);

	if (t.kind != PLAT_TRAP_EXCEPTION)
		verdict(false);
	u->regs.rdi = STUB_CTL + CTL_ACK + ACK_VALUE;
	t = run(as, u);
	verdict(t.kind == PLAT_TRAP_SYSCALL);
}

static void attack_unmap_stub(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_store);
	uint64_t ret;
	struct plat_trap t = by_gadget(as, SYS_munmap, STUB_CTL, 0x1000, 0, &ret);

	if (t.kind == PLAT_TRAP_SYSCALL)
		verdict(false);
	/* Is the mapper's page gone? */
	u->regs.rdi = STUB_CTL;
	t = run(as, u);
	verdict(t.kind != PLAT_TRAP_FAULT || t.code == SEGV_MAPERR);
}

/* The parent's other thread says whose pid the child has: the victim's. */
static void attack_forged_pid(void)
{
	plat_as_t victim = victim_new(), as = guest_as(), child = { 0 };
	uint32_t pid = (uint32_t)stub_find(victim.id)->pid;
	uint64_t v = 0;

	enemy_prepare(as);
	hook.offset = CTL_ACK + ACK_VALUE;
	hook.value = (pid & 0xfff) | (pid >> 12 & 0xfff) << 16;
	arm(as, STEP_FORKED, act_enemy);
	CHECK(plat_as_fork(as, &child) == 0 && hook.hit);
	(void)!plat_copy_in(child, &v, DATA, 8);
	verdict(v == SECRET);
}

static void sigreturn_to(plat_as_t as, uint64_t sigmask, uint64_t alt_sp, const char *then, struct plat_trap *t,
			 struct plat_uctx *u)
{
	struct sigframe f;

	memset(&f, 0, sizeof(f));
	f.uc.flags = 6;
	f.uc.stack_sp = alt_sp;
	f.uc.stack_size = 0x4000;
	f.uc.mc.ip = GUEST_CODE + (uint64_t)(then - guest_begin);
	f.uc.mc.sp = GUEST_STACK + 0x8000;
	f.uc.mc.cs = 0x33;
	f.uc.mc.ss = 0x2b;
	f.uc.mc.flags = 0x202;
	f.uc.sigmask = sigmask;
	CHECK(plat_copy_out(as, GUEST_STACK + 0x1000, &f, sizeof(f)) == 0);
	u->regs.r15 = STUB_BASE + ((const struct stub_image *)process_stub_image)->signal_return;
	u->regs.rsp = GUEST_STACK + 0x1008;
	for (unsigned tries = 0; tries < 5; tries++) {
		user_run(as, u, plat_time_mono_ns() + 50000000, t);
		if (t->kind != PLAT_TRAP_KICK)
			break;
	}
}

static void attack_moved_stack(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_jump);
	struct plat_trap t;

	sigreturn_to(as, 0, STUB_CTL + CTL_BOX(0), guest_getpid, &t, u);
	/* Believed: a system call with registers that were not the caller's. */
	verdict(t.kind != PLAT_TRAP_DEAD && u->regs.rip != GUEST_CODE + 7);
}

static void attack_blocked_kicks(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_jump);
	struct plat_trap t;

	sigreturn_to(as, ~0ull, 0, guest_loop, &t, u);
	verdict(t.kind != PLAT_TRAP_DEAD);
}

/* No attack: the host lets a stub run again only long after the kick. */
static void starved_lives(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_loop);
	pid_t stub = stub_find(as.id)->pid, waker;
	struct plat_trap t;

	CHECK(kill(stub, SIGSTOP) == 0);
	waker = fork();
	if (waker == 0) {
		usleep(2500000);
		kill(stub, SIGCONT);
		_exit(0);
	}
	user_run(as, u, plat_time_mono_ns() + NSEC_PER_SEC / 10, &t);
	CHECK(t.kind == PLAT_TRAP_KICK);
	waitpid(waker, NULL, 0);
	plat_exit(failures ? 1 : 0);
}

static void attack_forged_signo(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_getpid);

	hook.offset = offsetof(struct stub_box, line.trap);
	hook.value = 400;
	arm(as, STEP_BACK, act_write);
	verdict(run(as, u).signo == 400);
}

/* The thread says for ever that its extended state is not there yet. */
static void act_unsave(struct stub *s)
{
	usleep(20000);
	act_write(s);
}

static void attack_xstate(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_gate_once);

	u->regs.r15 = plat_syscall_gate();
	hook.offset = BOX_SLOTS + offsetof(struct stub_slot, saved);
	hook.value = 0;
	arm(as, STEP_READ, act_unsave);
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && hook.hit);
	plat_uctx_save(u);
	verdict(run(as, u).kind != PLAT_TRAP_DEAD);
}

/* The program says that more was copied into its mailbox than fits there: what
 * lies behind would be the kernel's word about the program's memory. */
static void attack_ahead(void)
{
	plat_as_t as = guest_as();
	struct plat_uctx *u = guest_ctx(guest_gate_user);
	uint64_t v;

	u->regs.r15 = plat_syscall_gate();
	u->regs.rax = SYS_write;
	u->regs.rsi = GUEST_STACK;
	u->regs.rdx = 64;
	hook.offset = BOX_DATA + offsetof(struct stub_ahead, size);
	hook.value = 0xffffffff;
	arm(as, STEP_BACK, act_write);
	CHECK(run(as, u).kind == PLAT_TRAP_SYSCALL && hook.hit);
	/* Unmapped; in the way of speaking, the mailbox of CPU 1. */
	verdict(plat_copy_in(as, &v, GUEST_STACK + BOX_SIZE + 64, 8) == 0);
}

static void attack_death(void)
{
	plat_as_t as = guest_as();
	plat_obj_t o;

	CHECK(plat_obj_new(0x1000, &o) == 0);
	arm(as, STEP_POST, act_kill);
	CHECK(plat_as_map_obj(as, DATA, 0x1000, 3, PLAT_MAP_SHARED, o, 0) == -ESRCH);
	verdict(false);
}

static void attack_stale_as(void)
{
	plat_as_t old = guest_as(), as[16];
	uint64_t v = 0;

	plat_as_free(old);
	usleep(50000);
	for (unsigned i = 0; i < ARRAY_SIZE(as); i++) {
		as[i] = victim_new();
		if (plat_copy_in(old, &v, DATA, 8) == 0 && v == SECRET)
			verdict(true);
	}
	verdict(false);
}

/* What was mapped stays the freed object; what is mapped later never is. */
static void attack_freed_object(void)
{
	plat_as_t as = guest_as();
	plat_obj_t a, b;
	uint64_t v = SECRET, w = 7;

	CHECK(plat_obj_new(0x1000, &a) == 0 && plat_obj_write(a, 0, &v, 8) == 0);
	CHECK(plat_as_map_obj(as, DATA, 0x1000, 3, PLAT_MAP_SHARED, a, 0) == 0);
	plat_obj_free(a);
	CHECK(plat_as_map_obj(as, DATA + 0x8000, 0x1000, 3, PLAT_MAP_SHARED, a, 0) == -EBADF);
	CHECK(plat_obj_new(0x1000, &b) == 0 && plat_obj_write(b, 0, &w, 8) == 0);
	v = 0;
	CHECK(plat_copy_in(as, &v, DATA, 8) == 0 && v == SECRET);
	CHECK(plat_as_map_obj(as, DATA + 0x1000, 0x1000, 3, PLAT_MAP_SHARED, b, 0) == 0);
	CHECK(plat_copy_in(as, &v, DATA + 0x1000, 8) == 0);
	verdict(v == SECRET);
}

/* The kernel as deputy: a system call's pointer into the stub area. */
static void attack_pointer(void)
{
	plat_as_t as = guest_as();
	uint64_t v = 0;

	verdict(plat_copy_in(as, &v, STUB_BASE, 8) == 0 && v == IMAGE_MAGIC);
}

/* The thread that was asked to wake the next one does not. */
static void attack_relay(void)
{
	if (!place_chooses()) {
		cannot_show = "one core: nobody relays here";
		verdict(test_off != DEF_NONE);
	}
	verdict(relay_refused());
}

#define PLAIN 5                         /* the first: no attacks */

/* ---- controls --------------------------------------------------------------- */

const struct harness_test control_tests[] = {
	{ "killed-at-each-step", killed_at_each_step },
	{ "mailbox-forged-at-each-step", mailbox_forged_at_each_step },
	{ "ack-forged-at-each-step", ack_forged_at_each_step },
	{ "frame-forged-before-resume", frame_forged_before_resume },
	{ "starved-lives", starved_lives },
	{ "raw-call", attack_raw_call },
	{ "raw-call-from-stub-code", attack_raw_call_from_stub },
	{ "read-another-process", attack_read_other },
	{ "stub-pages", attack_stub_pages },
	{ "unmap-mapper-page", attack_unmap_stub },
	{ "forged-pid", attack_forged_pid },
	{ "moved-stack", attack_moved_stack },
	{ "blocked-kicks", attack_blocked_kicks },
	{ "forged-signal-number", attack_forged_signo },
	{ "xstate-never-saved", attack_xstate },
	{ "ahead-too-long", attack_ahead },
	{ "relay-refused", attack_relay },
	{ "death-unnoticed", attack_death },
	{ "stale-address-space", attack_stale_as },
	{ "freed-object", attack_freed_object },
	{ "pointer-to-stub", attack_pointer },
	{ NULL, NULL },
};

static const struct {
	const char *name;
	enum test_defence off;
	const char *what;
	bool hangs;                     /* success is that the kernel waits for ever */
} controls[] = {
	{ "raw-call", DEF_TRAP, "filter without its trap", false },
	{ "raw-call-from-stub-code", DEF_TRAP, "filter without its trap", false },
	{ "read-another-process", DEF_TRAP, "filter without its trap", false },
	{ "stub-pages", DEF_ADDRESSES, "no address checks", false },
	{ "unmap-mapper-page", DEF_ADDRESSES, "no address checks", false },
	{ "forged-pid", DEF_ACK_READONLY, "acknowledgement writable in the stub", false },
	{ "moved-stack", DEF_FRAME_PLACE, "frame's place unchecked", false },
	{ "blocked-kicks", DEF_KICK_BOUND, "kicks without bound", true },
	{ "forged-signal-number", DEF_SIGNO, "signal number unchecked", false },
	{ "xstate-never-saved", DEF_XSTATE_BOUND, "wait for the state without bound", true },
	{ "ahead-too-long", DEF_AHEAD, "size of what was copied ahead unchecked", false },
	{ "relay-refused", DEF_RELAY, "no look whether the woken one is awake", false },
	{ "death-unnoticed", DEF_DEATH, "no death notification", true },
	{ "stale-address-space", DEF_GENERATION, "no generation in identities", false },
	{ "freed-object", DEF_CLOSE, "descriptors stay in the stub", false },
	{ "pointer-to-stub", DEF_RANGE, "pointers unchecked", false },
};

static int run_apart(const char *name, enum test_defence off, unsigned timeout_s)
{
	char *names[] = { (char *)name, NULL };
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		test_off = off;
		exit(harness_run(names, timeout_s));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static bool chosen(char **argv, const char *name)
{
	if (!argv[1])
		return true;
	for (char **a = argv + 1; *a; a++)
		if (!strcmp(*a, name))
			return true;
	return false;
}

int main(__unused_arg int argc, char **argv)
{
	int bad = 0;

	setlinebuf(stdout);
	for (size_t i = 0; i < PLAIN; i++) {
		int status;

		if (!chosen(argv, control_tests[i].name))
			continue;
		status = run_apart(control_tests[i].name, DEF_NONE, 100);
		printf("%s %s%s\n", status ? "not ok" : "ok", control_tests[i].name,
		       status == HARNESS_HANGS ? ": hangs" : "");
		bad |= status;
	}
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++) {
		int on, off;
		bool works;

		if (!chosen(argv, controls[i].name))
			continue;
		on = run_apart(controls[i].name, DEF_NONE, 20);
		off = run_apart(controls[i].name, controls[i].off, controls[i].hangs ? 5 : 20);
		works = off == (controls[i].hangs ? HARNESS_HANGS : WORKS);
		printf("%s %s: fails with all defences (%d), works with %s (%d)\n",
		       on == 0 && works ? "ok" : "not ok", controls[i].name, on, controls[i].what, off);
		bad |= on != 0 || !works;
	}
	return bad ? 1 : 0;
}
