/* SPDX-License-Identifier: Apache-2.0 */
/* In which order splice(2), tee(2), vmsplice(2) and sendfile(2) complain: nothing to move,
 * wrong flags, a pipe that nobody reads. */
#include "abi.h"
#include <sys/sendfile.h>

static int sigpipes;
static void on_sigpipe(int sig) { sigpipes += sig == SIGPIPE; }

/* What fills a pipe's place: something to read, or nothing at all. */
static int file_of(int size)
{
	int f = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (ftruncate(f, size)) perror("ftruncate");
	return f;
}

static void nothing(void)
{
	struct iovec none[2] = { { "", 0 }, { "", 0 } };
	int p[2], f = file_of(10), o = open("file", O_PATH);

	SAY("-- nothing to move\n");
	if (pipe2(p, O_NONBLOCK)) return;
	V(splice(p[0], NULL, f, NULL, 0, 0x80));
	V(splice(p[0], NULL, f, NULL, 1, 0x80));
	V(splice(-1, NULL, -1, NULL, 0, 0));
	V(tee(p[0], p[1], 0, 0x80));
	V(tee(-1, -1, 0, 0));
	V(vmsplice(f, none, 0, 0));
	V(vmsplice(f, none, 2, 0));
	V(vmsplice(f, &(struct iovec){ "a", 1 }, 1, 0));
	V(vmsplice(o, none, 0, 0));
	V(vmsplice(f, none, 0, 0x80));
	V(vmsplice(p[1], none, 2, 0));
	V(vmsplice(p[0], none, 2, 0));
	close(p[0]);
	V(vmsplice(p[1], none, 2, 0));
	close(p[1]);
	close(f);
	close(o);
}

static void nobody_reads(void)
{
	int p[2], q[2], f = file_of(0), full = file_of(100);
	loff_t far = 1000;

	SAY("-- nobody reads\n");
	if (pipe2(p, O_NONBLOCK) || pipe2(q, O_NONBLOCK)) return;
	close(p[0]);
	V(splice(f, NULL, p[1], NULL, 10, 0));
	V(sigpipes);
	V(splice(full, &far, p[1], NULL, 10, SPLICE_F_NONBLOCK));
	V(splice(full, NULL, p[1], NULL, 10, 0));
	V(splice(q[0], NULL, p[1], NULL, 10, SPLICE_F_NONBLOCK));
	V(sigpipes);
	close(q[1]);
	V(splice(q[0], NULL, p[1], NULL, 10, SPLICE_F_NONBLOCK));
	V(sendfile(p[1], f, NULL, 10));
	V(vmsplice(p[1], &(struct iovec){ "a", 1 }, 1, SPLICE_F_NONBLOCK));
	V(sigpipes);
	V(lseek(full, 0, SEEK_CUR));
	close(p[1]);
	close(q[0]);
	close(f);
	close(full);
}

static void without_waiting(void)
{
	char b[20];
	struct iovec v = { b, sizeof b };
	int zero = open("/dev/zero", O_RDWR), null = open("/dev/null", O_RDWR), s[2];

	SAY("-- RWF_NOWAIT\n");
	V(preadv2(zero, &v, 1, 100, RWF_NOWAIT));
	V(preadv2(zero, &v, 1, -1, RWF_NOWAIT));
	V(pwritev2(zero, &v, 1, 100, RWF_NOWAIT));
	V(preadv2(null, &v, 1, 0, RWF_NOWAIT));
	V(pwritev2(null, &v, 1, 0, RWF_NOWAIT));
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	V(preadv2(s[0], &v, 1, 5, RWF_NOWAIT));
	close(zero);
	close(null);
	close(s[0]);
	close(s[1]);
}

static void onto_itself(void)
{
	int f = file_of(100);
	loff_t from = 90, to = 95;

	SAY("-- copies within a file\n");
	V(copy_file_range(f, &from, f, &to, 50, 0));
	from = 90;
	to = 100;
	V(copy_file_range(f, &from, f, &to, 50, 0));
	V(lseek(f, 0, SEEK_END));
	from = to = 200;
	V(copy_file_range(f, &from, f, &to, 50, 0));
	close(f);
}

int main(void)
{
	signal(SIGPIPE, on_sigpipe);
	enter_tmp();
	nothing();
	nobody_reads();
	without_waiting();
	onto_itself();
	return 0;
}
