/* SPDX-License-Identifier: Apache-2.0 */
/* io_setup, io_submit, io_getevents, io_cancel, io_destroy: results, errors, eventfds, threads, fork, exec. */
#include "abi.h"
#include <linux/aio_abi.h>
#include <sys/eventfd.h>

static int setup(unsigned n, aio_context_t *c) { return syscall(SYS_io_setup, n, c); }
static int submit(aio_context_t c, long n, struct iocb **v) { return syscall(SYS_io_submit, c, n, v); }
static int events(aio_context_t c, long least, long most, struct io_event *e, struct timespec *t)
{
	return syscall(SYS_io_getevents, c, least, most, e, t);
}

static struct iocb request(int fd, int op, void *buf, size_t n, long off)
{
	return (struct iocb){ .aio_data = 7, .aio_fildes = fd, .aio_lio_opcode = op, .aio_buf = (uintptr_t)buf,
			      .aio_nbytes = n, .aio_offset = off };
}

static void one(aio_context_t c, const char *what, struct iocb r)
{
	struct io_event e = { 0 };
	struct timespec t = { 5, 0 };
	struct iocb *p = &r;
	int n = submit(c, 1, &p);

	if (n != 1) {
		printf("%s: submit %d %s\n", what, n, n < 0 ? abi_errno(errno) : "");
		return;
	}
	n = events(c, 1, 1, &e, &t);
	printf("%s: %d data %llu same %d res %lld %lld key %u\n", what, n, e.data, e.obj == (uintptr_t)p,
	       (long long)e.res, (long long)e.res2, r.aio_key);
}

static aio_context_t shared;

static void *later(void *arg)
{
	struct iocb r = request(*(int *)arg, IOCB_CMD_PREAD, &(char[8]){ 0 }, 5, 0), *p = &r;

	msleep(100);
	submit(shared, 1, &p);
	return NULL;
}

static void on_alarm(int s) { }

int main(void)
{
	aio_context_t c = 0, d = 1;
	struct io_event e[8];
	struct timespec none = { 0 }, some = { 0, 20000000 }, much = { 10, 0 };
	struct itimerval soon = { .it_value.tv_usec = 50000 };
	struct sigaction sa = { .sa_handler = on_alarm };
	char buf[64] = "some text to write", got[64] = "";
	struct iovec v[2] = { { buf, 4 }, { buf + 5, 4 } }, w[2] = { { got, 3 }, { got + 10, 20 } };
	struct iocb r, s, *list[3] = { &r, &s, NULL };
	int fd, ro, ev, pipes[2];
	pthread_t th;
	uint64_t count;
	pid_t p;

	enter_tmp();
	fd = open("file", O_RDWR | O_CREAT, 0600);
	ro = open("file", O_RDONLY);
	V(setup(0, &c)); V(setup(1, &d)); V(setup(1, (void *)8)); V(setup(-1, &c)); V(setup(16, &c)); V(c != 0);
	V(syscall(SYS_io_destroy, 0l)); V(syscall(SYS_io_destroy, c + 8));
	one(c, "write", request(fd, IOCB_CMD_PWRITE, buf, 18, 0));
	one(c, "read", request(fd, IOCB_CMD_PREAD, got, 60, 5)); printf("%s\n", got);
	one(c, "read at the end", request(fd, IOCB_CMD_PREAD, got, 60, 18));
	one(c, "writev", request(fd, IOCB_CMD_PWRITEV, v, 2, 2));
	one(c, "readv", request(ro, IOCB_CMD_PREADV, w, 2, 0)); printf("%.3s %.12s\n", got, got + 10);
	one(c, "fsync", request(fd, IOCB_CMD_FSYNC, NULL, 0, 0));
	one(c, "fdsync", request(fd, IOCB_CMD_FDSYNC, NULL, 0, 0));
	one(c, "fsync with a buffer", request(fd, IOCB_CMD_FSYNC, buf, 0, 0));
	one(c, "read-only", request(ro, IOCB_CMD_PWRITE, buf, 1, 0));
	one(c, "bad address", request(fd, IOCB_CMD_PREAD, (void *)8, 10, 0));
	one(c, "bad offset", request(fd, IOCB_CMD_PREAD, got, 10, -1));
	one(c, "bad descriptor", request(99, IOCB_CMD_PREAD, got, 10, 0));
	one(c, "bad operation", request(fd, 77, got, 10, 0));
	one(c, "no operation", request(fd, IOCB_CMD_NOOP, got, 10, 0));
	one(c, "bad size", request(fd, IOCB_CMD_PREAD, got, -1, 0));
	r = request(fd, IOCB_CMD_PREAD, got, 1, 0); r.aio_reserved2 = 1; one(c, "reserved", r);
	r = request(fd, IOCB_CMD_PREAD, got, 1, 0); r.aio_rw_flags = 1 << 20; one(c, "flags", r);

	/* Several at once; the first that is refused ends it. */
	r = request(fd, IOCB_CMD_PREAD, got, 1, 0); s = request(99, IOCB_CMD_PREAD, got, 1, 0);
	V(submit(c, 2, list)); V(events(c, 1, 8, e, &much)); V(submit(c, -1, list)); V(submit(c, 0, list));
	s = r; V(submit(c, 2, list)); V(submit(c, 3, list)); V(submit(c, 1, (void *)8)); V(submit(c + 8, 1, list));
	V(events(c, 4, 8, e, &much)); V(events(c, 0, 8, e, NULL)); V(events(c, 1, 8, e, &none)); V(events(c, 1, 8, e, &some));
	V(events(c, 2, 1, e, &none)); V(events(c, -1, 1, e, &none)); V(events(0, 0, 1, e, &none));
	V(syscall(SYS_io_cancel, c, &r, e)); V(syscall(SYS_io_cancel, c, 8l, e));
	sigaction(SIGALRM, &sa, NULL); setitimer(ITIMER_REAL, &soon, NULL); V(events(c, 1, 8, e, NULL));

	/* An eventfd tells. */
	ev = eventfd(0, 0);
	r = request(fd, IOCB_CMD_PREAD, got, 1, 0); r.aio_flags = IOCB_FLAG_RESFD; r.aio_resfd = ev; s = r;
	V(submit(c, 2, list)); V(read(ev, &count, 8)); V(count == 1 || count == 2); V(events(c, 2, 2, e, &much));
	r.aio_resfd = fd; one(c, "not an eventfd", r); r.aio_resfd = 99; one(c, "no eventfd", r);

	/* Not files; another thread; another process. */
	V(pipe(pipes)); one(c, "pipe", request(pipes[1], IOCB_CMD_PWRITE, buf, 4, 0));
	shared = c; pthread_create(&th, NULL, later, &fd); V(events(c, 1, 1, e, &much)); V(e[0].res); pthread_join(th, NULL);
	p = fork();
	if (!p) {
		r = request(fd, IOCB_CMD_PREAD, got, 1, 0);
		V(submit(c, 1, list)); V(syscall(SYS_io_destroy, c)); d = 0; V(setup(4, &d)); one(d, "child", r);
		_exit(0);
	}
	wait_say("child", p);
	V(syscall(SYS_io_destroy, c)); V(syscall(SYS_io_destroy, c)); V(events(c, 0, 1, e, &none));
	return 0;
}
