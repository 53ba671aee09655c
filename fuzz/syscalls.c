/* SPDX-License-Identifier: Apache-2.0 */
/* syscalls.c: random system calls with half-valid arguments, for the kernel of
 * a sandbox.
 *
 *	nacre do -- fuzz-syscalls SEED WORKERS CALLS
 *
 * The parent starts short-lived workers; each makes CALLS calls from two
 * threads and perhaps a child of its own.  Arguments come from pools:
 * descriptors of many kinds, a mapping full of plausible structures and
 * pointers into itself, bad addresses, boundary numbers, paths.  A worker may
 * block, crash or wreck itself: the parent kills it after a while, and a
 * worker that SIGKILL does not end is a finding.  Any panic ends the sandbox
 * with status 125, which whoever started it sees.
 *
 * The sequence of a thread depends on the seed alone; what others do in
 * between does not repeat.  Never run this outside a sandbox. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALL_MAX 460
#define ARENA_SIZE (64 * 4096)
#define FD_LIMIT 48
#define WORKER_NS 500000000ull         /* a worker's life */
#define DEATH_NS 20000000000ull         /* after SIGKILL it must be gone by then */

static char *arena, *scratch;
static unsigned long calls_per_thread;
static pid_t parent_pid;
static int only = -1;                   /* FUZZ_ONLY: one call number */
static int trace_fd = -1;               /* FUZZ_TRACE: a descriptor that gets each call */

static const char *const paths[] = {
	"/", ".", "..", "", "f", "d", "d/x", "l", "missing", "/proc", "/proc/self/maps",
	"/proc/self/fd", "/proc/self/mem", "/proc/1/status", "/proc/self/task", "/dev/null",
	"/dev/zero", "/dev/ptmx", "/dev/tty", "/tmp", "f/../d", "/sys", "/proc/sys/kernel/hostname",
	"/proc/self/exe", "/proc/self/fd/3", "/dev/shm/x", "/proc/self/ns/pid", "/proc/self/oom_score_adj",
	"fifo", "sock", "/etc/passwd", "/usr", "/proc/self/environ", "/dev/full", "/dev/pts",
};
#define PATH_COUNT (sizeof(paths) / sizeof(paths[0]))
#define PATH_SLOT 64                    /* they lie at the head of the arena */

/* ---- random numbers (splitmix64) ------------------------------------------- */

static uint64_t next(uint64_t *s)
{
	uint64_t z = (*s += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t *s, uint64_t n) { return next(s) % n; }

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* ---- arguments --------------------------------------------------------------- */

static uint64_t edge(uint64_t *s)
{
	static const uint64_t v[] = {
		0, 1, 2, 3, 7, 8, 16, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 4095, 4096, 4097, 8192,
		65535, 65536, 1u << 20, 0x7fffffff, 0x80000000u, 0xffffffffu, 1ull << 32, 1ull << 40,
		0x7fffffffffffull, 0x7ffffffff000ull, 0x800000000000ull, INT64_MAX, 1ull << 63,
		UINT64_MAX, (uint64_t)-2, (uint64_t)-100, (uint64_t)-4096,
	};

	return v[below(s, sizeof(v) / sizeof(v[0]))];
}

static uint64_t pointer(uint64_t *s)
{
	switch (below(s, 12)) {
	case 0:
		return edge(s);
	case 1:                         /* straddles the end */
		return (uint64_t)arena + ARENA_SIZE - below(s, 64);
	case 2:
	case 3:
		return (uint64_t)arena + PATH_SLOT * below(s, PATH_COUNT);
	case 4:
		return 0;
	default:
		return (uint64_t)arena + 8 * below(s, ARENA_SIZE / 8);
	}
}

static uint64_t flags(uint64_t *s)
{
	uint64_t v = 0;

	for (uint64_t n = below(s, 5); n; n--)
		v |= 1ull << below(s, 32);
	return v;
}

static uint64_t argument(uint64_t *s)
{
	switch (below(s, 14)) {
	case 0: case 1: case 2:
		return below(s, FD_LIMIT);
	case 3: case 4: case 5: case 6: case 7:
		return pointer(s);
	case 8:
		return flags(s);
	case 9:
		return edge(s);
	case 10:
		return (uint64_t)(int64_t)AT_FDCWD;
	case 11:
		return 4096 * below(s, 64);
	default:
		return below(s, 40);
	}
}

/* Plausible contents: numbers, lengths, descriptors, pointers into itself. */
static void refill(uint64_t *s, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t v;

		switch (below(s, 6)) {
		case 0: v = pointer(s); break;
		case 1: v = edge(s); break;
		case 2: v = flags(s); break;
		case 3: v = below(s, FD_LIMIT) | below(s, 64) << 32; break;
		case 4: v = 0; break;
		default: v = below(s, 64); break;
		}
		((uint64_t *)arena)[(from + i) % (ARENA_SIZE / 8)] = v;
	}
	if (below(s, 4) == 0)
		for (size_t i = 0; i < PATH_COUNT; i++)
			strcpy(arena + i * PATH_SLOT, paths[i]);
}

/* What would reach beyond the worker or end the run. */
static bool harmless(long nr, uint64_t *a)
{
	switch (nr) {
	case SYS_kill:
	case SYS_tkill:
	case SYS_rt_sigqueueinfo:
		a[0] = (uint64_t)getpid();
		if (a[1] == SIGKILL || a[1] == SIGSTOP)
			a[1] = SIGUSR1;
		return true;
	case SYS_tgkill:
	case SYS_rt_tgsigqueueinfo:
		a[0] = a[1] = (uint64_t)getpid();
		return true;
	case SYS_munmap:                /* the arena and the program stay, mostly */
	case SYS_mprotect:
	case SYS_pkey_mprotect:
	case SYS_mremap:
	case SYS_madvise:
	case SYS_remap_file_pages:
		if (a[0] >= (uint64_t)arena && a[0] < (uint64_t)arena + ARENA_SIZE)
			a[0] = (uint64_t)scratch + (a[0] - (uint64_t)arena) / 4096 * 4096;
		return true;
	case SYS_arch_prctl:
		return (next(a) & 31) == 0;
	case SYS_setpgid:
		a[0] = 0;
		return true;
	case SYS_ptrace:
		return a[1] != (uint64_t)parent_pid;
	case SYS_process_vm_writev:
	case SYS_prlimit64:
		if (a[0] == (uint64_t)parent_pid)
			a[0] = 0;
		return true;
	case SYS_reboot:
		return false;
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn:
	case SYS_seccomp:
		return (next(a) & 63) == 0;
	case SYS_fork:
	case SYS_vfork:
	case SYS_clone:
		/* Raw fork: the child goes on as another fuzzer. */
		a[0] &= ~(uint64_t)0x00000100;  /* CLONE_VM without a stack is suicide only */
		return (next(a) & 15) == 0;
	default:
		return true;
	}
}

/* ---- a worker ---------------------------------------------------------------- */

static __thread sigjmp_buf again;

/* A fault of the worker's own memory (it unmaps and protects at random): the
 * next call. */
static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(again, 1);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void handlers(void)
{
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction sa = { .sa_handler = on_signal };

		if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP) {
			sa.sa_handler = on_fault;
			sa.sa_flags = SA_NODEFER;
		}
		sigaction(sig, &sa, NULL);
	}
}

static void descriptors(void)
{
	int p[2];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	mkdir("d", 0777);
	(void)!symlink("f", "l");
	(void)!mknod("fifo", S_IFIFO | 0666, 0);
	open("f", O_RDWR | O_CREAT, 0666);
	open("d", O_RDONLY | O_DIRECTORY);
	open("d", O_PATH);
	open("/proc/self/mem", O_RDWR);
	open("/proc/self/maps", O_RDONLY);
	open("/dev/zero", O_RDWR);
	open("/dev/ptmx", O_RDWR | O_NOCTTY);
	open("/etc/passwd", O_RDONLY);
	open("fifo", O_RDWR);
	if (!pipe2(p, O_NONBLOCK) && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) &&
	    !socketpair(AF_UNIX, SOCK_DGRAM, 0, p) && !socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p))
		socket(AF_UNIX, SOCK_STREAM, 0);
	socket(AF_INET, SOCK_STREAM, 0);
	socket(AF_INET, SOCK_DGRAM, 0);
	socket(AF_NETLINK, SOCK_RAW, 0);
	eventfd(3, EFD_NONBLOCK);
	epoll_create1(0);
	timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	signalfd(-1, &set, SFD_NONBLOCK);
	inotify_init1(IN_NONBLOCK);
	memfd_create("m", MFD_ALLOW_SEALING);
	syscall(SYS_pidfd_open, getpid(), 0);
}

static void one(uint64_t *s)
{
	uint64_t a[6];
	long nr = only >= 0 && below(s, 3) ? only : (long)below(s, CALL_MAX);

	for (int i = 0; i < 6; i++)
		a[i] = argument(s);
	if (!harmless(nr, a))
		return;
	if (trace_fd >= 0)
		dprintf(trace_fd, "%d: %ld(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", (int)getpid(), nr,
			a[0], a[1], a[2], a[3], a[4], a[5]);
	syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	refill(s, below(s, ARENA_SIZE / 8), 16);
}

static void *many(void *arg)
{
	volatile uint64_t state = *(uint64_t *)arg;
	volatile unsigned long i = 0;
	unsigned faults = 0;
	stack_t ss = { .ss_size = 65536, .ss_sp = malloc(65536) };

	sigaltstack(&ss, NULL);
	if (sigsetjmp(again, 1) && ++faults > 1000)
		_exit(2);
	while (i < calls_per_thread) {
		uint64_t s = state;

		i++;
		state = next(&s);
		one(&s);
		if ((i & 63) == 0) {
			struct itimerval it = { { 0, 5000 }, { 0, 5000 } };
			sigset_t none;

			sigemptyset(&none);
			handlers();
			sigprocmask(SIG_SETMASK, &none, NULL);
			setitimer(ITIMER_REAL, &it, NULL);
		}
	}
	return NULL;
}

static void worker(uint64_t seed)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };
	static uint64_t seeds[3];
	char dir[64];
	pthread_t t;

	snprintf(dir, sizeof(dir), "/tmp/fuzz.%d", (int)getpid());
	mkdir(dir, 0777);
	if (chdir(dir))
		_exit(1);
	arena = mmap(NULL, ARENA_SIZE + 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED)
		_exit(1);
	mprotect(arena + ARENA_SIZE, 4096, PROT_NONE);
	scratch = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 3; i++)
		seeds[i] = next(&seed);
	refill(&seed, 0, ARENA_SIZE / 8);
	for (size_t i = 0; i < PATH_COUNT; i++)
		strcpy(arena + i * PATH_SLOT, paths[i]);
	descriptors();
	handlers();
	setitimer(ITIMER_REAL, &it, NULL);
	if (seed & 1 && fork() == 0)
		seeds[0] ^= seeds[2];
	if (!pthread_create(&t, NULL, many, &seeds[1]))
		pthread_detach(t);
	many(&seeds[0]);
	_exit(0);
}

/* ---- the parent -------------------------------------------------------------- */

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned long workers = argc > 2 ? strtoul(argv[2], NULL, 0) : 20;
	const char *one_call = getenv("FUZZ_ONLY"), *trace = getenv("FUZZ_TRACE");
	unsigned long ended[3] = { 0 }, by_signal[128] = { 0 };

	calls_per_thread = argc > 3 ? strtoul(argv[3], NULL, 0) : 2000;
	if (one_call)
		only = atoi(one_call);
	if (trace)
		trace_fd = dup2(atoi(trace), 1000);
	parent_pid = getpid();
	/* Orphans of workers come here and are killed, too. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (unsigned long w = 0; w < workers; w++) {
		uint64_t born = now_ns();
		bool killed = false;
		int status;
		pid_t pid = fork(), got;

		if (pid < 0) {
			printf("fuzz: worker %lu: fork: %s\n", w, strerror(errno));
			return 1;
		}
		if (!pid) {
			int null = open("/dev/null", O_RDWR);

			dup2(null, 0);
			dup2(null, 1);
			dup2(null, 2);
			setsid();
			worker(seed * 1000003 + w);
		}
		for (;;) {
			got = waitpid(-1, &status, WNOHANG | __WALL);
			if (got < 0 && errno == ECHILD)
				break;
			if (got == pid)
				ended[WIFSIGNALED(status) ? 1 : 0]++;
			if (got == pid && WIFSIGNALED(status))
				by_signal[WTERMSIG(status) & 127]++;
			if (got > 0)
				continue;
			if (now_ns() - born > WORKER_NS && !killed) {
				killed = true;
				ended[2]++;
			}
			if (killed)
				kill(-1, SIGKILL);
			if (now_ns() - born > WORKER_NS + DEATH_NS) {
				printf("fuzz: worker %lu of seed %llu does not die\n", w,
				       (unsigned long long)seed);
				return 1;
			}
			usleep(2000);
		}
	}
	printf("fuzz: seed %llu: %lu workers: %lu ended, %lu by a signal, %lu killed late\n",
	       (unsigned long long)seed, workers, ended[0], ended[1], ended[2]);
	for (int i = 0; i < 128; i++)
		if (by_signal[i])
			printf("fuzz: signal %d: %lu\n", i, by_signal[i]);
	return 0;
}
