/* SPDX-License-Identifier: Apache-2.0 */
/* Differences that public suites found in calls about files: sendfile to the same file, orders of checks,
 * text files of /proc that are written, the old calls ustat and sysfs. */
#include "abi.h"
#include <sys/sendfile.h>
#include <sys/sysmacros.h>
#define S(...) syscall(__VA_ARGS__)
static char b[4096];

static void to_itself(void)
{
	int f = open("s", O_RDWR | O_CREAT, 0600), p[2];
	off_t o = 0;
	write(f, "hello world", 11);
	lseek(f, 0, 0);
	pipe(p);
	V(sendfile(f, f, NULL, 5));
	V(lseek(f, 0, SEEK_CUR));
	V(pread(f, b, 100, 0));
	V(!memcmp(b, "hello world", 11));
	V(sendfile(f, f, &o, 5));
	V(o);
	V(lseek(f, 0, 1));
	V(pread(f, b, 100, 0));
	V(!memcmp(b, "hellohellod", 11));
	o = 0;
	V(sendfile(p[1], f, &o, SIZE_MAX));
	V(sendfile(p[1], f, &o, 1ul << 62));
	o = 0;
	V(S(SYS_copy_file_range, f, NULL, f, NULL, 5, 0));
	lseek(f, 0, 0);
	V(S(SYS_copy_file_range, f, NULL, f, &o, 5, 0));
}

static void orders(void)
{
	if (!geteuid()) {
		setgroups(0, NULL);
		setresgid(65534, 65534, 65534);
		setresuid(65534, 65534, 65534);
	}
	V(link("/etc/passwd", "no/x"));
	V(mknod("no/x", S_IFCHR | 0600, makedev(1, 3)));
	V(mknod("no/x", S_IFBLK | 0600, makedev(1, 3)));
	V(mknod("no/x", S_IFREG | 0600, 0));
	V(mknod("no/x", S_IFDIR, 0));
	V(mknod("none/x", S_IFCHR | 0600, 0));
	V(mknod("yes/x", S_IFCHR | 0600, makedev(1, 3)));
}

static void w(const char *p, int how, const char *text, off_t o)
{
	int f = open(p, how);
	ssize_t r;
	if (f < 0) {
		printf("%s: open %s\n", p, abi_errno(errno));
		return;
	}
	errno = 0;
	r = o < 0 ? write(f, text, strlen(text)) : pwrite(f, text, strlen(text), o);
	printf("%s: %zd %s", p, r, r < 0 ? abi_errno(errno) : "");
	printf(", position %lld", (long long)lseek(f, 0, SEEK_CUR));
	errno = 0;
	r = pread(f, b, 4, 0);
	printf(", read %s, ", r > 0 ? "ok" : abi_errno(errno));
	V(fsync(f));
	close(f);
}

static void texts(void)
{
	struct stat st;
	w("/proc/self/comm", O_RDWR, "abc", -1);
	w("/proc/self/comm", O_RDWR, "abcd", 5);
	w("/proc/self/comm", O_RDWR, "abcd", 0);
	w("/proc/self/oom_score_adj", O_RDWR, "5", -1);
	w("/proc/self/oom_score_adj", O_RDWR, "6", 3);
	w("/proc/self/oom_score_adj", O_RDWR, "x", -1);
	w("/proc/self/oom_score_adj", O_RDWR, "5000", -1);
	w("/proc/self/coredump_filter", O_RDWR, "0x33", -1);
	w("/proc/self/coredump_filter", O_RDWR, "zz", -1);
	w("/proc/self/clear_refs", O_WRONLY, "1", 0);
	w("/proc/self/clear_refs", O_WRONLY, "9", 0);
	w("/proc/self/timerslack_ns", O_RDWR, "100000", 0);
	w("/proc/self/oom_adj", O_RDWR, "5", -1);
	w("/proc/self/oom_adj", O_RDWR, "16", -1);
	w("/proc/self/loginuid", O_RDWR, "x", -1);
	V(open("/proc/sys/kernel/ostype", O_WRONLY));
	V(open("/proc/sys/kernel/ostype", O_RDWR));
	V(access("/proc/sys/kernel/ostype", W_OK));
	V(access("/proc/sys/kernel/ostype", R_OK));
	V(access("/proc/sys/kernel", W_OK));
	V(access("/proc/sys/kernel", X_OK));
	V(lstat("/proc/self/exe", &st));
	V(st.st_size);
	V(lstat("/proc/self/cwd", &st));
	V(st.st_size);
	V(lstat("/proc/self/fd/1", &st));
	V(st.st_size);
}

static void old(void)
{
	struct stat st;
	char name[64];
	int n;
	stat(".", &st);
	V(S(SYS_ustat, (unsigned)st.st_dev, b));
	V(S(SYS_ustat, (unsigned)st.st_dev, 8));
	V(S(SYS_ustat, -1, b));
	V(S(SYS_sysfs, 3) > 3);
	n = S(SYS_sysfs, 1, "proc");
	V(n >= 0);
	V(S(SYS_sysfs, 2, n, name));
	V(strcmp(name, "proc"));
	V(S(SYS_sysfs, 1, "none-such"));
	V(S(SYS_sysfs, 1, 8));
	V(S(SYS_sysfs, 2, 1000, name));
	V(S(SYS_sysfs, 2, n, 8));
	V(S(SYS_sysfs, 9));
	V(S(SYS_sysfs, 0));
}

int main(void)
{
	pid_t p;
	umask(0);
	chmod(enter_tmp(), 0755);
	mkdir("no", 0555);
	mkdir("yes", 0777);
	if (!geteuid()) chown("no", 1, 1);
	to_itself();
	fflush(stdout);
	p = fork();
	if (!p) {
		orders();
		fflush(stdout);
		_exit(0);
	}
	wait_say("orders", p);
	texts();
	old();
	return 0;
}
