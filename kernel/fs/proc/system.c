/* SPDX-License-Identifier: Apache-2.0 */
/* The root of /proc and the files that tell of the whole sandbox. */
#include "kernel/fs/proc/proc.h"
#include "kernel/ipc/ipc.h"
#include <linux_abi/utsname.h>

#define LLU(v) ((unsigned long long)(v))

/* Sums taken while tasks run and end may be behind an earlier one; what was shown never goes back. */
static uint64_t never_back(uint64_t *shown, uint64_t v)
{
	uint64_t was = __atomic_load_n(shown, __ATOMIC_RELAXED);

	while (was < v && !__atomic_compare_exchange_n(shown, &was, v, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return MAX(was, v);
}

/* CPU time of everything that runs or ran: who was reaped is in its parent's
 * account. */
static void total_usage(struct child_usage *u, unsigned *ret_running)
{
	static uint64_t user_shown, sys_shown;
	struct tgroup *g;
	struct task *t;

	*u = (struct child_usage){ 0 };
	*ret_running = 0;
	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link) {
		tgroup_usage_locked(g, u);
		u->utime_ns += g->cusage.utime_ns;
		u->stime_ns += g->cusage.stime_ns;
		u->nvcsw += g->cusage.nvcsw;
		u->nivcsw += g->cusage.nivcsw;
		list_for_each(t, &g->threads, thread_link)
			*ret_running += __atomic_load_n(&t->se.state, __ATOMIC_RELAXED) == TASK_RUNNING;
	}
	spin_unlock(&task_list_lock);
	u->utime_ns = never_back(&user_shown, u->utime_ns);
	u->stime_ns = never_back(&sys_shown, u->stime_ns);
}

/* Of all CPUs together. */
static uint64_t idle_ns(uint64_t now, const struct child_usage *u)
{
	static uint64_t shown;
	uint64_t all = now * cpu_count(), busy = u->utime_ns + u->stime_ns;

	return never_back(&shown, all > busy ? all - busy : 0);
}

static void cpu_line(struct sbuf *s, const char *name, uint64_t user, uint64_t sys, uint64_t idle)
{
	sbuf_printf(s, "%s %llu 0 %llu %llu 0 0 0 0 0 0\n", name, LLU(user / USER_HZ_NS),
		    LLU(sys / USER_HZ_NS), LLU(idle / USER_HZ_NS));
}

void proc_stat(struct sbuf *s)
{
	struct child_usage u;
	uint64_t now = plat_time_mono_ns(), n = cpu_count(), idle;
	unsigned running;
	int32_t last = 0, id = 0;
	char name[16];

	total_usage(&u, &running);
	idle = idle_ns(now, &u);
	cpu_line(s, "cpu ", u.utime_ns, u.stime_ns, idle);
	for (unsigned c = 0; c < n; c++) {
		ksnprintf(name, sizeof(name), "cpu%u", c);
		cpu_line(s, name, u.utime_ns / n, u.stime_ns / n, idle / n);
	}
	while ((id = proc_next_tgid(id)) >= 0)
		last = id++;
	sbuf_printf(s, "intr 0\nctxt %llu\nbtime %llu\nprocesses %d\nprocs_running %u\nprocs_blocked 0\n"
		    "softirq 0 0 0 0 0 0 0 0 0 0 0\n", LLU(u.nvcsw + u.nivcsw),
		    LLU((plat_time_real_ns() - now) / NSEC_PER_SEC), last, running ? running : 1);
}

void proc_meminfo(struct sbuf *s)
{
	uint64_t total, avail;

	memory_totals(current_task()->tg->container, &total, &avail);
	total >>= 10;
	avail >>= 10;
#define LINE(name, v) sbuf_printf(s, "%-15s %8llu kB\n", name ":", LLU(v))
	LINE("MemTotal", total);
	LINE("MemFree", avail);
	LINE("MemAvailable", avail);
	LINE("Buffers", 0);
	LINE("Cached", 0);
	LINE("SwapCached", 0);
	LINE("Active", total - MIN(avail, total));
	LINE("Inactive", 0);
	LINE("Active(anon)", total - MIN(avail, total));
	LINE("Inactive(anon)", 0);
	LINE("Active(file)", 0);
	LINE("Inactive(file)", 0);
	LINE("Unevictable", 0);
	LINE("Mlocked", 0);
	LINE("SwapTotal", 0);
	LINE("SwapFree", 0);
	LINE("Dirty", 0);
	LINE("Writeback", 0);
	LINE("AnonPages", total - MIN(avail, total));
	LINE("Mapped", 0);
	LINE("Shmem", 0);
	LINE("KReclaimable", 0);
	LINE("Slab", kheap_used() >> 10);
	LINE("SReclaimable", 0);
	LINE("SUnreclaim", kheap_used() >> 10);
	LINE("KernelStack", 0);
	LINE("PageTables", 0);
	LINE("CommitLimit", total);
	LINE("Committed_AS", total - MIN(avail, total));
	LINE("VmallocTotal", 34359738367ull);
	LINE("VmallocUsed", 0);
	LINE("VmallocChunk", 0);
	sbuf_printf(s, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
		    "HugePages_Surp:        0\nHugepagesize:       2048 kB\nHugetlb:               0 kB\n");
#undef LINE
}

static void show_uptime(struct sbuf *s)
{
	struct child_usage u;
	uint64_t now = plat_time_mono_ns(), idle;
	unsigned running;

	total_usage(&u, &running);
	idle = idle_ns(now, &u);
	sbuf_printf(s, "%llu.%02llu %llu.%02llu\n", LLU(now / NSEC_PER_SEC), LLU(now / USER_HZ_NS % 100),
		    LLU(idle / NSEC_PER_SEC), LLU(idle / USER_HZ_NS % 100));
}

static void show_version(struct sbuf *s)
{
	sbuf_printf(s, UTS_SYSNAME " version " UTS_RELEASE " (nacre) (gcc) " UTS_VERSION "\n");
}

static void show_loadavg(struct sbuf *s)
{
	unsigned running, all = 0;
	struct child_usage u;
	struct tgroup *g;
	int32_t last = 0;

	total_usage(&u, &running);
	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link) {
		all += g->thread_count;
		last = MAX(last, g->tgid);
	}
	spin_unlock(&task_list_lock);
	running = running > 1 ? running - 1 : 0;        /* the reader is no load */
	sbuf_printf(s, "%u.00 %u.00 %u.00 %u/%u %d\n", running, running, running, running + 1, all, last);
}

static void show_filesystems(struct sbuf *s)
{
	for (const struct fs_type *const *t = fs_types; *t; t++)
		sbuf_printf(s, "%s\t%s\n", (*t)->nodev ? "nodev" : "", (*t)->name);
}

static void show_cmdline(struct sbuf *s)
{
	sbuf_printf(s, "nacre\n");
}

static void show_devices(struct sbuf *s)
{
	sbuf_printf(s, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n"
		    "136 pts\n\nBlock devices:\n");
}

static void show_partitions(struct sbuf *s)
{
	sbuf_printf(s, "major minor  #blocks  name\n\n");
}

static void show_swaps(struct sbuf *s)
{
	sbuf_printf(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

static void show_vmstat(struct sbuf *s)
{
	uint64_t total, avail;

	memory_totals(current_task()->tg->container, &total, &avail);
	sbuf_printf(s, "nr_free_pages %llu\nnr_inactive_anon 0\nnr_active_anon 0\nnr_inactive_file 0\n"
		    "nr_active_file 0\nnr_unevictable 0\nnr_mlock 0\nnr_anon_pages %llu\nnr_mapped 0\n"
		    "nr_file_pages 0\nnr_dirty 0\nnr_writeback 0\nnr_shmem 0\npgpgin 0\npgpgout 0\n"
		    "pswpin 0\npswpout 0\npgfault 0\npgmajfault 0\noom_kill %llu\n", LLU(avail >> 12),
		    LLU((total - MIN(avail, total)) >> 12), LLU(container0->oom_kills));
}

static void show_interrupts(struct sbuf *s)
{
	sbuf_printf(s, "    ");
	for (unsigned n = 0; n < cpu_count(); n++)
		sbuf_printf(s, "       CPU%u", n);
	sbuf_printf(s, "\n");
}

static void show_cgroups(struct sbuf *s)
{
	sbuf_printf(s, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
}

static void show_empty(struct sbuf *s)
{
}

static void show_buddyinfo(struct sbuf *s)
{
	sbuf_printf(s, "Node 0, zone   Normal      0      0      0      0      0      0      0      0      0      0      0\n");
}

static void show_consoles(struct sbuf *s)
{
	sbuf_printf(s, "tty0                 -WU (EC p  )    5:1\n");
}

/* ---- self and thread-self ---- */

static long self_readlink(struct inode *i, char *buf, size_t size)
{
	struct task *t = current_task();
	char text[48];
	int n;

	if (i->ino & 1)
		n = ksnprintf(text, sizeof(text), "%d/task/%d", t->tg->tgid, t->tid);
	else
		n = ksnprintf(text, sizeof(text), "%d", t->tg->tgid);
	n = (int)MIN((size_t)n, size);
	memcpy(buf, text, (size_t)n);
	return n;
}

static const struct inode_ops self_iops = { .readlink = self_readlink };

#define INO_SELF 0xffff0ull

static int root_lookup(struct inode *dir, const char *name, size_t n, struct inode **ret)
{
	bool thread = n == 11 && !memcmp(name, "thread-self", 11);
	struct inode *i;

	if (!thread && !(n == 4 && !memcmp(name, "self", 4)))
		return pid_lookup_root(dir, name, n, ret);
	i = inode_new(dir->sb, S_IFLNK | 0777);
	if (!i)
		return -ENOMEM;
	i->ino = INO_SELF + thread;
	i->ops = &self_iops;
	*ret = i;
	return 0;
}

static int root_readdir(struct file *f, struct dir_sink *s, uint64_t first_pos)
{
	if (f->pos == first_pos && !pseudo_emit(s, f, "self", INO_SELF, S_IFLNK))
		return 0;
	if (f->pos == first_pos + 1 && !pseudo_emit(s, f, "thread-self", INO_SELF + 1, S_IFLNK))
		return 0;
	return pid_readdir_root(f, s, first_pos + 2);
}

static const struct pseudo_node sysvipc_nodes[] = {
	PSEUDO_FILE("msg", sysvipc_show_msg), PSEUDO_FILE("sem", sysvipc_show_sem),
	PSEUDO_FILE("shm", sysvipc_show_shm),
	{ .name = NULL },
};

static const struct pseudo_node none[] = { { .name = NULL } };

static void show_softirqs(struct sbuf *s)
{
	static const char *const names[] = { "HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU" };

	sbuf_printf(s, "                    ");
	for (unsigned n = 0; n < cpu_count(); n++)
		sbuf_printf(s, "CPU%-8u", n);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		sbuf_printf(s, "\n%12s:", names[i]);
		for (unsigned n = 0; n < cpu_count(); n++)
			sbuf_printf(s, " %10u", 0);
	}
	sbuf_printf(s, "\n");
}

static void show_misc(struct sbuf *s) { sbuf_printf(s, "  1 psaux\n"); }
static void show_execdomains(struct sbuf *s) { sbuf_printf(s, "0-0\tLinux           \t[kernel]\n"); }

static void show_tty_drivers(struct sbuf *s)
{
	sbuf_printf(s, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
		    "/dev/ptmx            /dev/ptmx       5       2 system\n"
		    "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
		    "pty_master           /dev/ptm      128 0-1048575 pty:master\n");
}

static const struct pseudo_node tty_nodes[] = { PSEUDO_FILE("drivers", show_tty_drivers), { .name = NULL } };

static const struct pseudo_node root_nodes[] = {
	PSEUDO_FILE("buddyinfo", show_buddyinfo), PSEUDO_FILE("cgroups", show_cgroups),
	PSEUDO_FILE("cmdline", show_cmdline), PSEUDO_FILE("consoles", show_consoles),
	PSEUDO_FILE("cpuinfo", proc_cpuinfo), PSEUDO_FILE("crypto", show_empty),
	PSEUDO_DIR("acpi", none), PSEUDO_DIR("bus", none), PSEUDO_DIR("driver", none), PSEUDO_DIR("irq", none),
	PSEUDO_DIR("tty", tty_nodes), PSEUDO_FILE("execdomains", show_execdomains), PSEUDO_FILE("misc", show_misc),
	PSEUDO_FILE("softirqs", show_softirqs), PSEUDO_FILE("kallsyms", show_empty), PSEUDO_FILE("keys", show_empty),
	PSEUDO_FILE("key-users", show_empty),
	PSEUDO_FILE("devices", show_devices), PSEUDO_FILE("diskstats", show_empty),
	PSEUDO_FILE("filesystems", show_filesystems), PSEUDO_FILE("interrupts", show_interrupts),
	PSEUDO_FILE("loadavg", show_loadavg), PSEUDO_FILE("locks", show_empty),
	PSEUDO_FILE("meminfo", proc_meminfo), PSEUDO_FILE("modules", show_empty),
	PSEUDO_FILE("partitions", show_partitions), PSEUDO_FILE("stat", proc_stat),
	PSEUDO_FILE("swaps", show_swaps), PSEUDO_FILE("uptime", show_uptime),
	PSEUDO_FILE("version", show_version), PSEUDO_FILE("vmstat", show_vmstat),
	PSEUDO_LINK("mounts", "self/mounts"), PSEUDO_LINK("net", "self/net"),
	{ .name = "sys", .mode = S_IFDIR | 0555, .children = proc_sys_children, .strict = true }, PSEUDO_DIR("sysvipc", sysvipc_nodes),
	PSEUDO_DIR("fs", none),
	{ .name = NULL },
};

static bool root_revalidate(struct inode *dir, const char *name, size_t n, struct inode *cached)
{
	/* Only numbers come and go. */
	return n == 0 || name[0] < '0' || name[0] > '9' || pid_revalidate_root(dir, name, n, cached);
}

static const struct pseudo_node proc_root = {
	.name = "/", .mode = S_IFDIR | 0555, .children = root_nodes, .lookup = root_lookup,
	.readdir = root_readdir, .revalidate = root_revalidate,
};

static int proc_mount(const struct fs_type *t, const char *source, const char *data,
		      const void *arg, struct super_block **ret)
{
	return pseudo_super(t, PROC_SUPER_MAGIC, &proc_root, ret);
}

const struct fs_type proc_type = { .name = "proc", .nodev = true, .mount = proc_mount };
