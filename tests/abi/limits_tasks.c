/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on tasks at their limits: clocks, priorities, personalities, groups, memory, System V. */
#include "abi.h"
#include <linux/kcmp.h>
#include <sys/ipc.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/timex.h>
#include <sys/utsname.h>

static char *bad = (void *)0x10, buf[64];

/* Before anything that makes them: neither has a context or a list. */
static void likes(void)
{
	int p[2], c;

	pipe(p);
	c = fork();
	if (!c) {
		close(p[1]);
		read(p[0], buf, 1);
		_exit(0);
	}
	V(syscall(SYS_kcmp, getpid(), c, KCMP_IO, 0, 0));
	V(syscall(SYS_kcmp, getpid(), c, KCMP_SYSVSEM, 0, 0));
	close(p[1]);
	wait_say("child", c);
}

static void clocks(void)
{
	struct timespec ts = { 0, -1 }, a;
	struct timeval tv = { 0, 1000000 };
	struct timex tx = { 0 };
	clockid_t mine;

	V(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts));
	V(syscall(SYS_clock_settime, CLOCK_REALTIME, bad));
	V(syscall(SYS_settimeofday, &tv, NULL));
	V(syscall(SYS_settimeofday, bad, NULL));
	V(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &tx));
	V(syscall(SYS_clock_adjtime, 99, &tx));
	ts.tv_nsec = 1000000;
	V(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL));
	V(syscall(SYS_clock_nanosleep, -2, 0, &ts, NULL));
	pthread_getcpuclockid(pthread_self(), &mine);
	V(syscall(SYS_clock_nanosleep, mine, 0, &ts, NULL));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	V(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &a, NULL));
}

static void *burn(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) ;
	return NULL;
}

/* Another thread works, this one waits for what it uses. */
static void cpu_sleep(void)
{
	struct timespec ts = { 0, 50000000 }, a, b;
	int stop = 0;
	pthread_t th;

	pthread_create(&th, NULL, burn, &stop);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	V(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &ts, NULL));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	V((b.tv_sec - a.tv_sec) * 1000000000l + b.tv_nsec - a.tv_nsec >= 50000000);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(th, NULL);
}

static void ioprio(void)
{
	V(syscall(SYS_ioprio_get, 1, 0));
	V(syscall(SYS_ioprio_get, 2, 0));
	V(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 3));
	V(syscall(SYS_ioprio_get, 1, 0));
	V(syscall(SYS_ioprio_set, 1, 0, 3 << 13 | 5));
	V(syscall(SYS_ioprio_set, 1, 0, 4 << 13));
	V(syscall(SYS_ioprio_set, 1, 0, 5));
	pid_t c = fork();
	if (!c) {
		V(syscall(SYS_ioprio_get, 1, 0));
		_exit(0);
	}
	wait_say("inherited", c);
	V(syscall(SYS_ioprio_get, 1, 9999999));
	V(syscall(SYS_ioprio_get, 3, 12345));
	V(syscall(SYS_ioprio_get, 4, 0));
	V(syscall(SYS_ioprio_set, 1, 0, 0));
}

static void others(void)
{
	struct iovec l = { buf, 10 }, r = { buf + 20, -1 };
	struct { uint64_t val, addr; uint32_t flags, reserved; } w = { 0, (long)buf + 1, 2, 0 };
	struct sched_param sp = { 0 };
	struct utsname u;
	struct shminfo info;

	V(process_vm_readv(getpid(), &l, 1, &r, 1, 0));
	V(syscall(449, &w, 1, 0, NULL, 0));

	V(personality(PER_LINUX32));
	uname(&u);
	SAY("%s\n", u.machine);
	personality(UNAME26);
	uname(&u);
	SAY("%.4s\n", u.release);
	personality(0);

	char *m = mmap(0, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	V(madvise(m, 4096, 22));
	V(madvise(m, 4096, 23));
	V(mlock(m, -1));
	V(msync(m, -1, MS_SYNC));
	V(syscall(SYS_reboot, 1, 2, 3, 4) == -1 && errno == (geteuid() ? EPERM : EINVAL));
	V(syscall(SYS_syslog, 99, 0, 0) == -1 && errno == (geteuid() ? EPERM : EINVAL));
	struct { uint64_t v[11]; } a = { { 0x200000000ul, [10] = 99 } };
	V(syscall(SYS_clone3, &a, sizeof a));
	V(prctl(PR_SET_SECCOMP, 2, bad));
	char name[16] = { 0 };
	V(prctl(PR_SET_NAME, "name\0x\0s"));
	V(prctl(PR_GET_NAME, name));
	SAY("%s %d\n", name, name[5]);

	V(shmctl(0, IPC_INFO, (void *)&info) >= 0);
	SAY("%lu %lu %lu\n", info.shmmax, info.shmmin, info.shmmni);
	struct seminfo sem;
	V(semctl(0, 0, IPC_INFO, &sem) >= 0);
	SAY("%d %d %d %d\n", sem.semmni, sem.semmsl, sem.semopm, sem.semmns);
	if (geteuid()) {
		int s = shmget(IPC_PRIVATE, 100, 0600);
		V((long)shmat(s, 0, SHM_EXEC));
		shmctl(s, IPC_RMID, NULL);
		V(sched_setscheduler(0, SCHED_IDLE, &sp));
		V(sched_setscheduler(0, SCHED_OTHER, &sp));
		V(sched_setparam(1, &sp));
	}
}

/* Groups are kept in order. */
static void groups(void)
{
	gid_t g[6] = { 9, 3, 77, 3, 1, 50 };

	if (geteuid())
		return;
	V(setgroups(6, g));
	V(getgroups(6, g));
	for (int i = 0; i < 6; i++)
		SAY("%d ", g[i]);
	SAY("\n");
}

int main(void)
{
	likes();
	clocks();
	cpu_sleep();
	ioprio();
	others();
	groups();
	return 0;
}
