/* SPDX-License-Identifier: Apache-2.0 */
/* Options in the header of IPv4 packets: RFC 791, 2113, ip(7).
 *
 * There is no packet, so a message carries the options as its receiver would find
 * them: with what both ends of the way over lo write into a recorded route or
 * a list of times.  Source routes lead nowhere on lo (it accepts none) and cannot
 * be set.
 * Trust: what a program gives is decoded from a copy, bounded by IP_OPTIONS_MAX. */
#include "kernel/net/inet/ip_options.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#define OPT_END 0
#define OPT_NOOP 1
#define OPT_SECURITY 130
#define OPT_LOOSE 131
#define OPT_STRICT 137
#define OPT_TIMES 68
#define OPT_ROUTE 7
#define OPT_ALERT 148
#define TIME_ONLY 0
#define TIME_ADDRESS 1
#define TIME_GIVEN 3
#define DAY_MS 86400000u

/* Room for n more bytes at the option's pointer? */
static bool fits(const uint8_t *o, unsigned n) { return (unsigned)o[2] + n - 1 <= o[1]; }
static bool open_slot(const uint8_t *o) { return o[2] <= o[1]; }

/* What is found in the first free place is not sent. */
static int check_times(uint8_t *o, unsigned size)
{
	if (size < 4 || o[2] < 5)
		return -EINVAL;
	if (!open_slot(o))
		return (o[3] & 15) != TIME_GIVEN && o[3] >> 4 == 15 ? -EINVAL : 0;
	if (!fits(o, 4))
		return -EINVAL;
	switch (o[3] & 15) {
	case TIME_ONLY:
		memset(o + o[2] - 1, 0, 4);
		return 0;
	case TIME_ADDRESS:
		if (!fits(o, 8))
			return -EINVAL;
		memset(o + o[2] - 1, 0, 8);
		return 0;
	case TIME_GIVEN: return fits(o, 8) ? 0 : -EINVAL;
	default: return capable(CAP_NET_RAW) ? 0 : -EINVAL;
	}
}

static int check_one(uint8_t *o, unsigned size, bool *seen_route, bool *seen_times)
{
	bool *seen = o[0] == OPT_ROUTE ? seen_route : o[0] == OPT_TIMES ? seen_times : NULL;

	if (seen && *seen)
		return -EINVAL;
	if (seen)
		*seen = true;
	switch (o[0]) {
	case OPT_LOOSE:
	case OPT_STRICT: return size < 7 || o[2] != 4 || (size - 3) % 4 ? -EINVAL : -EPERM;
	case OPT_ROUTE:
		if (size < 3 || o[2] < 4)
			return -EINVAL;
		if (open_slot(o) && !fits(o, 4))
			return -EINVAL;
		if (open_slot(o))
			memset(o + o[2] - 1, 0, 4);
		return 0;
	case OPT_TIMES: return check_times(o, size);
	case OPT_ALERT: return size < 4 ? -EINVAL : 0;
	default: return capable(CAP_NET_RAW) ? 0 : -EINVAL;
	}
}

int ip_options_parse(struct ip_options *ret, const void *val, size_t size)
{
	struct ip_options p = { 0 };
	bool route = false, times = false;
	unsigned at = 0;
	int err;

	if (size > IP_OPTIONS_MAX)
		return -EINVAL;
	memcpy(p.b, val, size);
	p.size = (uint8_t)align_up(size, 4);
	while (at < p.size && p.b[at] != OPT_END) {
		unsigned left = p.size - at;

		if (p.b[at] == OPT_NOOP) {
			at++;
			continue;
		}
		if (left < 2 || p.b[at + 1] < 2 || p.b[at + 1] > left)
			return -EINVAL;
		err = check_one(p.b + at, p.b[at + 1], &route, &times);
		if (err)
			return err;
		at += p.b[at + 1];
	}
	memset(p.b + at, OPT_END, sizeof p.b - at);
	*ret = p;
	return 0;
}

static void put_u32(uint8_t *p, uint32_t v)
{
	v = be32(v);
	memcpy(p, &v, sizeof v);
}

/* One end of the way writes into a list of times; the receiver counts that it found no room. */
static void note_time(uint8_t *o, const struct ipaddr *self, bool receiver)
{
	uint32_t ms = (uint32_t)((uint64_t)(vfs_now_ns() / (int64_t)NSEC_PER_MSEC) % DAY_MS);
	unsigned kind = o[3] & 15;

	if (!open_slot(o)) {
		if (receiver && kind != TIME_GIVEN && o[3] >> 4 < 15)
			o[3] = (uint8_t)(o[3] + 16);
		return;
	}
	if (kind == TIME_ONLY && fits(o, 4)) {
		put_u32(o + o[2] - 1, ms);
		o[2] = (uint8_t)(o[2] + 4);
	} else if ((kind == TIME_ADDRESS || kind == TIME_GIVEN) && fits(o, 8)) {
		if (kind == TIME_GIVEN && memcmp(o + o[2] - 1, self->b + 12, 4))
			return;
		memcpy(o + o[2] - 1, self->b + 12, 4);
		put_u32(o + o[2] + 3, ms);
		o[2] = (uint8_t)(o[2] + 8);
	}
}

static void note_route(uint8_t *o, const struct ipaddr *self)
{
	if (!open_slot(o) || !fits(o, 4))
		return;
	memcpy(o + o[2] - 1, self->b + 12, 4);
	o[2] = (uint8_t)(o[2] + 4);
}

/* The next option that is longer than a byte; NULL: no more. */
static uint8_t *next(struct ip_options *p, unsigned *at)
{
	uint8_t *o;

	while (*at < p->size && p->b[*at] == OPT_NOOP)
		++*at;
	if (*at + 2 > p->size || p->b[*at] == OPT_END || p->b[*at + 1] < 2 || p->b[*at + 1] > p->size - *at)
		return NULL;
	o = p->b + *at;
	*at += o[1];
	return o;
}

void ip_options_travel(struct ip_options *p, const struct ipaddr *from, const struct ipaddr *to)
{
	unsigned at = 0;
	uint8_t *o;

	while ((o = next(p, &at))) {
		const struct ipaddr *end[] = { from, to };

		for (unsigned k = 0; k < ARRAY_SIZE(end); k++)
			if (o[0] == OPT_ROUTE)
				note_route(o, end[k]);
			else if (o[0] == OPT_TIMES)
				note_time(o, end[k], k);
	}
}

/* The recorded route first, then the times: ip_options_echo(). */
void ip_options_reply(const struct ip_options *got, struct ip_options *ret)
{
	static const uint8_t order[] = { OPT_ROUTE, OPT_TIMES };
	struct ip_options copy = *got;
	unsigned at;
	uint8_t *o;

	*ret = (struct ip_options){ 0 };
	for (unsigned k = 0; k < ARRAY_SIZE(order); k++)
		for (at = 0; (o = next(&copy, &at));)
			if (o[0] == order[k] && ret->size + o[1] <= IP_OPTIONS_MAX) {
				memcpy(ret->b + ret->size, o, o[1]);
				ret->size = (uint8_t)(ret->size + o[1]);
			}
	ret->size = (uint8_t)align_up((uint64_t)ret->size, 4);
}
