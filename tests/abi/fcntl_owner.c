/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told about a file (F_SETOWN and its like), what a pipe's writer is told, and that
 * message queues are closed on exec. */
#include "abi.h"
#include <mqueue.h>
#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif

static volatile sig_atomic_t got, fd_told, band;
static void on_signal(int sig, siginfo_t *i, void *u)
{
	(void)u;
	got = sig;
	fd_told = i->si_fd;
	band = (int)i->si_band;
}

static void owner(int f, const char *what)
{
	struct f_owner_ex o = { 77, 77 };

	V(fcntl(f, F_GETOWN_EX, &o));
	SAY("%s: type %d, %s\n", what, o.type, !o.pid ? "nobody" :
	    o.pid == (o.type == F_OWNER_PGRP ? getpgrp() : getpid()) ? "this" : "another");
}

static void owners(void)
{
	struct f_owner_ex o = { F_OWNER_TID, getpid() };
	uid_t ids[2] = { 77, 77 };
	int p[2];

	SAY("-- owners\n");
	if (pipe(p)) return;
	owner(p[0], "at first");
	V(fcntl(p[0], F_SETOWN, 0));
	owner(p[0], "nobody");
	V(fcntl(p[0], F_SETOWN_EX, &o));
	owner(p[0], "thread");
	o = (struct f_owner_ex){ F_OWNER_PGRP, getpgrp() };
	V(fcntl(p[0], F_SETOWN_EX, &o));
	owner(p[0], "group");
	o.pid = 0;
	V(fcntl(p[0], F_SETOWN_EX, &o));
	owner(p[0], "no group");
	o.pid = -1;
	V(fcntl(p[0], F_SETOWN_EX, &o));
	o = (struct f_owner_ex){ F_OWNER_TID, -1 };
	V(fcntl(p[0], F_SETOWN_EX, &o));
	o.type = 9;
	V(fcntl(p[0], F_SETOWN_EX, &o));
	V(fcntl(p[0], F_SETOWN, INT_MIN));
	owner(p[0], "as before");
	V(fcntl(p[0], F_SETOWN, getpid()));
	V(fcntl(p[0], F_GETOWNER_UIDS, ids));
	V(ids[0] == getuid() && ids[1] == geteuid());
	V(fcntl(p[0], F_GETOWNER_UIDS, (void *)8));
	close(p[0]);
	close(p[1]);
}

static void told(const char *what)
{
	SAY("%s: %s %x\n", what, got ? got == SIGUSR1 ? "SIGUSR1" : "another signal" : "nothing", got ? (unsigned)band : 0);
	got = 0;
}

static void writer(void)
{
	static char b[70000];
	int p[2];

	SAY("-- a pipe's writer\n");
	if (pipe2(p, O_NONBLOCK)) return;
	fcntl(p[1], F_SETOWN, getpid());
	fcntl(p[1], F_SETSIG, SIGUSR1);
	fcntl(p[1], F_SETFL, O_ASYNC | O_NONBLOCK);
	V(write(p[1], b, sizeof b));
	told("filled");
	V(read(p[0], b, 10));
	told("a little read");
	V(read(p[0], b, 5000));
	told("a page read");
	V(fd_told == p[1]);
	V(read(p[0], b, sizeof b));
	told("all read");
	V(write(p[1], "x", 1));
	told("written");
	close(p[0]);
	told("closed");
	close(p[1]);
}

static void queue(void)
{
	struct mq_attr a = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	int q;

	SAY("-- queues\n");
	q = mq_open("/fcntl-owner", O_CREAT | O_RDWR, 0600, &a);
	mq_unlink("/fcntl-owner");
	V(q >= 0);
	V(fcntl(q, F_GETFD));
	mq_close(q);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGIO, &sa, NULL);
	owners();
	writer();
	queue();
	return 0;
}
