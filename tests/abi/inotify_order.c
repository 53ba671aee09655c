/* SPDX-License-Identifier: Apache-2.0 */
/* inotify(7): what is unlinked while it is open, renames that replace or exchange, copies
 * inside the kernel, and the order of the events of one call. */
#include "abi.h"
#include <sys/inotify.h>
#include <sys/sendfile.h>

static int in;

static void events(const char *what)
{
	char b[4096] __attribute__((aligned(8)));
	ssize_t n = read(in, b, sizeof b);
	unsigned cookies[8], count = 0, k;

	SAY("%s:", what);
	for (char *p = b; n > 0 && p < b + n; ) {
		struct inotify_event *e = (void *)p;

		for (k = 0; k < count && cookies[k] != e->cookie; k++) ;
		if (k == count && count < 8) cookies[count++] = e->cookie;
		SAY(" %d:%x%s%s", e->wd, e->mask, e->len ? ":" : "", e->len ? e->name : "");
		if (e->cookie) SAY(" (%u)", k);
		p += sizeof *e + e->len;
	}
	SAY("\n");
}

static int make(const char *name)
{
	int f = open(name, O_CREAT | O_RDWR, 0600);

	if (write(f, "abcdef", 6) != 6) SAY("write\n");
	return f;
}

static void open_ones(void)
{
	int f = make("a"), d, again;

	SAY("-- open\n");
	mkdir("d", 0700);
	d = open("d", O_RDONLY | O_DIRECTORY);
	V(inotify_add_watch(in, "a", IN_ATTRIB | IN_DELETE_SELF | IN_MODIFY | IN_CLOSE_WRITE));
	V(inotify_add_watch(in, "d", IN_ALL_EVENTS));
	again = dup(f);
	unlink("a");
	events("unlinked");
	V(write(f, "x", 1));
	close(f);
	events("written, closed once");
	close(again);
	events("closed");
	rmdir("d");
	events("removed");
	close(d);
	events("closed");
	/* By reading, twice; a name that is left; a FIFO. */
	close(make("a"));
	f = open("a", O_RDONLY);
	again = open("a", O_RDONLY);
	link("a", "b");
	V(inotify_add_watch(in, "a", IN_DELETE_SELF));
	unlink("b");
	close(f);
	events("one name left");
	unlink("a");
	events("none left");
	close(again);
	events("closed");
	mkfifo("p", 0600);
	f = open("p", O_RDWR);
	V(inotify_add_watch(in, "p", IN_DELETE_SELF));
	unlink("p");
	events("FIFO unlinked");
	close(f);
	events("closed");
}

static void renames(void)
{
	int f;

	SAY("-- renames\n");
	close(make("a"));
	close(make("b"));
	mkdir("d", 0700);
	mkdir("e", 0700);
	V(inotify_add_watch(in, ".", IN_MOVE | IN_DELETE | IN_CREATE));
	V(inotify_add_watch(in, "a", IN_ALL_EVENTS));
	V(inotify_add_watch(in, "b", IN_ALL_EVENTS));
	V(inotify_add_watch(in, "d", IN_ALL_EVENTS));
	V(inotify_add_watch(in, "e", IN_ALL_EVENTS));
	V(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 2));
	events("exchanged");
	V(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "d", 2));
	events("exchanged with a directory");
	V(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "d", 2));
	events("and back");
	V(rename("a", "b"));
	events("replaced");
	V(rename("d", "e"));
	events("directory replaced");
	f = make("a");
	V(inotify_add_watch(in, "a", IN_ATTRIB | IN_DELETE_SELF));
	events("new");
	V(rename("b", "a"));
	events("open one replaced");
	close(f);
	events("closed");
	V(rename(".", "no/x"));
	V(rename("no/x", "."));
	V(rename("a", "."));
	V(rename(".", "a/x"));
	V(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, ".", 1));
	V(open(".", O_CREAT | O_EXCL | O_RDWR, 0600));
	V(open(".", O_CREAT | O_RDWR, 0600));
	events("nothing");
}

static void copies(void)
{
	int a = make("from"), b = make("to"), p[2];
	loff_t off = 0;

	SAY("-- copies\n");
	if (pipe(p)) return;
	V(inotify_add_watch(in, "from", IN_ALL_EVENTS));
	V(inotify_add_watch(in, "to", IN_ALL_EVENTS));
	events("none");
	V(sendfile(b, a, &(off_t){ 0 }, 3));
	events("sendfile");
	V(copy_file_range(a, &off, b, NULL, 3, 0));
	events("copy_file_range");
	V(splice(a, &(loff_t){ 0 }, p[1], NULL, 3, 0));
	events("splice from");
	V(splice(p[0], NULL, b, NULL, 3, 0));
	events("splice to");
	V(sendfile(b, a, &(off_t){ 6 }, 3));
	events("sendfile of nothing");
	close(open("to", O_WRONLY | O_TRUNC));
	events("opened and cut");
	close(a);
	close(b);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	enter_tmp();
	in = inotify_init1(IN_NONBLOCK);
	open_ones();
	renames();
	copies();
	return 0;
}
