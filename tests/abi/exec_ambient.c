/* SPDX-License-Identifier: Apache-2.0 */
/* Ambient capabilities through execve(2): kept, and lost with a program that
 * changes the group (capabilities(7)); and membarrier(2)'s registrations. */
#include "abi.h"
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sys/prctl.h>

static long mb(int cmd) { return syscall(SYS_membarrier, cmd, 0, 0); }

static void barriers(void)
{
	int want = MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;

	V((mb(MEMBARRIER_CMD_QUERY) & want) == want);
	V(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE));
	V(mb(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE));
	V(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE));
	V(mb(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
	V(mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
}

static void copy_self(const char *to, gid_t g, mode_t mode)
{
	char buf[65536];
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	ssize_t n;

	while ((n = read(in, buf, sizeof buf)) > 0)
		if (write(out, buf, (size_t)n) != n)
			exit(2);
	close(in);
	if (fchown(out, (uid_t)-1, g) || fchmod(out, mode))
		exit(2);
	close(out);
}

/* The sets of the running program, of this one capability. */
static int show(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	unsigned bit = 1u << CAP_NET_BIND_SERVICE;

	syscall(SYS_capget, &h, d);
	SAY("effective %d permitted %d inheritable %d ambient %d uid %d gid %d\n", !!(d[0].effective & bit),
	    !!(d[0].permitted & bit), !!(d[0].inheritable & bit),
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_BIND_SERVICE, 0, 0), (int)geteuid(), (int)getegid());
	return 0;
}

static void run_as(const char *file)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	pid_t p = fork();

	if (p) {
		wait_say(file, p);
		return;
	}
	prctl(PR_SET_KEEPCAPS, 1);
	if (setgid(1) || setuid(1))
		exit(2);
	d[0].effective = d[0].permitted = d[0].inheritable = 1u << CAP_NET_BIND_SERVICE;
	V(syscall(SYS_capset, &h, d));
	V(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0));
	execl(file, file, "show", NULL);
	perror("exec");
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return show();
	barriers();
	if (geteuid())
		return 0;
	chmod(enter_tmp(), 0755);
	copy_self("plain", 0, 0755);
	copy_self("other-group", 3, 02755);
	copy_self("same-group", 1, 02755);
	run_as("./plain");
	run_as("./other-group");
	run_as("./same-group");
	return 0;
}
