/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers and seeded hashes.
 *
 * A ChaCha20 generator with fast key erasure: each request encrypts under the
 * present key and replaces the key by the first bytes of the stream, so that a
 * later leak of the state tells nothing about earlier output.  It is seeded
 * from the host and again after every mebibyte.  Lock: rng_lock. */
#include "kernel/lib/lib.h"
#include "kernel/sched/sched.h"

#define RESEED_BYTES (1ul << 20)

static struct spinlock rng_lock;
static uint32_t rng_key[8];
static uint64_t rng_since_seed = RESEED_BYTES;
static uint64_t hash_seed;

static inline uint32_t rotl32(uint32_t v, int n) { return v << n | v >> (32 - n); }

#define QUARTER(a, b, c, d)                          \
	do {                                         \
		a += b; d = rotl32(d ^ a, 16);       \
		c += d; b = rotl32(b ^ c, 12);       \
		a += b; d = rotl32(d ^ a, 8);        \
		c += d; b = rotl32(b ^ c, 7);        \
	} while (0)

static void chacha_block(const uint32_t key[8], uint64_t counter, uint32_t out[16])
{
	const uint32_t init[16] = {
		0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
		key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7],
		(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0,
	};
	uint32_t x[16];

	memcpy(x, init, sizeof x);
	for (int i = 0; i < 10; i++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (int i = 0; i < 16; i++)
		out[i] = x[i] + init[i];
}

void krandom(void *buf, size_t n)
{
	uint32_t key[8], block[16], seed[8];
	uint8_t *p = buf;
	bool reseed;

	spin_lock(&rng_lock);
	reseed = rng_since_seed >= RESEED_BYTES;
	spin_unlock(&rng_lock);
	/* Asking the host is not for under a spinlock, this one or the caller's (whoever asks
	 * next without one seeds again); two CPUs that both do it only mix in more. */
	reseed = reseed && sched_may_sleep();
	if (reseed && plat_entropy(seed, sizeof seed))
		kpanic("the host gives no entropy");

	spin_lock(&rng_lock);
	if (reseed) {
		for (int i = 0; i < 8; i++)
			rng_key[i] ^= seed[i];
		rng_since_seed = 0;
	}
	rng_since_seed += n;
	chacha_block(rng_key, 0, block);
	memcpy(rng_key, block, sizeof rng_key);
	memcpy(key, block + 8, sizeof key);
	spin_unlock(&rng_lock);

	for (uint64_t c = 1; n; c++) {
		size_t k = MIN(n, sizeof block);

		chacha_block(key, c, block);
		memcpy(p, block, k);
		p += k;
		n -= k;
	}
	memset(key, 0, sizeof key);
	memset(block, 0, sizeof block);
	__asm__ volatile("" : : "r"(key), "r"(block) : "memory");
}

uint32_t hash_u64(uint64_t v)
{
	v ^= hash_seed;
	v *= 0x9e3779b97f4a7c15ull;
	v ^= v >> 32;
	v *= 0xd6e8feb86659fd93ull;
	return (uint32_t)(v >> 32);
}

uint32_t hash_bytes(const void *p, size_t n)
{
	const uint8_t *s = p;
	uint64_t h = hash_seed ^ n;

	for (; n >= 8; n -= 8, s += 8) {
		uint64_t w;

		memcpy(&w, s, 8);
		h = (rotl32((uint32_t)h, 13) ^ (h >> 32) ^ w) * 0x9e3779b97f4a7c15ull;
	}
	for (; n; n--, s++)
		h = (h ^ *s) * 0x100000001b3ull;
	return hash_u64(h);
}

void heap_init(void);

void lib_init(void)
{
	heap_init();
	krandom(&hash_seed, sizeof hash_seed);
}
