/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sys: what programs look up.  Values are the sandbox's own; settings
 * that mean nothing here can be read but not changed. */
#include "kernel/fs/proc/proc.h"
#include "kernel/ipc/ipc.h"
#include <linux_abi/utsname.h>

#define TEXT(fn, text) static void fn(struct sbuf *s) { sbuf_printf(s, "%s\n", text); }

TEXT(show_ostype, UTS_SYSNAME)
TEXT(show_osrelease, UTS_RELEASE)
TEXT(show_kversion, UTS_VERSION)
TEXT(show_pid_max, "4194304")
TEXT(show_threads_max, "32000")
TEXT(show_ngroups_max, "65536")
TEXT(show_cap_last_cap, "40")
TEXT(show_shmmax, "18446744073692774399")
TEXT(show_shmall, "18446744073692774399")
TEXT(show_shmmni, "4096")
TEXT(show_msgmax, "8192")
TEXT(show_msgmnb, "16384")
TEXT(show_msgmni, "32000")
TEXT(show_sem, "32000\t1024000000\t500\t32000")
TEXT(show_core_pattern, "core")
TEXT(show_overflow_id, "65534")
TEXT(show_zero, "0")
TEXT(show_one, "1")
TEXT(show_two, "2")
TEXT(show_printk, "4\t4\t1\t7")
TEXT(show_max_map_count, "65530")
TEXT(show_swappiness, "60")
TEXT(show_mmap_min_addr, "65536")
TEXT(show_file_max, "9223372036854775807")
TEXT(show_file_nr, "1024\t0\t9223372036854775807")
TEXT(show_nr_open, "1048576")
TEXT(show_pipe_soft, "16384")
TEXT(show_inotify_events, "16384")
TEXT(show_inotify_instances, "128")
TEXT(show_inotify_watches, "65536")
TEXT(show_epoll_watches, "1000000")
TEXT(show_entropy, "256")
TEXT(show_seed, "60")
TEXT(show_overcommit_ratio, "50")
TEXT(show_dirty_ratio, "20")
TEXT(show_dirty_background, "10")
TEXT(show_min_free, "67584")
TEXT(show_keys, "200")
TEXT(show_pty_max, "1024")
TEXT(show_randomize, "2")
TEXT(show_rt_runtime, "950000")
TEXT(show_rt_period, "1000000")
TEXT(show_hung_task, "120")
TEXT(show_actions, "kill_process kill_thread trap errno user_notif trace log allow")
TEXT(show_hundred, "100")
TEXT(show_three, "3")
TEXT(show_admin_reserve, "8192")
TEXT(show_user_reserve, "131072")
TEXT(show_inode_nr, "1024\t0")
TEXT(show_inode_state, "1024\t0\t0\t0\t0\t0\t0")
TEXT(show_dentry_state, "1024\t0\t45\t0\t0\t0")

static int store_mq(uint32_t *v, const char *text, size_t n, uint64_t min, uint64_t max)
{
	uint64_t x;

	if (kparse_u64(text, n, &x) || x < min || x > max)
		return -EINVAL;
	__atomic_store_n(v, (uint32_t)x, __ATOMIC_RELAXED);
	return 0;
}
#define MQ_LIMIT(name, field, min, max) \
static void show_##name(struct sbuf *s) { sbuf_printf(s, "%u\n", __atomic_load_n(&mq_limits.field, __ATOMIC_RELAXED)); } \
static int store_##name(const char *text, size_t n) { return store_mq(&mq_limits.field, text, n, min, max); }
MQ_LIMIT(mq_msg, msg_max, 1, MQ_HARD_MSG)
MQ_LIMIT(mq_msg_default, msg_default, 1, MQ_HARD_MSG)
MQ_LIMIT(mq_size, size_max, 128, MQ_HARD_SIZE)
MQ_LIMIT(mq_size_default, size_default, 128, MQ_HARD_SIZE)
MQ_LIMIT(mq_queues, queues_max, 0, MQ_HARD_QUEUES)

static void show_pipe_max(struct sbuf *s) { sbuf_printf(s, "%u\n", pipe_size_max(0)); }

/* Whole pages, a power of two of them; more than we ever give cannot be had. */
static int store_pipe_max(const char *text, size_t n)
{
	uint64_t x;

	return !kparse_u64(text, n, &x) && x && x <= UINT32_MAX && pipe_size_max((uint32_t)x) ? 0 : -EINVAL;
}

static void show_uts(struct sbuf *s, const char *field)
{
	struct utsns *u = current_task()->utsns;
	char name[65];

	spin_lock(&u->lock);
	memcpy(name, field, sizeof(name));
	spin_unlock(&u->lock);
	name[64] = 0;
	sbuf_printf(s, "%s\n", name);
}

static int store_uts(char *field, const char *text, size_t n)
{
	struct utsns *u = current_task()->utsns;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (n > 64)
		return -EINVAL;
	spin_lock(&u->lock);
	kstrlcpy(field, text, sizeof(u->hostname));
	spin_unlock(&u->lock);
	return 0;
}

static void show_hostname(struct sbuf *s) { show_uts(s, current_task()->utsns->hostname); }
static void show_domainname(struct sbuf *s) { show_uts(s, current_task()->utsns->domainname); }
static int store_hostname(const char *text, size_t n) { return store_uts(current_task()->utsns->hostname, text, n); }
static int store_domainname(const char *text, size_t n) { return store_uts(current_task()->utsns->domainname, text, n); }

static void show_id(struct sbuf *s, uint8_t *b)
{
	b[6] = (b[6] & 0x0f) | 0x40;    /* RFC 4122, random */
	b[8] = (b[8] & 0x3f) | 0x80;
	for (int n = 0; n < 16; n++)
		sbuf_printf(s, "%s%02x", n == 4 || n == 6 || n == 8 || n == 10 ? "-" : "", b[n]);
	sbuf_printf(s, "\n");
}

static void show_uuid(struct sbuf *s)
{
	uint8_t b[16];

	krandom(b, sizeof(b));
	show_id(s, b);
}

static void show_boot_id(struct sbuf *s)
{
	static struct spinlock lock;
	static bool made;
	static uint8_t id[16];
	uint8_t b[16];

	spin_lock(&lock);
	if (!made) {
		krandom(id, sizeof(id));
		made = true;
	}
	memcpy(b, id, sizeof(b));
	spin_unlock(&lock);
	show_id(s, b);
}

/* Who may write the file may set it. */
static int sticky_store(enum sticky_setting s, const char *text, size_t n, uint32_t max)
{
	uint64_t v;

	if (kparse_u64(text, n, &v) || v > max)
		return -EINVAL;
	sticky_set(s, (uint32_t)v);
	return 0;
}

#define STICKY(name, setting, max) \
	static void show_##name(struct sbuf *s) { sbuf_printf(s, "%u\n", sticky_setting(setting)); } \
	static int store_##name(const char *text, size_t n) { return sticky_store(setting, text, n, max); }
STICKY(symlinks, PROTECTED_SYMLINKS, 1)
STICKY(hardlinks, PROTECTED_HARDLINKS, 1)
STICKY(fifos, PROTECTED_FIFOS, 2)
STICKY(regular, PROTECTED_REGULAR, 2)

#define END { .name = NULL }
static void show_lease(struct sbuf *s) { sbuf_printf(s, "%u\n", lease_break_time()); }
static int store_lease(const char *text, size_t n)
{
	uint64_t v;

	if (kparse_u64(text, n, &v) || v > INT32_MAX)
		return -EINVAL;
	lease_break_time_set((uint32_t)v);
	return 0;
}

#define F(n, fn) { .name = (n), .mode = S_IFREG | 0644, .show = (fn) }

static const struct pseudo_node random_nodes[] = {
	PSEUDO_FILE("boot_id", show_boot_id), PSEUDO_FILE("uuid", show_uuid),
	PSEUDO_FILE("entropy_avail", show_entropy), PSEUDO_FILE("poolsize", show_entropy),
	F("urandom_min_reseed_secs", show_seed), F("write_wakeup_threshold", show_entropy), END,
};
static const struct pseudo_node keys_nodes[] = { F("maxkeys", show_keys), F("root_maxkeys", show_keys), END };
static const struct pseudo_node pty_nodes[] = { F("max", show_pty_max), F("nr", show_zero), END };
static const struct pseudo_node seccomp_nodes[] = {
	PSEUDO_FILE("actions_avail", show_actions), F("actions_logged", show_actions), END,
};
static const struct pseudo_node yama_nodes[] = { F("ptrace_scope", show_zero), END };

static const struct pseudo_node kernel_nodes[] = {
	PSEUDO_RW("hostname", show_hostname, store_hostname), PSEUDO_RW("domainname", show_domainname, store_domainname),
	PSEUDO_FILE("ostype", show_ostype), PSEUDO_FILE("osrelease", show_osrelease),
	PSEUDO_FILE("version", show_kversion), F("pid_max", show_pid_max),
	F("threads-max", show_threads_max), PSEUDO_FILE("ngroups_max", show_ngroups_max),
	PSEUDO_FILE("cap_last_cap", show_cap_last_cap), F("shmmax", show_shmmax),
	F("shmall", show_shmall), F("shmmni", show_shmmni), F("shm_rmid_forced", show_zero),
	F("msgmax", show_msgmax), F("msgmnb", show_msgmnb), F("msgmni", show_msgmni), F("sem", show_sem),
	F("core_pattern", show_core_pattern), F("core_uses_pid", show_zero),
	F("core_pipe_limit", show_zero), F("overflowuid", show_overflow_id),
	F("overflowgid", show_overflow_id), F("randomize_va_space", show_randomize),
	F("printk", show_printk), F("dmesg_restrict", show_one), F("kptr_restrict", show_two),
	F("perf_event_paranoid", show_two), PSEUDO_DIR("seccomp", seccomp_nodes),
	F("ctrl-alt-del", show_zero), F("auto_msgmni", show_zero),
	F("sched_rt_runtime_us", show_rt_runtime), F("sched_rt_period_us", show_rt_period),
	F("sched_autogroup_enabled", show_zero), F("tainted", show_zero), F("panic", show_zero),
	F("hung_task_timeout_secs", show_hung_task), F("unprivileged_bpf_disabled", show_two),
	F("unprivileged_userns_clone", show_zero), F("modules_disabled", show_one),
	F("numa_balancing", show_zero), F("sysrq", show_zero), F("io_uring_disabled", show_two),
	F("ns_last_pid", show_one), PSEUDO_DIR("random", random_nodes), PSEUDO_DIR("keys", keys_nodes),
	PSEUDO_DIR("pty", pty_nodes), PSEUDO_DIR("yama", yama_nodes), END,
};

static const struct pseudo_node vm_nodes[] = {
	F("overcommit_memory", show_zero), F("overcommit_ratio", show_overcommit_ratio),
	F("overcommit_kbytes", show_zero), F("max_map_count", show_max_map_count),
	F("swappiness", show_swappiness), F("mmap_min_addr", show_mmap_min_addr),
	F("dirty_ratio", show_dirty_ratio), F("dirty_background_ratio", show_dirty_background),
	F("min_free_kbytes", show_min_free), F("nr_hugepages", show_zero), { .name = "drop_caches", .mode = S_IFREG | 0200 },
	F("vfs_cache_pressure", show_hundred), F("page-cluster", show_three),
	F("admin_reserve_kbytes", show_admin_reserve), F("user_reserve_kbytes", show_user_reserve),
	F("panic_on_oom", show_zero), F("oom_kill_allocating_task", show_zero),
	F("legacy_va_layout", show_zero), F("unprivileged_userfaultfd", show_zero),
	F("zone_reclaim_mode", show_zero), END,
};

static const struct pseudo_node inotify_nodes[] = {
	F("max_queued_events", show_inotify_events), F("max_user_instances", show_inotify_instances),
	F("max_user_watches", show_inotify_watches), END,
};
static const struct pseudo_node epoll_nodes[] = { F("max_user_watches", show_epoll_watches), END };
static const struct pseudo_node mqueue_nodes[] = {
	PSEUDO_RW("msg_default", show_mq_msg_default, store_mq_msg_default), PSEUDO_RW("msg_max", show_mq_msg, store_mq_msg),
	PSEUDO_RW("msgsize_default", show_mq_size_default, store_mq_size_default),
	PSEUDO_RW("msgsize_max", show_mq_size, store_mq_size), PSEUDO_RW("queues_max", show_mq_queues, store_mq_queues), END,
};
static const struct pseudo_node fs_nodes[] = {
	F("file-max", show_file_max), PSEUDO_FILE("file-nr", show_file_nr), F("nr_open", show_nr_open),
	PSEUDO_RW("pipe-max-size", show_pipe_max, store_pipe_max), F("pipe-user-pages-soft", show_pipe_soft),
	F("pipe-user-pages-hard", show_zero), F("aio-max-nr", show_inotify_watches),
	F("aio-nr", show_zero), F("suid_dumpable", show_zero),
	PSEUDO_RW("protected_symlinks", show_symlinks, store_symlinks),
	PSEUDO_RW("protected_hardlinks", show_hardlinks, store_hardlinks),
	PSEUDO_RW("protected_fifos", show_fifos, store_fifos),
	PSEUDO_RW("protected_regular", show_regular, store_regular), 
	PSEUDO_RW("lease-break-time", show_lease, store_lease), F("leases-enable", show_one),
	F("mount-max", show_inotify_watches), PSEUDO_FILE("inode-nr", show_inode_nr),
	PSEUDO_FILE("inode-state", show_inode_state), PSEUDO_FILE("dentry-state", show_dentry_state),
	F("dir-notify-enable", show_one), F("overflowuid", show_overflow_id), F("overflowgid", show_overflow_id),
	PSEUDO_DIR("inotify", inotify_nodes), PSEUDO_DIR("epoll", epoll_nodes),
	PSEUDO_DIR("mqueue", mqueue_nodes), END,
};

static const struct pseudo_node user_nodes[] = {
	F("max_user_namespaces", show_zero), F("max_mnt_namespaces", show_threads_max),
	F("max_uts_namespaces", show_threads_max), END,
};

const struct pseudo_node proc_sys_children[] = {
	PSEUDO_DIR("kernel", kernel_nodes), PSEUDO_DIR("vm", vm_nodes), PSEUDO_DIR("fs", fs_nodes),
	PSEUDO_DIR("net", proc_sys_net_children), PSEUDO_DIR("user", user_nodes), END,
};
