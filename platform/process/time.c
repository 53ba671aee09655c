/* SPDX-License-Identifier: Apache-2.0 */
/* time.c: clocks and entropy.
 *
 * The monotonic clock is the host's, moved so that it shows UP_NS at our start.
 *
 * The cycle counter's rate is measured once over the life of the process: two
 * points of (counter, CLOCK_MONOTONIC), the second at the time of asking, at
 * least RATE_NS after the first.  The host steers its clock, so each answer
 * is good for LIMIT_NS only.
 *
 * Between two looks at the clock the counter alone tells each CPU the recent
 * time (plat_time_recent_ns()): a look costs as much as a tenth of a hand-off.  It
 * is counted more slowly than the host can steer its clock, so that it is
 * never ahead. */
#include <cpuid.h>
#include <sys/random.h>
#include <time.h>

#include "platform/process/internal.h"

HOST_CALLS(sandbox, getrandom, clock_gettime);

#define RATE_NS (2 * 1000 * 1000ull)
#define LIMIT_NS NSEC_PER_SEC
#define SHIFT 32
#define RECENT_NS (250 * 1000ull)       /* between two looks */
#define RECENT_SLOWER 10                /* 2^-10: twice what adjtimex() may steer */
#define LOOK_CYCLES 2000                /* a look that took longer was disturbed */
/* Programs take a clock near 0 for "never": no machine that runs them has just been switched on. */
#define UP_NS (3600 * NSEC_PER_SEC)

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t boot_ns;                /* the host's monotonic clock when ours was 0 */

/* How long the host has been up is none of the sandbox's business. */
uint64_t plat_time_mono_ns(void) { return clock_ns(CLOCK_MONOTONIC) - boot_ns; }
uint64_t time_to_host(uint64_t mono_ns) { return mono_ns + boot_ns; }
/* What all its threads have had together: clock_getcpuclockid(3). */
uint64_t time_of_process(pid_t pid) { return clock_ns((clockid_t)((~(uint32_t)pid << 3) | 2)); }
uint64_t plat_time_real_ns(void) { return clock_ns(CLOCK_REALTIME); }

static bool counter_invariant(void)
{
	uint32_t a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
}

/* Counter and clock at one moment, as exactly as `took` cycles. */
struct moment { uint64_t cycles, ns, took; };

static struct moment look(void)
{
	uint64_t before = host_cycles(), ns = plat_time_mono_ns(), took = host_cycles() - before;

	return (struct moment){ before + took / 2, ns, took };
}

/* As close together as few tries give. */
static struct moment look_well(void)
{
	struct moment best = look();

	for (unsigned i = 1; i < 4; i++) {
		struct moment m = look();

		if (m.took < best.took)
			best = m;
	}
	return best;
}

static struct moment first;
static bool counts;                     /* the counter tells time */

int time_init(void)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	boot_ns = now_ns - MIN(now_ns, UP_NS);
	first = look_well();
	counts = counter_invariant();
	return 0;
}

/* Nanoseconds in a cycle, from the first moment to this one; 0: not to be told. */
static uint64_t rate(const struct moment *m)
{
	uint64_t mult;

	if (m->ns - first.ns < RATE_NS)
		return 0;
	mult = (uint64_t)(((unsigned __int128)(m->ns - first.ns) << SHIFT) / (m->cycles - first.cycles));
	return mult > UINT32_MAX ? 0 : mult;
}

static uint64_t cycles_in(uint64_t ns, uint64_t mult) { return (uint64_t)(((unsigned __int128)ns << SHIFT) / mult); }

/* What this CPU's recent time is counted from, and for how many cycles. */
static __thread struct { uint64_t cycles, ns, good, mult; } recent;

static uint64_t look_again(void)
{
	struct moment m;

	if (!counts)
		return plat_time_mono_ns();
	m = look();
	recent.good = 0;
	recent.mult = rate(&m);
	recent.mult -= recent.mult >> RECENT_SLOWER;
	if (recent.mult == 0 || m.took > LOOK_CYCLES)
		return m.ns;
	/* It may have been that late when the clock was read. */
	recent.cycles = m.cycles + m.took / 2;
	recent.ns = m.ns;
	recent.good = cycles_in(RECENT_NS, recent.mult);
	return m.ns;
}

uint64_t plat_time_recent_ns(void)
{
	uint64_t passed = host_cycles() - recent.cycles;

	if (unlikely(passed >= recent.good))
		return look_again();
	return recent.ns + (passed * recent.mult >> SHIFT);
}

int plat_vdso_time(struct plat_vdso_time *ret)
{
	struct moment m;
	uint64_t mult;

	if (!counts)
		return -ENOSYS;
	m = look_well();
	if (m.ns - first.ns < RATE_NS)
		return -EAGAIN;
	mult = rate(&m);
	if (mult == 0)
		return -ENOSYS;
	ret->base_cycles = m.cycles;
	ret->limit_cycles = m.cycles + cycles_in(LIMIT_NS, mult);
	ret->mono_ns = m.ns;
	ret->real_ns = plat_time_real_ns() - (plat_time_mono_ns() - m.ns);
	ret->mult = (uint32_t)mult;
	ret->shift = SHIFT;
	return 0;
}

int plat_entropy(void *buf, size_t n)
{
	uint8_t *p = buf;

	while (n) {
		ssize_t r = getrandom(p, n, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -EIO;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}
