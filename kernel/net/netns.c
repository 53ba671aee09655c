/* SPDX-License-Identifier: Apache-2.0 */
/* Network name spaces. */
#include "kernel/net/route.h"
#include "kernel/task/task.h"

const struct ipaddr ip_any4 = { { [10] = 0xff, [11] = 0xff } };
const struct ipaddr ip_any6 = { { 0 } };
const struct ipaddr ip_loop4 = { { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } };
const struct ipaddr ip_loop6 = { { [15] = 1 } };

struct ipaddr ip_from_v4(uint32_t v)
{
	struct ipaddr a = ip_any4;

	v = be32(v);
	memcpy(a.b + 12, &v, 4);
	return a;
}

bool ip_is_multicast(const struct ipaddr *a)
{
	return ip_is_v4(a) ? a->b[12] >> 4 == 0xe : a->b[0] == 0xff;
}

bool ip_is_broadcast(const struct ipaddr *a)
{
	return ip_is_v4(a) && ip_v4(a) == UINT32_MAX;
}

uint32_t net_link_flags(const struct net_link *l)
{
	return IFF_LOOPBACK | (__atomic_load_n(&l->up, __ATOMIC_RELAXED) ? IFF_UP | IFF_RUNNING : 0);
}

#define NETNS_MAX 1024u                 /* user.max_net_namespaces; each costs 100 KB */
static unsigned count;                  /* atomic */

struct netns *netns_new(void)
{
	static uint64_t next_id;
	struct netns *ns = NULL;

	if (__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) <= NETNS_MAX)
		ns = kzalloc(sizeof *ns);
	if (!ns) {
		__atomic_sub_fetch(&count, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	ref_init(&ns->ref);
	ns->id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED);
	ns->lo = (struct net_link){ .name = "lo", .index = LO_INDEX, .mtu = LO_MTU, .type = ARPHRD_LOOPBACK };
	list_init(&ns->time_wait);
	list_init(&ns->all);
	list_init(&ns->packets);
	list_init(&ns->addresses);
	list_init(&ns->routes);
	list_init(&ns->rules);
	list_init(&ns->neighbours);
	ns->port_first = 32768;
	ns->port_last = 60999;
	ns->port_privileged = 1024;
	ns->dgram_qlen = 10;
	ns->default_ttl = 64;
	ns->fastopen_key.size = 16;
	ns->ping_groups[0] = 1;         /* nobody */
	if (route_init(ns)) {
		netns_put(ns);
		return NULL;
	}
	if (netns_need_ports(ns, PROTO_TCP) || netns_need_ports(ns, PROTO_UDP)) {
		netns_put(ns);
		return NULL;
	}
	return ns;
}

int netns_need_ports(struct netns *ns, int proto)
{
	struct port_bucket *b;

	if (__atomic_load_n(&ns->ports[proto], __ATOMIC_ACQUIRE))
		return 0;
	b = kmalloc(PORT_BUCKETS * sizeof *b);
	if (!b)
		return -ENOMEM;
	for (unsigned i = 0; i < PORT_BUCKETS; i++) {
		list_init(&b[i].bound);
		list_init(&b[i].children);
		list_init(&b[i].waiting);
	}
	spin_lock(&ns->lock);
	if (!ns->ports[proto]) {
		__atomic_store_n(&ns->ports[proto], b, __ATOMIC_RELEASE);
		b = NULL;
	}
	spin_unlock(&ns->lock);
	kfree(b);                       /* another was faster */
	return 0;
}

struct netns *netns_get(struct netns *ns)
{
	ref_get(&ns->ref);
	return ns;
}

void inet_time_wait_drop_all(struct netns *ns);         /* inet/ports.c */

void netns_put(struct netns *ns)
{
	if (!ns || !ref_put(&ns->ref))
		return;
	inet_time_wait_drop_all(ns);
	route_drop_all(ns);
	for (int p = 0; p < PROTO_COUNT; p++)
		kfree(ns->ports[p]);
	kfree(ns->reserved_ports);
	kfree(ns->settings);
	kfree(ns);
	__atomic_sub_fetch(&count, 1, __ATOMIC_RELAXED);
}

static struct netns *boot_ns;

struct netns *netns_boot(void)
{
	static struct spinlock lock = SPINLOCK_INIT;
	struct netns *ns = __atomic_load_n(&boot_ns, __ATOMIC_ACQUIRE);

	if (!ns) {
		struct netns *mine = netns_new();

		if (!mine)
			return NULL;
		mine->ping_groups[0] = 0;       /* everybody, as container engines set it */
		mine->ping_groups[1] = INT32_MAX;
		if (net_link_set_up(mine, true)) {
			netns_put(mine);
			return NULL;
		}
		spin_lock(&lock);
		ns = boot_ns;
		if (!ns) {
			ns = mine;
			mine = NULL;
			__atomic_store_n(&boot_ns, ns, __ATOMIC_RELEASE);
		}
		spin_unlock(&lock);
		netns_put(mine);
	}
	return netns_get(ns);
}

struct netns *task_netns_get(struct task *t)
{
	struct netns *ns;

	spin_lock(&task_list_lock);
	ns = netns_get(t->netns);
	spin_unlock(&task_list_lock);
	return ns;
}

void task_enter_netns(struct netns *ns)
{
	struct task *t = current_task();
	struct netns *old;

	spin_lock(&task_list_lock);
	old = t->netns;
	t->netns = ns;
	spin_unlock(&task_list_lock);
	netns_put(old);
}

struct netns *netns_current(void) { return current_task()->netns; }
