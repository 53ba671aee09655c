/* SPDX-License-Identifier: Apache-2.0 */
/* Leases (F_SETLEASE) and signals about directories (F_NOTIFY). */
#include "abi.h"

static volatile int got, gfd, gcode;
static volatile long gband;
static void h(int s, siginfo_t *i, void *u)
{
	got = s;
	gfd = i->si_fd;
	gcode = i->si_code;
	gband = i->si_band;
}
/* A signal comes; quiet: none does. */
static void tell(const char *w)
{
	printf("%s: sig %d", w, got);
	if (got == SIGUSR1 || got == SIGRTMIN) printf(" fd %d code %d band %lx", gfd, gcode, gband);
	puts("");
	msleep(20);
	got = 0;
}
static void say(const char *w)
{
	for (int k = 0; k < 2000 && !got; k++) msleep(5);
	tell(w);
}
static void quiet(const char *w)
{
	msleep(30);
	tell(w);
}

static int hold, kr = -1;
static void child(const char *w, int (*fn)(void))
{
	fflush(stdout);
	pid_t p = fork();
	if (!p) {
		close(kr);
		_exit(fn() < 0 ? errno : 0);
	}
	hold = p;
	printf("child %s\n", w);
}
static void ended(void) { wait_say("it", hold); }
static int o_w(void) { return open("f", O_WRONLY) >= 0 ? 0 : -1; }
static int o_r(void) { return open("f", O_RDONLY) >= 0 ? 0 : -1; }
static int o_wn(void) { return open("f", O_WRONLY | O_NONBLOCK); }
static int o_rn(void) { return open("f", O_RDONLY | O_NONBLOCK) >= 0 ? 0 : -1; }
static int o_t(void) { return truncate("f", 0); }
static int o_p(void) { return open("f", O_PATH) >= 0 ? 0 : -1; }
static int o_st(void)
{
	struct stat s;
	return stat("f", &s);
}
static int o_ln(void) { return link("f", "g"); }
static int o_un(void) { return unlink("g"); }
static int o_ch(void) { return chmod("f", 0600); }
static void dirs(void)
{
	int f, d, d2;
	d = open(".", O_RDONLY);
	puts("== dnotify");
	V(fcntl(d, F_NOTIFY, 0));
	V(fcntl(d, F_NOTIFY, DN_CREATE));
	close(open("n1", O_CREAT | O_RDWR, 0644));
	say("create");
	close(open("n2", O_CREAT | O_RDWR, 0644));
	quiet("again");
	V(fcntl(d, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MODIFY | DN_ATTRIB | DN_RENAME | DN_ACCESS | DN_MULTISHOT));
	V(fcntl(d, F_SETSIG, SIGUSR1));
	close(open("n3", O_CREAT | O_RDWR, 0644));
	say("create");
	unlink("n3");
	say("unlink");
	f = open("n1", O_RDWR);
	quiet("open");
	write(f, "x", 1);
	say("write");
	lseek(f, 0, 0);
	char c;
	read(f, &c, 1);
	say("read");
	chmod("n1", 0600);
	say("chmod");
	utimes("n1", 0);
	say("utimes");
	rename("n1", "n4");
	say("rename");
	ftruncate(f, 5);
	say("ftrunc");
	truncate("n4", 1);
	say("trunc");
	mkdir("dd", 0755);
	say("mkdir");
	mkdir("dd/x", 0755);
	quiet("deep");
	rename("n4", "dd/n4");
	say("away");
	rename("dd/n4", "n5");
	say("back");
	link("n5", "n6");
	say("link");
	symlink("a", "n7");
	say("symlink");
	mkfifo("n8", 0644);
	say("fifo");
	chmod(".", 0755);
	say("self");
	rmdir("dd/x");
	rmdir("dd");
	say("rmdir");
	V(fcntl(d, F_NOTIFY, 0));
	unlink("n6");
	quiet("off");
	V(fcntl(d, F_NOTIFY, DN_DELETE | DN_MULTISHOT));
	d2 = dup(d);
	close(d2);
	unlink("n7");
	quiet("dup closed");
	V(fcntl(d, F_NOTIFY, DN_DELETE | DN_MULTISHOT));
	close(d);
	unlink("n8");
	quiet("closed");
	V(fcntl(f, F_NOTIFY, DN_CREATE));
	V(fcntl(99, F_NOTIFY, 1));
	d = open(".", O_RDONLY);
	V(fcntl(d, F_NOTIFY, DN_RENAME));
	rename("n5", "n9");
	say("ren");
	V(fcntl(d, F_NOTIFY, 0x40));
	V(fcntl(d, F_NOTIFY, DN_CREATE));
	V(fcntl(d, F_NOTIFY, DN_DELETE));
	close(open("q", O_CREAT, 0600));
	say("c");
	unlink("q");
	quiet("d");
}

int main(void)
{
	int f, r, d, d2;
	struct sigaction sa = {.sa_sigaction = h, .sa_flags = SA_SIGINFO | SA_RESTART};
	sigaction(SIGIO, &sa, 0);
	sigaction(SIGUSR1, &sa, 0);
	sigaction(SIGRTMIN, &sa, 0);
	enter_tmp();
	f = open("f", O_RDWR | O_CREAT, 0644);
	V(fcntl(f, F_GETLEASE));
	V(fcntl(f, F_SETLEASE, F_UNLCK));
	V(fcntl(f, F_SETLEASE, 99));
	V(fcntl(f, F_SETLEASE, F_RDLCK));
	V(fcntl(f, F_SETLEASE, F_WRLCK));
	V(fcntl(f, F_GETLEASE));
	V(fcntl(f, F_SETLEASE, F_RDLCK));
	V(fcntl(f, F_SETLEASE, F_UNLCK));
	V(fcntl(f, F_GETLEASE));
	r = open("f", O_RDONLY);
	V(fcntl(f, F_SETLEASE, F_WRLCK));
	V(fcntl(r, F_SETLEASE, F_RDLCK));
	close(f);
	V(fcntl(r, F_SETLEASE, F_RDLCK));
	V(fcntl(r, F_SETLEASE, F_WRLCK));
	V(fcntl(r, F_GETLEASE));
	V(open("f", O_RDONLY | O_NONBLOCK));
	say("self");
	V(fcntl(r, F_GETLEASE));
	V(fcntl(r, F_SETLEASE, F_RDLCK));
	V(fcntl(r, F_GETLEASE));
	d = open(".", O_RDONLY);
	V(fcntl(d, F_SETLEASE, F_RDLCK));
	V(fcntl(d, F_GETLEASE));
	V(fcntl(99, F_SETLEASE, 0));
	{
		int p[2];
		pipe(p);
		V(fcntl(p[0], F_SETLEASE, F_RDLCK));
		V(fcntl(p[0], F_GETLEASE));
	}
	V(fcntl(r, F_GETOWN) == getpid());
	child("nonblock w", o_wn);
	ended();
	say("w");
	V(fcntl(r, F_GETLEASE));
	V(fcntl(r, F_SETLEASE, F_UNLCK));
	V(fcntl(r, F_GETOWN));
	V(fcntl(r, F_SETLEASE, F_RDLCK));
	V(fcntl(r, F_SETSIG, SIGUSR1));
	child("read", o_r);
	ended();
	quiet("r");
	child("stat", o_st);
	ended();
	child("path", o_p);
	ended();
	child("link", o_ln);
	ended();
	child("unlink", o_un);
	ended();
	child("chmod", o_ch);
	ended();
	quiet("none");
	child("w", o_w);
	say("blocked");
	V(waitpid(hold, 0, WNOHANG));
	V(fcntl(r, F_GETLEASE));
	V(fcntl(r, F_SETLEASE, F_UNLCK));
	ended();
	V(fcntl(r, F_SETSIG, SIGRTMIN));
	V(fcntl(r, F_SETLEASE, F_WRLCK));
	child("r", o_r);
	say("blocked");
	V(waitpid(hold, 0, WNOHANG));
	V(fcntl(r, F_GETLEASE));
	V(fcntl(r, F_SETLEASE, F_RDLCK));
	ended();
	V(fcntl(r, F_GETLEASE));
	kr = r;
	child("trunc", o_t);
	kr = -1;
	say("t");
	close(r);
	ended();
	r = open("f", O_RDONLY);
	V(fcntl(r, F_SETLEASE, F_WRLCK));
	d2 = dup(r);
	child("rn", o_rn);
	ended();
	say("rn");
	close(r);
	V(fcntl(d2, F_GETLEASE));
	kr = d2;
	child("r", o_r);
	msleep(20);
	close(d2);
	ended();
	quiet("end");
	chown("f", 1, 1);
	dirs();
	return 0;
}
