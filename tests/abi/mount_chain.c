/* SPDX-License-Identifier: Apache-2.0 */
/* Propagation along a long chain of slaves, the last made first; over groups that do not receive; into copies of
 * a name space; and what comes off again.  An ordinary user cannot. */
#include "abi.h"
#include <sys/mount.h>
enum { CHAIN = 400, LINE = 5000 };
static char top[300];

struct line {
	char at[100], root[100], what[100];     /* at: its end */
	int shared, master;
};
static struct line lines[4 * CHAIN];
static int nlines;

static void look(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char l[LINE], root[LINE], at[LINE];
	nlines = 0;
	while (f && fgets(l, sizeof l, f) && nlines < 4 * CHAIN) {
		struct line *n = &lines[nlines];
		char *p = strstr(l, " - "), *q;
		if (!p || sscanf(l, "%*d %*d %*s %s %s", root, at) != 2 || strncmp(at, top, strlen(top))) continue;
		q = at + strlen(top);
		snprintf(n->at, sizeof n->at, "%s", strlen(q) < sizeof n->at ? q : q + strlen(q) - sizeof n->at + 1);
		snprintf(n->root, sizeof n->root, "%.99s", root);
		sscanf(p + 3, "%*s %99s", n->what);
		*p = 0;
		n->shared = (q = strstr(l, " shared:")) ? atoi(q + 8) : 0;
		n->master = (q = strstr(l, " master:")) ? atoi(q + 8) : 0;
		nlines++;
	}
	if (f) fclose(f);
}

/* How many mounts end so; how long the way is from the last slave up to a group without a master. */
static void count(const char *title, const char *end)
{
	int n = 0, longest = 0, lost = 0;
	look();
	for (int i = 0; i < nlines; i++) {
		size_t k = strlen(lines[i].at), e = strlen(end);
		int way = 0, m = lines[i].master;
		if (k < e || strcmp(lines[i].at + k - e, end)) continue;
		n++;
		while (m) {
			int j = 0;
			while (j < nlines && lines[j].shared != m) j++;
			lost += j == nlines;
			m = j == nlines ? 0 : lines[j].master;
			way++;
		}
		longest = way > longest ? way : longest;
	}
	printf("%s: %d at %s, way %d, lost %d\n", title, n, end, longest, lost);
}

static int cmp(const void *a, const void *b) { return strcmp(((struct line *)a)->at, ((struct line *)b)->at); }
static void show(const char *title)
{
	look();
	qsort(lines, nlines, sizeof *lines, cmp);
	printf("-- %s\n", title);
	for (int i = 0; i < nlines; i++) {
		int up = 0;
		printf("%s %s %s shared %d", lines[i].at, lines[i].what, lines[i].root, !!lines[i].shared);
		for (int j = 0; j < nlines && lines[i].master; j++)
			if (lines[j].shared == lines[i].master) {
				printf(" below %s", lines[j].at);
				up++;
			}
		puts(lines[i].master && !up ? " below nobody" : "");
	}
}
static int bind_(const char *a, const char *b) { return mount(a, b, NULL, MS_BIND, NULL); }
static int type(const char *a, int t) { return mount(NULL, a, NULL, t, NULL); }
static int tmpfs(const char *what, const char *at) { return mount(what, at, "tmpfs", 0, NULL); }

/* m0 is the head.  Then copies of all, of which the last is made first: where they lie says in what order. */
static void make_chain(void)
{
	char a[50], b[50], in[3 * CHAIN] = "n", on[3 * CHAIN + 10];
	int bad = 0;
	mkdir("n", 0755);
	mkdir("r", 0755);
	for (int i = 0; i < CHAIN; i++) {
		snprintf(b, sizeof b, "m%d", i);
		bad += mkdir(b, 0755);
		if (!i) bad += tmpfs("chain", b) || mkdir("m0/at", 0755) || mkdir("m0/two", 0755);
		else bad += bind_(a, b) || type(b, MS_SLAVE);
		bad += type(b, MS_SHARED);
		strcpy(a, b);
	}
	V(bad);
	bad += tmpfs("nest", "n");
	for (int i = CHAIN; i--;) {
		snprintf(a, sizeof a, "m%d", i);
		snprintf(on, sizeof on, "%s/x", in);
		bad += mkdir(on, 0755) || mount(a, on, NULL, MS_MOVE, NULL);
		strcat(in, "/k");
		bad += mkdir(in, 0755) || tmpfs("nest", in);
	}
	V(bad);
	V(mount("n", "r", NULL, MS_BIND | MS_REC, NULL));
	V(umount2("n", MNT_DETACH));
}

/* The place in the chain, 0 the head. */
static const char *place(int i, const char *name)
{
	static char to[3 * CHAIN + 10];
	strcpy(to, "r");
	while (++i < CHAIN) strcat(to, "/k");
	strcat(to, "/x/");
	return strcat(to, name);
}

static void chain(void)
{
	int bad = 0;
	puts("== a chain");
	make_chain();
	V(tmpfs("x", place(0, "at")));
	count("mounted", "/at");
	V(mkdir(place(CHAIN - 1, "at/in"), 0755));
	V(umount(place(CHAIN - 1, "at")));
	count("off the last", "/at");
	V(tmpfs("y", place(CHAIN / 2, "two")));
	count("in the middle", "/two");
	V(umount(place(9, "at")));
	count("off the tenth", "/at");
	V(umount(place(0, "at")));
	count("off the head", "/at");
	fflush(stdout);
	if (!fork()) {
		V(unshare(CLONE_NEWNS));
		count("copied", "/two");
		V(umount(place(CHAIN / 2 + 1, "two")));
		count("off one in the copy", "/two");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	count("there", "/two");
	for (int i = 1; i < CHAIN; i += 2) bad += umount2(place(i, ""), MNT_DETACH);
	V(bad);
	count("every other", "/two");
	V(tmpfs("z", place(0, "at")));
	count("mounted", "/at");
	V(umount2("r", MNT_DETACH));
	look();
	V(nlines);
}

/* A group between that shows other directories only: what its slaves get follows the next above. */
static void over(void)
{
	puts("== over a group");
	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("c", 0755);
	mkdir("d", 0755);
	V(tmpfs("over", "a"));
	V(mkdir("a/1", 0755) | mkdir("a/2", 0755) | mkdir("a/2/x", 0755) | type("a", MS_SHARED));
	V(bind_("a", "c"));
	V(type("c", MS_SLAVE) | type("c", MS_SHARED));
	V(bind_("c/1", "b"));
	V(bind_("c", "d") | type("d", MS_SLAVE));
	V(umount("c"));
	show("made");
	V(tmpfs("x", "a/2/x"));
	show("mounted");
	V(mkdir("a/2/x/k", 0755));
	V(tmpfs("y", "a/2/x/k"));
	show("in it");
	V(umount2("a", MNT_DETACH));
	show("off");
	V(umount2("d", MNT_DETACH) | umount("b"));
}

/* Children that are older than what they lie on. */
static void moved(void)
{
	puts("== moved");
	V(tmpfs("old", "a"));
	V(tmpfs("new", "b"));
	V(mkdir("b/k", 0755) | mkdir("a/f", 0755));
	V(mount("a", "b/k", NULL, MS_MOVE, NULL));
	show("moved");
	fflush(stdout);
	if (!fork()) {
		V(chdir("b/k/f"));
		V(unshare(CLONE_NEWNS));
		show("copied");
		V(umount("../../../b"));
		V(umount2("../../../b", MNT_DETACH));
		show("off");
		V(access("../f", F_OK));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	V(mount("b", "c", NULL, MS_BIND | MS_REC, NULL));
	V(mount(NULL, "c", NULL, MS_REC | MS_SHARED, NULL));
	show("with what is on it");
	V(umount2("c", MNT_DETACH) | umount2("b", MNT_DETACH));
	show("off");
}

int main(void)
{
	if (unshare(CLONE_NEWNS)) {
		puts("no");
		return 0;
	}
	V(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	enter_tmp();
	V(tmpfs("top", "."));
	getcwd(top, sizeof top);
	strcat(top, "/");
	chdir("/");
	chdir(top);
	chain();
	over();
	moved();
	chdir("/");
	umount2(top, MNT_DETACH);
	return 0;
}
