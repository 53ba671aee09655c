/* SPDX-License-Identifier: Apache-2.0 */
/* Propagation of mounts (shared, slave, unbindable), flags of mounts, MNT_EXPIRE; in a name space of its own.
 * An ordinary user cannot. */
#include "abi.h"
#include <sys/mount.h>
#include <sys/statfs.h>
/* mountinfo below the directory; groups are numbered as they come. */
static char top[300];
static int ids[500], nid;
static int id(int g)
{
	int i;
	for (i = 0; i < nid; i++)
		if (ids[i] == g) return i + 1;
	ids[nid++] = g;
	return nid;
}
static int cmp(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
static void show(const char *w)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char l[2000];
	char *out[200];
	int n = 0;
	nid = 0;
	printf("-- %s\n", w);
	while (fgets(l, sizeof l, f)) {
		char root[500], mp[500], opt[300], *rest;
		int c;
		if (sscanf(l, "%*d %*d %*s %499s %499s %299s%n", root, mp, opt, &c) != 3) continue;
		if (strncmp(mp, top, strlen(top))) continue;
		rest = l + c;
		char *dash = strstr(rest, " - ");
		*dash = 0;
		char o[1000];
		const char *rr = root;
		char *q = strstr(root, "abi-");
		if (q) {
			rr = strchr(q, '/');
			if (!rr) rr = "/TOP";
		}
		snprintf(o, sizeof o, "%s root %s %s |%s", mp[strlen(top)] ? mp + strlen(top) : ".", rr, opt, rest);
		out[n++] = strdup(o);
	}
	fclose(f);
	qsort(out, n, sizeof *out, cmp);
	for (int i = 0; i < n; i++) {
		char *p = out[i]; /* renumber */
		while (*p) {
			if (!strncmp(p, "shared:", 7) || !strncmp(p, "master:", 7)) {
				int k = strtol(p + 7, 0, 10);
				printf("%.7s%d", p, id(k));
				p += 7;
				while (*p >= '0' && *p <= '9') p++;
			} else
				putchar(*p++);
		}
		puts("");
	}
}
#define B(a, b, f) V(mount(a, b, NULL, f, NULL))
#define T(a) V(mount("t", a, "tmpfs", 0, NULL))
static void between(void)
{
	puts("== namespaces");
	fflush(stdout);
	{
		int p[2], q[2];
		char c;
		pipe(p);
		pipe(q);
		pid_t k = fork();
		if (!k) {
			unshare(CLONE_NEWNS);
			write(p[1], "x", 1);
			read(q[0], &c, 1);
			show("child");
			T("b/1");
			fflush(stdout);
			write(p[1], "x", 1);
			read(q[0], &c, 1);
			_exit(0);
		}
		read(p[0], &c, 1);
		T("a/2");
		show("parent");
		fflush(stdout);
		write(q[1], "x", 1);
		read(p[0], &c, 1);
		show("parent 2");
		fflush(stdout);
		write(q[1], "x", 1);
		waitpid(k, 0, 0);
		V(umount("b/1"));
		V(umount("a/2"));
		show("end");
	}
}

static void flags(void)
{
	puts("== flags");
	{
		struct statfs s;
		unsigned long fl[] = {0, MS_NOATIME, MS_NODIRATIME, MS_STRICTATIME, MS_NOATIME | MS_STRICTATIME,
			MS_RELATIME, MS_NOSUID | MS_NODEV | MS_NOEXEC, MS_RDONLY, 256};
		for (int i = 0; i < 9; i++) {
			V(mount("t", "e", "tmpfs", fl[i], NULL));
			V(statfs("e", &s));
			V(s.f_flags);
			show("f");
			V(umount("e"));
		}
		V(mount("t", "e", "tmpfs", MS_NOATIME, NULL));
		B(NULL, "e", MS_REMOUNT | MS_BIND | MS_NOSUID);
		statfs("e", &s);
		V(s.f_flags);
		B(NULL, "e", MS_REMOUNT | MS_BIND | MS_RELATIME);
		statfs("e", &s);
		V(s.f_flags);
		symlink("e", "e/l");
		V(umount("e"));
		V(mount("t", "e", "tmpfs", 256, NULL));
		symlink("/tmp", "e/l");
		V(open("e/l", O_RDONLY));
		V(readlink("e/l", top + 290, 1));
		{
			struct stat st;
			V(lstat("e/l", &st));
			V(stat("e/l", &st));
			V(open("e/l/x", O_RDONLY));
			V(open("e/l", O_PATH | O_NOFOLLOW) >= 0);
		}
		V(umount2("e", MNT_DETACH));
	}
}

static void errors(void)
{
	puts("== expire");
	T("e");
	V(umount2("e", MNT_EXPIRE | MNT_FORCE));
	V(umount2("e", MNT_EXPIRE | MNT_DETACH));
	V(umount2("e", MNT_EXPIRE));
	V(umount2("e", MNT_EXPIRE));
	V(umount2("e", MNT_EXPIRE));
	V(umount2("e", 0x10));
	V(umount2("none", 0));
	V(umount2("", 0));
	T("e");
	{
		int f = open("e/f", O_CREAT | O_RDWR, 0600);
		V(umount2("e", MNT_EXPIRE));
		V(umount("e"));
		close(f);
	}
	V(umount("e"));
	V(mount("x", "none", "tmpfs", 0, 0));
	V(mount("x", "e", "nosuch", 0, 0));
	V(mount(NULL, "e", NULL, 0, 0));
	V(mount("x", "e", NULL, 0, 0));
	V(mount("none", "e", NULL, MS_BIND, 0));
	V(mount(NULL, "e", NULL, MS_BIND, 0));
	V(mount("a", "e", NULL, MS_MOVE, 0));
	V(mount("e", "e", NULL, MS_MOVE, 0));
	V(mount(NULL, "e", NULL, MS_REMOUNT, 0));
	V(mount(NULL, "e", NULL, MS_PRIVATE, 0));
	close(open("ff", O_CREAT, 0600));
	V(mount("ff", "e", NULL, MS_BIND, 0));
	V(mount("e", "ff", NULL, MS_BIND, 0));
	V(mount("t", "ff", "tmpfs", 0, 0));
	V(mount("t", "e", "tmpfs", 0, "size"));
	V(mount("t", "e", "tmpfs", 0, "bogus=1"));
	V(mount((void *)8, "e", "tmpfs", 0, 0));
	V(mount("t", "e", (void *)8, 0, 0));
	V(mount("t", (void *)8, "tmpfs", 0, 0));
}

int main(void)
{
	if (unshare(CLONE_NEWNS)) {
		puts("no");
		return 0;
	}
	V(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	enter_tmp();
	getcwd(top, 300);
	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("c", 0755);
	mkdir("d", 0755);
	V(mount("t", top, "tmpfs", 0, NULL));
	chdir("/");
	chdir(top);
	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("c", 0755);
	mkdir("d", 0755);
	mkdir("e", 0755);
	T("a");
	mkdir("a/1", 0755);
	mkdir("a/2", 0755);
	V(mount(NULL, "a/1", NULL, MS_SHARED, NULL));
	B(NULL, "a", MS_SHARED);
	B(NULL, "a", MS_SHARED | MS_PRIVATE);
	B(NULL, "a", MS_SHARED | MS_RDONLY);
	show("shared");
	B("a", "b", MS_BIND);
	show("bound");
	T("a/1");
	show("propagated");
	T("b/2");
	show("back");
	V(umount("a/1"));
	show("umounted");
	V(umount("a/2"));
	show("both");
	B(NULL, "b", MS_SLAVE);
	show("slave");
	T("a/1");
	show("to slave");
	T("b/2");
	show("slave's own");
	V(umount("b/2"));
	V(umount("b/1"));
	show("slave umounts");
	V(umount("a/1"));
	show("master umounts");
	B(NULL, "b", MS_SHARED);
	B("b", "c", MS_BIND);
	show("shared slave");
	T("a/1");
	show("down");
	T("c/2");
	show("peers only");
	mkdir("a/1/x", 0755);
	T("a/1/x");
	show("deep");
	V(umount2("a/1", MNT_DETACH));
	show("lazy");
	V(umount("b/2"));
	B(NULL, "c", MS_PRIVATE);
	show("private");
	B("a/1", "d", MS_BIND);
	show("sub");
	T("a/1");
	show("outside of d");
	T("a/2");
	show("2");
	V(umount("a/2"));
	V(umount("a/1"));
	V(umount("d"));
	B("a", "d", MS_BIND | MS_REC);
	show("rbind");
	B("d", "a/1", MS_BIND);
	show("cycle");
	V(umount("a/1"));
	show("un");
	V(umount("d"));
	B(NULL, "c", MS_UNBINDABLE);
	show("unbindable");
	B("c", "e", MS_BIND);
	V(umount("c"));
	T("c");
	mkdir("c/k", 0755);
	T("c/k");
	B("c", "a/1", MS_BIND | MS_REC);
	show("tree on shared");
	B("a/1", "d", MS_MOVE);
	V(umount2("a/1", MNT_DETACH));
	show("x");
	B("c", "a/1", MS_MOVE);
	show("moved to shared");
	V(umount2("a/1", MNT_DETACH));
	show("y");
	T("c");
	B("c", "d", MS_MOVE);
	show("move");
	B(NULL, "d", MS_SHARED);
	B("d", "d", MS_BIND);
	show("self bind");
	T("d");
	show("over");
	V(umount("d"));
	V(umount("d"));
	V(umount("d"));
	show("off");
	T("d");
	B(NULL, "d", MS_SHARED);
	B("d", "e", MS_BIND);
	B(NULL, "e", MS_SLAVE);
	V(umount("d"));
	show("master gone");
	V(umount("e"));
	between();
	flags();
	errors();
	chdir("/");
	umount2(top, MNT_DETACH);
	return 0;
}
