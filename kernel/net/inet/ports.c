/* SPDX-License-Identifier: Apache-2.0 */
/* Who has which local address and port: binding, listening, looking up.
 *
 * Per name space and protocol a table of buckets by local port.  A bucket keeps
 * apart what lookups walk (bound: bind(), listeners, outgoing connections) and
 * what only conflicts look at: accepted connections, of which a server has
 * thousands, and connections in TIME_WAIT.
 *
 * TIME_WAIT ends after a minute, seen when somebody asks; there are a bounded
 * number, the oldest goes first. */
#include "kernel/net/inet/inet.h"
#include "kernel/net/settings.h"

#define TIME_WAIT_NS (60 * NSEC_PER_SEC)
#define TIME_WAIT_MAX 16384u

static struct port_bucket *bucket(struct netns *ns, int proto, uint16_t port)
{
	return &ns->ports[proto][port % PORT_BUCKETS];
}

void inet_sock_init(struct inet_sock *i, struct socket *s, int proto)
{
	ref_init(&i->ref);
	i->ns = netns_get(netns_current());
	i->family = s->family;
	i->type = s->type;
	i->protocol = s->protocol;
	i->proto = proto;
	i->peek_off = -1;
	i->uid = current_cred()->euid;
	i->v6only = i->family == AF_INET6 && i->ns->v6only;
	i->local.ip = i->remote.ip = s->family == AF_INET ? ip_any4 : ip_any6;
	list_init(&i->port_link);
	inet_errors_init(i);
	list_init(&i->all_link);
	inet_opt_defaults(i);
}

/* Raw sockets look at what others send: UDP asks for them, TCP as for packet sockets. */
static void count_raw(struct inet_sock *i, unsigned n)
{
	if (i->type == SOCK_RAW)
		__atomic_fetch_add(&i->ns->raw_count, n, __ATOMIC_RELAXED);
	if (i->type == SOCK_RAW && i->protocol == IPPROTO_TCP)
		__atomic_store_n(&i->ns->packet_count, i->ns->packet_count + n, __ATOMIC_RELAXED);
}

void inet_sock_publish(struct inet_sock *i)
{
	spin_lock(&i->ns->lock);
	list_push_back(&i->ns->all, &i->all_link);
	count_raw(i, 1);
	spin_unlock(&i->ns->lock);
}

void inet_sock_fini(struct inet_sock *i)
{
	spin_lock(&i->ns->lock);
	list_del(&i->all_link);
	list_del(&i->port_link);
	count_raw(i, -1u);
	i->hashed = false;
	spin_unlock(&i->ns->lock);
	inet_errors_drop(i, true);
	inet_members_free(i);
	kfree(i->headers);
	(void)filter_detach(&i->filter);
	(void)filter_detach(&i->chooser);
	netns_put(i->ns);
}

/* ---- conflicts ---- */

/* Can one packet be for both?  The flags are those of the sockets. */
static bool overlap(const struct ipaddr *a, bool a_v6only, const struct ipaddr *b, bool b_v6only)
{
	if (ip_equal(a, b))
		return true;
	if (ip_equal(a, &ip_any6))
		return !ip_is_v4(b) || !(a_v6only || (ip_equal(b, &ip_any4) && b_v6only));
	if (ip_equal(b, &ip_any6))
		return !ip_is_v4(a) || !b_v6only;
	if (ip_is_v4(a) != ip_is_v4(b))
		return false;
	return ip_is_any(a) || ip_is_any(b);
}

/* The address of all of IPv4 is also that of an IPv6 socket which a connection, not
 * bind(), gave its address: inet_rcv_saddr_equal() has no IPv4 address to compare. */
static bool meets_all_of_ipv4(const struct inet_sock *i, const struct endpoint *e, const struct inet_sock *o)
{
	return i->family == AF_INET && ip_is_any(&e->ip) && o->family == AF_INET6 && !o->v6only;
}

static bool may_share(const struct inet_sock *i, const struct inet_sock *o)
{
	if (i->reuseport && o->reuseport && i->uid == o->uid)
		return true;
	return i->reuseaddr && o->reuseaddr && !o->listening;
}

/* apart: sharing counts as a conflict too. */
static bool list_conflicts(struct list *l, const struct inet_sock *i, const struct endpoint *e, bool apart,
			   uint64_t now)
{
	struct inet_sock *o;

	list_for_each(o, l, port_link)
		if (o != i && o->local.port == e->port && (apart || !may_share(i, o)) && !inet_gone(o, now) &&
		    (overlap(&e->ip, i->v6only, &o->local.ip, o->v6only) || meets_all_of_ipv4(i, e, o)))
			return true;
	return false;
}

static void time_wait_free(struct netns *ns, struct time_wait *w)
{
	list_del(&w->link);
	list_del(&w->age_link);
	ns->time_wait_count--;
	kfree(w);
}

static void time_wait_expire(struct netns *ns, uint64_t now)
{
	while (!list_empty(&ns->time_wait)) {
		struct time_wait *w = list_first(&ns->time_wait, struct time_wait, age_link);

		if (w->end_ns > now && ns->time_wait_count <= TIME_WAIT_MAX)
			break;
		time_wait_free(ns, w);
	}
}

void inet_time_wait_drop_all(struct netns *ns)
{
	while (!list_empty(&ns->time_wait))
		time_wait_free(ns, list_first(&ns->time_wait, struct time_wait, age_link));
}

void inet_time_wait_add(struct inet_sock *i)
{
	struct time_wait *w = kzalloc(sizeof *w);
	uint64_t now = plat_time_mono_ns();

	if (!w)
		return;                 /* the port is free a minute early */
	spin_lock(&i->ns->lock);
	w->local = i->local;
	w->remote = i->remote;
	w->family = i->family;
	w->reuseaddr = i->reuseaddr;
	w->reuseport = i->reuseport;
	w->since_ns = now;
	w->end_ns = now + TIME_WAIT_NS;
	list_push_back(&i->ns->time_wait, &w->age_link);
	list_push_back(&bucket(i->ns, PROTO_TCP, w->local.port)->waiting, &w->link);
	i->ns->time_wait_count++;
	time_wait_expire(i->ns, now);
	spin_unlock(&i->ns->lock);
}

static bool waiting_conflicts(struct port_bucket *b, const struct inet_sock *i, const struct endpoint *e, bool apart,
			      uint64_t now)
{
	struct time_wait *w;

	list_for_each(w, &b->waiting, link)
		if (w->local.port == e->port && w->end_ns > now &&
		    (apart || (!(i->reuseaddr && w->reuseaddr) && !(i->reuseport && w->reuseport))) &&
		    overlap(&e->ip, i->v6only, &w->local.ip, false))
			return true;
	return false;
}

static bool conflicts(struct inet_sock *i, const struct endpoint *e, bool apart, uint64_t now)
{
	struct port_bucket *b = bucket(i->ns, i->proto, e->port);

	return list_conflicts(&b->bound, i, e, apart, now) || list_conflicts(&b->children, i, e, apart, now) ||
	       waiting_conflicts(b, i, e, apart, now);
}

struct list *inet_bound_list(const struct inet_sock *i) { return &bucket(i->ns, i->proto, i->local.port)->bound; }

static void hash_locked(struct inet_sock *i)
{
	struct port_bucket *b = bucket(i->ns, i->proto, i->local.port);

	list_del(&i->port_link);
	inet_reuse_join(i, &b->bound);
	list_push_back(i->child ? &b->children : &b->bound, &i->port_link);
	i->hashed = true;
}

/* ---- binding ---- */

/* Ports that the kernel chooses from, and where to begin; ns->lock held. */
struct choice { uint32_t first, count, start; };

static struct choice choice(const struct inet_sock *i)
{
	static uint32_t counter;
	uint32_t n = __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
	struct choice c = { .first = i->ns->port_first };
	uint32_t last = i->ns->port_last;

	/* The socket's range counts as far as it lies within. */
	if (i->port_first >= c.first && i->port_first <= last)
		c.first = i->port_first;
	if (i->port_last && i->port_last >= c.first && i->port_last <= last)
		last = i->port_last;
	c.count = last - c.first + 1;
	c.start = hash_u64(n) % c.count;
	return c;
}

static uint16_t choose(const struct choice *c, uint32_t n) { return (uint16_t)(c->first + (c->start + n) % c->count); }

/* ip_local_reserved_ports; ns->lock held. */
static bool reserved(const struct netns *ns, uint16_t port)
{
	return ns->reserved_ports && ns->reserved_ports[port / 8] & 1u << port % 8;
}

int inet_bind_port(struct inet_sock *i, const struct endpoint *want, bool by_bind)
{
	uint64_t now = plat_time_mono_ns();
	struct endpoint e = *want;
	struct choice c;
	uint32_t n;
	int err = 0;

	spin_lock(&i->ns->lock);
	if (i->hashed || i->port_locked) {
		err = -EINVAL;
	} else if (e.port) {
		if (conflicts(i, &e, false, now))
			err = -EADDRINUSE;
	} else {
		c = choice(i);
		for (n = 0; n < c.count; n++) {
			e.port = choose(&c, n);
			/* Nobody asked for a TCP port that is shared: inet_csk_find_open_port(). */
			if (!reserved(i->ns, e.port) && !conflicts(i, &e, i->proto == PROTO_TCP, now))
				break;
		}
		if (n == c.count)
			err = -EADDRINUSE;
	}
	if (!err) {
		i->local = e;
		i->addr_locked |= by_bind && !ip_is_any(&e.ip);
		/* An address of IPv6 alone ties the socket to IPv6, as inet6_bind() does. */
		i->v6only |= by_bind && i->family == AF_INET6 && !ip_is_v4(&e.ip) && !ip_is_any(&e.ip);
		i->port_locked = want->port;
		i->bound = true;
		hash_locked(i);
	}
	spin_unlock(&i->ns->lock);
	return err;
}

/* An address without a scope where one is needed, or with a strange one. */
static int check_scope(const struct inet_sock *i, const struct endpoint *e)
{
	bool multicast = e->ip.b[0] == 0xff;

	if (ip_is_v4(&e->ip))
		return 0;
	if (multicast && i->type == SOCK_STREAM)
		return -EINVAL;
	if (inet_needs_scope(&e->ip)) {
		if (!e->scope && !inet_bound_link(i))
			return -EINVAL;
		if (e->scope && e->scope != LO_INDEX)
			return -ENODEV;
	}
	return 0;
}

int inet_bind_check(struct inet_sock *i, const struct sock_addr *a, struct endpoint *ret)
{
	bool any = i->opt[OPT_FREEBIND] || i->opt[OPT6_FREEBIND] || i->opt[OPT_TRANSPARENT] ||
		   i->opt[OPT6_TRANSPARENT] || i->ns->nonlocal_bind;
	int err = inet_addr_parse(i, a, true, ret);

	/* IPv6 looks at the socket before the address: __inet6_bind(). */
	if (!err && i->family == AF_INET6 && i->proto >= 0 && inet_has_port(i))
		err = -EINVAL;
	if (!err)
		err = check_scope(i, ret);
	if (err)
		return err;
	if (!any && !net_may_bind(i->ns, &ret->ip))
		return -EADDRNOTAVAIL;
	if (i->proto >= 0 && ret->port && ret->port < i->ns->port_privileged && !capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	return 0;
}

int inet_bind(struct inet_sock *i, const struct sock_addr *a)
{
	struct endpoint e;
	int err = inet_bind_check(i, a, &e);

	if (err)
		return err;
	if (i->proto >= 0 && (e.port || !i->opt[OPT_BIND_NO_PORT]))
		return inet_bind_port(i, &e, true);
	spin_lock(&i->ns->lock);
	if (i->hashed) {
		err = -EINVAL;
	} else {
		i->local = e;
		i->addr_locked = !ip_is_any(&e.ip);
	}
	spin_unlock(&i->ns->lock);
	return err;
}

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

/* May a connection take the place of one in TIME_WAIT?  On loopback after a second, or as the name
 * space says (ip-sysctl). */
static bool reusable(struct netns *ns, const struct time_wait *w, uint64_t now)
{
	return net_setting(ns, SET_ipv4_tcp_tw_reuse) &&
	       now - w->since_ns >= (uint64_t)net_setting(ns, SET_ipv4_tcp_tw_reuse_delay) * NSEC_PER_MSEC;
}

/* Nobody else has this pair of endpoints. */
static bool pair_free(struct inet_sock *i, const struct endpoint *local, bool fresh_port, uint64_t now)
{
	struct port_bucket *b = bucket(i->ns, i->proto, local->port);
	struct inet_sock *o;
	struct time_wait *w;

	list_for_each(o, &b->bound, port_link) {
		if (o == i || o->local.port != local->port || inet_gone(o, now))
			continue;
		if (endpoint_equal(&o->remote, &i->remote) && ip_equal(&o->local.ip, &local->ip))
			return false;
		if (fresh_port && o->bound &&
		    overlap(&local->ip, i->v6only, &o->local.ip, o->v6only))
			return false;
	}
	list_for_each(o, &b->children, port_link)
		if (o->local.port == local->port && !inet_gone(o, now) &&
		    ((endpoint_equal(&o->remote, &i->remote) && ip_equal(&o->local.ip, &local->ip)) || fresh_port))
			return false;
	list_for_each(w, &b->waiting, link)
		if (w->end_ns > now && endpoint_equal(&w->local, local) && endpoint_equal(&w->remote, &i->remote) &&
		    !reusable(i->ns, w, now))
			return false;
	return true;
}

int inet_bind_connect(struct inet_sock *i)
{
	uint64_t now = plat_time_mono_ns();
	struct endpoint e = i->local;
	struct choice c;
	uint32_t n;
	int err = 0;

	spin_lock(&i->ns->lock);
	if (i->hashed) {
		if (!pair_free(i, &e, false, now))
			err = -EADDRNOTAVAIL;
	} else {
		c = choice(i);
		for (n = 0; n < c.count; n++) {
			e.port = choose(&c, n);
			if (!reserved(i->ns, e.port) && pair_free(i, &e, true, now))
				break;
		}
		if (n == c.count)
			err = -EADDRNOTAVAIL;
	}
	if (!err) {
		i->local = e;
		if (!i->hashed)
			hash_locked(i);
	}
	spin_unlock(&i->ns->lock);
	return err;
}

void inet_add_child(struct inet_sock *i)
{
	spin_lock(&i->ns->lock);
	i->child = true;
	hash_locked(i);
	spin_unlock(&i->ns->lock);
}

static void release_locked(struct inet_sock *i)
{
	list_del(&i->port_link);
	i->hashed = false;
	i->port_locked = i->bound = false;
	i->listening = false;
	if (i->proto != PROTO_TCP)      /* TCP goes on showing it */
		i->local.port = 0;
}

void inet_release_port(struct inet_sock *i)
{
	spin_lock(&i->ns->lock);
	release_locked(i);
	spin_unlock(&i->ns->lock);
}

void inet_gone_after(struct inet_sock *i, uint64_t ns)
{
	uint64_t when = plat_time_mono_ns() + ns;

	spin_lock(&i->ns->lock);
	i->gone_ns = when;
	spin_unlock(&i->ns->lock);
}

void inet_release_chosen_port(struct inet_sock *i)
{
	spin_lock(&i->ns->lock);
	if (!i->port_locked)
		release_locked(i);
	spin_unlock(&i->ns->lock);
}

bool inet_has_port(struct inet_sock *i)
{
	bool yes;

	spin_lock(&i->ns->lock);
	yes = i->hashed;
	spin_unlock(&i->ns->lock);
	return yes;
}

int inet_listen_port(struct inet_sock *i, bool on)
{
	struct port_bucket *b;
	struct inet_sock *o;
	int err = 0;

	spin_lock(&i->ns->lock);
	if (on && !i->listening) {
		/* Two that shared the port by SO_REUSEADDR cannot both listen. */
		b = bucket(i->ns, i->proto, i->local.port);
		list_for_each(o, &b->bound, port_link)
			if (o != i && o->listening && o->local.port == i->local.port && !may_share(i, o) &&
			    overlap(&i->local.ip, i->v6only, &o->local.ip, o->v6only))
				err = -EADDRINUSE;
	}
	if (!err)
		i->listening = on;
	spin_unlock(&i->ns->lock);
	return err;
}

/* ---- lookups ---- */

/* 0: not for it; higher is a closer match. */
static unsigned score(const struct inet_sock *o, const struct endpoint *to, const struct endpoint *from)
{
	bool v4 = ip_is_v4(&to->ip);
	unsigned n = 1;

	if (o->local.port != to->port)
		return 0;
	if (v4 && o->family == AF_INET6 && o->v6only)
		return 0;
	if (!v4 && o->family == AF_INET)
		return 0;
	if (ip_equal(&o->local.ip, &to->ip))
		n += 4;
	else if (ip_is_any(&o->local.ip) && (ip_is_v4(&o->local.ip) ? v4 : true))
		n += 0;
	else
		return 0;
	if (o->remote.port) {
		if (!endpoint_equal(&o->remote, from))
			return 0;
		n += 8;
	}
	if (v4 == (o->family == AF_INET))
		n++;
	return n;
}

/* Among equals of a SO_REUSEPORT group the pair of endpoints chooses. */
static struct inet_sock *best(struct list *l, bool listeners, const struct reuse_packet *p)
{
	const struct endpoint *to = p->to, *from = p->from;
	struct inet_sock *o, *win = NULL;
	uint32_t h = hash_u64(((uint64_t)from->port << 16 | to->port) ^ ip_v4(&from->ip)), equal = 0;
	unsigned top = 0;

	list_for_each(o, l, port_link) {
		unsigned n = listeners != o->listening ? 0 : score(o, to, from);

		if (!n || n < top)
			continue;
		if (n > top) {
			top = n;
			win = o;
			equal = 1;
		} else if (!o->reuseport) {
			win = o;        /* the youngest, as UDP with SO_REUSEADDR */
		} else if (h % ++equal == 0) {
			win = o;
		}
	}
	/* Who is connected to the sender has what it sends, whatever the group's program says. */
	if (win && win->reuseport && !win->remote.port && filter_there(&win->chooser))
		win = inet_reuse_choose(win, l, p);
	return win && ref_get_unless_zero(&win->ref) ? win : NULL;
}

struct inet_sock *inet_find_listener(struct netns *ns, const struct endpoint *to, const struct endpoint *from)
{
	struct inet_sock *o;

	spin_lock(&ns->lock);
	o = best(&bucket(ns, PROTO_TCP, to->port)->bound, true, &(struct reuse_packet){ to, from, NULL, 0 });
	spin_unlock(&ns->lock);
	return o;
}

bool inet_has_pair(struct netns *ns, const struct endpoint *local, const struct endpoint *remote)
{
	struct port_bucket *b = bucket(ns, PROTO_TCP, local->port);
	struct list *lists[] = { &b->children, &b->bound };
	struct inet_sock *o;
	bool found = false;

	spin_lock(&ns->lock);
	for (unsigned k = 0; k < ARRAY_SIZE(lists); k++)
		list_for_each(o, lists[k], port_link)
			if (endpoint_equal(&o->local, local) && endpoint_equal(&o->remote, remote))
				found = true;
	spin_unlock(&ns->lock);
	return found;
}

struct inet_sock *inet_find_udp(struct netns *ns, int proto, const struct endpoint *to, const struct endpoint *from,
				const void *body, size_t size)
{
	struct inet_sock *o;

	spin_lock(&ns->lock);
	o = best(&bucket(ns, proto, to->port)->bound, false, &(struct reuse_packet){ to, from, body, size });
	spin_unlock(&ns->lock);
	return o;
}

static bool has_member_locked(struct netns *ns, const struct ipaddr *group)
{
	struct inet_sock *o;

	list_for_each(o, &ns->all, all_link)
		for (unsigned k = 0; k < o->member_count; k++)
			if (ip_equal(&o->members[k].group, group))
				return true;
	return false;
}

/* Is it for o, apart from groups? */
static bool matches(const struct inet_sock *o, const struct endpoint *to, const struct endpoint *from)
{
	struct endpoint e = *to;

	if (ip_equal(&o->local.ip, &to->ip) || ip_is_any(&o->local.ip))
		e.ip = ip_is_any(&o->local.ip) ? to->ip : o->local.ip;
	return score(o, &e, from);
}

unsigned inet_find_udp_group(struct netns *ns, int proto, const struct endpoint *to, const struct endpoint *from,
			     struct inet_sock **ret, unsigned max)
{
	bool multicast = ip_is_multicast(&to->ip);
	struct inet_sock *o;
	unsigned n = 0;

	spin_lock(&ns->lock);
	/* The link takes a group's packets when anybody joined it. */
	if (!multicast || has_member_locked(ns, &to->ip))
		list_for_each(o, &bucket(ns, proto, to->port)->bound, port_link)
			if (n < max && matches(o, to, from) &&
			    (!multicast || inet_wants_group(o, to, &from->ip)) && ref_get_unless_zero(&o->ref))
				ret[n++] = o;
	spin_unlock(&ns->lock);
	return n;
}
