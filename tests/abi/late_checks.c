/* SPDX-License-Identifier: Apache-2.0 */
/* Differences that public suites found, one by one: orders of checks, and small files of /proc. */
#include "abi.h"
#include <linux/openat2.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif

static long raw(long nr)
{
	long r;

	asm volatile("syscall" : "=a"(r) : "0"(nr) : "rcx", "r11", "memory");
	return r;
}

static void numbers(void)
{
	V(raw(SYS_getppid) == getppid());
	V(raw(SYS_getppid | 1l << 32) == getppid());
	V(raw(SYS_getppid | 0x7fffffffl << 32) == getppid());
	V(raw(1l << 31));
	V(raw(100000));
}

static void structures(void)
{
	struct { struct open_how h; uint64_t more[2]; } *o;
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec *nowhere = (void *)8;
	struct open_how h = { .flags = O_RDONLY, .resolve = 0x1337 };

	V(syscall(SYS_openat2, AT_FDCWD, "/", &h, sizeof h));
	h.resolve = RESOLVE_CACHED; h.flags = O_CREAT | O_RDWR;
	V(syscall(SYS_openat2, AT_FDCWD, "/tmp/none", &h, sizeof h) < 0 && errno == EAGAIN);
	/* What is not zero counts even where the rest cannot be read. */
	munmap(page + 4096, 4096);
	o = (void *)(page + 4096 - sizeof o->h - 8);
	o->more[0] = 1;
	V(syscall(SYS_openat2, AT_FDCWD, "/", o, sizeof *o));
	o->more[0] = 0;
	V(syscall(SYS_openat2, AT_FDCWD, "/", o, sizeof *o));
	V(syscall(SYS_openat2, AT_FDCWD, "/", o, sizeof o->h + 8) >= 0);
	page[4096 - 16] = 1;
	V(syscall(SYS_clone3, page + 4096 - 16 - sizeof(struct clone_args), sizeof(struct clone_args) + 32));
	V(syscall(SYS_clone3, page + 4096 - sizeof(struct clone_args), sizeof(struct clone_args) + 32));
	V(sendfile(99, 98, (void *)8, 1)); V(sendfile(99, 98, NULL, 1));
	V(preadv(0, nowhere, 1, -2)); V(preadv(99, nowhere, 1, -2)); V(preadv(99, nowhere, 1, 0));
	V(syscall(SYS_timer_settime, 12345, 1, NULL, NULL)); V(syscall(SYS_timer_settime, 12345, 1, 8l, NULL));
	V(prctl(PR_MCE_KILL_GET, 1, 0, 0, 0)); V(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
}

static void dead_process(void)
{
	char name[32];
	pid_t p = fork();
	int fd;

	if (!p)
		_exit(0);
	snprintf(name, sizeof name, "/proc/%d", p);
	fd = open(name, O_RDONLY | O_DIRECTORY);
	V(waitpid(p, NULL, 0) == p);
	V(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	close(fd);
	fd = open("/proc/self", O_RDONLY | O_DIRECTORY); V(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0)); close(fd);
	fd = open("/proc/self/ns", O_RDONLY | O_DIRECTORY); V(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0)); close(fd);
}

static void queues(void)
{
	struct { long type; char text[16]; } m = { 3, "first" };
	int q = msgget(IPC_PRIVATE, 0600);
	struct sigevent none = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 0 };
	struct mq_attr a = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	char name[32];
	mqd_t d;

	V(msgsnd(q, &m, 6, 0)); m.type = 4; strcpy(m.text, "second"); V(msgsnd(q, &m, 7, 0));
	V(msgrcv(q, &m, 16, 1, MSG_COPY | IPC_NOWAIT)); V(m.type); printf("%s\n", m.text);
	V(msgrcv(q, &m, 16, 0, MSG_COPY | IPC_NOWAIT)); V(m.type); printf("%s\n", m.text);
	V(msgrcv(q, &m, 16, 2, MSG_COPY | IPC_NOWAIT)); V(msgrcv(q, &m, 16, -1, MSG_COPY | IPC_NOWAIT));
	V(msgrcv(q, &m, 3, 0, MSG_COPY | IPC_NOWAIT)); V(msgrcv(q, &m, 3, 0, MSG_COPY | IPC_NOWAIT | MSG_NOERROR));
	V(msgrcv(q, &m, 16, 0, MSG_COPY)); V(msgrcv(q, &m, 16, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT));
	V(msgrcv(q, &m, 16, 0, 0)); printf("%s\n", m.text);
	V(msgctl(q, IPC_RMID, NULL)); V(msgrcv(q, &m, 16, 0, MSG_COPY | IPC_NOWAIT) < 0 && errno == EINVAL);

	snprintf(name, sizeof name, "/late_%d", getpid());
	d = mq_open(name, O_CREAT | O_RDWR, 0600, &a);
	V(mq_notify(d, &none)); V(mq_notify(d, &none)); V(mq_send(d, "x", 1, 0)); V(mq_notify(d, &none));
	none.sigev_signo = 65; V(mq_notify(d, NULL)); V(mq_notify(d, &none));
	mq_unlink(name);
}

/* Files written and read through mappings have new times. */
static void times_of_maps(void)
{
	char name[] = "/tmp/late_XXXXXX";
	int fd = mkstemp(name);
	struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } };
	struct stat s;
	char *p;

	V(write(fd, "hello", 5)); V(futimens(fd, old));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fstat(fd, &s); V(s.st_atime > 1000); V(s.st_mtime);
	p[0] = 'j'; V(msync(p, 4096, MS_SYNC)); fstat(fd, &s); V(s.st_mtime > 2000);
	V(futimens(fd, old)); p[1] = 'j'; V(msync(p, 4096, MS_ASYNC)); fstat(fd, &s); V(s.st_mtime > 2000);
	unlink(name);
}

static void proc_files(void)
{
	double up, idle, last_up = 0, last_idle = 0;
	char want[100], buf[200] = "", *line = NULL;
	size_t n = 0;
	int fd = open("/proc/self/syscall", O_RDONLY), bad = 0, vsyscall = 0;
	FILE *f;

	snprintf(want, sizeof want, "%d 0x%x 0x%lx 0x%lx ", SYS_read, fd, (long)buf, (long)sizeof buf - 1);
	V(read(fd, buf, sizeof buf - 1) > 0); V(strncmp(buf, want, strlen(want)));
	for (int k = 0; k < 300; k++) {
		f = fopen("/proc/uptime", "r");
		if (!f || fscanf(f, "%lf %lf", &up, &idle) != 2 || up < last_up || idle < last_idle)
			bad++;
		last_up = up; last_idle = idle;
		fclose(f);
	}
	V(bad);
	f = fopen("/proc/self/maps", "r");
	while (getline(&line, &n, f) > 0)
		vsyscall = !strncmp(line, "ffffffffff600000-ffffffffff601000 ", 34);
	V(vsyscall);
}

int main(void)
{
	numbers();
	structures();
	dead_process();
	queues();
	times_of_maps();
	proc_files();
	return 0;
}
