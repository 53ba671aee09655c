/* SPDX-License-Identifier: Apache-2.0 */
/* `nacre do`: a command of the host, in a sandbox.  The host's files are
 * below, read-only; what the program writes goes to a layer in memory. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "runtime/options.h"

static const char usage[] =
"usage: nacre do [options] [--] COMMAND [ARGUMENT...]\n"
"\n"
"Run a command of this machine in a sandbox.  It sees the machine's files; what\n"
"it writes stays in memory and is gone afterwards, but for --rw directories.\n"
"\n";

/* The root, then what the kernel brings, then the options' mounts. */
static void mounts_in_order(struct launch *l, const struct launch_mount *own, size_t own_count)
{
	struct launch_mount all[LAUNCH_MOUNTS_MAX];

	memcpy(all, own, own_count * sizeof(*own));
	memcpy(all + own_count, l->mounts, l->mount_count * sizeof(*own));
	l->mount_count += own_count;
	memcpy(l->mounts, all, l->mount_count * sizeof(*own));
}

int cmd_do(int argc, char **argv)
{
	static const struct launch_mount own[] = {
		{ .kind = BOOT_MOUNT_OVERLAY, .source = "/", .target = "/" },
		{ .kind = BOOT_MOUNT_PROC, .target = "/proc" },
		{ .kind = BOOT_MOUNT_SYSFS, .target = "/sys", .readonly = true },
		{ .kind = BOOT_MOUNT_DEV, .target = "/dev" },
	};
	static struct options o;
	static char hostname[65];
	char *cwd = getcwd(NULL, 0);
	gid_t *groups;
	int n;

	if (options_parse(&o, argc, argv, 2, true, cwd && cwd[0] == '/' ? cwd : "/"))
		return LAUNCH_FAILED;
	if (o.help) {
		printf("%s%s", usage, options_help);
		return 0;
	}
	if (o.next >= argc) {
		fputs("nacre: do what? A command is missing; try `nacre do --help`\n", stderr);
		return LAUNCH_FAILED;
	}
	o.launch.uid = geteuid();
	o.launch.gid = getegid();
	if (o.user) {
		if (user_lookup("/", o.user, &o.launch.uid, &o.launch.gid, NULL))
			return LAUNCH_FAILED;
	} else {
		n = getgroups(0, NULL);
		groups = must(calloc((size_t)(n > 0 ? n : 1), sizeof(*groups)));
		n = getgroups(n, groups);
		o.launch.groups = groups;
		o.launch.group_count = n > 0 ? (size_t)n : 0;
	}
	if (!o.launch.hostname) {
		if (gethostname(hostname, sizeof(hostname) - 1))
			strcpy(hostname, "nacre");
		o.launch.hostname = hostname;
	}
	o.launch.cwd = o.cwd ? o.cwd : cwd && cwd[0] == '/' ? cwd : "/";
	o.launch.argv = argv + o.next;
	o.launch.envp = o.env;
	mounts_in_order(&o.launch, own, ARRAY_SIZE(own));
	o.launch.caller = caller;
	return monitor_run(&o.launch);
}
