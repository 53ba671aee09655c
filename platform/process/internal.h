/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h: what the files of the process platform share.
 *
 * Lock order: stub.later_lock, stub.mapper_lock, then stubs_lock (stub.c).  Nothing sleeps
 * under stubs_lock.  A mailbox belongs to the CPU thread of its number. */
#ifndef NACRE_PROCESS_INTERNAL_H
#define NACRE_PROCESS_INTERNAL_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/types.h>

#include <platform.h>

#include "host/isolate/isolate.h"
#include "platform/process/hooks.h"
#include "platform/process/process.h"
#include "platform/process/stats.h"
#include "platform/process/stub_layout.h"

#define STUB_MAX 8192

#define MAPPER_FORK_FLAGS (CLONE_PARENT | SIGCHLD)
#define MAPPER_THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
			     CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID)

/* The file through which kernel and stub talk; reused when its stub is gone. */
struct ctl {
	int fd;
	int sock, peer;                 /* ours, the stub's */
	uint8_t *base;
	uint64_t boxes_used;            /* a bit each: an app thread was ordered there; atomic */
	bool grants_used;               /* the place of grants, in whichever mailbox */
	uint32_t slots_used;            /* how many of the slots, in whichever mailbox */
	struct ctl *next;
};
STATIC_ASSERT(PLAT_MAX_CPUS <= 64);

/* [addr, end) of the program's memory has a copy at off in the mailbox; at next is
 * what may be another (0: none). */
struct ahead_at { uint64_t addr, end; uint32_t off, next; };

/* One of a mailbox, slots.c. */
struct slot {
	struct plat_uctx *owner;        /* atomic: whose state it holds, or NULL */
	bool in_frame;                  /* that state is in the frame of a host's signal */
	bool seen;                      /* atomic: the thread has saved what belongs here since it trapped */
	bool at_gate;                   /* the state is that of the last trap by the gate: */
	struct plat_regs gate_regs;
	uint32_t tid;                   /* told: the answer to gettid */
	uint64_t used;                  /* slot_runs, when it last was */
};

/* The kernel's side of an app thread. */
struct app_thread {
	bool live;
	uint8_t box;                    /* number of its mailbox: birth_claim() */
	uint32_t wake_word;             /* of process.wake: what it sleeps on */
	uint32_t tid;
	struct slot *slot;              /* [frame_shape.slot_count] */
	uint32_t slot_at;               /* the one that the thread has */
	uint32_t slot_next;             /* the one of the order that is being made */
	uint64_t slot_runs;
	struct plat_answers answers;    /* what the mailbox has, but for the tid */
	uint32_t below;                 /* it waits in the gate, for a frame so far below the usual place; or 0 */
	bool resumed_fast;              /* its last order to run was without a frame */
	uint16_t order;                 /* the one being made; the mailbox gets it whole */
	int32_t home;                   /* the only core it may use, or ANYWHERE */
	bool sliced;                    /* its slice is as short as the kernel thread's */
	bool placeable;                 /* its thread id is one of its process */
	bool told;                      /* to make room, since it had the turn last */
	uint64_t brought;               /* cycles: when it was last woken at that core */
	bool ahead_waits;               /* the mailbox has a copy that nobody has asked for yet */
	struct ahead_at ahead;
	bool postable;                  /* something may be in the mailbox's BOX_POSTABLE */
	struct plat_fds fds;            /* what the thread was told, and has changed by posts since */
	struct plat_sigmask sigmask;    /* the same */
	uint32_t rider_count, rider_calls;      /* commands, memory calls among them: riders.c */
	uint32_t rider_xstates;                 /* among them: of the extended state */
	uint32_t rider_data;                    /* bytes in the mailbox */
	bool rider_first;                       /* the first went with the order itself */
	struct plat_uctx *rider_of;             /* good while rider_count is not 0 */
	struct stub_cmd rider[RIDERS_MAX];
};

struct stub {
	uint32_t id;                    /* plat_as_t, 0: slot free */
	pid_t pid;
	uint32_t dead, pins;            /* atomics */
	bool killed;                    /* atomic: by us */
	bool answers_off;               /* atomic: for good */
	bool freed, reaped;             /* lock: stubs_lock */
	uint32_t parent_id;             /* whose command page it reads until its birth is over */
	bool tainted;                   /* its control file must not be reused */
	bool settled;                   /* mapper_lock: the mapper's birth is over */
	unsigned birth_cpu;             /* whose app thread the birth makes, unless another CPU is first */
	bool birth_open;                /* that thread is nobody's yet; birth_claim() */
	uint16_t generation;
	uint64_t begun;                 /* its number among all stubs; stubs_lock */
	int32_t mapper_home;            /* the only core of its mapper, or ANYWHERE; inherited */
	pthread_mutex_t mapper_lock;
	struct batch *batch;            /* the kernel's mm lock; NULL: calls run at once */
	struct batch *later;            /* later_lock to change it; later.c */
	pthread_mutex_t later_lock;
	pthread_mutex_t slots_lock;     /* slots.c; nothing sleeps under it */
	struct ctl *ctl;
	struct app_thread *thread;      /* [plat_cpu_count()] */
};

/* Flags a program may have: AC OF DF TF SF ZF AF PF CF RF ID. */
#define RFLAGS_USER 0x250dd5ull
#define RFLAGS_FIXED 0x202ull
#define CS_USER 0x33
#define SS_USER 0x2b
static inline uint64_t base_valid(uint64_t base) { return base >= USER_TOP ? 0 : base; }

/* The built stub (stub/build.sh); starts with struct stub_image. */
extern const uint8_t process_stub_image[], process_stub_image_end[];

/* main.c */
extern struct process_platform {
	unsigned cpu_count;
	int control_fd, log_fd;
	const char *build_id;
	uint64_t spin_cycles;
	bool has_rdpid;
	size_t rider_apart;             /* longer copies do not ride to another core */
	bool no_vm_access;              /* the host forbids process_vm_readv */
	size_t ctl_size;
	uint32_t *wake;                 /* WAKE_WORDS, STUB_WAKE of all stubs; atomics */
	pid_t template_pid;
	uint32_t template_id;
} process;
static inline uint64_t host_cycles(void) { return __builtin_ia32_rdtsc(); }
uint32_t host_cpu(void);
void rseq_forget(void);                         /* util.c: this thread's, before the lock-down */

/* util.c: futexes shared with other processes. */
int futex_wait(uint32_t *word, uint32_t val, uint64_t deadline_ns);
void futex_wake(uint32_t *word, uint32_t n);

/* time.c */
int time_init(void);                            /* before anything asks */
uint64_t time_to_host(uint64_t mono_ns);        /* plat_time_mono_ns() to CLOCK_MONOTONIC */
uint64_t time_of_process(pid_t pid);            /* CPU time of all its threads */

/* obj.c: the descriptor of an object, valid until put; or -EBADF. */
int obj_fd_get(plat_obj_t o);
void obj_fd_put(plat_obj_t o);

/* kmem.c */
int kmem_init(void);

/* filter.c: fills the image's seccomp programs. */
int filter_build(uint8_t *image);

/* stub.c: the table of stubs and their death. */
int stubs_init(void);
struct stub *stub_new(struct ctl *ctl);         /* reserves a slot, pid 0 */
int stub_born(struct stub *s, pid_t pid);       /* -ESRCH when it died already */
void stub_abandon(struct stub *s);              /* never born */
struct stub *stub_find(uint32_t id);            /* NULL when unknown */
bool stub_pin(struct stub *s);                  /* its pid stays its own; false: dead */
void stub_unpin(struct stub *s);
/* The first cause goes to the log; NULL: nothing is wrong, or it has been said. */
void stub_kill(struct stub *s, const char *cause);
void stub_free(struct stub *s);
static inline bool stub_dead(const struct stub *s) { return __atomic_load_n(&s->dead, __ATOMIC_SEQ_CST); }
struct ctl *ctl_new(void);
void ctl_free(struct ctl *c, bool reuse);
static inline struct stub_box *stub_box_nr(const struct stub *s, unsigned nr)
{
	return (struct stub_box *)(s->ctl->base + CTL_BOX(nr));
}
/* A CPU's own, once it has its app thread there; in the stub at stub_box_va(). */
static inline struct stub_box *stub_box_of(const struct stub *s, unsigned cpu)
{
	return stub_box_nr(s, s->thread[cpu].box);
}
static inline uint64_t stub_box_va(const struct stub *s, unsigned cpu)
{
	return STUB_CTL + CTL_BOX(s->thread[cpu].box);
}

/* mapper.c: lists of host calls run by the mapper thread, under its lock. */
int __must_check mapper_lock(struct stub *s);   /* -ESRCH: dead, not locked */
void mapper_unlock(struct stub *s);
struct stub_cmdpage *mapper_begin(struct stub *s);
void mapper_call(struct stub *s, bool child, uint32_t nr, uint32_t flags, const uint64_t a[6]);
#define MAPPER_CALL(s, child, nr, flags, ...) \
	mapper_call(s, child, nr, flags, (const uint64_t[6]){ __VA_ARGS__ })
/* Run the list; the descriptors become FD_FREE and up in the stub.
 * 0, -errno of a call, -ESRCH dead. */
int mapper_run(struct stub *s, const int *fds, unsigned n);
int mapper_post(struct stub *s, const int *fds, unsigned n);    /* the two halves */
int mapper_wait(struct stub *s);
int mapper_failed(const struct stub *s);        /* -errno if it has already answered so */
void mapper_order_exit(struct stub *s);
uint32_t mapper_value(const struct stub *s);
void mapper_page_init(struct stub *s);

/* batch.c.  Run calls whose descriptors fds are FD_FREE and up, and close
 * those.  Takes the mapper's lock.  As mapper_run(). */
int mapper_run_calls(struct stub *s, const struct stub_call *calls, unsigned count, const int *fds,
		     unsigned fd_count);
/* Calls that are kept, to be one list. */
#define BATCH_MAX (CMD_LIST_MAX - MAPPER_FDS_MAX)
struct batch {
	unsigned count, fd_count;
	int err;                        /* of a list that went early */
	uint64_t lo, hi;                /* later.c: the range that they are about */
	struct stub_call call[BATCH_MAX];
	plat_obj_t obj[MAPPER_FDS_MAX];
	int fd[MAPPER_FDS_MAX];
};
struct batch *batch_new(void);
/* obj.id: its descriptor replaces argument 4. */
int batch_add(struct stub *s, struct batch *b, uint32_t nr, const uint64_t a[6], plat_obj_t obj);
int batch_flush(struct stub *s, struct batch *b);
void batch_free(struct batch *b);       /* may be NULL */

/* later.c: mappings that wait until somebody needs them. */
#define LATER_BEGIN 1u                  /* nothing is mapped in the range: it may wait */
#define LATER_KEEP 2u                   /* may wait where others do */
#define LATER_LAST 4u                   /* will be touched next: let all go */
/* A call of the host about [a[0], a[0] + a[1]).  *ret_kept: it was kept, or has
 * been done with those that waited; else the caller does it. */
int __must_check later_take(struct stub *s, uint32_t nr, const uint64_t a[6], plat_obj_t obj,
			    unsigned how, bool *ret_kept);
int later_settle_slow(struct stub *s);
static inline bool later_waits(const struct stub *s) { return __atomic_load_n(&s->later, __ATOMIC_ACQUIRE); }
/* Nothing waits any more: 1 something did, 0, or the error of the host, which
 * leaves the range without mappings. */
static inline int later_settle(struct stub *s)
{
	return later_waits(s) ? later_settle_slow(s) : 0;
}
/* The kernel is about to access n bytes there: it must not see half of a list. */
void later_need_slow(struct stub *s, uint64_t at, uint64_t n);
static inline void later_need(struct stub *s, uint64_t at, uint64_t n)
{
	if (later_waits(s))
		later_need_slow(s, at, n);
}

/* as.c: the calls that a child of s begins with. */
void child_list_write(struct stub *s, unsigned cpu);

/* Is the mailbox's thread on another core than the caller, as far as it says? */
static inline bool mailbox_apart(const struct stub_box *box)
{
	return __atomic_load_n(&box->app_cpu, __ATOMIC_RELAXED) != host_cpu();
}

/* place.c: which cores of the host are used.  For the thread of the calling CPU. */
#define ANYWHERE (-1)
void places_init(bool alone);                   /* alone: as struct sandbox_config has it */
bool place_chooses(void);                       /* there are cores to choose from */
void place_kernel_thread(void);                 /* the caller is one, from now on */
void place_idle(void);                          /* about to sleep with nothing to do */
bool place_together(struct stub_box *box);      /* waits for one on this core; true: has left it */
uint64_t place_patience(void);                  /* cycles to spin for one elsewhere */
void place_spun(void);                          /* one came meanwhile */
void place_back(bool at_once);                  /* it is back */
void place_follow(struct stub_box *box, uint32_t app_core);     /* will wait for one elsewhere */
bool place_may_yield(struct app_thread *th);    /* nobody else wants this core, it seems */
bool place_yielded(uint64_t took);              /* cycles until this thread ran again; true: again */
void place_disturbed(void);                     /* a spin was interrupted for long */
void place_thread_init(const struct stub *s, struct app_thread *th);
/* It sleeps, and is about to be woken; true: where programs run while the caller spins. */
bool place_bring(struct app_thread *th, struct stub_box *box);
bool place_apart(void);                         /* this thread has left the core to its programs */
void place_stays(struct app_thread *th);        /* awake, it goes on instead of another */
bool place_release(struct app_thread *th, bool now);            /* true: it is limited still */
void place_mapper(struct stub *s);

/* turn.c: the word that says who runs. */
/* last: of the thread that runs where this one is to, and may wake it; or NULL. */
/* Another program's thread is about to go on, on its core. */
void turn_over(struct app_thread *th, struct stub_box *box);
void turn_give(struct app_thread *th, struct stub_box *box, uint32_t turn, struct stub *last);
/* Until the word is no longer `given`, or limit_ns (0: PATROL_NS from now); returns the word. */
uint32_t turn_wait(struct app_thread *th, struct stub_box *box, uint32_t given, uint64_t limit_ns);
#define PATROL_NS NSEC_PER_SEC

/* user.c */
int frame_init(void);                           /* learn the host's signal frame */
void app_thread_call(struct stub *s, bool child, unsigned cpu);
struct app_thread *app_thread_get(struct stub *s, unsigned cpu);
void user_soon(uint32_t id, unsigned cpu);     /* a context that last ran in that stub comes to this CPU */
int app_commands(struct stub *s, struct stub_cmd *cmds, unsigned n);    /* in and out; riders go first */
int commands_run(struct stub *s, unsigned cpu, struct stub_cmd *cmds, unsigned n);

/* copy.c */
bool user_range(uint64_t addr, size_t n);
size_t vm_copy(struct stub *s, uint64_t user, void *buf, size_t n, bool out);  /* bytes not copied */

/* riders.c */
bool rider_add(struct stub *s, unsigned cpu, struct plat_uctx *u, const struct stub_cmd *cmd);
void riders_board(struct stub *s, unsigned cpu, struct plat_uctx *u);
void riders_arrived(struct stub *s, unsigned cpu, struct plat_uctx *u, bool handed_back);
void riders_flush(struct stub *s, unsigned cpu);
void riders_expect(struct stub_box *box);        /* a call is coming in that may have results */
bool riders_touch(const struct app_thread *th, uint64_t at, uint64_t n);

bool rider_room(const struct stub *s, const struct app_thread *th, const struct plat_uctx *u);
void rider_added(struct stub *s, struct app_thread *th, struct plat_uctx *u);   /* u's from now on */
#define RIDER_DATA_NEAR (BOX_COPY_REST - BOX_DATA - BOX_AHEAD_SIZE)     /* of rider_data: riders_expect() */
uint64_t *rider_data(const struct stub *s, unsigned cpu, size_t n, uint64_t *ret_at);   /* NULL: no room */

/* gate.c */
void gate_regs_read(struct app_thread *th, const struct stub_box *box, struct plat_regs *r);
void gate_regs_rest(struct app_thread *th, const struct stub_box *box, struct plat_regs *r);
void gate_regs_parked(struct slot *slot, const struct stub_slot *from, struct plat_regs *r);
bool gate_resumable(struct slot *slot, const struct plat_regs *r);
void ahead_announce(struct app_thread *th, const struct stub_box *box, uint64_t nr);
bool gate_loadable(const struct slot *slot, const struct plat_regs *r);
void gate_load(const struct slot *slot, struct stub_box *box, const struct plat_regs *r);
uint64_t gate_words(const struct slot *slot, uint64_t *word, const struct stub_load *want);
/* How much there is at src, of at least n bytes; 0: none. */
size_t ahead_find(struct app_thread *th, const struct stub_box *box, uint64_t src, size_t n);
bool ahead_copy_in(struct app_thread *th, const struct stub_box *box, void *dst, uint64_t src, size_t n);
static inline void ahead_drop(struct app_thread *th)
{
	th->ahead_waits = false;
	th->ahead = (struct ahead_at){ 0 };
}
static inline void ahead_written(struct app_thread *th, uint64_t at, uint64_t n)
{
	if (th->ahead_waits || th->ahead.next || (at < th->ahead.end && th->ahead.addr < at + n))
		ahead_drop(th);
}
void answers_store(const struct stub *s, struct app_thread *th, struct stub_box *box, const struct plat_answers *a);

/* slots.c */
#define SLOT_POLL_NS (200 * 1000ull)
#define SLOT_SAVE_NS (10 * NSEC_PER_SEC)
uint8_t *slot_image(struct app_thread *th, struct stub_box *box, uint32_t nr);
int __must_check slot_await(struct stub *s, struct app_thread *th, struct stub_box *box, uint32_t nr,
			    const struct plat_uctx *owner);
void slot_evict(struct stub *s, struct app_thread *th, struct stub_box *box, uint32_t nr);
int __must_check slot_load(struct stub *s, struct app_thread *th, struct stub_box *box, unsigned cpu,
			   struct plat_uctx *u);
void slot_answers(struct app_thread *th, struct stub_box *box, const struct plat_uctx *u);
void slot_fetch(struct plat_uctx *u);           /* all that u has in slots */
void slot_tell(struct stub *s, struct app_thread *th, struct stub_box *box);
static inline struct slot *slot_now(const struct app_thread *th) { return &th->slot[th->slot_at]; }
/* Is u what the thread has in its registers? */
static inline bool is_owner(const struct app_thread *th, const struct plat_uctx *u)
{
	return slot_now(th)->owner == u;
}

/* posts.c */
void posts_take(struct app_thread *th, struct plat_uctx *u, const struct stub_box *box, unsigned n);
void fds_tell(const struct stub *s, unsigned cpu, struct stub_box *box, const struct plat_uctx *u);
void posts_clear(struct app_thread *th, struct stub_box *box);
static inline bool fds_differ(const struct plat_fds *a, const struct plat_fds *b)
{
	return ((a->closable ^ b->closable) | (a->free ^ b->free) | (a->flagged ^ b->flagged) | (a->flags ^ b->flags)) != 0;
}
/* The same about the signal mask. */
static inline void sigmask_tell(struct app_thread *th, struct stub_box *box, struct plat_uctx *u)
{
	const struct plat_sigmask *m = &u->sigmask;

	if (likely(!(m->may | th->sigmask.may)) ||
	    (m->may == th->sigmask.may && m->blocked == th->sigmask.blocked && !u->sigmask_again))
		return;
	u->sigmask_again = false;
	th->sigmask = *m;
	box->sigmask.blocked = m->blocked;
	__atomic_store_n(&box->sigmask.may, m->may, __ATOMIC_RELAXED);
}
/* u is about to run there; loaded: it was the last that did. */
static inline void posts_prepare(struct app_thread *th, struct stub_box *box, struct plat_uctx *u, bool loaded)
{
	bool withdrawn = __atomic_load_n(&u->posts_withdrawn, __ATOMIC_SEQ_CST);

	if (unlikely(withdrawn)) {
		__atomic_store_n(&u->posts_withdrawn, false, __ATOMIC_RELAXED);
		u->fds = (struct plat_fds){ 0 };
	}
	if (unlikely(th->postable) && (withdrawn || !loaded || u->answers_changed))
		posts_clear(th, box);
}

/* cpu.c */
int cpus_init(void);
void thread_ready(void);                        /* first words of a thread of ours */
void threads_await(uint32_t n);
bool cpu_kick_pending(unsigned cpu);
void cpu_user_set(unsigned cpu, pid_t pid, uint32_t tid);
void cpu_user_clear(unsigned cpu);      /* not in user mode */
void cpu_kick_clear(unsigned cpu);

/* report.c */
int report_init(void);
void report_thread_init(void);                  /* signal stack of this thread */
void reportf(const char *fmt, ...) __printf(1, 2);
void report_loss(const char *cause, int status); /* of a program's process; the first few */

#endif
