/* SPDX-License-Identifier: Apache-2.0 */
/* `nacre doctor`: what this host offers, which tier results, what is missing
 * and what to do.  Every probe tries the thing itself, in a child where it
 * would change this process. */
#include <cpuid.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/seccomp.h>
#include "host/isolate/isolate.h"
#include "host/isolate/landlock.h"
#include "host/monitor/monitor.h"
#include "lib/version.h"
#include "runtime/options.h"
#include "runtime/surface.h"

static const char usage[] =
"usage: nacre doctor [--json] [--surface]\n"
"\n"
"Say what this machine offers to sandboxes, and what to do about what is missing.\n"
"  --json      for programs\n"
"  --surface   the host calls that each kind of process may make\n";

/* What is lost without it: nothing works, a line of defence, speed. */
enum weight { NEEDED, DEFENCE, SPEED, INFO };
enum state { PRESENT, ABSENT };

struct finding {
	const char *name;
	enum weight weight;
	enum state state;
	char detail[160];
	const char *advice;     /* when absent */
};

#define FINDINGS_MAX 32
static struct finding findings[FINDINGS_MAX];
static size_t finding_count;

static void __printf(5, 6) found(const char *name, enum weight w, bool present, const char *advice,
				  const char *fmt, ...)
{
	struct finding *f = &findings[finding_count];
	va_list ap;

	if (finding_count == FINDINGS_MAX)
		return;
	finding_count++;
	*f = (struct finding){ .name = name, .weight = w, .state = present ? PRESENT : ABSENT,
			       .advice = advice };
	va_start(ap, fmt);
	vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	va_end(ap);
}

/* Run fn in a child; its return value (0..255), -1 when it died. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (!pid)
		_exit(fn());
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int try_namespaces(void)
{
	int flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
		    CLONE_NEWUTS | CLONE_NEWCGROUP;

	return unshare(flags) ? errno : 0;
}

static int try_empty_root(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return errno;
	return -isolate_empty_root();
}

static int try_dispatch(void)
{
	return prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 0, 0, 0, 0) ? errno : 0;
}

static int try_mseal(void)
{
	return syscall(462 /* mseal */, 0, 0, 0) ? errno : 0;
}

static int try_openat2(void)
{
	syscall(SYS_openat2, -1, "x", NULL, 0);
	return errno == ENOSYS || errno == EPERM ? errno : 0;
}

static int try_kill_process(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) ? errno : 0;
}

/* As the sandbox reads its stubs: from parent to child. */
static bool can_read_child(int *ret_errno)
{
	static volatile int there = 4711;
	int got = 0, status;
	struct iovec local = { &got, sizeof(got) };
	struct iovec remote = { (void *)(uintptr_t)&there, sizeof(there) };
	pid_t pid = fork();
	ssize_t n;

	if (pid < 0)
		return false;
	if (!pid) {
		pause();
		_exit(0);
	}
	n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	*ret_errno = errno;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return n == sizeof(got) && got == 4711;
}

static bool cpu_has_rdpid(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c >> 22 & 1);
}

static void probe_kernel(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;
	int err;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	found("kernel", NEEDED, major > 5 || (major == 5 && minor >= 10),
	      "use a kernel of version 5.10 or later", "%s", u.release);
	err = in_child(try_kill_process);
	found("seccomp", NEEDED, err == 0, "enable CONFIG_SECCOMP_FILTER; containers: allow seccomp(2)",
	      "%s", err ? "filters cannot be installed" : "filters with process kill");
	err = in_child(try_namespaces);
	found("user namespaces", NEEDED, err == 0 || !geteuid(),
	      "sysctl user.max_user_namespaces > 0; Debian: kernel.unprivileged_userns_clone=1; "
	      "Ubuntu: kernel.apparmor_restrict_unprivileged_userns=0 or a profile for nacre",
	      "%s", err == 0 ? "allowed" : err > 0 ? strerror(err) : "probe died");
	err = in_child(try_empty_root);
	found("empty root", DEFENCE, err == 0, "allow mounts in user namespaces (AppArmor, SELinux)",
	      "%s", err == 0 ? "mounts allowed in a new namespace" : strerror(err > 0 ? err : EPERM));
}

static void probe_defences(void)
{
	int abi = landlock_abi(), err = 0;
	bool ok;

	found("Landlock", DEFENCE, abi > 0, "a kernel from 5.13 with landlock in the lsm= boot parameter",
	      "ABI %d", abi);
	ok = in_child(try_mseal) == 0;
	found("mseal", DEFENCE, ok, "a kernel from 6.10; until then the filter's address checks hold alone",
	      "%s", ok ? "present" : "absent");
	ok = in_child(try_openat2) == 0;
	found("openat2", DEFENCE, ok, "containers: allow openat2(2)",
	      "%s", ok ? "present" : "absent: names are looked up one by one all the same");
	ok = can_read_child(&err);
	found("process_vm_readv", NEEDED, ok, "sysctl kernel.yama.ptrace_scope to 1 or less",
	      "%s", ok ? "allowed on children" : strerror(err));
}

static void probe_speed(void)
{
	bool ok = in_child(try_dispatch) == 0;

	found("syscall user dispatch", SPEED, ok, "a kernel from 5.11", "%s", ok ? "present" : "absent");
	ok = getauxval(AT_HWCAP2) & 2;
	found("FSGSBASE", SPEED, ok, "a CPU and kernel (5.9) with it", "%s", ok ? "present" : "absent");
	ok = cpu_has_rdpid();
	found("rdpid", SPEED, ok, "a newer CPU; rdtscp or getcpu serve meanwhile", "%s",
	      ok ? "present" : "absent");
}

static void probe_limits(void)
{
	char base[400];
	enum cgroup_kind kind = cgroup_probe(base);
	struct rlimit files, procs;
	bool ok;

	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NPROC, &procs);
	found("memory limit", INFO, kind != CGROUP_NONE,
	      "delegate a memory cgroup (systemd-run --user --scope -p Delegate=yes …) for an exact limit",
	      "%s%s%.90s", kind != CGROUP_NONE ? "exact" : "accounted by the kernel inside",
	      kind == CGROUP_V1 ? ": cgroup v1 at " : kind == CGROUP_V2 ? ": cgroup v2 at " : "", base);
	ok = cgroup_session_alone();
	found("scheduled as one", SPEED, ok, "sysctl kernel.sched_autogroup_enabled=1, and no cpu cgroup shared with others",
	      "%s", ok ? "each sandbox is a group of its own" : "sandboxes share a group: slower beside others on a core");
	found("open files", INFO, files.rlim_max >= 4096, "raise the hard limit (ulimit -Hn)",
	      "at most %llu", (unsigned long long)files.rlim_max);
	found("processes", INFO, procs.rlim_max >= 1024, "raise the hard limit (ulimit -Hu)",
	      "at most %lld", procs.rlim_max == RLIM_INFINITY ? -1ll : (long long)procs.rlim_max);
}

static const char *tier(void)
{
	bool less = false;
	size_t i;

	for (i = 0; i < finding_count; i++) {
		if (findings[i].state == PRESENT)
			continue;
		if (findings[i].weight == NEEDED)
			return "unusable";
		if (findings[i].weight == DEFENCE)
			less = true;
	}
	return less ? "reduced" : "full";
}

static void print_text(void)
{
	static const char *const lost[] = { "needed", "a line of defence less", "slower", "note" };
	size_t i;

	printf("nacre %s, process platform\n", NACRE_VERSION);
	printf("tier: %s\n\n", tier());
	for (i = 0; i < finding_count; i++) {
		const struct finding *f = &findings[i];

		printf("  %-3s %-22s %s\n", f->state == PRESENT ? "ok" : f->weight == NEEDED ? "NO" : "-",
		       f->name, f->detail);
		if (f->state == ABSENT)
			printf("      %-22s %s: %s\n", "", lost[f->weight], f->advice);
	}
}

static void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void print_surface(bool json)
{
	struct surface s;
	unsigned kind, nr;
	bool first;

	if (json)
		printf("\"surface\":[");
	for (kind = 0; kind < SURFACE_KINDS; kind++) {
		if (surface_of(kind, &s))
			continue;
		if (json)
			printf("%s{\"kind\":\"%s\",\"count\":%u,\"calls\":[", kind ? "," : "", s.kind, s.count);
		else
			printf("%-16s %3u host calls:", s.kind, s.count);
		for (nr = 0, first = true; nr < SURFACE_CALLS; nr++) {
			if (!s.allowed[nr])
				continue;
			if (json)
				printf("%s\"%s\"", first ? "" : ",", surface_name(nr));
			else
				printf(" %s", surface_name(nr));
			first = false;
		}
		printf(json ? "]}" : "\n");
	}
	if (json)
		printf("]");
}

static void print_json(bool surface)
{
	static const char *const weights[] = { "needed", "defence", "speed", "info" };
	size_t i;

	printf("{\"version\":\"%s\",\"tier\":\"%s\",\"findings\":[", NACRE_VERSION, tier());
	for (i = 0; i < finding_count; i++) {
		printf("%s{\"name\":", i ? "," : "");
		json_string(findings[i].name);
		printf(",\"present\":%s,\"weight\":\"%s\",\"detail\":",
		       findings[i].state == PRESENT ? "true" : "false", weights[findings[i].weight]);
		json_string(findings[i].detail);
		printf(",\"advice\":");
		json_string(findings[i].state == PRESENT ? "" : findings[i].advice);
		printf("}");
	}
	printf("]");
	if (surface) {
		printf(",");
		print_surface(true);
	}
	printf("}\n");
}

int cmd_doctor(int argc, char **argv)
{
	bool json = false, surface = false;
	int i;

	for (i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			json = true;
		} else if (!strcmp(argv[i], "--surface")) {
			surface = true;
		} else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(usage, stdout);
			return 0;
		} else {
			fprintf(stderr, "nacre: unknown option %s; try `nacre doctor --help`\n", argv[i]);
			return LAUNCH_FAILED;
		}
	}
	if (surface && !json) {
		print_surface(false);
		return 0;
	}
	probe_kernel();
	probe_defences();
	probe_speed();
	probe_limits();
	if (json)
		print_json(surface);
	else
		print_text();
	return strcmp(tier(), "unusable") ? 0 : 1;
}
