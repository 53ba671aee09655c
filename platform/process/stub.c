/* SPDX-License-Identifier: Apache-2.0 */
/* stub.c: the table of stubs, their control files, and their death.
 *
 * Every stub is a child of the sandbox process, so one thread that waits for
 * any child learns of every death.  It marks the stub dead, turns over its
 * mailboxes so that no CPU waits for an answer, lets those finish who use the
 * pid at the moment ("pins"), and only then reaps: until then the pid cannot
 * belong to anybody else.  The slot and the control file are reused when the
 * kernel has freed the address space and the host process is gone.
 *
 * A stub may die before its birth is recorded (between the host's clone and
 * stub_born()); the reaper leaves such pids in a small ring.  One whose birth never
 * is recorded stays there, so each says which stubs had been begun: the pid of a later
 * one is another process.
 *
 * Locking: stubs_lock guards the table, the ring and the file pool. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/process/internal.h"
#include "platform/process/sigframe.h"

HOST_CALLS(sandbox, waitid, kill, memfd_create, ftruncate, fcntl, mmap, munmap, socketpair, close);
HOST_CALLS(sandbox, sched_yield, brk, mremap, madvise);         /* malloc, waiting for pins */

#define CTL_POOL_MAX 64
#define EARLY_MAX 256
#define LOST_STATUS 125                 /* as after a panic: not the program's doing */

static struct stub table[STUB_MAX];
static pthread_mutex_t stubs_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned table_top;              /* slots used so far */
static unsigned free_slot[STUB_MAX], free_count;
static struct ctl *ctl_pool;
static unsigned ctl_pool_count;
static struct { pid_t pid; uint64_t begun; } early[EARLY_MAX];
static uint64_t begun;                  /* stubs so far */
static unsigned early_next;

/* ---- control files -------------------------------------------------------- */

static void ctl_destroy(struct ctl *c)
{
	if (c->base)
		munmap(c->base, process.ctl_size);
	if (c->fd >= 0)
		close(c->fd);
	if (c->sock >= 0) {
		close(c->sock);
		close(c->peer);
	}
	free(c);
}

struct ctl *ctl_new(void)
{
	struct ctl *c;
	int pair[2];

	pthread_mutex_lock(&stubs_lock);
	c = ctl_pool;
	if (c) {
		ctl_pool = c->next;
		ctl_pool_count--;
	}
	pthread_mutex_unlock(&stubs_lock);
	if (c)
		return c;

	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->sock = -1;
	c->fd = memfd_create("nacre-ctl", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (c->fd < 0 || ftruncate(c->fd, (off_t)process.ctl_size) < 0 ||
	    fcntl(c->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		goto fail;
	c->base = mmap(NULL, process.ctl_size, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (c->base == MAP_FAILED) {
		c->base = NULL;
		goto fail;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		goto fail;
	c->sock = pair[0];
	c->peer = pair[1];
	return c;
fail:
	ctl_destroy(c);
	return NULL;
}

/* What a program's registers and copies have left in a mailbox: the next one
 * could read it.  Pages that were never used stay so. */
static void box_clear(uint8_t *box, bool used, uint32_t slots, bool grants)
{
	uint32_t frame = align_down(frame_shape.frame_off, (uint32_t)PLAT_PAGE_SIZE) - PLAT_PAGE_SIZE;

	memset(box, 0, offsetof(struct stub_box, cpuid_site));
	if (!used)
		return;
	memset(box + offsetof(struct stub_box, cpuid_site), 0,
	       sizeof(struct stub_box) - offsetof(struct stub_box, cpuid_site));
	memset(box + BOX_DATA, 0, BOX_SLOTS_END - BOX_DATA);
	/* The word that says which are good, whoever wrote it. */
	memset(box + BOX_GRANTS, 0, grants ? BOX_GRANTS_END - BOX_GRANTS : BOX_GRANT_DATA - BOX_GRANTS);
	memset(box + frame_shape.frame_off - GATE_BELOW, 0, BOX_STACK - (frame_shape.frame_off - GATE_BELOW));
	memset(box + frame, 0, BOX_SIZE - frame);
	for (uint32_t i = 1; i < slots; i++)
		memset(box + frame_shape.slot_image[i], 0, frame_shape.extended_size);
}

/* reuse: no process maps it any more and no descriptor is on its way. */
void ctl_free(struct ctl *c, bool reuse)
{
	if (reuse) {
		memset(c->base, 0, CTL_RO_SIZE);
		for (unsigned i = 0; i < process.cpu_count; i++)
			box_clear(c->base + CTL_BOX(i), c->boxes_used >> i & 1, c->slots_used, c->grants_used);
		c->boxes_used = 0;
		c->slots_used = 0;
		c->grants_used = false;
	}
	pthread_mutex_lock(&stubs_lock);
	if (reuse && ctl_pool_count < CTL_POOL_MAX) {
		c->next = ctl_pool;
		ctl_pool = c;
		ctl_pool_count++;
		c = NULL;
	}
	pthread_mutex_unlock(&stubs_lock);
	if (c)
		ctl_destroy(c);
}

/* ---- table ---------------------------------------------------------------- */

struct stub *stub_new(struct ctl *ctl)
{
	struct app_thread *threads = calloc(process.cpu_count, sizeof(*threads));
	struct stub *s = NULL;

	if (!threads)
		return NULL;
	for (unsigned i = 0; i < process.cpu_count; i++)
		threads[i].box = (uint8_t)i;
	pthread_mutex_lock(&stubs_lock);
	if (free_count)
		s = &table[free_slot[--free_count]];
	else if (table_top < STUB_MAX)
		s = &table[table_top++];
	if (s) {
		unsigned slot = (unsigned)(s - table);
		uint16_t generation = (uint16_t)(s->generation + DEFENCE(GENERATION));

		memset(s, 0, sizeof(*s));
		s->generation = generation;
		s->begun = ++begun;
		s->mapper_home = ANYWHERE;
		s->ctl = ctl;
		s->thread = threads;
		pthread_mutex_init(&s->mapper_lock, NULL);
		pthread_mutex_init(&s->later_lock, NULL);
		pthread_mutex_init(&s->slots_lock, NULL);
		__atomic_store_n(&s->id, (uint32_t)generation << 16 | (slot + 1), __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&stubs_lock);
	if (!s)
		free(threads);
	return s;
}

/* Lock held: the slot's process is gone and so is its user. */
static struct ctl *slot_release(struct stub *s)
{
	struct ctl *c = s->ctl;

	__atomic_store_n(&s->id, 0, __ATOMIC_RELEASE);
	s->ctl = NULL;
	s->pid = 0;
	for (unsigned i = 0; i < process.cpu_count; i++)
		free(s->thread[i].slot);
	free(s->thread);
	s->thread = NULL;
	pthread_mutex_destroy(&s->mapper_lock);
	pthread_mutex_destroy(&s->later_lock);
	pthread_mutex_destroy(&s->slots_lock);
	free_slot[free_count++] = (unsigned)(s - table);
	return c;
}

/* Lock held: may the control file of s serve another stub?  Not while a child
 * that is being born still reads its first commands from it. */
static bool ctl_reusable(const struct stub *s)
{
	if (s->tainted)
		return false;
	for (unsigned i = 0; i < table_top; i++) {
		const struct stub *c = &table[i];

		if (c->id && c->parent_id == s->id && !c->reaped &&
		    __atomic_load_n((uint32_t *)(c->ctl->base + CTL_ACK), __ATOMIC_ACQUIRE) == ACK_PENDING)
			return false;
	}
	return true;
}

static void stub_mark_dead(struct stub *s)
{
	uint32_t *ack = (uint32_t *)(s->ctl->base + CTL_ACK);
	bool awaited = !__atomic_load_n(&s->freed, __ATOMIC_RELAXED);

	if (!DEFENCE(DEATH))
		return;
	__atomic_store_n(&s->dead, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(ack, ACK_DEAD, __ATOMIC_SEQ_CST);
	if (awaited)
		futex_wake(ack, INT32_MAX);
	for (unsigned i = 0; i < process.cpu_count; i++) {
		struct stub_box *box = stub_box_nr(s, i);

		__atomic_store_n(&box->line.turn, TURN_DEAD, __ATOMIC_SEQ_CST);
		if (awaited)
			futex_wake(&box->line.turn, INT32_MAX);
	}
}

int stub_born(struct stub *s, pid_t pid)
{
	int err = 0;

	stats_count(STATS_STUBS_MADE);
	pthread_mutex_lock(&stubs_lock);
	s->pid = pid;
	for (unsigned i = 0; i < EARLY_MAX; i++) {
		bool mine = early[i].pid == pid && early[i].begun >= s->begun;

		if (early[i].pid == pid)
			early[i].pid = 0;
		if (!mine)
			continue;
		stub_mark_dead(s);
		s->reaped = true;
		err = -ESRCH;
	}
	pthread_mutex_unlock(&stubs_lock);
	return err;
}

void stub_abandon(struct stub *s)
{
	struct ctl *c;

	pthread_mutex_lock(&stubs_lock);
	c = slot_release(s);
	pthread_mutex_unlock(&stubs_lock);
	ctl_free(c, false);
}

struct stub *stub_find(uint32_t id)
{
	uint32_t slot = (id & 0xffff) - 1;

	if (slot >= STUB_MAX || __atomic_load_n(&table[slot].id, __ATOMIC_ACQUIRE) != id ||
	    __atomic_load_n(&table[slot].freed, __ATOMIC_RELAXED))
		return NULL;
	return &table[slot];
}

bool stub_pin(struct stub *s)
{
	__atomic_fetch_add(&s->pins, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&s->dead, __ATOMIC_SEQ_CST))
		return true;
	__atomic_fetch_sub(&s->pins, 1, __ATOMIC_SEQ_CST);
	return false;
}

void stub_unpin(struct stub *s)
{
	__atomic_fetch_sub(&s->pins, 1, __ATOMIC_SEQ_CST);
}

void stub_kill(struct stub *s, const char *cause)
{
	if (!stub_pin(s))
		return;
	if (!__atomic_exchange_n(&s->killed, true, __ATOMIC_SEQ_CST) && cause)
		report_loss(cause, 0);
	kill(s->pid, SIGKILL);
	stub_unpin(s);
}

void stub_free(struct stub *s)
{
	struct ctl *c = NULL;

	stub_kill(s, NULL);
	batch_free(s->batch);
	batch_free(s->later);
	s->batch = s->later = NULL;
	pthread_mutex_lock(&stubs_lock);
	__atomic_store_n(&s->freed, true, __ATOMIC_RELAXED);
	if (s->reaped) {
		bool reuse = ctl_reusable(s);

		c = slot_release(s);
		pthread_mutex_unlock(&stubs_lock);
		ctl_free(c, reuse);
		return;
	}
	pthread_mutex_unlock(&stubs_lock);
}

/* ---- death ---------------------------------------------------------------- */

static void stub_died(pid_t pid)
{
	struct stub *s = NULL;
	struct ctl *c = NULL;
	bool reuse = false;
	siginfo_t si;

	pthread_mutex_lock(&stubs_lock);
	for (unsigned i = 0; i < table_top && !s; i++)
		if (table[i].id && table[i].pid == pid && !table[i].reaped)
			s = &table[i];
	if (!s) {
		/* Its birth is not recorded yet: stub_born() will find it. */
		waitid(P_PID, (id_t)pid, &si, WEXITED);
		early[early_next].pid = pid;
		early[early_next].begun = begun;
		early_next = (early_next + 1) % EARLY_MAX;
		pthread_mutex_unlock(&stubs_lock);
		return;
	}
	stub_mark_dead(s);
	pthread_mutex_unlock(&stubs_lock);
	/* Whoever uses the pid has it for the length of one host call. */
	while (__atomic_load_n(&s->pins, __ATOMIC_SEQ_CST))
		sched_yield();
	pthread_mutex_lock(&stubs_lock);
	waitid(P_PID, (id_t)pid, &si, WEXITED);
	if (!__atomic_load_n(&s->killed, __ATOMIC_SEQ_CST))
		report_loss(NULL, si.si_status);
	s->reaped = true;
	if (s->freed) {
		reuse = ctl_reusable(s);
		c = slot_release(s);
	}
	pthread_mutex_unlock(&stubs_lock);
	if (c)
		ctl_free(c, reuse);
}

static void *reaper(__unused_arg void *arg)
{
	stats_thread(STATS_SLOT_REAPER);
	thread_ready();
	for (;;) {
		siginfo_t si = { 0 };

		if (waitid(P_ALL, 0, &si, WEXITED | WNOWAIT) < 0) {
			if (errno == EINTR)
				continue;
			plat_panic("reaper: waitid");
		}
		if (process.template_pid && si.si_pid == process.template_pid) {
			/* Killed from outside (an operator, the host's OOM killer): nothing
			 * of ours is broken, but no program can start any more. */
			reportf("nacre: the process that new programs are copied from was ended by %s %d: "
				"the sandbox ends\n", si.si_code == CLD_EXITED ? "status" : "signal",
				si.si_status);
			plat_exit(LOST_STATUS);
		}
		stub_died(si.si_pid);
	}
	return NULL;
}

int stubs_init(void)
{
	pthread_t t;

	return -pthread_create(&t, NULL, reaper, NULL);
}
