/* SPDX-License-Identifier: Apache-2.0 */
/* skeleton.c: the smallest machine that the kernel links against.
 *
 * A template for ports: every function of platform.h, with what a real one
 * must do in its place.  One CPU, no user contexts, no memory objects, a clock
 * that only counts calls.  The memory that it can give is real, the rest
 * answers -ENOSYS or halts.  The build checks that a platform provides exactly
 * the functions of platform.h and hostcall.h. */
#include <boot.h>
#include <linux_abi/errno.h>
#include <platform.h>
#include <stats.h>

#define KMEM_SIZE (64ul << 20)
#define KSTACK_SIZE 16384ul
#define KSTACK_COUNT 8u

static uint8_t kmem[KMEM_SIZE] __aligned(4096);
static uint8_t kstacks[KSTACK_COUNT][KSTACK_SIZE] __aligned(16);
static bool kstack_used[KSTACK_COUNT];
static uint64_t ticks;

/* The kernel's memset is its own; the compiler must not find a loop to replace. */
static void zero(void *p, size_t n)
{
	__asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(0) : "memory");
}

/* -- the end: a port powers off, resets or tells its monitor -- */
static __noreturn void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void plat_exit(int status) { (void)status; halt(); }
void plat_panic(const char *cause) { (void)cause; halt(); }
/* A port writes to its serial line or log ring. */
void plat_log(const char *text, size_t size) { (void)text; (void)size; }

/* -- CPUs: a port finds them, starts them, sends them interrupts -- */
unsigned plat_cpu_count(void) { return 1; }
unsigned plat_cpu_self(void) { return 0; }
int plat_cpu_start(unsigned cpu, void (*entry)(unsigned cpu)) { (void)cpu; (void)entry; return -ENODEV; }
void plat_cpu_idle(uint64_t deadline_ns) { (void)deadline_ns; plat_relax(); }
void plat_cpu_kick(unsigned cpu) { (void)cpu; }
/* Spurious returns are allowed: spinning is a correct, poor implementation. */
void plat_wait32(uint32_t *word, uint32_t val) { (void)word; (void)val; plat_relax(); }
void plat_wake32(uint32_t *word, unsigned n) { (void)word; (void)n; }

/* -- kernel memory and stacks (a port leaves a guard page below each) -- */
void plat_kmem_range(void **ret_base, size_t *ret_size)
{
	*ret_base = kmem;
	*ret_size = sizeof kmem;
}

void plat_kmem_release(void *start, size_t size) { zero(start, size); }
void plat_kmem_fill(void *start, size_t size) { (void)start; (void)size; }

int plat_kstack_new(void **ret_top, size_t *ret_size)
{
	for (unsigned i = 0; i < KSTACK_COUNT; i++)
		if (!kstack_used[i]) {
			kstack_used[i] = true;
			*ret_top = kstacks[i] + KSTACK_SIZE;
			*ret_size = KSTACK_SIZE;
			return 0;
		}
	return -ENOMEM;
}

void plat_kstack_free(void *top)
{
	kstack_used[((uint8_t *)top - kstacks[0]) / KSTACK_SIZE - 1] = false;
}

/* -- memory objects: frames and an index of them -- */
int plat_obj_new(uint64_t size, plat_obj_t *ret) { (void)size; (void)ret; return -ENOSYS; }
int plat_obj_from_host(uint64_t hc_file, plat_obj_t *ret) { (void)hc_file; (void)ret; return -ENODEV; }
void plat_obj_free(plat_obj_t o) { (void)o; }
int plat_obj_resize(plat_obj_t o, uint64_t size) { (void)o; (void)size; return -ENOSYS; }
int plat_obj_read(plat_obj_t o, uint64_t off, void *buf, size_t n) { (void)o; (void)off; (void)buf; (void)n; return -ENOSYS; }
int plat_obj_write(plat_obj_t o, uint64_t off, const void *buf, size_t n) { (void)o; (void)off; (void)buf; (void)n; return -ENOSYS; }
int plat_obj_punch(plat_obj_t o, uint64_t off, uint64_t n) { (void)o; (void)off; (void)n; return -ENOSYS; }
uint64_t plat_obj_resident(plat_obj_t o) { (void)o; return 0; }
int plat_obj_stamp(plat_obj_t o, struct plat_obj_stamp *ret) { (void)o; (void)ret; return -ENOSYS; }
int plat_obj_seek(plat_obj_t o, uint64_t off, bool data, uint64_t *ret) { (void)o; (void)off; (void)data; (void)ret; return -ENXIO; }

/* -- address spaces: page tables -- */
void plat_as_limits(uint64_t *ret_lo, uint64_t *ret_hi) { *ret_lo = 0x10000; *ret_hi = 0x7ffffffff000; }
int plat_as_new(plat_as_t *ret) { (void)ret; return -ENOSYS; }
void plat_as_free(plat_as_t as) { (void)as; }
int plat_as_fork(plat_as_t parent, plat_as_t *ret_child) { (void)parent; (void)ret_child; return -ENOSYS; }
int plat_as_map_anon(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot, unsigned flags)
{ (void)as; (void)addr; (void)size; (void)prot; (void)flags; return -ENOSYS; }
int plat_as_map_obj(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot, unsigned flags, plat_obj_t obj, uint64_t off)
{ (void)as; (void)addr; (void)size; (void)prot; (void)flags; (void)obj; (void)off; return -ENOSYS; }
int plat_as_unmap(plat_as_t as, uint64_t addr, uint64_t size) { (void)as; (void)addr; (void)size; return -ENOSYS; }
int plat_as_settle(plat_as_t as) { (void)as; return 0; }
int plat_as_batch_begin(plat_as_t as) { (void)as; return 0; }
int plat_as_batch_end(plat_as_t as) { (void)as; return 0; }
int plat_as_protect(plat_as_t as, uint64_t addr, uint64_t size, unsigned prot)
{ (void)as; (void)addr; (void)size; (void)prot; return -ENOSYS; }
int plat_as_move(plat_as_t as, uint64_t src, uint64_t old_size, uint64_t dst, uint64_t new_size)
{ (void)as; (void)src; (void)old_size; (void)dst; (void)new_size; return -ENOSYS; }
int plat_as_advise(plat_as_t as, uint64_t addr, uint64_t size, int advice)
{ (void)as; (void)addr; (void)size; (void)advice; return -ENOSYS; }
int plat_as_resident(plat_as_t as, uint64_t addr, uint64_t size, uint8_t *vec)
{ (void)as; (void)addr; (void)size; (void)vec; return -ENOSYS; }
uint64_t plat_as_rss(plat_as_t as) { (void)as; return 0; }

/* Nothing is mapped: every byte faults. */
size_t plat_copied_ahead(plat_as_t as, uint64_t src) { (void)as; (void)src; return 0; }
size_t plat_copy_in(plat_as_t as, void *dst, uint64_t src, size_t n) { (void)as; (void)dst; (void)src; return n; }
bool plat_copy_in_parts(plat_as_t as, void *dst, const struct plat_part *part, unsigned count)
{
	(void)as; (void)dst; (void)part; (void)count;
	return false;
}
size_t plat_copy_out(plat_as_t as, uint64_t dst, const void *src, size_t n) { (void)as; (void)dst; (void)src; return n; }
int plat_read_file(plat_as_t as, uint64_t dst, size_t n, uint64_t hc_file, uint64_t off, size_t *ret_n)
{ (void)as; (void)dst; (void)n; (void)hc_file; (void)off; (void)ret_n; return -EAGAIN; }
int plat_view_read(plat_as_t as, uint64_t dst, size_t n, uint64_t hc_file, uint64_t off, size_t *ret_n)
{ (void)as; (void)dst; (void)n; (void)hc_file; (void)off; (void)ret_n; return -EAGAIN; }
bool plat_views_rest(void) { return false; }
bool plat_ride_copy_out(plat_as_t as, struct plat_uctx *u, uint64_t dst, const void *src, size_t n)
{ (void)as; (void)u; (void)dst; (void)src; (void)n; return false; }
bool plat_ride_zero(plat_as_t as, struct plat_uctx *u, uint64_t dst, size_t n)
{ (void)as; (void)u; (void)dst; (void)n; return false; }
bool plat_ride_map_anon(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size, unsigned prot, unsigned flags)
{ (void)as; (void)u; (void)addr; (void)size; (void)prot; (void)flags; return false; }
bool plat_ride_unmap(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size)
{ (void)as; (void)u; (void)addr; (void)size; return false; }
bool plat_ride_protect(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size, unsigned prot)
{ (void)as; (void)u; (void)addr; (void)size; (void)prot; return false; }
bool plat_ride_advise(plat_as_t as, struct plat_uctx *u, uint64_t addr, uint64_t size, int advice)
{ (void)as; (void)u; (void)addr; (void)size; (void)advice; return false; }
bool plat_ride_frame_out(plat_as_t as, struct plat_uctx *u, uint64_t at, const uint64_t *frame, uint64_t xstate_at)
{ (void)as; (void)u; (void)at; (void)frame; (void)xstate_at; return false; }
bool plat_ride_xstate_in(plat_as_t as, struct plat_uctx *u, uint64_t at)
{ (void)as; (void)u; (void)at; return false; }
void plat_riders_flush(struct plat_uctx *u) { (void)u; }
size_t plat_copy_out_force(plat_as_t as, uint64_t dst, const void *src, size_t n) { (void)as; (void)dst; (void)src; return n; }
int plat_user_cmpxchg32(plat_as_t as, uint64_t addr, uint32_t old, uint32_t val, uint32_t *ret_prev)
{ (void)as; (void)addr; (void)old; (void)val; (void)ret_prev; return -EFAULT; }
int plat_user_load32(plat_as_t as, uint64_t addr, uint32_t *ret) { (void)as; (void)addr; (void)ret; return -EFAULT; }

/* -- user contexts: enter ring 3, come back by trap -- */
size_t plat_xstate_size(void) { return 576; }
uint64_t plat_xstate_features(void) { return 3; }
void plat_user_init(struct plat_uctx *u) { zero(u->xstate, 576); u->xstate_live = false; }
void plat_user_run(plat_as_t as, struct plat_uctx *u, uint64_t deadline_ns, struct plat_trap *ret_trap)
{
	(void)as; (void)u; (void)deadline_ns;
	*ret_trap = (struct plat_trap){ .kind = PLAT_TRAP_DEAD };
}
void plat_user_end(struct plat_uctx *u) { (void)u; }
void plat_uctx_save(struct plat_uctx *u) { (void)u; }
void plat_uctx_leave(struct plat_uctx *u, bool whole) { (void)u, (void)whole; }
void plat_uctx_arrive(struct plat_uctx *u) { (void)u; }
void plat_uctx_drop(struct plat_uctx *u) { (void)u; }
void plat_uctx_regs_rest(struct plat_uctx *u) { (void)u; }

/* -- time, entropy, events -- */
uint64_t plat_time_mono_ns(void) { return ++ticks; }
uint64_t plat_time_recent_ns(void) { return ticks; }
uint64_t plat_time_real_ns(void) { return ticks; }
uint64_t plat_syscall_gate(void) { return 0; }
void plat_answers_revoke(plat_as_t as) { (void)as; }
bool plat_post_offer(plat_as_t as, struct plat_uctx *u, int epfd, int fd, bool there)
{
	(void)as, (void)u, (void)epfd, (void)fd, (void)there;
	return false;
}
uint8_t *plat_grant_place(plat_as_t as, struct plat_uctx *u, size_t n)
{
	(void)as, (void)u, (void)n;
	return NULL;
}
void plat_grants_expect(plat_as_t as, struct plat_uctx *u, unsigned nr) { (void)as, (void)u, (void)nr; }
bool plat_grant_add(struct plat_uctx *u, int fd, size_t n) { (void)u, (void)fd, (void)n; return false; }
bool plat_grant_end(struct plat_uctx *u, unsigned nr) { (void)u, (void)nr; return false; }
void plat_grants_over(struct plat_uctx *u) { (void)u; }
void plat_post_withdraw(plat_as_t as, struct plat_uctx *u, int fd) { (void)as, (void)u, (void)fd; }
void plat_mask_withdraw(plat_as_t as, unsigned cpu) { (void)as, (void)cpu; }
void plat_cpuid_offer(plat_as_t as, const uint64_t *sites, unsigned site_count, const struct plat_cpuid *answers,
		      unsigned count) { (void)as, (void)sites, (void)site_count, (void)answers, (void)count; }
uint32_t plat_cpuid_core(void) { return 0; }
void plat_cpuid_revoke(plat_as_t as) { (void)as; }
int plat_vdso_time(struct plat_vdso_time *ret) { (void)ret; return -ENOSYS; }
/* Never pretend: a port without a source of entropy does not boot. */
int plat_entropy(void *buf, size_t n) { (void)buf; (void)n; return -ENOSYS; }
uint64_t plat_events_take(void) { return 0; }

static struct stats_slot stats;
struct stats_slot *plat_stats(void) { return &stats; }
bool plat_stats_timed(void) { return false; }
