/* SPDX-License-Identifier: Apache-2.0 */
/* sysfs: the few files that programs look up to learn about CPUs, huge pages
 * and network interfaces.  Everything is the sandbox's own. */
#include "kernel/fs/sys/sys.h"
#include "kernel/task/task.h"

#define END { .name = NULL }

static void show_cpus(struct sbuf *s)
{
	if (cpu_count() > 1)
		sbuf_printf(s, "0-%u\n", cpu_count() - 1);
	else
		sbuf_printf(s, "0\n");
}

static void show_kernel_max(struct sbuf *s) { sbuf_printf(s, "%lu\n", (unsigned long)PLAT_MAX_CPUS - 1); }
static void show_nothing(struct sbuf *s) { sbuf_printf(s, "\n"); }
static void show_zero(struct sbuf *s) { sbuf_printf(s, "0\n"); }
static void show_one(struct sbuf *s) { sbuf_printf(s, "1\n"); }
static void show_thp(struct sbuf *s) { sbuf_printf(s, "always [madvise] never\n"); }
static void show_pmd_size(struct sbuf *s) { sbuf_printf(s, "2097152\n"); }
static void show_not_supported(struct sbuf *s) { sbuf_printf(s, "notsupported\n"); }
static void show_clocksource(struct sbuf *s) { sbuf_printf(s, "tsc\n"); }

static void show_cpu_mask(struct sbuf *s)
{
	sbuf_printf(s, "%llx\n", cpu_count() >= 64 ? ~0ull : (1ull << cpu_count()) - 1);
}

/* ---- CPUs: a table made at the first mount, for as many as there are ---- */

#define CPU_FIXED 8

static void show_number(struct sbuf *s, uint64_t arg) { sbuf_printf(s, "%llu\n", (unsigned long long)arg); }
static void show_bit(struct sbuf *s, uint64_t arg) { sbuf_printf(s, "%llx\n", 1ull << (arg & 63)); }

static const struct pseudo_node smt_nodes[] = {
	PSEUDO_FILE("active", show_zero), PSEUDO_FILE("control", show_not_supported), END,
};

static const struct pseudo_node cpu_fixed[CPU_FIXED + 1] = {
	PSEUDO_FILE("online", show_cpus), PSEUDO_FILE("possible", show_cpus),
	PSEUDO_FILE("present", show_cpus), PSEUDO_FILE("offline", show_nothing),
	PSEUDO_FILE("isolated", show_nothing), PSEUDO_FILE("nohz_full", show_nothing),
	PSEUDO_FILE("kernel_max", show_kernel_max), PSEUDO_DIR("smt", smt_nodes), END,
};

struct cpu_table {
	struct pseudo_node dirs[CPU_FIXED + PLAT_MAX_CPUS + 1];
	struct { char name[8]; struct pseudo_node files[3], topology[12]; } cpu[PLAT_MAX_CPUS];
};

static struct pseudo_node file_arg(const char *name, void (*fn)(struct sbuf *, uint64_t), uint64_t arg)
{
	return (struct pseudo_node){ .name = name, .mode = S_IFREG | 0444, .show_arg = fn, .arg = arg };
}

static struct cpu_table *make_cpus(void)
{
	struct cpu_table *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	memcpy(t->dirs, cpu_fixed, CPU_FIXED * sizeof(cpu_fixed[0]));
	for (unsigned n = 0; n < cpu_count(); n++) {
		struct pseudo_node *topo = t->cpu[n].topology;

		ksnprintf(t->cpu[n].name, sizeof(t->cpu[n].name), "cpu%u", n);
		topo[0] = file_arg("core_id", show_number, n);
		topo[1] = file_arg("physical_package_id", show_number, 0);
		topo[2] = file_arg("thread_siblings", show_bit, n);
		topo[3] = file_arg("thread_siblings_list", show_number, n);
		topo[4] = (struct pseudo_node)PSEUDO_FILE("core_siblings_list", show_cpus);
		topo[5] = (struct pseudo_node)PSEUDO_FILE("package_cpus_list", show_cpus);
		topo[6] = (struct pseudo_node)PSEUDO_FILE("core_siblings", show_cpu_mask);
		topo[7] = (struct pseudo_node)PSEUDO_FILE("package_cpus", show_cpu_mask);
		topo[8] = file_arg("core_cpus", show_bit, n);
		topo[9] = file_arg("core_cpus_list", show_number, n);
		topo[10] = file_arg("die_id", show_number, 0);
		t->cpu[n].files[0] = (struct pseudo_node)PSEUDO_FILE("online", show_one);
		t->cpu[n].files[1] = (struct pseudo_node)PSEUDO_DIR("topology", topo);
		t->dirs[CPU_FIXED + n] = (struct pseudo_node)PSEUDO_DIR(t->cpu[n].name, t->cpu[n].files);
	}
	return t;
}

/* ---- the tree ---- */

static const struct pseudo_node none[] = { END };

static void show_distance(struct sbuf *s) { sbuf_printf(s, "10\n"); }

static void show_node_meminfo(struct sbuf *s)
{
	uint64_t total, avail;

	memory_totals(container0, &total, &avail);
	sbuf_printf(s, "Node 0 MemTotal:       %llu kB\nNode 0 MemFree:        %llu kB\n"
		    "Node 0 MemUsed:        %llu kB\n", (unsigned long long)total >> 10,
		    (unsigned long long)avail >> 10,
		    (unsigned long long)(total - MIN(avail, total)) >> 10);
}

static const struct pseudo_node node0_nodes[] = {
	PSEUDO_FILE("cpulist", show_cpus), PSEUDO_FILE("cpumap", show_cpu_mask),
	PSEUDO_FILE("distance", show_distance), PSEUDO_FILE("meminfo", show_node_meminfo), END,
};
static const struct pseudo_node numa_nodes[] = {
	PSEUDO_FILE("online", show_zero), PSEUDO_FILE("possible", show_zero),
	PSEUDO_FILE("has_cpu", show_zero), PSEUDO_FILE("has_memory", show_zero),
	PSEUDO_FILE("has_normal_memory", show_zero), PSEUDO_DIR("node0", node0_nodes), END,
};
static const struct pseudo_node clocksource0[] = {
	PSEUDO_FILE("current_clocksource", show_clocksource),
	PSEUDO_FILE("available_clocksource", show_clocksource), END,
};
static const struct pseudo_node clocksource_nodes[] = { PSEUDO_DIR("clocksource0", clocksource0), END };

static struct pseudo_node system_nodes[] = {
	PSEUDO_DIR("cpu", cpu_fixed), PSEUDO_DIR("node", numa_nodes),
	PSEUDO_DIR("clocksource", clocksource_nodes), END,
};

static const struct pseudo_node net_nodes[] = { PSEUDO_DIR("lo", sysfs_lo_nodes), END };
static const struct pseudo_node virtual_nodes[] = { PSEUDO_DIR("net", net_nodes), END };
static const struct pseudo_node devices_nodes[] = {
	PSEUDO_DIR("system", system_nodes), PSEUDO_DIR("virtual", virtual_nodes), END,
};
static const struct pseudo_node class_net_nodes[] = {
	PSEUDO_LINK("lo", "../../devices/virtual/net/lo"), END,
};
static const struct pseudo_node class_nodes[] = {
	PSEUDO_DIR("net", class_net_nodes), PSEUDO_DIR("block", none), PSEUDO_DIR("tty", none), END,
};
static const struct pseudo_node thp_nodes[] = {
	PSEUDO_FILE("enabled", show_thp), PSEUDO_FILE("defrag", show_thp),
	PSEUDO_FILE("hpage_pmd_size", show_pmd_size), END,
};
static const struct pseudo_node mm_nodes[] = {
	PSEUDO_DIR("transparent_hugepage", thp_nodes), PSEUDO_DIR("hugepages", none), END,
};
static const struct pseudo_node kernel_nodes[] = {
	PSEUDO_DIR("mm", mm_nodes), PSEUDO_FILE("uevent_seqnum", show_zero), PSEUDO_DIR("debug", none), PSEUDO_DIR("security", none), END,
};
static const struct pseudo_node fs_nodes[] = { PSEUDO_DIR("cgroup", none), END };
static const struct pseudo_node empty_bus[] = { PSEUDO_DIR("devices", none), PSEUDO_DIR("drivers", none), END };
static const struct pseudo_node bus_nodes[] = { PSEUDO_DIR("pci", empty_bus), PSEUDO_DIR("usb", empty_bus), END };
static const struct pseudo_node dev_nodes[] = { PSEUDO_DIR("block", none), PSEUDO_DIR("char", none), END };
static const struct pseudo_node root_nodes[] = {
	PSEUDO_DIR("block", none), PSEUDO_DIR("bus", bus_nodes), PSEUDO_DIR("class", class_nodes),
	PSEUDO_DIR("dev", dev_nodes), PSEUDO_DIR("devices", devices_nodes), PSEUDO_DIR("firmware", none),
	PSEUDO_DIR("fs", fs_nodes), PSEUDO_DIR("kernel", kernel_nodes), PSEUDO_DIR("module", none),
	PSEUDO_DIR("power", none), END,
};
static const struct pseudo_node root = PSEUDO_DIR("/", root_nodes);

static int sys_mount(const struct fs_type *t, const char *source, const char *data,
		     const void *arg, struct super_block **ret)
{
	static struct spinlock lock;
	struct cpu_table *cpus = make_cpus();

	if (!cpus)
		return -ENOMEM;
	spin_lock(&lock);
	if (system_nodes[0].children == cpu_fixed) {
		system_nodes[0].children = cpus->dirs;
		cpus = NULL;
	}
	spin_unlock(&lock);
	kfree(cpus);
	return pseudo_super(t, SYSFS_MAGIC, &root, ret);
}

const struct fs_type sysfs_type = { .name = "sysfs", .nodev = true, .mount = sys_mount };
