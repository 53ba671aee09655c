/* SPDX-License-Identifier: Apache-2.0 */
/* platform.h: what a platform owes the kernel.
 *
 * The kernel is an ordinary SMP kernel on N virtual CPUs.  A platform is the
 * machine below it: CPUs, address spaces, memory objects, user contexts,
 * time.  Implementations: platform/process (stubs), platform/testhost (fake,
 * deterministic), platform/skeleton (links, does nothing).
 *
 * Conventions
 *  - 0 or a negative errno (linux_abi/errno.h) unless said otherwise; results
 *    through ret_ parameters, written only on success.
 *  - Sizes and addresses in bytes; mappings are multiples of PLAT_PAGE_SIZE.
 *  - "May sleep the CPU": the host thread may block for a bounded time.  The
 *    kernel never holds a spinlock across such a call unless said otherwise.
 *  - Handles (plat_as_t, plat_obj_t) are plain numbers that can be bound again
 *    after a restore; they are never pointers.  0 is no handle.
 *  - What comes from below is hostile on some platforms: a platform validates
 *    before it returns, the kernel clamps what it gets.
 *
 * The kernel's CPUs run kernel code at the same time.  The kernel is not
 * preemptible: plat_* never switches tasks behind its back. */
#ifndef NACRE_PLATFORM_H
#define NACRE_PLATFORM_H

#include <base/types.h>

#define PLAT_PAGE_SHIFT 12
#define PLAT_PAGE_SIZE 4096ul
#define PLAT_MAX_CPUS 64

/* ---- entry -------------------------------------------------------------- */

struct boot_params;                     /* include/boot.h */

/* Provided by the kernel.  Called once, on CPU 0, on that CPU's boot stack,
 * when the platform is ready; the other CPUs are started by plat_cpu_start().
 * Does not return: ends in plat_exit(). */
__noreturn void kernel_main(const struct boot_params *bp);

/* Provided by the kernel, for reports of its crash: who runs on this CPU, in
 * words.  Takes no lock, allocates nothing. */
void kernel_describe(char *buf, size_t size);

/* End the sandbox; status as a shell would see it (0..255). */
__noreturn void plat_exit(int status);

/* The kernel found its own state broken.  Prints the report (cause, then a
 * trace of the calling stack if it can, build id) and ends with status 125. */
__noreturn void plat_panic(const char *cause);

/* A line or less of text for the operator (stderr of the monitor or the log
 * file).  Never blocks for long; may drop. */
void plat_log(const char *text, size_t size);

/* ---- CPUs --------------------------------------------------------------- */

unsigned plat_cpu_count(void);          /* 1..PLAT_MAX_CPUS, constant */
unsigned plat_cpu_self(void);           /* index of the calling CPU */

/* Start CPU `cpu` at entry(cpu), on a stack of its own.  Once per CPU. */
int plat_cpu_start(unsigned cpu, void (*entry)(unsigned cpu));

/* Sleep until plat_cpu_kick(this cpu), a host event (see below) addressed to
 * this CPU, or deadline_ns (monotonic; NO_DEADLINE for none).  A kick that
 * came since the last return from idle or user_run is not lost: idle returns
 * at once.  Spurious returns are allowed. */
void plat_cpu_idle(uint64_t deadline_ns);

/* Make cpu return soon from plat_cpu_idle() or plat_user_run().  Callable
 * from any CPU and under spinlocks.  Cheap when the CPU already has one
 * pending. */
void plat_cpu_kick(unsigned cpu);

/* Lock support: sleep while *word == val (spurious returns allowed), wake up
 * to n sleepers.  For adaptive locks and barriers inside the kernel only;
 * bounded by the kernel's own critical sections. */
void plat_wait32(uint32_t *word, uint32_t val);
void plat_wake32(uint32_t *word, unsigned n);
static inline void plat_relax(void) { __builtin_ia32_pause(); }

/* ---- kernel memory ------------------------------------------------------ */

/* The kernel's own memory: one region at a fixed address, zero-filled on
 * first touch, private to the kernel (no task can ever map it).  Touching
 * commits; release gives pages back (they read as zero afterwards). */
void plat_kmem_range(void **ret_base, size_t *ret_size);
void plat_kmem_release(void *start, size_t size);
/* A hint: all of these pages are about to be written. */
void plat_kmem_fill(void *start, size_t size);

/* Kernel stacks with a guard page below.  ret_top is 16-byte aligned. */
int plat_kstack_new(void **ret_top, size_t *ret_size);
void plat_kstack_free(void *top);

/* Switch kernel stacks: save callee-saved state and the stack pointer in
 * *save_sp, then continue at `to_sp`.  A fresh stack is prepared by
 * plat_kstack_prepare(), which makes the first switch call fn(arg); fn must
 * not return.  Sanitizer and shadow-stack bookkeeping hides in here. */
void plat_kstack_switch(void **save_sp, void *to_sp);
void *plat_kstack_prepare(void *top, void (*fn)(void *arg), void *arg);

/* ---- memory objects ----------------------------------------------------- */

typedef struct { uint32_t id; } plat_obj_t;

/* A sparse, zero-filled object that address spaces can map and the kernel can
 * read and write.  The reference belongs to the caller. */
int __must_check plat_obj_new(uint64_t size, plat_obj_t *ret);
/* The object behind an open host file (hostcall.h file handle); the object
 * holds its own reference to the file.  -ENODEV when mapping host files is
 * not available on this platform: the caller copies instead. */
int __must_check plat_obj_from_host(uint64_t hc_file, plat_obj_t *ret);
/* Drops the reference.  Mappings that exist stay valid; the identity behind
 * the handle is not reused while an address space may still map it. */
void plat_obj_free(plat_obj_t o);
int __must_check plat_obj_resize(plat_obj_t o, uint64_t size);
/* Exactly n bytes inside the size, or an error.  May sleep the CPU. */
int __must_check plat_obj_read(plat_obj_t o, uint64_t off, void *buf, size_t n);
int __must_check plat_obj_write(plat_obj_t o, uint64_t off, const void *buf, size_t n);
int plat_obj_punch(plat_obj_t o, uint64_t off, uint64_t n);   /* give back, reads as zero */
uint64_t plat_obj_resident(plat_obj_t o);                      /* bytes backed by memory */
/* Which contents these are: differs (in any field) from any other object's, and
 * from this one's before it was last written to or resized.  Writes through
 * shared mappings need not show, nor changes within the clock's tick. */
struct plat_obj_stamp { uint64_t ino, size; int64_t mtime_ns, ctime_ns; };
int __must_check plat_obj_stamp(plat_obj_t o, struct plat_obj_stamp *ret);
/* First byte at or after off that has (data=true) or lacks memory behind it:
 * SEEK_DATA, SEEK_HOLE.  -ENXIO past the end. */
int plat_obj_seek(plat_obj_t o, uint64_t off, bool data, uint64_t *ret);

/* ---- address spaces ----------------------------------------------------- */

typedef struct { uint32_t id; } plat_as_t;
struct plat_uctx;

/* Lowest and one past the highest address a task may use. */
void plat_as_limits(uint64_t *ret_lo, uint64_t *ret_hi);

int __must_check plat_as_new(plat_as_t *ret);
/* Everything mapped goes; no CPU runs it any more. */
void plat_as_free(plat_as_t as);
/* Private memory copied on write, shared mappings shared.  No context of the
 * parent runs in user mode meanwhile unless it shares the address space (its
 * writes then land on either side). */
int __must_check plat_as_fork(plat_as_t parent, plat_as_t *ret_child);

#define PLAT_PROT_READ 1u               /* same values as Linux PROT_ */
#define PLAT_PROT_WRITE 2u
#define PLAT_PROT_EXEC 4u

#define PLAT_MAP_SHARED 1u
#define PLAT_MAP_NORESERVE 2u
#define PLAT_MAP_POPULATE 4u            /* a hint */
#define PLAT_MAP_GROWSDOWN_HINT 8u
#define PLAT_MAP_MAYWRITE 16u           /* SHARED, not writable now: the task may later protect it
					 * writable.  Without it such a mapping stays read-only. */

#define PLAT_MAP_LATER 32u              /* a hint: may wait, see plat_as_settle(); only one task uses the
					 * address space, and the kernel settles before there are two */
#define PLAT_MAP_NEW 64u                /* nothing is mapped in the range */

/* The range replaces whatever was mapped there.  -ENOMEM when the host is out
 * of mappings or memory; then the old contents of the range are undefined,
 * and the caller unmaps it.  Calls for one address space are serialized by
 * the kernel (mm lock); other CPUs may run contexts in it meanwhile. */
int __must_check plat_as_map_anon(plat_as_t as, uint64_t addr, uint64_t size,
				  unsigned prot, unsigned flags);
int __must_check plat_as_map_obj(plat_as_t as, uint64_t addr, uint64_t size,
				 unsigned prot, unsigned flags,
				 plat_obj_t obj, uint64_t off);
int plat_as_unmap(plat_as_t as, uint64_t addr, uint64_t size);
/* A mapping that was allowed to wait (PLAT_MAP_LATER) may be made when it is
 * needed: copies and other calls that concern it see to that.  Calls within
 * its range may then wait with it, and their errors come later, as those of a
 * call that does not wait (PLAT_MAP_LATER is not given) or of this one; nothing is
 * mapped in the range then.  A task that touches it meets a fault: the kernel asks
 * here, with the mm lock held.  1: what waited is mapped now, try again; 0: nothing
 * waited. */
int __must_check plat_as_settle(plat_as_t as);
/* An address space that no context has run in may be filled by batches:
 * between begin and end the calls above and plat_as_protect() may be kept
 * for later; then they return 0 and only their arguments are checked.  Nothing else
 * is asked of the address space meanwhile except plat_as_free().  end has
 * done all of them, in order, or returns the first error; then the address
 * space is good for plat_as_free() only. */
int __must_check plat_as_batch_begin(plat_as_t as);
int __must_check plat_as_batch_end(plat_as_t as);
int __must_check plat_as_protect(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot);
/* The source range goes, its pages appear at dst (which is replaced);
 * new_size may differ from old_size as in mremap(2); dst == src resizes. */
int __must_check plat_as_move(plat_as_t as, uint64_t src, uint64_t old_size,
			      uint64_t dst, uint64_t new_size);
/* advice: Linux MADV_ values; only DONTNEED and FREE change contents. */
int plat_as_advise(plat_as_t as, uint64_t addr, uint64_t size, int advice);
/* One byte per page, bit 0 = resident: mincore(2). */
int plat_as_resident(plat_as_t as, uint64_t addr, uint64_t size, uint8_t *vec);
/* Bytes of private and shared memory now resident (for limits and /proc). */
uint64_t plat_as_rss(plat_as_t as);

/* Copy between kernel and user memory, obeying the mapping's protection.
 * Return the number of bytes NOT copied (0: all of it).  Each byte is read
 * once.  May sleep the CPU. */
size_t __must_check plat_copy_in(plat_as_t as, void *dst, uint64_t src, size_t n);
size_t __must_check plat_copy_out(plat_as_t as, uint64_t dst, const void *src, size_t n);
/* How many bytes at src the platform has at hand: a copy in of no more is cheap.
 * For the task that runs here. */
size_t plat_copied_ahead(plat_as_t as, uint64_t src);
/* Several parts of user memory, one after the other, into dst by one copy.
 * False: not this way, or not all of it; the caller copies each. */
#define PLAT_PARTS_MAX 16u
struct plat_part { uint64_t addr, size; };
bool __must_check plat_copy_in_parts(plat_as_t as, void *dst, const struct plat_part *part, unsigned count);
/* A copy out that may be made on u's way back to user mode: where it surely
 * succeeds, as far as the kernel's VMAs tell, nobody needs to see it earlier.
 * False: not taken.  True: it is done when u's next run begins, or when
 * plat_riders_flush() returns; later copies of this CPU in the address space
 * see it.  Called for the task that runs here.  The one that failed after all
 * (another thread changed the mapping) ends the next run of u before it
 * begins: PLAT_TRAP_RIDER. */
#define PLAT_RIDER_MAX 4096u            /* bytes of one copy */
bool __must_check plat_ride_copy_out(plat_as_t as, struct plat_uctx *u, uint64_t dst,
				     const void *src, size_t n);
#define PLAT_RIDE_ZERO_MAX 65536u       /* zeroes, likewise: no bytes need to cross */
bool __must_check plat_ride_zero(plat_as_t as, struct plat_uctx *u, uint64_t dst, size_t n);
/* As plat_as_map_anon() and so on, likewise: of an address space that nobody
 * but u's task uses.  A failure is reported with its errno, the contract about
 * what is then mapped is the same. */
bool __must_check plat_ride_map_anon(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size,
				     unsigned prot, unsigned flags);
bool __must_check plat_ride_unmap(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size);
bool __must_check plat_ride_protect(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size, unsigned prot);
bool __must_check plat_ride_advise(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size, int advice);
/* The frame of a signal handler (struct linux_rt_sigframe) goes to at, and u's
 * extended state as such a frame has it, with software bytes and closing mark, to
 * xstate_at behind it (64-byte aligned); from then on it is the initial one.  And
 * back: what is at `at` becomes the state, if it is just as written there; if
 * not, no state is defined, the kernel loads one (plat_uctx_xstate_changed()). */
bool __must_check plat_ride_frame_out(plat_as_t as, struct plat_uctx *u, uint64_t at, const uint64_t *frame,
				      uint64_t xstate_at);
bool __must_check plat_ride_xstate_in(plat_as_t as, struct plat_uctx *u, uint64_t at);
/* What rides on u's next run is done now.  Where u->riders is set, the kernel
 * calls it before u's task leaves this CPU, or its address space. */
void plat_riders_flush(struct plat_uctx *u);
/* Up to n bytes of an open host file at off straight into user memory, obeying
 * its protection: for large reads, which then are copied once.  *ret_n less
 * than n: the end of the file, or memory that cannot be written.  Any error,
 * -EAGAIN among them: not this way, the caller copies and sees what is wrong.
 * May sleep the CPU. */
int __must_check plat_read_file(plat_as_t as, uint64_t dst, size_t n, uint64_t hc_file,
				uint64_t off, size_t *ret_n);
/* The same for files that are read over and over, of which the platform keeps
 * views; any size.  Views that were not used since the last rest are given up
 * by it: true while some are left. */
int __must_check plat_view_read(plat_as_t as, uint64_t dst, size_t n, uint64_t hc_file,
				uint64_t off, size_t *ret_n);
bool plat_views_rest(void);
/* As copy_out, but ignoring write protection of private mappings (ptrace,
 * set-up of a fresh image).  A platform that does not know the protection
 * may leave the pages written to readable and writable: mm_copy_out_force()
 * restores it. */
size_t __must_check plat_copy_out_force(plat_as_t as, uint64_t dst, const void *src, size_t n);

/* Atomic compare-and-exchange of an aligned word of user memory.  -EFAULT. */
int __must_check plat_user_cmpxchg32(plat_as_t as, uint64_t addr, uint32_t old,
				     uint32_t val, uint32_t *ret_prev);
/* Atomic aligned load (a futex word).  -EFAULT. */
int __must_check plat_user_load32(plat_as_t as, uint64_t addr, uint32_t *ret);

/* ---- user contexts ------------------------------------------------------ */

struct plat_regs {                      /* order of Linux user_regs_struct */
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax;              /* system call number on PLAT_TRAP_SYSCALL */
	uint64_t rip, cs, rflags, rsp, ss;
	uint64_t fs_base, gs_base, ds, es, fs, gs;
};

/* Results of system calls that a platform may give a task by itself, at
 * plat_syscall_gate() only. */
struct plat_answers {
	bool valid;                     /* false: every call is the kernel's */
	uint32_t pid, tid, uid, euid, gid, egid;
};

/* An epoll_ctl(2), close(2), fcntl(2), sigprocmask(2) or set_robust_list(2) that returned to the program without a trap: the kernel,
 * which had said that it would succeed, does it at the next trap, before anything else.
 * Hostile: a program can post whatever it could have called; but of closes and fcntls only what struct plat_fds allows. */
#define PLAT_POSTS_MAX 31u
#define PLAT_POST_CLOSE 0               /* op, fd */
#define PLAT_POST_SETFD 16              /* op, fd; epfd: FD_CLOEXEC or 0 */
#define PLAT_POST_DUP 17                /* op, fd; epfd: the new one; events: FD_CLOEXEC or 0 */
#define PLAT_POST_MASK 18               /* data: the signal mask from now on */
#define PLAT_POST_ROBUST 19             /* data: the head of the robust list */
#define PLAT_CLOSABLE_MAX 64            /* exclusive */
struct plat_post {
	int32_t epfd, op, fd;
	uint32_t events;
	uint64_t data;
};

/* What a context may do with its descriptors by itself: a bit for each.  By the kernel, for
 * its own task; the platform changes it by what was posted, and takes all away when posts are withdrawn. */
#define PLAT_FDS_FREE (1ull << 63)
struct plat_fds {
	uint64_t closable;              /* close(2) and F_SETFD may be posted */
	uint64_t free;                  /* with PLAT_FDS_FREE: numbers that are not in use; those of `closable' may be duplicated there */
	uint64_t flagged;               /* F_GETFL's answer is `flags' */
	uint64_t flags;
};

/* What a context may post of its signal mask.  By the kernel, before each run. */
#define PLAT_MAY_MASK 1u
#define PLAT_MAY_ROBUST 2u
struct plat_sigmask { uint64_t blocked, may; };

/* The extended state is in XSAVE standard format, plat_xstate_size() bytes,
 * 64-byte aligned.  plat_user_init() makes it the initial state. */
struct plat_uctx {
	struct plat_regs regs;
	struct plat_answers answers;    /* kernel: good until the next run */
	bool answers_changed;           /* kernel: since the last run */
	void *xstate;                   /* kernel memory, owned by the caller */
	bool xstate_live;               /* platform: the newest copy is in the machine */
	bool regs_changed;              /* kernel: regs differ from what user_run returned */
	bool regs_partial;              /* platform: regs are not complete, plat_uctx_regs() */
	bool riders;                    /* platform: something rides on the next run */
	int32_t rider_err;              /* platform: PLAT_TRAP_RIDER is to come, with this code; the kernel may take it */
	uint32_t rider_as;
	uint64_t rider_addr;
	uint64_t cookie;                /* platform's own */
	struct plat_fds fds;
	struct plat_sigmask sigmask;
	bool sigmask_again;             /* kernel: it was withdrawn meanwhile */
	bool slotted;                   /* platform: a mailbox has a slot for it, atomic: */
	uint32_t slot_cpu, slot;
	uint32_t grant_count, grant_bytes;      /* platform: of the grants that are now */
	uint32_t *grant_ready;
	uint32_t post_count;            /* platform: calls that were posted in the last run */
	bool posts_withdrawn;           /* kernel, from any CPU, atomic: offers end before the next run */
	struct plat_post post[PLAT_POSTS_MAX];
};

size_t plat_xstate_size(void);          /* constant, at least 576 */
uint64_t plat_xstate_features(void);    /* XCR0 bits a task may use */
/* What the kernel reads of a signal's frame but its extended state: a platform
 * may have copied that ahead of rt_sigreturn(2). */
#define PLAT_UCONTEXT_SIZE 304u
void plat_user_init(struct plat_uctx *u);
/* u will not run again: what the platform keeps for it goes.  Called once, on
 * any CPU; also for a context that never ran. */
void plat_user_end(struct plat_uctx *u);

enum plat_trap_kind {
	PLAT_TRAP_SYSCALL = 1,  /* regs.orig_rax and the argument registers; rip is after the instruction */
	PLAT_TRAP_FAULT,        /* memory access: addr, access; rip at the instruction */
	PLAT_TRAP_EXCEPTION,    /* anything else: signo and code as Linux would give them */
	PLAT_TRAP_KICK,         /* asked for by plat_cpu_kick() or deadline */
	PLAT_TRAP_DEAD,         /* the address space is gone (killed from outside or attacked) */
	PLAT_TRAP_RIDER,        /* did not run, regs are unchanged: what rode failed; addr: its first argument, code: -errno */
};

#define PLAT_ACCESS_WRITE 1u
#define PLAT_ACCESS_EXEC 2u
#define PLAT_ACCESS_PRESENT 4u          /* protection violation rather than nothing mapped */

struct plat_trap {
	uint32_t kind;                  /* enum plat_trap_kind */
	uint32_t access;                /* FAULT: PLAT_ACCESS_ */
	uint64_t addr;                  /* FAULT: address; EXCEPTION: si_addr */
	int32_t signo;                  /* FAULT: SIGSEGV or SIGBUS; EXCEPTION: signal */
	int32_t code;                   /* si_code */
	uint32_t trapno, err;           /* as in a Linux sigcontext */
	uint32_t compat;                /* SYSCALL: 1 for int 0x80, sysenter (the kernel answers ENOSYS) */
	bool word;                      /* SYSCALL: a futex(2) that waits; since the run began its word was as it says */
	bool gate;                      /* SYSCALL: came by plat_syscall_gate(), not by an instruction (a hint) */
};

/* Run u in as on this CPU until it traps, a kick comes, or deadline_ns
 * passes (reported as KICK).  Registers are read from u and written back. */
void plat_user_run(plat_as_t as, struct plat_uctx *u, uint64_t deadline_ns,
		   struct plat_trap *ret_trap);
/* Bring the newest extended state into u->xstate: before the kernel reads or changes
 * it.  Called on the CPU that u's task has.  The state stays live. */
void plat_uctx_save(struct plat_uctx *u);
/* u's task leaves this CPU (copies of its memory that the platform holds end here).
 * Registers and extended state may stay in the machine; whole: somebody may look at them
 * or change them before the task has a CPU again. */
void plat_uctx_leave(struct plat_uctx *u, bool whole);
/* It comes to this CPU. */
void plat_uctx_arrive(struct plat_uctx *u);
/* It is about to leave its address space: registers and state are lost. */
void plat_uctx_drop(struct plat_uctx *u);
/* A trap by plat_syscall_gate() need leave only these registers in u: rax, rdi, rsi,
 * rdx, r10, r8, r9, orig_rax, rip, rcx, r11, rflags.  The others come now; before
 * that they have no meaning and must not be changed.  Called on the CPU that ran u
 * last, for its task; plat_uctx_save() does it too. */
void plat_uctx_regs_rest(struct plat_uctx *u);
static inline void plat_uctx_regs(struct plat_uctx *u)
{
	if (u->regs_partial)
		plat_uctx_regs_rest(u);
}
/* u->xstate was changed by the kernel: the next run loads it. */
static inline void plat_uctx_xstate_changed(struct plat_uctx *u) { u->xstate_live = false; }

/* A quicker way in for system calls: an address in every address space (the
 * same for all, constant; 0: there is none).  A jump there with rcx = address
 * just after a system call instruction and all else as for that instruction
 * does the same as executing it: the task traps with PLAT_TRAP_SYSCALL, rip =
 * rcx; rcx and r11 are lost.  The instruction itself must be there: the gate
 * may choose to execute it.  The kernel leads patched call sites here. */
uint64_t plat_syscall_gate(void);
/* From the return of this on, no context in as is given an answer, whatever
 * the kernel said before or says later. */
void plat_answers_revoke(plat_as_t as);

/* u, the context of the calling task, may post epoll_ctl(epfd, op, fd): EPOLL_CTL_ADD
 * when fd is not in the set, EPOLL_CTL_MOD and EPOLL_CTL_DEL when it is, without
 * EPOLLEXCLUSIVE and EPOLLWAKEUP.  `there`: whether it is now; the platform keeps
 * count.  One offer for a descriptor; offers may get lost, and do when u runs on
 * another CPU, or with other answers.  False: not offered. */
bool plat_post_offer(plat_as_t as, struct plat_uctx *u, int epfd, int fd, bool there);
/* The one about fd, if any; by the task itself. */
void plat_post_withdraw(plat_as_t as, struct plat_uctx *u, int fd);
/* From any CPU: what runs on cpu in as posts no changes of its signal mask from now on.  It has been kicked before. */
void plat_mask_withdraw(plat_as_t as, unsigned cpu);

/* Reads that u's next run may answer by itself.  plat_grant_place(): room for the n bytes
 * that read(2) would give, or NULL; plat_grant_add(): they are there, read(fd, ..., n or more),
 * and recv(2) with no more than MSG_DONTWAIT and MSG_NOSIGNAL, may return them, once.  Grants are
 * numbered from 0.  They are for a run that follows before u's task leaves its CPU, and are ended,
 * each, and over, all, when that run has ended.  plat_grant_end(), on any CPU: true, it was
 * not used and will not be; false, it was, or has been ended before. */
#define PLAT_GRANTS_MAX 12u
#define PLAT_GRANT_MAX 1024u            /* bytes of one */
uint8_t *plat_grant_place(plat_as_t as, struct plat_uctx *u, size_t n);
void plat_grants_expect(plat_as_t as, struct plat_uctx *u, unsigned nr); /* a small one will be number nr */
bool __must_check plat_grant_add(struct plat_uctx *u, int fd, size_t n);
bool plat_grant_end(struct plat_uctx *u, unsigned nr);
void plat_grants_over(struct plat_uctx *u);

/* A copy of program text has "int $PLAT_CPUID_VECTOR" in place of cpuid: that
 * traps as PLAT_TRAP_EXCEPTION with SIGSEGV, trapno 13 and this error code. */
#define PLAT_CPUID_VECTOR 0x42
#define PLAT_CPUID_TRAPNO 13u
#define PLAT_CPUID_ERR (PLAT_CPUID_VECTOR * 8u + 2u)
struct plat_cpuid { uint32_t leaf, subleaf, eax, ebx, ecx, edx, core; };
/* Leaves whose answer does not depend on ecx, which programs leave to chance: subleaf is 0. */
#define PLAT_CPUID_FLAT(leaf) \
	((leaf) <= 3 || (leaf) == 5 || (leaf) == 6 || ((leaf) >= 0x80000000u && (leaf) <= 0x80000008u))
#define PLAT_CPUID_ANY UINT32_MAX       /* core: the answer is every core's */
/* The core of the host that the caller runs on; it may be another one any moment. */
uint32_t plat_cpuid_core(void);
/* From now on contexts in as that run on this CPU may be given these answers at
 * these addresses without a trap; replaces an earlier offer.  What is not in
 * the lists traps, and so may all.  Callable under spinlocks. */
void plat_cpuid_offer(plat_as_t as, const uint64_t *sites, unsigned site_count, const struct plat_cpuid *answers,
		      unsigned count);
/* From the return of this on nothing in as is answered, on any CPU, until the
 * next offer.  Calls of both for one address space are serialized by the
 * kernel (mm lock). */
void plat_cpuid_revoke(plat_as_t as);

/* ---- time --------------------------------------------------------------- */

uint64_t plat_time_mono_ns(void);       /* CLOCK_MONOTONIC of the sandbox */
/* The same, cheaper: never ahead of it, at most so much behind.  Does not go
 * back on one CPU, but may tell less than plat_time_mono_ns() has told there. */
#define PLAT_TIME_BEHIND_NS 1000
uint64_t plat_time_recent_ns(void);
uint64_t plat_time_real_ns(void);       /* wall clock, ns since the epoch */

/* What a vDSO needs to turn the cycle counter into time: for counter c in
 * [base_cycles, limit_cycles): ns = base_ns + ((c - base_cycles) * mult >> shift).
 * Past the limit the vDSO traps and the kernel calls plat_vdso_time() anew. */
struct plat_vdso_time {
	uint64_t base_cycles, limit_cycles, mono_ns, real_ns;
	uint32_t mult, shift;
};
/* -EAGAIN: the counter has not been watched for long enough yet.
 * -ENOSYS: no usable counter, the vDSO always traps. */
int plat_vdso_time(struct plat_vdso_time *ret);

/* ---- entropy ------------------------------------------------------------ */

int __must_check plat_entropy(void *buf, size_t n);     /* from the host's CSPRNG */

/* ---- statistics (stats.h) ------------------------------------------------ */

struct stats_slot;
/* Where the calling CPU counts; never NULL, changes when the task moves. */
struct stats_slot *plat_stats(void);
/* Somebody wants to know how long system calls take; constant. */
bool plat_stats_timed(void);

/* ---- host events -------------------------------------------------------- */

/* Asynchronous completions and readiness of host streams arrive as a bit mask
 * of enum hc_event (hostcall.h), taken and cleared here by whichever CPU
 * returned from idle or user_run; the platform kicks CPU 0 when bits appear. */
uint64_t plat_events_take(void);

#endif
