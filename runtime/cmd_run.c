/* SPDX-License-Identifier: Apache-2.0 */
/* `nacre run`: a root file system directory as the sandbox's root, with a
 * writable layer in memory above it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "runtime/options.h"

static const char usage[] =
"usage: nacre run [options] DIR [--] [COMMAND [ARGUMENT...]]\n"
"\n"
"Run a command (default /bin/sh) with DIR as its root.  DIR is never changed:\n"
"writes go to a layer in memory.  The environment is PATH, HOME and TERM.\n"
"\n";

static void env_default(struct options *o, const char *name, const char *value)
{
	char *both;

	if (env_get(o, name))
		return;
	both = must(malloc(strlen(name) + strlen(value) + 2));
	sprintf(both, "%s=%s", name, value);
	env_set(o, both);
	free(both);
}

int cmd_run(int argc, char **argv)
{
	static char *const shell[] = { (char *)(uintptr_t)"/bin/sh", NULL };
	static struct options o;
	struct launch_mount *m;
	char *root, *home = NULL;
	struct stat st;

	if (options_parse(&o, argc, argv, 2, false, "/"))
		return LAUNCH_FAILED;
	if (o.help) {
		printf("%s%s", usage, options_help);
		return 0;
	}
	if (o.next >= argc) {
		fputs("nacre: run what? A root directory is missing; try `nacre run --help`\n", stderr);
		return LAUNCH_FAILED;
	}
	root = realpath(argv[o.next], NULL);
	if (!root || stat(root, &st)) {
		fprintf(stderr, "nacre: %s: %s\n", argv[o.next], strerror(errno));
		return LAUNCH_FAILED;
	}
	if (!S_ISDIR(st.st_mode)) {
		fprintf(stderr, "nacre: %s: not a directory (images come later; unpack it first)\n",
			argv[o.next]);
		return LAUNCH_FAILED;
	}
	o.next++;
	if (o.next < argc && !strcmp(argv[o.next], "--"))
		o.next++;
	o.launch.argv = o.next < argc ? argv + o.next : shell;
	if (o.user && user_lookup(root, o.user, &o.launch.uid, &o.launch.gid, &home))
		return LAUNCH_FAILED;
	env_default(&o, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env_default(&o, "HOME", home && home[0] == '/' ? home : o.launch.uid ? "/" : "/root");
	env_default(&o, "TERM", getenv("TERM") ? getenv("TERM") : "dumb");
	o.launch.envp = o.env;
	o.launch.cwd = o.cwd ? o.cwd : "/";
	if (!o.launch.hostname)
		o.launch.hostname = "nacre";

	m = o.launch.mounts;
	memmove(m + 4, m, o.launch.mount_count * sizeof(*m));
	m[0] = (struct launch_mount){ .kind = BOOT_MOUNT_OVERLAY, .source = root, .target = "/" };
	m[1] = (struct launch_mount){ .kind = BOOT_MOUNT_PROC, .target = "/proc" };
	m[2] = (struct launch_mount){ .kind = BOOT_MOUNT_SYSFS, .target = "/sys", .readonly = true };
	m[3] = (struct launch_mount){ .kind = BOOT_MOUNT_DEV, .target = "/dev" };
	o.launch.mount_count += 4;
	o.launch.caller = caller;
	return monitor_run(&o.launch);
}
