/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c: CPUs, time and failures of the fake machine. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <linux/futex.h>
#include <time.h>
#include <unistd.h>

#include <errno.h>
#include "platform/testhost/testhost.h"
#include <stats.h>

struct testhost_config testhost;
uint64_t testhost_operations;

static __thread unsigned cpu_id;
static struct vcpu {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool kicked;
	bool idle;                      /* idle_lock: inside plat_cpu_idle, ... */
	uint64_t idle_until;            /* ... until then */
	void (*entry)(unsigned);
} vcpus[PLAT_MAX_CPUS];
/* Outside of a vcpu's lock. */
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t fake_now = 1000000000ull;
static __thread uint64_t random_state;          /* one CPU: one sequence */

#define TICK_NS 300                     /* fake time that looking at the clock takes */
#define SOON_NS (3 * NSEC_PER_SEC)      /* with several CPUs: no test waits that long for anything */
#define REAL_BASE_NS 1700000000000000000ull

uint64_t testhost_random(void)
{
	/* xorshift64*: repeatable is all that matters */
	uint64_t x = random_state ? random_state : 0x9e3779b97f4a7c15ull + testhost.seed;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random_state = x;
	return x * 0x2545f4914f6cdd1dull;
}

bool testhost_fails(void)
{
	unsigned one_in = __atomic_load_n(&testhost.fail_one_in, __ATOMIC_RELAXED);
	uint64_t n;

	/* A kernel that has no memory to boot may say so and stop. */
	if (!__atomic_load_n(&testhost.booted, __ATOMIC_RELAXED))
		return false;
	n = __atomic_add_fetch(&testhost_operations, 1, __ATOMIC_RELAXED);
	if (one_in && testhost_random() % one_in == 0)
		return true;
	return testhost.fail_at && n >= testhost.fail_at && n < testhost.fail_at + testhost.fail_count;
}

unsigned plat_cpu_count(void) { return testhost.cpus; }
__attribute__((noinline)) unsigned plat_cpu_self(void) { return cpu_id; }

static void *cpu_thread(void *arg)
{
	cpu_id = (unsigned)(uintptr_t)arg;
	fiber_adopt_thread();
	vcpus[cpu_id].entry(cpu_id);
	abort();
}

void testhost_cpu_begin(void)
{
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	for (unsigned i = 0; i < testhost.cpus; i++) {
		pthread_mutex_init(&vcpus[i].lock, NULL);
		pthread_cond_init(&vcpus[i].cond, &a);
	}
	fiber_adopt_thread();
}

int plat_cpu_start(unsigned cpu, void (*entry)(unsigned cpu))
{
	pthread_t t;

	vcpus[cpu].entry = entry;
	return pthread_create(&t, NULL, cpu_thread, (void *)(uintptr_t)cpu) ? -EAGAIN : 0;
}

uint64_t plat_time_mono_ns(void)
{
	struct timespec t;

	if (testhost.cpus == 1)
		return fake_now += TICK_NS;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

uint64_t plat_time_recent_ns(void) { return plat_time_mono_ns(); }
uint64_t plat_time_real_ns(void) { return REAL_BASE_NS + plat_time_mono_ns(); }
uint64_t plat_syscall_gate(void) { return U_GATE; }
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

void plat_cpu_kick(unsigned cpu)
{
	struct vcpu *v = &vcpus[cpu];

	pthread_mutex_lock(&v->lock);
	v->kicked = true;
	pthread_cond_signal(&v->cond);
	pthread_mutex_unlock(&v->lock);
}

bool testhost_kick_taken(void)
{
	struct vcpu *v = &vcpus[plat_cpu_self()];
	bool k;

	pthread_mutex_lock(&v->lock);
	k = v->kicked;
	v->kicked = false;
	pthread_mutex_unlock(&v->lock);
	return k;
}

/* Nobody is left who could wake anybody. */
static void all_asleep(void)
{
	void (*fn)(void) = __atomic_exchange_n(&testhost.all_asleep, NULL, __ATOMIC_RELAXED);

	if (!fn)
		testhost_end(99, "every task sleeps, and nothing is left that could wake one");
	fn();
}

/* The calling CPU goes to sleep; true: it is the last one to. */
static bool idle_begin(struct vcpu *self, uint64_t deadline_ns)
{
	uint64_t soon = plat_time_mono_ns() + SOON_NS;
	bool all = true;

	pthread_mutex_lock(&idle_lock);
	self->idle = true;
	self->idle_until = deadline_ns;
	for (unsigned i = 0; i < testhost.cpus; i++) {
		struct vcpu *v = &vcpus[i];

		pthread_mutex_lock(&v->lock);
		all = all && v->idle && !v->kicked && v->idle_until > soon;
		pthread_mutex_unlock(&v->lock);
	}
	pthread_mutex_unlock(&idle_lock);
	return all;
}

static void idle_end(struct vcpu *self)
{
	/* The kick is taken no earlier: idle and not kicked means asleep. */
	pthread_mutex_lock(&idle_lock);
	self->idle = false;
	pthread_mutex_lock(&self->lock);
	self->kicked = false;
	pthread_mutex_unlock(&self->lock);
	pthread_mutex_unlock(&idle_lock);
}

void plat_cpu_idle(uint64_t deadline_ns)
{
	struct vcpu *v = &vcpus[plat_cpu_self()];
	struct timespec t = { (time_t)(deadline_ns / NSEC_PER_SEC), (long)(deadline_ns % NSEC_PER_SEC) };

	if (testhost.cpus == 1) {
		if (testhost_kick_taken())
			return;
		if (deadline_ns == NO_DEADLINE)
			all_asleep();
		else if (deadline_ns > fake_now)
			fake_now = deadline_ns;
		return;
	}
	if (idle_begin(v, deadline_ns)) {
		all_asleep();
		idle_end(v);
		return;
	}
	pthread_mutex_lock(&v->lock);
	while (!v->kicked)
		if (deadline_ns == NO_DEADLINE)
			pthread_cond_wait(&v->cond, &v->lock);
		else if (pthread_cond_timedwait(&v->cond, &v->lock, &t))
			break;
	pthread_mutex_unlock(&v->lock);
	idle_end(v);
}

void plat_wait32(uint32_t *word, uint32_t val)
{
	if (testhost.cpus == 1)
		testhost_end(99, "a lock is taken that its only CPU holds");
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, val, NULL, NULL, 0);
}

void plat_wake32(uint32_t *word, unsigned n) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0); }
uint64_t plat_events_take(void) { return 0; }

static struct stats_slot stats[PLAT_MAX_CPUS];
struct stats_slot *plat_stats(void) { return &stats[plat_cpu_self()]; }
bool plat_stats_timed(void) { return false; }

/* A test wants the same numbers again. */
int plat_entropy(void *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)buf)[i] = (uint8_t)testhost_random();
	return 0;
}

void testhost_end(int status, const char *why)
{
	if (why)
		fprintf(stderr, "testhost: %s\n", why);
	if (why && testhost.dump)
		testhost.dump();
	fflush(NULL);
	_exit(status);
}

void plat_exit(int status)
{
	testhost_out_end();
	testhost_end(status, NULL);
}

void plat_panic(const char *cause)
{
	fprintf(stderr, "testhost: kernel panic: %s\n", cause);
	fflush(NULL);
	abort();
}

void plat_log(const char *text, size_t size) { fprintf(stderr, "log: %.*s\n", (int)size, text); }
