/* SPDX-License-Identifier: Apache-2.0 */
/* time.c: clocks and entropy.
 *
 * The monotonic clock is the host's, moved so that it shows UP_NS at our start.
 *
 * The cycle counter's rate is measured once over the life of the process: two
 * points of (counter, CLOCK_MONOTONIC), the second at the time of asking, at
 * least RATE_NS after the first.  The host steers its clock, so each answer
 * is good for LIMIT_NS only. */
#include <cpuid.h>
#include <sys/random.h>
#include <time.h>

#include "platform/process/internal.h"

HOST_CALLS(sandbox, getrandom, clock_gettime);

#define RATE_NS (2 * 1000 * 1000ull)
#define LIMIT_NS NSEC_PER_SEC
#define SHIFT 32
/* Programs take a clock near 0 for "never": no machine that runs them has just been switched on. */
#define UP_NS (3600 * NSEC_PER_SEC)

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t boot_ns;                /* the host's monotonic clock when ours was 0 */

/* How long the host has been up is none of the sandbox's business. */
uint64_t plat_time_mono_ns(void) { return clock_ns(CLOCK_MONOTONIC) - boot_ns; }
uint64_t time_to_host(uint64_t mono_ns) { return mono_ns + boot_ns; }
uint64_t plat_time_real_ns(void) { return clock_ns(CLOCK_REALTIME); }

static bool counter_invariant(void)
{
	uint32_t a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
}

/* Counter and clock as close together as few tries give. */
static void sample(uint64_t *ret_cycles, uint64_t *ret_ns)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t before = host_cycles(), ns = plat_time_mono_ns(), after = host_cycles();

		if (after - before >= best)
			continue;
		best = after - before;
		*ret_cycles = before + best / 2;
		*ret_ns = ns;
	}
}

static uint64_t first_cycles, first_ns;

int time_init(void)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	boot_ns = now_ns - MIN(now_ns, UP_NS);
	sample(&first_cycles, &first_ns);
	return 0;
}

int plat_vdso_time(struct plat_vdso_time *ret)
{
	uint64_t cycles, ns, mult;

	if (!counter_invariant())
		return -ENOSYS;
	do
		sample(&cycles, &ns);
	while (ns - first_ns < RATE_NS);
	mult = (uint64_t)(((unsigned __int128)(ns - first_ns) << SHIFT) / (cycles - first_cycles));
	if (mult == 0 || mult > UINT32_MAX)
		return -ENOSYS;
	ret->base_cycles = cycles;
	ret->limit_cycles = cycles + (uint64_t)(((unsigned __int128)LIMIT_NS << SHIFT) / mult);
	ret->mono_ns = ns;
	ret->real_ns = plat_time_real_ns() - (plat_time_mono_ns() - ns);
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
