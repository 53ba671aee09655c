/* SPDX-License-Identifier: Apache-2.0 */
/* What each process of a sandbox gives up, and in which order.
 *
 * Before threads exist: mount namespace with an empty root, capabilities,
 * no_new_privs, Landlock (all of these are per thread, and inherited).  After
 * set-up: the seccomp list, on all threads at once.  The user, PID, network
 * and other namespaces of the sandbox process come from the clone(2) that
 * makes it (host/monitor/spawn.c). */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host/gofer/gofer.h"
#include "host/isolate/isolate.h"
#include "host/isolate/landlock.h"
#include "host/isolate/lists.h"

static int oom_fd = -1;

static int complain(const char *what, int err)
{
	fprintf(stderr, "nacre: %s: %s\n", what, strerror(-err));
	return err;
}

int isolate_drop_caps(uint64_t keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	unsigned cap;

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (cap = 0; cap <= 63; cap++)         /* -EPERM without CAP_SETPCAP: no exec follows anyway */
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno == EINVAL)
			break;
	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].permitted &= (uint32_t)keep;
	data[1].permitted &= (uint32_t)(keep >> 32);
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	data[0].inheritable = data[1].inheritable = 0;
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

/* An empty read-only file system becomes the root; the old one goes out of
 * reach for paths (descriptors that are open keep working). */
int isolate_empty_root(void)
{
	static const char *const spots[] = { "/tmp", "/mnt", "/proc", "/usr", "/etc" };
	size_t i;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	for (i = 0; i < ARRAY_SIZE(spots); i++)
		if (!mount("nacre", spots[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			   "size=4k,nr_inodes=2,mode=0555"))
			break;
	if (i == ARRAY_SIZE(spots))
		return -errno;
	if (chdir(spots[i]) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
	    chdir("/"))
		return -errno;
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL))
		return -errno;
	return 0;
}

static void limits_common(void)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit r;

	setrlimit(RLIMIT_CORE, &none);
	if (!getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int isolate_sandbox_early(void)
{
	int err;

	limits_common();
	/* The stubs, made before isolate_sandbox(), are what the host's memory
	 * killer should take first; this process then takes its mark back. */
	oom_fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	if (oom_fd >= 0 && write(oom_fd, "1000", 4) != 4) {
		close(oom_fd);
		oom_fd = -1;
	}
	/* Where policy forbids mounts in user namespaces (some AppArmor set-ups)
	 * the empty root is lost; the seccomp list has no path call anyway. */
	err = isolate_empty_root();
	if (err && err != -EPERM && err != -EACCES)
		return complain("cannot make an empty root", err);
	err = isolate_drop_caps(0);
	if (err)
		return complain("cannot drop capabilities", err);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return complain("no_new_privs", -errno);
	err = landlock_restrict(NULL, 0);
	return err ? complain("Landlock", err) : 0;
}

int isolate_sandbox(void)
{
	int err;

	if (oom_fd >= 0) {
		if (lseek(oom_fd, 0, SEEK_SET) || write(oom_fd, "0", 1) != 1)
			fprintf(stderr, "nacre: the sandbox stays a preferred victim of the memory killer\n");
		close(oom_fd);
		oom_fd = -1;
	}
	err = seccomp_install(isolate_sandbox_calls, isolate_sandbox_count);
	return err ? complain("seccomp", err) : 0;
}

int isolate_gofer_early(const struct gofer_config *cfg)
{
	struct landlock_root roots[GOFER_MAX_ROOTS];
	uint64_t keep = 1ull << CAP_DAC_READ_SEARCH;
	size_t i;
	int err;

	limits_common();
	for (i = 0; i < cfg->root_count; i++) {
		roots[i] = (struct landlock_root){ cfg->roots[i].fd, cfg->roots[i].writable };
		if (cfg->roots[i].writable)
			keep |= 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_CHOWN | 1ull << CAP_FOWNER;
	}
	/* Not in a user namespace of its own (foreign owners would read as
	 * nobody), so only privileged callers get these. */
	if (!unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET)) {
		err = isolate_empty_root();
		if (err)
			return complain("gofer: cannot make an empty root", err);
	} else if (errno != EPERM && errno != EINVAL) {
		return complain("gofer: namespaces", -errno);
	}
	err = isolate_drop_caps(keep);
	if (err)
		return complain("gofer: cannot drop capabilities", err);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return complain("gofer: no_new_privs", -errno);
	err = landlock_restrict(roots, cfg->root_count);
	return err ? complain("gofer: Landlock", err) : 0;
}

int isolate_gofer(void)
{
	int err = seccomp_install(isolate_gofer_calls, isolate_gofer_count);

	return err ? complain("gofer: seccomp", err) : 0;
}

int isolate_monitor(void)
{
	int err = isolate_drop_caps(1ull << CAP_KILL);

	if (!err)
		err = seccomp_install(isolate_monitor_calls, isolate_monitor_count);
	return err ? complain("monitor: cannot drop rights", err) : 0;
}

const char *const *isolate_list(const char *kind, size_t *ret_count)
{
	static const char *names[128];
	const struct isolate_call *calls;
	size_t count, i;

	if (!strcmp(kind, "sandbox")) {
		calls = isolate_sandbox_calls;
		count = isolate_sandbox_count;
	} else if (!strcmp(kind, "gofer")) {
		calls = isolate_gofer_calls;
		count = isolate_gofer_count;
	} else if (!strcmp(kind, "monitor")) {
		calls = isolate_monitor_calls;
		count = isolate_monitor_count;
	} else {
		*ret_count = 0;
		return NULL;
	}
	for (i = 0; i < count && i < ARRAY_SIZE(names); i++)
		names[i] = calls[i].name;
	*ret_count = i;
	return names;
}
