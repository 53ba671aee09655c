/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sys and the files of /proc and /sys that programs read: there, readable, of the right shape. */
#include "abi.h"
#include <ctype.h>
static char buf[100000];
static void look(const char *p)
{
	int f = open(p, O_RDONLY), n; struct stat st; char s[200]; size_t j = 0;
	if (f < 0) { printf("%s: %s\n", p, abi_errno(errno)); return; }
	n = read(f, buf, sizeof buf - 1); fstat(f, &st);
	if (n < 0) { printf("%s: %o %s\n", p, st.st_mode & 0777777, abi_errno(errno)); close(f); return; }
	buf[n] = 0;
	/* digits become 9, hex ids x: the shape of the first line */
	for (int i = 0; i < n && buf[i] != '\n' && j < 90; i++) { char c = buf[i]; if (isdigit(c)) c = '9'; if (c == '9' && j && s[j - 1] == '9') continue; s[j++] = c; }
	s[j] = 0; printf("%s: %o %s\n", p, st.st_mode & ~0222, s); close(f);
}
static void there(const char *p) { struct stat st; if (stat(p, &st)) printf("%s: %s\n", p, abi_errno(errno)); else printf("%s: %s\n", p, S_ISDIR(st.st_mode) ? "dir" : S_ISREG(st.st_mode) ? "file" : S_ISCHR(st.st_mode) ? "chr" : "other"); }
static void words(const char *p, const char *const *w) { int f = open(p, O_RDONLY), n = 0, k; if (f < 0) { printf("%s: %s\n", p, abi_errno(errno)); return; } while ((k = read(f, buf + n, sizeof buf - 1 - n)) > 0) n += k; buf[n] = 0; close(f); for (; *w; w++) if (!strstr(buf, *w)) printf("%s lacks %s\n", p, *w); }
int main(void)
{
	static const char *const k[] = { "osrelease", "ostype", "version", "hostname", "domainname", "pid_max", "threads-max", "random/boot_id", "random/uuid", "random/entropy_avail", "random/poolsize", "cap_last_cap", "ngroups_max", "overflowuid", "overflowgid", "shmmax", "shmall", "shmmni", "msgmax", "msgmnb", "msgmni", "sem", "core_uses_pid", "printk", "panic", "randomize_va_space", "kptr_restrict", "dmesg_restrict", "perf_event_paranoid", "tainted", "pty/max", "pty/nr", "keys/maxkeys", "ctrl-alt-del", "auto_msgmni", "nope" };
	static const char *const vm[] = { "overcommit_memory", "overcommit_ratio", "overcommit_kbytes", "max_map_count", "swappiness", "min_free_kbytes", "dirty_ratio", "dirty_background_ratio", "nr_hugepages", "mmap_min_addr", "panic_on_oom", "oom_kill_allocating_task", "vfs_cache_pressure", "page-cluster", "admin_reserve_kbytes", "user_reserve_kbytes" };
	static const char *const fs[] = { "file-max", "file-nr", "inode-nr", "inode-state", "nr_open", "pipe-max-size", "pipe-user-pages-soft", "pipe-user-pages-hard", "inotify/max_user_watches", "inotify/max_user_instances", "inotify/max_queued_events", "epoll/max_user_watches", "mqueue/msg_max", "mqueue/msgsize_max", "mqueue/queues_max", "protected_symlinks", "protected_hardlinks", "protected_fifos", "protected_regular", "suid_dumpable", "aio-max-nr", "aio-nr", "lease-break-time", "leases-enable", "dir-notify-enable", "mount-max", "overflowuid", "overflowgid", "dentry-state" };
	static const char *const pr[] = { "cmdline", "cpuinfo", "meminfo", "stat", "uptime", "loadavg", "version", "filesystems", "mounts", "devices", "diskstats", "interrupts", "swaps", "vmstat", "buddyinfo", "misc", "cgroups", "crypto", "consoles", "softirqs", "locks", "execdomains", "net/dev", "net/tcp", "net/unix", "net/route", "sysvipc/shm", "sysvipc/sem", "sysvipc/msg", "self/mounts", "tty/drivers", "driver", "bus", "fs", "irq", "acpi" };
	static const char *const sy[] = { "devices/system/cpu", "devices/system/cpu/online", "devices/system/cpu/possible", "devices/system/cpu/present", "devices/system/cpu/cpu0", "devices/system/cpu/cpu0/topology/core_id", "devices/system/cpu/cpu0/topology/physical_package_id", "devices/system/cpu/cpu0/topology/thread_siblings_list", "devices/system/cpu/kernel_max", "devices/system/node", "devices/system/node/online", "devices/system/node/node0/meminfo", "devices/system/node/node0/cpulist", "devices/system/node/node0/cpumap", "kernel/mm/transparent_hugepage/enabled", "kernel/mm/transparent_hugepage/hpage_pmd_size", "kernel/mm/hugepages", "fs/cgroup", "class/net", "class/net/lo/mtu", "class/net/lo/address", "class/net/lo/operstate", "class/net/lo/ifindex", "block", "class", "class/block", "class/tty", "bus", "dev", "dev/block", "dev/char", "devices", "firmware", "fs", "kernel", "module", "power", "devices/virtual", "kernel/uevent_seqnum", "devices/system/clocksource/clocksource0/current_clocksource" };
	static const char *const dv[] = { "null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "fd", "stdin", "stdout", "stderr", "core" };
	char b[200];
	for (unsigned i = 0; i < sizeof k / sizeof *k; i++) { snprintf(b, 200, "/proc/sys/kernel/%s", k[i]); if (!strcmp(k[i], "version") || !strcmp(k[i], "core_pattern") || !strcmp(k[i], "osrelease") || !strcmp(k[i], "hostname") || !strcmp(k[i], "domainname") || !strcmp(k[i], "modprobe") || !strcmp(k[i], "random/uuid") || !strcmp(k[i], "random/boot_id") || strstr(k[i], "_restrict") || !strcmp(k[i], "panic") || !strcmp(k[i], "hotplug") || strstr(k[i], "paranoid")) there(b); else look(b); }
	for (unsigned i = 0; i < sizeof vm / sizeof *vm; i++) { snprintf(b, 200, "/proc/sys/vm/%s", vm[i]); look(b); }
	for (unsigned i = 0; i < sizeof fs / sizeof *fs; i++) { snprintf(b, 200, "/proc/sys/fs/%s", fs[i]); look(b); }
	for (unsigned i = 0; i < sizeof pr / sizeof *pr; i++) { snprintf(b, 200, "/proc/%s", pr[i]); there(b); }
	for (unsigned i = 0; i < sizeof sy / sizeof *sy; i++) { snprintf(b, 200, "/sys/%s", sy[i]); there(b); }
	for (unsigned i = 0; i < sizeof dv / sizeof *dv; i++) { snprintf(b, 200, "/dev/%s", dv[i]); there(b); }
	words("/proc/meminfo", (const char *[]){ "MemTotal:", "MemFree:", "MemAvailable:", "Buffers:", "Cached:", "SwapCached:", "Active:", "Inactive:", "SwapTotal:", "SwapFree:", "Dirty:", "Writeback:", "AnonPages:", "Mapped:", "Shmem:", "Slab:", "KernelStack:", "PageTables:", "CommitLimit:", "Committed_AS:", "VmallocTotal:", "HugePages_Total:", "Hugepagesize:", NULL });
	words("/proc/cpuinfo", (const char *[]){ "processor\t: 0", "vendor_id\t: ", "cpu family\t: ", "model\t\t: ", "model name\t: ", "stepping\t: ", "cpu MHz\t\t: ", "cache size\t: ", "physical id\t: ", "siblings\t: ", "core id\t\t: ", "cpu cores\t: ", "apicid\t\t: ", "fpu\t\t: yes", "flags\t\t: ", "bogomips\t: ", "address sizes\t: ", NULL });
	words("/proc/stat", (const char *[]){ "cpu  ", "cpu0 ", "intr ", "ctxt ", "btime ", "processes ", "procs_running ", "procs_blocked ", "softirq ", NULL });
	words("/proc/vmstat", (const char *[]){ "nr_free_pages ", "pgfault ", "pgmajfault ", "pswpin ", "pgpgin ", NULL });
	words("/proc/filesystems", (const char *[]){ "nodev\ttmpfs\n", "nodev\tproc\n", "nodev\tsysfs\n", "nodev\tdevpts\n", NULL });
	words("/proc/sysvipc/shm", (const char *[]){ "       key      shmid perms", NULL });
	return 0;
}
