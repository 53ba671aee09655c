/* SPDX-License-Identifier: Apache-2.0 */
/* The table of /proc/PID, and its small files. */
#include "kernel/fs/proc/proc.h"

#define PID_FILE(nm, md, fn) { .name = nm, .mode = S_IFREG | (md), .fill = fn }
#define PID_GUARDED(nm, md, fn) { .name = nm, .mode = S_IFREG | (md), .fill = fn, .guarded = true }

static int show_comm(struct task *t, struct sbuf *s)
{
	char c[16];

	memcpy(c, t->comm, sizeof(c));
	c[sizeof(c) - 1] = 0;
	sbuf_printf(s, "%s\n", c);
	return 0;
}

static int store_comm(struct task *t, const char *text, size_t n)
{
	if (t->tg != current_task()->tg)
		return -EINVAL;
	spin_lock(&t->tg->lock);
	kstrlcpy(t->comm, text, sizeof(t->comm));
	spin_unlock(&t->tg->lock);
	return 0;
}

static int show_limits(struct task *t, struct sbuf *s)
{
	static const struct { const char *name, *unit; } names[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" },
		[RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" },
		[RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" },
		[RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" },
		[RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
		[RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" },
		[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
		[RLIMIT_NICE] = { "Max nice priority", NULL },
		[RLIMIT_RTPRIO] = { "Max realtime priority", NULL },
		[RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	char soft[24], hard[24];

	sbuf_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int n = 0; n < RLIM_NLIMITS; n++) {
		struct linux_rlimit64 r = t->tg->rlim[n];

		ksnprintf(soft, sizeof(soft), "%llu", (unsigned long long)r.cur);
		ksnprintf(hard, sizeof(hard), "%llu", (unsigned long long)r.max);
		sbuf_printf(s, "%-25s %-20s %-20s ", names[n].name, r.cur == RLIM_INFINITY ? "unlimited" : soft,
			    r.max == RLIM_INFINITY ? "unlimited" : hard);
		if (names[n].unit)
			sbuf_printf(s, "%-10s", names[n].unit);
		sbuf_printf(s, "\n");
	}
	return 0;
}

static int show_mounts(struct task *t, struct sbuf *s, bool info)
{
	struct fs_info *fi = task_get_fs(t);
	struct mntns *ns;
	struct path root;

	if (!fi)
		return -EINVAL;
	spin_lock(&fi->lock);
	root = fi->root;
	path_get(&root);
	spin_unlock(&fi->lock);
	fs_info_put(fi);
	spin_lock(&task_list_lock);
	ns = t->mntns ? mntns_get(t->mntns) : NULL;
	spin_unlock(&task_list_lock);
	if (ns) {
		mounts_show(ns, &root, info, s);
		mntns_put(ns);
	}
	path_put(&root);
	return 0;
}

static int show_mounts_short(struct task *t, struct sbuf *s) { return show_mounts(t, s, false); }
static int show_mountinfo(struct task *t, struct sbuf *s) { return show_mounts(t, s, true); }

static int show_io(struct task *t, struct sbuf *s)
{
	struct child_usage u = { 0 };
	struct tgroup *g = t->tg;

	spin_lock(&task_list_lock);
	tgroup_usage_locked(g, &u);
	spin_unlock(&task_list_lock);
	spin_lock(&g->lock);
	usage_add(&u, &g->cusage);
	spin_unlock(&g->lock);
	/* No file here is on a disk that we know of. */
	sbuf_printf(s, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\nread_bytes: 0\nwrite_bytes: 0\n"
		    "cancelled_write_bytes: 0\n", (unsigned long long)u.io.rchar, (unsigned long long)u.io.wchar,
		    (unsigned long long)u.io.syscr, (unsigned long long)u.io.syscw);
	return 0;
}

static int show_oom_score(struct task *t, struct sbuf *s)
{
	struct mem_numbers m;
	uint64_t total, free_bytes, score;
	int64_t v;

	memory_totals(t->tg->container, &total, &free_bytes);
	pid_mem_numbers(t, &m);
	score = total ? m.rss / (total / 1000 + 1) : 0;
	v = (int64_t)score + 666 + t->tg->oom_score_adj * 2 / 3;
	sbuf_printf(s, "%lld\n", (long long)MAX(v, (int64_t)0));
	return 0;
}

static int show_oom_adj(struct task *t, struct sbuf *s)
{
	sbuf_printf(s, "%d\n", t->tg->oom_score_adj);
	return 0;
}

static int store_oom_adj(struct task *t, const char *text, size_t n)
{
	bool neg = n && text[0] == '-';
	uint64_t v;
	int32_t adj;

	if (kparse_u64(text + neg, n - neg, &v) || v > 1000)
		return -EINVAL;
	adj = neg ? -(int32_t)v : (int32_t)v;
	if (!task_may_access(t) && t->tg != current_task()->tg)
		return -EACCES;
	/* Down again to what somebody with the right to lower it said last. */
	if (!capable(CAP_SYS_RESOURCE)) {
		if (adj < t->tg->oom_score_adj_least)
			return -EACCES;
	} else {
		t->tg->oom_score_adj_least = adj;
	}
	t->tg->oom_score_adj = adj;
	return 0;
}

static int show_wchan(struct task *t, struct sbuf *s)
{
	const char *w = __atomic_load_n(&t->wchan, __ATOMIC_RELAXED);

	sbuf_printf(s, "%s", w ? w : "0");
	return 0;
}

static int show_cgroup(struct task *t, struct sbuf *s)
{
	sbuf_printf(s, "0::/\n");
	return 0;
}

static int show_unset_id(struct task *t, struct sbuf *s)
{
	sbuf_printf(s, "4294967295");
	return 0;
}

/* Taken and not kept, but not every text. */
static int store_id(struct task *t, const char *text, size_t n)
{
	uint64_t v;

	return kparse_u64(text, n, &v) || v > UINT32_MAX ? -EINVAL : 0;
}

static int store_clear_refs(struct task *t, const char *text, size_t n)
{
	uint64_t v;

	return kparse_u64(text, n, &v) || v < 1 || v > 5 ? -EINVAL : 0;
}

static int show_sched(struct task *t, struct sbuf *s)
{
	uint64_t run = __atomic_load_n(&t->se.run_ns, __ATOMIC_RELAXED);
	uint64_t vol = __atomic_load_n(&t->se.nvcsw, __ATOMIC_RELAXED);
	uint64_t invol = __atomic_load_n(&t->se.nivcsw, __ATOMIC_RELAXED);

	sbuf_printf(s, "%s (%d, #threads: %u)\n"
		    "-------------------------------------------------------------------\n"
		    "se.sum_exec_runtime                          : %llu.%06llu\n"
		    "nr_switches                                  : %llu\n"
		    "nr_voluntary_switches                        : %llu\n"
		    "nr_involuntary_switches                      : %llu\n"
		    "policy                                       : 0\n"
		    "prio                                         : %d\n",
		    t->comm, t->tid, t->tg->thread_count,
		    (unsigned long long)(run / 1000000),
		    (unsigned long long)(run % 1000000),
		    (unsigned long long)(vol + invol),
		    (unsigned long long)vol, (unsigned long long)invol,
		    120 + task_nice(t));
	return 0;
}

static int show_schedstat(struct task *t, struct sbuf *s)
{
	uint64_t switches = __atomic_load_n(&t->se.nvcsw, __ATOMIC_RELAXED) +
			    __atomic_load_n(&t->se.nivcsw, __ATOMIC_RELAXED);

	sbuf_printf(s, "%llu 0 %llu\n",
		    (unsigned long long)__atomic_load_n(&t->se.run_ns, __ATOMIC_RELAXED),
		    (unsigned long long)switches);
	return 0;
}

/* One user namespace, everything maps to itself. */
static int show_id_map(struct task *t, struct sbuf *s)
{
	sbuf_printf(s, "%10u %10u %10u\n", 0, 0, 4294967295u);
	return 0;
}

static int show_setgroups(struct task *t, struct sbuf *s)
{
	sbuf_printf(s, "allow\n");
	return 0;
}

static int show_personality(struct task *t, struct sbuf *s)
{
	sbuf_printf(s, "%08x\n", t->personality);
	return 0;
}

/* The kernel's own stack is nobody's business inside. */
static int show_stack(struct task *t, struct sbuf *s)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EACCES;
}

static int show_syscall(struct task *t, struct sbuf *s)
{
	int32_t nr = __atomic_load_n(&t->syscall_nr, __ATOMIC_RELAXED);
	uint64_t a[6];

	for (unsigned i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = __atomic_load_n(&t->syscall_args[i], __ATOMIC_RELAXED);
	if (nr < 0 || (t != current_task() && __atomic_load_n(&t->se.on_cpu, __ATOMIC_ACQUIRE)))
		sbuf_printf(s, "running\n");
	else
		sbuf_printf(s, "%d 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx\n",
			    nr, (unsigned long long)a[0], (unsigned long long)a[1],
			    (unsigned long long)a[2], (unsigned long long)a[3],
			    (unsigned long long)a[4], (unsigned long long)a[5],
			    (unsigned long long)t->uctx.regs.rsp, (unsigned long long)t->uctx.regs.rip);
	return 0;
}

static int show_timerslack(struct task *t, struct sbuf *s)
{
	sbuf_printf(s, "%llu\n", (unsigned long long)__atomic_load_n(&t->timer_slack_ns, __ATOMIC_RELAXED));
	return 0;
}

static int store_timerslack(struct task *t, const char *text, size_t n)
{
	uint64_t v;

	if (t != current_task() && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (kparse_u64(text, n, &v))
		return -EINVAL;
	__atomic_store_n(&t->timer_slack_ns, v ? v : TIMER_SLACK_NS, __ATOMIC_RELAXED);
	return 0;
}

/* The old form of oom_score_adj, -17 to 15. */
static int show_oom_adj_old(struct task *t, struct sbuf *s)
{
	int adj = t->tg->oom_score_adj;

	sbuf_printf(s, "%d\n", adj == 1000 ? 15 : adj * 17 / 1000);
	return 0;
}

static int store_oom_adj_old(struct task *t, const char *text, size_t n)
{
	bool neg = n && text[0] == '-';
	char now[16];
	uint64_t v;
	int adj;

	if (kparse_u64(text + neg, n - neg, &v) || v > (neg ? 17 : 15))
		return -EINVAL;
	adj = v == 15 ? 1000 : (int)v * 1000 / 17;
	return store_oom_adj(t, now, (size_t)ksnprintf(now, sizeof(now), "%d", neg ? -adj : adj));
}

static int show_coredump_filter(struct task *t, struct sbuf *s)
{
	sbuf_printf(s, "00000033\n");
	return 0;
}

static int store_filter(struct task *t, const char *text, size_t n)
{
	if (n > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		text += 2;
		n -= 2;
	}
	for (size_t k = 0; k < n; k++) {
		char c = text[k] | 0x20;

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return -EINVAL;
	}
	return n ? 0 : -EINVAL;         /* there are no core files */
}

static int show_children(struct task *t, struct sbuf *s)
{
	struct tgroup *c;

	spin_lock(&task_list_lock);
	list_for_each(c, &t->tg->children, sibling)
		sbuf_printf(s, "%d ", c->tgid);
	spin_unlock(&task_list_lock);
	return 0;
}

static int fs_path(struct task *t, struct path *ret, bool root)
{
	struct fs_info *fi = task_get_fs(t);

	if (!fi)
		return -ENOENT;
	spin_lock(&fi->lock);
	*ret = root ? fi->root : fi->cwd;
	path_get(ret);
	spin_unlock(&fi->lock);
	fs_info_put(fi);
	return 0;
}

static int link_cwd(struct task *t, struct path *ret) { return fs_path(t, ret, false); }
static int link_root(struct task *t, struct path *ret) { return fs_path(t, ret, true); }

const struct pid_entry pid_entries[] = {
	{ .name = "fd", .mode = S_IFDIR | 0500, .guarded = true,
	  .dir_iops = &pid_fd_dir_iops, .dir_fops = &pid_fd_dir_fops },
	{ .name = "fdinfo", .mode = S_IFDIR | 0555, .guarded = true,
	  .dir_iops = &pid_fdinfo_dir_iops, .dir_fops = &pid_fd_dir_fops },
	{ .name = "task", .mode = S_IFDIR | 0555,
	  .dir_iops = &pid_task_dir_iops, .dir_fops = &pid_task_dir_fops },
	{ .name = "ns", .mode = S_IFDIR | 0511, .dir_iops = &pid_dir_iops, .dir_fops = &pid_dir_fops,
	  .children = pid_ns_entries },
	{ .name = "net", .mode = S_IFDIR | 0555, .dir_iops = &pid_dir_iops, .dir_fops = &pid_dir_fops,
	  .children = pid_net_entries },
	{ .name = "cwd", .mode = S_IFLNK | 0777, .link = link_cwd },
	{ .name = "root", .mode = S_IFLNK | 0777, .link = link_root },
	{ .name = "exe", .mode = S_IFLNK | 0777, .link = pid_exe },
	{ .name = "mem", .mode = S_IFREG | 0600, .guarded = true, .fops = &pid_mem_fops },
	{ .name = "comm", .mode = S_IFREG | 0644, .fill = show_comm, .store = store_comm },
	{ .name = "oom_score_adj", .mode = S_IFREG | 0644, .fill = show_oom_adj, .store = store_oom_adj, .pwrite = true },
	{ .name = "oom_adj", .mode = S_IFREG | 0644, .fill = show_oom_adj_old, .store = store_oom_adj_old, .pwrite = true },
	{ .name = "timerslack_ns", .mode = S_IFREG | 0666, .fill = show_timerslack, .store = store_timerslack },
	{ .name = "loginuid", .mode = S_IFREG | 0644, .fill = show_unset_id, .store = store_id, .pwrite = true },
	{ .name = "coredump_filter", .mode = S_IFREG | 0644, .fill = show_coredump_filter, .store = store_filter,
	  .pwrite = true },
	{ .name = "clear_refs", .mode = S_IFREG | 0200, .store = store_clear_refs, .pwrite = true },
	PID_FILE("uid_map", 0644, show_id_map), PID_FILE("gid_map", 0644, show_id_map),
	PID_FILE("setgroups", 0644, show_setgroups), PID_FILE("projid_map", 0644, show_id_map),
	PID_FILE("status", 0444, pid_status), PID_FILE("stat", 0444, pid_stat),
	PID_FILE("statm", 0444, pid_statm), PID_FILE("cmdline", 0444, pid_cmdline),
	PID_FILE("limits", 0444, show_limits), PID_FILE("mounts", 0444, show_mounts_short),
	PID_FILE("mountinfo", 0444, show_mountinfo), PID_FILE("cgroup", 0444, show_cgroup),
	PID_FILE("oom_score", 0444, show_oom_score), PID_FILE("wchan", 0444, show_wchan),
	PID_FILE("sessionid", 0444, show_unset_id), PID_FILE("sched", 0444, show_sched),
	PID_FILE("schedstat", 0444, show_schedstat),
	PID_FILE("children", 0444, show_children),
	PID_GUARDED("environ", 0400, pid_environ), PID_GUARDED("maps", 0444, pid_maps),
	PID_GUARDED("smaps", 0444, pid_smaps), PID_GUARDED("smaps_rollup", 0444, pid_smaps_rollup),
	PID_GUARDED("auxv", 0400, pid_auxv), PID_GUARDED("io", 0400, show_io),
	PID_GUARDED("personality", 0400, show_personality), PID_GUARDED("stack", 0400, show_stack),
	PID_GUARDED("syscall", 0400, show_syscall),
	{ .name = NULL },
};
