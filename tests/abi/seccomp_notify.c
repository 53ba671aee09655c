/* SPDX-License-Identifier: Apache-2.0 */
/* Filters that ask another process: seccomp_unotify(2). */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <stddef.h>

#include "abi.h"

static int filter(int nr, unsigned flags)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { 4, f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

static long asked(int l, struct seccomp_notif *n)
{
	memset(n, 0, sizeof(*n));
	return ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, n);
}

static long answer(int l, uint64_t id, int64_t val, int error, unsigned flags)
{
	struct seccomp_notif_resp r = { id, val, error, flags };

	return ioctl(l, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static short events(int l)
{
	struct pollfd p = { .fd = l, .events = POLLIN | POLLOUT };

	poll(&p, 1, 0);
	return p.revents;
}

/* What a child prints comes when its parent has printed all that it saw. */
static int told[2];

static pid_t child(void)
{
	pid_t p;

	fflush(stdout);
	p = fork();

	if (p == 0) {
		int m = memfd_create("said", 0);

		dup2(1, 201);
		dup2(m, 1);
		close(m);
	}
	return p;
}

__attribute__((noreturn)) static void child_ends(void)
{
	char said[4096];
	ssize_t n;

	fflush(stdout);
	n = pread(1, said, sizeof(said), 0);
	if (read(told[0], said + sizeof(said) - 1, 1) != 1 || write(201, said, (size_t)n) != n)
		_exit(1);
	_exit(0);
}

static void child_wait(pid_t p)
{
	if (write(told[1], "", 1) == 1)
		wait_say("child", p);
}

static void on_usr1(int sig) { (void)sig; }

static void basics(int l)
{
	struct seccomp_notif n;
	struct seccomp_notif_sizes s;
	unsigned action = SECCOMP_RET_USER_NOTIF;
	pid_t p;

	V(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	V(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 1, &s));
	V(filter(SYS_getppid, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC));
	V(filter(SYS_getppid, 32));
	V(filter(SYS_getppid, SECCOMP_FILTER_FLAG_NEW_LISTENER));
	SAY("cloexec %d\n", fcntl(l, F_GETFD));
	SAY("events %x\n", events(l));
	p = child();
	if (p == 0) {
		for (int i = 0; i < 4; i++)
			V(syscall(SYS_gettid, 1, 2, 3));
		child_ends();
	}
	memset(&n, 1, sizeof(n));
	V(ioctl(l, SECCOMP_IOCTL_NOTIF_RECV, &n));
	V(asked(l, &n));
	SAY("call %d by the child %d, args %lld %lld\n", n.data.nr, (int)n.pid == p, (long long)n.data.args[0],
	    (long long)n.data.args[2]);
	SAY("events %x\n", events(l));
	V(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
	V(answer(l, n.id + 1, 0, 0, 0));
	V(answer(l, n.id, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
	V(answer(l, n.id, 1, 0, 2));
	V(answer(l, n.id, 4711, 0, 0));
	V(asked(l, &n));
	V(answer(l, n.id, 4711, -EBUSY, 0));
	V(asked(l, &n));
	V(answer(l, n.id, -512, 0, 0));
	V(asked(l, &n));
	SAY("the real one: %ld\n", answer(l, n.id, 0, -ENOSYS, 0));
	child_wait(p);
	V(ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
	V(ioctl(l, 0x2105, 0));
}

static void descriptors(int l)
{
	struct seccomp_notif_addfd a = { 0 };
	struct seccomp_notif n;
	int file = memfd_create("x", 0);
	pid_t p = child();

	if (p == 0) {
		long fd;

		close(file);
		fd = syscall(SYS_gettid);
		SAY("got a memory file: %d, to be closed %d\n", lseek(file, 0, SEEK_CUR) == 3,
		    fcntl(file, F_GETFD));
		SAY("at 77: %d\n", (int)lseek(77, 0, SEEK_CUR));
		fd = syscall(SYS_gettid);
		SAY("by the answer: %d\n", fd > 0 && lseek((int)fd, 0, SEEK_CUR) == 3);
		SAY("continued: %d\n", syscall(SYS_gettid) == getpid());
		child_ends();
	}
	lseek(file, 3, SEEK_SET);
	V(asked(l, &n));
	a.id = n.id;
	a.srcfd = (unsigned)file;
	a.newfd_flags = O_CLOEXEC;
	SAY("where the child had it: %d\n", ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a) == file);
	a.newfd = 77;
	V(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a));
	a.flags = SECCOMP_ADDFD_FLAG_SETFD;
	V(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a));
	a.flags = 8;
	V(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a));
	a.flags = SECCOMP_ADDFD_FLAG_SETFD;
	a.newfd = 1 << 30;
	V(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a));
	a.srcfd = 999;
	V(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a));
	V(answer(l, n.id, 0, 0, 0));
	V(asked(l, &n));
	a = (struct seccomp_notif_addfd){ .id = n.id, .srcfd = (unsigned)file, .flags = 2 };
	SAY("sent: %d\n", ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a) > 0);
	V(ioctl(l, SECCOMP_IOCTL_NOTIF_ADDFD, &a));
	V(asked(l, &n));
	V(answer(l, n.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
	child_wait(p);
	close(file);
}

/* Signals: the call goes on, is restarted, is interrupted, or is not disturbed. */
static void signals(int l, bool restart)
{
	struct seccomp_notif n;
	struct sigaction sa = { .sa_handler = on_usr1, .sa_flags = restart ? SA_RESTART : 0 };
	pid_t p = child();

	if (p == 0) {
		sigaction(SIGUSR1, &sa, NULL);
		V(syscall(SYS_gettid));
		child_ends();
	}
	V(asked(l, &n));
	kill(p, SIGUSR1);
	while (ioctl(l, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id) == 0)
		usleep(1000);
	V(answer(l, n.id, 1, 0, 0));
	if (restart) {
		V(asked(l, &n));
		V(answer(l, n.id, 1, 0, 0));
	}
	child_wait(p);
	p = child();
	if (p == 0) {
		syscall(SYS_gettid);
		child_ends();
	}
	V(asked(l, &n));
	kill(p, SIGKILL);
	wait_say("killed", p);
	V(answer(l, n.id, 1, 0, 0));
}

static void *closer(void *arg)
{
	struct seccomp_notif n;

	asked(*(int *)arg, &n);
	close(*(int *)arg);
	return NULL;
}

/* The last task with the filter goes: the listener, held elsewhere, learns it. */
static void orphaned(void)
{
	int pair[2], l = -1;
	char c = 0, ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &c, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl) };
	pid_t p;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	fflush(stdout);
	p = fork();
	if (p == 0) {
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);

		l = filter(SYS_gettid, SECCOMP_FILTER_FLAG_NEW_LISTENER);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &l, sizeof(int));
		sendmsg(pair[1], &m, 0);
		_exit(0);
	}
	recvmsg(pair[0], &m, 0);
	memcpy(&l, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	wait_say("asker", p);
	struct pollfd pf = { .fd = l, .events = POLLIN };

	poll(&pf, 1, 5000);
	SAY("orphaned: %x\n", pf.revents);
	close(l);
}

int main(void)
{
	pthread_t th;
	int l;

	orphaned();
	if (pipe(told))
		return 1;
	l = filter(SYS_gettid, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	basics(l);
	descriptors(l);
	signals(l, false);
	signals(l, true);
	pthread_create(&th, NULL, closer, &l);
	V(syscall(SYS_gettid));
	pthread_join(th, NULL);
	V(syscall(SYS_gettid));
	return 0;
}
