/* SPDX-License-Identifier: Apache-2.0 */
/* Record locks: which of several conflicts is told, what an open file description asks
 * about itself, in which order wrong requests are refused. */
#include "abi.h"

static int other_in[2], other_out[2];

struct request { int fd, cmd; struct flock l; };

static void say(const char *what, int err, const struct flock *l)
{
	if (err) SAY("%s: %s\n", what, abi_errno(err));
	else SAY("%s: type %d whence %d from %lld for %lld, %s\n", what, l->l_type, l->l_whence, (long long)l->l_start,
		 (long long)l->l_len, l->l_pid == -1 ? "a description" : l->l_pid ? "a process" : "nobody");
}

static void other(void)
{
	struct request r;
	int fd[2] = { open("file", O_RDWR), open("file", O_RDWR) }, err;

	while (read(other_in[0], &r, sizeof r) == sizeof r) {
		err = fcntl(fd[r.fd], r.cmd, &r.l) ? errno : 0;
		if (write(other_out[1], &err, sizeof err) != sizeof err)
			break;
	}
	_exit(0);
}

static int at_other(int fd, int cmd, int type, long start, long len)
{
	struct request r = { fd, cmd, { .l_type = (short)type, .l_start = start, .l_len = len } };
	int err = -1;

	if (write(other_in[1], &r, sizeof r) != sizeof r || read(other_out[0], &err, sizeof err) != sizeof err)
		SAY("the other process is gone\n");
	return err;
}

static void ask(int fd, int cmd, int type, long start, long len)
{
	struct flock l = { .l_type = (short)type, .l_start = start, .l_len = len };
	int err = fcntl(fd, cmd, &l) ? errno : 0;

	say(cmd == F_GETLK ? "GETLK" : "OFD_GETLK", err, &l);
}

static void which(int fd)
{
	SAY("-- which conflict\n");
	/* Owners in the order in which they came, each with its locks by start. */
	V(at_other(0, F_OFD_SETLK, F_RDLCK, 50, 10));
	V(at_other(1, F_OFD_SETLK, F_RDLCK, 20, 10));
	V(at_other(0, F_SETLK, F_RDLCK, 0, 10));
	ask(fd, F_GETLK, F_WRLCK, 0, 0);
	ask(fd, F_GETLK, F_WRLCK, 0, 30);
	V(at_other(0, F_OFD_SETLK, F_WRLCK, 40, 5));
	ask(fd, F_GETLK, F_WRLCK, 0, 0);
	/* One that is changed keeps its owner's place; one that left comes last. */
	V(at_other(0, F_OFD_SETLK, F_RDLCK, 40, 20));
	ask(fd, F_GETLK, F_WRLCK, 0, 0);
	V(at_other(0, F_OFD_SETLK, F_UNLCK, 45, 2));
	ask(fd, F_GETLK, F_WRLCK, 43, 0);
	V(at_other(0, F_OFD_SETLK, F_UNLCK, 0, 0));
	V(at_other(0, F_OFD_SETLK, F_RDLCK, 2, 3));
	ask(fd, F_GETLK, F_WRLCK, 0, 0);
	V(at_other(1, F_OFD_SETLK, F_UNLCK, 0, 0));
	V(at_other(0, F_SETLK, F_UNLCK, 0, 0));
	V(at_other(0, F_OFD_SETLK, F_UNLCK, 0, 0));
	ask(fd, F_GETLK, F_WRLCK, 0, 0);
}

static void own(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_start = 10, .l_len = 5 };

	SAY("-- one's own\n");
	V(fcntl(fd, F_OFD_SETLK, &l));
	ask(fd, F_OFD_GETLK, F_UNLCK, 0, 0);
	ask(fd, F_OFD_GETLK, F_UNLCK, 12, 1);
	ask(fd, F_OFD_GETLK, F_UNLCK, 20, 1);
	ask(fd, F_OFD_GETLK, F_WRLCK, 0, 0);
	V(at_other(0, F_OFD_SETLK, F_RDLCK, 20, 1));
	ask(fd, F_OFD_GETLK, F_UNLCK, 20, 1);
	ask(fd, F_GETLK, F_UNLCK, 0, 0);
}

static void refused(int fd, int reader, int writer)
{
	struct flock l = { .l_type = F_WRLCK, .l_pid = 5 };

	SAY("-- refused\n");
	V(fcntl(reader, F_OFD_SETLK, &l));
	V(fcntl(fd, F_OFD_SETLK, &l));
	l.l_type = F_RDLCK;
	V(fcntl(writer, F_OFD_SETLK, &l));
	V(fcntl(writer, F_OFD_GETLK, &l));
	l = (struct flock){ .l_type = 7, .l_whence = SEEK_SET, .l_start = LONG_MAX, .l_len = 2 };
	V(fcntl(fd, F_SETLK, &l));
	V(fcntl(fd, F_GETLK, &l));
	V(fcntl(fd, F_OFD_GETLK, &l));
	l.l_type = F_UNLCK;
	V(fcntl(fd, F_GETLK, &l));
	l.l_len = 0;
	l.l_type = 7;
	V(fcntl(fd, F_SETLK, &l));
}

int main(void)
{
	int fd, reader, writer;
	pid_t p;

	enter_tmp();
	fd = open("file", O_RDWR | O_CREAT, 0600);
	reader = open("file", O_RDONLY);
	writer = open("file", O_WRONLY);
	if (pipe(other_in) || pipe(other_out)) return 1;
	p = fork();
	if (!p) {
		close(other_in[1]);
		other();
	}
	which(fd);
	own(fd);
	refused(fd, reader, writer);
	close(other_in[1]);
	wait_say("the other", p);
	return 0;
}
