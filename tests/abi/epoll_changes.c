/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of epoll sets are there at once for whoever looks, however he came by the
 * set, while the one that made them computes on without another system call. */
#include "abi.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#define SYS_pidfd_getfd 438
#endif

enum { WARM = 300, STACK_ROOM = 64 };
static struct shared { volatile int told, answered, epfd; } *sh;
static int ep, p[2];

/* The maker's side: no system call. */
static void tell(int step)
{
	__atomic_store_n(&sh->told, step, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&sh->answered, __ATOMIC_SEQ_CST) < step)
		__builtin_ia32_pause();
}

/* The other's. */
static void hear(int step)
{
	while (__atomic_load_n(&sh->told, __ATOMIC_SEQ_CST) < step)
		sched_yield();
}
static void answer(int step) { __atomic_store_n(&sh->answered, step, __ATOMIC_SEQ_CST); }

static int change(int set, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data.u64 = data };

	return epoll_ctl(set, op, fd, &e);
}

/* A set with a pipe's end that can be read, changed often already. */
static void make(void)
{
	ep = epoll_create1(0);
	if (pipe(p) || write(p[1], "x", 1) != 1 || change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1))
		exit(1);
	for (int i = 0; i < WARM; i++)
		if (change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 2) || change(ep, EPOLL_CTL_DEL, p[0], 0, 0) ||
		    change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 3))
			exit(1);
	sh->epfd = ep;
}

/* What is in the set now: its data, 0 for nothing. */
static int seen(int set)
{
	struct epoll_event e = { 0 };
	int n = epoll_wait(set, &e, 1, 0);

	return n == 1 ? (int)e.data.u64 : n;
}

/* Four changes, looked at by somebody else. */
static void changes(int first)
{
	change(ep, EPOLL_CTL_DEL, p[0], 0, 0);
	tell(first);
	change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 10);
	tell(first + 1);
	change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 11);
	tell(first + 2);
	change(ep, EPOLL_CTL_MOD, p[0], EPOLLPRI, 12);
	tell(first + 3);
}

static void look(int set, int first)
{
	for (int i = 0; i < 4; i++) {
		hear(first + i);
		printf("after change %d: %d\n", i, seen(set));
		answer(first + i);
	}
}

static pid_t begin(const char *what, void (*maker)(void))
{
	pid_t pid;

	printf("-- %s\n", what);
	memset((void *)sh, 0, sizeof *sh);
	pid = fork();
	if (pid == 0) {
		maker();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	printf("ended %d\n", status);
}

/* ---- alone ---- */

static void alone(void)
{
	int q[2], d;

	make();
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 4));
	V(seen(ep));
	V(change(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	V(change(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 4));
	V(seen(ep));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT, 5));
	V(seen(ep));
	V(seen(ep));
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 6));
	V(seen(ep));
	V(seen(ep));
	V(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], (void *)8));
	V(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], (void *)8));
	V(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], (void *)8));
	V(change(ep, 77, p[0], EPOLLIN, 6));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 7));
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 7));
	V(change(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 7));
	/* Another file in its place; another set in its place; two names of one set. */
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 8));
	V(pipe(q));
	d = dup(p[0]);
	V(dup2(q[0], p[0]) == p[0]);
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 8));
	V(seen(ep));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 9));
	V(dup2(d, p[0]) == p[0]);
	V(change(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 9));
	V(close(p[0]));
	V(change(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 9));
	close(ep);
	make();
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 8));
	d = dup(ep);
	V(change(d, EPOLL_CTL_DEL, p[0], 0, 0));
	V(change(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	V(change(d, EPOLL_CTL_ADD, p[0], EPOLLIN, 8));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 8));
	V(close(d));
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 8));
	V(close(ep));
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 8));
	V(dup2(q[0], ep) == ep);
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 8));
	/* Many at once, more than wait anywhere. */
	make();
	for (int i = 0; i < 100; i++)
		if (change(ep, i % 3 == 0 ? EPOLL_CTL_DEL : i % 3 == 1 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, p[0], EPOLLIN, 20 + (unsigned)i))
			printf("change %d: %s\n", i, abi_errno(errno));
	V(seen(ep));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 30));
	V(seen(ep));
}

/* ---- other processes ---- */

static void make_and_change(void)
{
	make();
	tell(1);
	changes(2);
}

static void stolen(void)
{
	pid_t pid = begin("taken by pidfd_getfd", make_and_change);
	int set, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	hear(1);
	answer(1);
	hear(2);
	set = (int)syscall(SYS_pidfd_getfd, pidfd, sh->epfd, 0);
	V(set >= 0);
	look(set, 2);
	end(pid);
	close(set);
	close(pidfd);
}

static void fdinfo(void)
{
	pid_t pid = begin("read in /proc", make_and_change);
	char path[STACK_ROOM], line[256];

	hear(1);
	answer(1);
	for (int i = 2; i < 6; i++) {
		FILE *f;
		int n = 0;

		hear(i);
		snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, sh->epfd);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof line, f)) {
			unsigned long long data;
			unsigned events;

			if (sscanf(line, "tfd: %*d events: %x data: %llx", &events, &data) == 2)
				printf("item %d: %#x %llu\n", n++, events, data);
		}
		if (f)
			fclose(f);
		answer(i);
	}
	end(pid);
}

static int sock[2];

static void pass_it(void)
{
	char c[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (char[]){ 'x' }, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	make();
	change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 5);
	*h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(h), &ep, sizeof ep);
	if (sendmsg(sock[1], &m, 0) != 1)
		exit(1);
	tell(1);
	changes(2);
}

static void passed(void)
{
	char c[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c };
	int set;
	pid_t pid;

	socketpair(AF_UNIX, SOCK_STREAM, 0, sock);
	pid = begin("passed in a message", pass_it);
	V(recvmsg(sock[0], &m, 0));
	memcpy(&set, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof set);
	hear(1);
	V(seen(set));
	answer(1);
	look(set, 2);
	end(pid);
	close(set);
	close(sock[0]);
	close(sock[1]);
}

static void with_child(void)
{
	pid_t pid;

	make();
	change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 5);
	pid = fork();
	if (pid == 0) {
		look(ep, 1);
		_exit(0);
	}
	changes(1);
	waitpid(pid, NULL, 0);
}

static void nested(void)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 99 };
	int outer = epoll_create1(0);
	pid_t pid = fork();

	if (pid == 0) {
		look(outer, 1);
		_exit(0);
	}
	make();
	change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 5);
	epoll_ctl(outer, EPOLL_CTL_ADD, ep, &e);
	changes(1);
	waitpid(pid, NULL, 0);
}

/* ---- other threads ---- */

static void *look_by_thread(void *arg)
{
	hear(1);                /* the set is there */
	look(ep, 1);
	return arg;
}

static void *poll_by_thread(void *arg)
{
	for (int i = 0; i < 4; i++) {
		hear(i + 1);
		printf("after change %d: poll %d\n", i, poll(&(struct pollfd){ ep, POLLIN, 0 }, 1, 0));
		answer(i + 1);
	}
	return arg;
}

/* Its descriptors change under it. */
static void *close_by_thread(void *arg)
{
	int q[2];

	hear(1);
	V(pipe(q));
	V(write(q[1], "y", 1));
	V(dup2(q[0], p[0]) == p[0]);
	answer(1);
	hear(2);
	V(close(p[0]));
	answer(2);
	hear(3);
	V(seen(ep));
	answer(3);
	return arg;
}

static void *filter_by_thread(void *arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_ctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof code / sizeof *code, code };

	hear(1);
	V(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	V(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog));
	answer(1);
	return arg;
}

static void with_thread(void *(*fn)(void *), void (*then)(void))
{
	pthread_t t;

	pthread_create(&t, NULL, fn, NULL);
	make();
	then();
	pthread_join(t, NULL);
}

static void four_changes(void) { changes(1); }

static void change_closed(void)
{
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 5));
	change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 6);
	tell(1);
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 7));
	V(change(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 8));
	change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 9);
	tell(2);
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 10));
	V(change(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 10));
	tell(3);
}

static void change_filtered(void)
{
	change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 5);
	tell(1);
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 6));
	V(change(ep, EPOLL_CTL_DEL, p[0], 0, 0));
	V(seen(ep));
}

static void filter_alone(void)
{
	make();
	change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 5);
	sh->told = 1;
	filter_by_thread(NULL);
	V(change(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 6));
	V(seen(ep));
}

static void thread_looks(void) { with_thread(look_by_thread, four_changes); }
static void thread_polls(void) { with_thread(poll_by_thread, four_changes); }
static void thread_closes(void) { with_thread(close_by_thread, change_closed); }
static void thread_filters(void) { with_thread(filter_by_thread, change_filtered); }

int main(void)
{
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	end(begin("alone", alone));
	stolen();
	fdinfo();
	passed();
	end(begin("a child has it", with_child));
	end(begin("in a set that a child has", nested));
	end(begin("a thread waits", thread_looks));
	end(begin("a thread polls", thread_polls));
	end(begin("a thread changes the descriptors", thread_closes));
	end(begin("a filter", filter_alone));
	end(begin("a filter for all threads", thread_filters));
	return 0;
}
