/* SPDX-License-Identifier: Apache-2.0 */
/* variants: dynamic static */
/* The signal mask is what sigprocmask(2) has made it when that has returned, for
 * whoever can tell, although the program that changed it makes no further call. */
#include "abi.h"
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#define WARM 400                        /* by then changes are as cheap as they get */
#define ROUNDS 30
#define BIT(n) (1ull << ((n) - 1))

enum { SEND = 1, SEND_IGNORED, SHOW_MASK, SHOW_ROBUST, QUIT };

static struct shared {
	int go, done, what;
	pid_t owner;
	unsigned long long seen;
} *sh;
static volatile sig_atomic_t got, taken_by;
static volatile unsigned long long frame_mask;
static __thread int me;
static int step;

static int call(int how, const void *set, void *old) { return (int)syscall(SYS_rt_sigprocmask, how, set, old, 8ul); }

static unsigned long long mask(int how, unsigned long long set)
{
	unsigned long long old = ~0ull;

	V(call(how, &set, &old));
	return old;
}

/* By libc, whose own sites may be as cheap: nobody looks at what it was. */
static void quick(int how, int signo)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, signo);
	if (sigprocmask(how, &s, NULL))
		SAY("sigprocmask: %s\n", abi_errno(errno));
}

static void warm_up(void)
{
	for (int i = 0; i < WARM; i++) {
		quick(SIG_BLOCK, SIGUSR1);
		quick(SIG_UNBLOCK, SIGUSR1);
	}
}

static void handler(int signo, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	memcpy((void *)&frame_mask, &uc->uc_sigmask, 8);
	taken_by = me;
	got++;
}

/* No system call: the observer that was forked does this. */
static unsigned long long observed(int what)
{
	sh->what = what;
	__atomic_store_n(&sh->go, ++step, __ATOMIC_RELEASE);
	while (__atomic_load_n(&sh->done, __ATOMIC_ACQUIRE) != step)
		;
	return sh->seen;
}

static unsigned long long shown_mask(void)
{
	unsigned long long m = 0;
	char name[64], line[256];
	FILE *f;

	snprintf(name, sizeof name, "/proc/%d/status", sh->owner);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof line, f))
		sscanf(line, "SigBlk: %llx", &m);
	if (f)
		fclose(f);
	return m;
}

static void observe(void)
{
	for (int next = 1;; next++) {
		void *head = NULL;
		size_t size = 0;

		while (__atomic_load_n(&sh->go, __ATOMIC_ACQUIRE) != next)
			sched_yield();
		switch (sh->what) {
		case SEND:
			kill(sh->owner, SIGUSR1);
			break;
		case SEND_IGNORED:
			kill(sh->owner, SIGURG);
			break;
		case SHOW_MASK:
			sh->seen = shown_mask();
			break;
		case SHOW_ROBUST:
			sh->seen = syscall(SYS_get_robust_list, sh->owner, &head, &size) ? 0 : (unsigned long)head;
			break;
		default:
			_exit(0);
		}
		__atomic_store_n(&sh->done, next, __ATOMIC_RELEASE);
	}
}

static void spin_until(int n)
{
	while (got < n)
		;
}

static void values(void)
{
	unsigned long long model = mask(SIG_SETMASK, 0), seed = 12345, buf[2];
	int wrong = 0;

	model = 0;
	for (int i = 0; i < 2000; i++) {
		unsigned long long set, was = model;
		int how;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		set = seed >> 7 & (BIT(SIGUSR1) | BIT(SIGUSR2) | BIT(SIGKILL) | BIT(SIGSTOP) | BIT(40) | BIT(64) | BIT(SIGCHLD));
		how = (int)(seed >> 60) % 3;
		model = (how == SIG_BLOCK ? model | set : how == SIG_UNBLOCK ? model & ~set : set) & ~(BIT(SIGKILL) | BIT(SIGSTOP));
		buf[0] = buf[1] = set;
		if (i % 3 == 0)
			wrong += call(how, buf, buf) || buf[0] != was || buf[1] != set;
		else if (i % 3 == 1)
			wrong += call(how, &buf[1], buf) || buf[0] != was || buf[1] != set;
		else
			wrong += call(how, buf, NULL) || buf[0] != set;
		if (i % 5 == 0)
			wrong += call(77, NULL, buf) || buf[0] != model;
	}
	SAY("values: wrong %d\n", wrong);
	mask(SIG_SETMASK, 0);
	buf[0] = BIT(SIGUSR2);
	V(call(3, buf, NULL));
	V(call(-1, buf, NULL));
	V(call(SIG_BLOCK, (void *)16, buf));
	V(call(SIG_BLOCK, buf, (void *)16));
	SAY("mask %llx\n", mask(SIG_SETMASK, 0));
	V(syscall(SYS_rt_sigprocmask, SIG_BLOCK, buf, NULL, 4ul));
	V(syscall(SYS_set_robust_list, buf, 23ul));
}

/* What was sent while it was blocked has come when the unblocking has returned. */
static void let_through(void)
{
	int early = 0, late = 0;

	for (int i = 0; i < ROUNDS; i++) {
		got = 0;
		quick(SIG_BLOCK, SIGUSR1);
		observed(SEND);
		early += got != 0;
		quick(SIG_UNBLOCK, SIGUSR1);
		late += got != 1;
	}
	SAY("let through: early %d, late %d\n", early, late);
}

/* Nothing is called after the change. */
static void comes_by_itself(void)
{
	int wrong = 0;

	for (int i = 0; i < ROUNDS; i++) {
		got = 0;
		quick(SIG_BLOCK, SIGUSR1);
		quick(SIG_BLOCK, SIGUSR2);
		quick(SIG_UNBLOCK, SIGUSR1);
		observed(SEND);
		spin_until(1);
		wrong += frame_mask != BIT(SIGUSR2);
		quick(SIG_UNBLOCK, SIGUSR2);
	}
	SAY("by itself: wrong %d\n", wrong);
}

/* SIGURG is ignored unless it is blocked when it comes. */
static void ignored(void)
{
	int lost = 0, kept = 0, interrupted = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	for (int i = 0; i < ROUNDS; i++) {
		const struct timespec none = { 0 };

		quick(SIG_BLOCK, SIGURG);
		observed(SEND_IGNORED);
		lost += sigtimedwait(&set, NULL, &none) != SIGURG;
		quick(SIG_UNBLOCK, SIGURG);
		observed(SEND_IGNORED);
		quick(SIG_BLOCK, SIGURG);
		kept += sigtimedwait(&set, NULL, &none) == SIGURG;
		quick(SIG_UNBLOCK, SIGURG);
		observed(SEND_IGNORED);
		interrupted += poll(NULL, 0, 0) != 0;
		quick(SIG_BLOCK, SIGUSR2);
		sh->what = SEND_IGNORED;
		__atomic_store_n(&sh->go, ++step, __ATOMIC_RELEASE);
		quick(SIG_UNBLOCK, SIGUSR2);
		interrupted += poll(NULL, 0, 1) != 0;
		while (__atomic_load_n(&sh->done, __ATOMIC_ACQUIRE) != step)
			;
	}
	SAY("ignored: lost %d, kept %d, interrupted %d\n", lost, kept, interrupted);
}

static void timer(void)
{
	struct itimerval it = { .it_value = { 0, 3000 } };
	int wrong = 0;

	for (int i = 0; i < 5; i++) {
		long long end = now_ms() + 10;

		got = 0;
		quick(SIG_BLOCK, SIGALRM);
		V(setitimer(ITIMER_REAL, &it, NULL));
		quick(SIG_UNBLOCK, SIGUSR1);
		while (now_ms() < end)
			;
		wrong += got != 0;
		quick(SIG_UNBLOCK, SIGALRM);
		spin_until(1);          /* on a busy machine it may be late */
	}
	SAY("timer: wrong %d\n", wrong);
}

static void shown(void)
{
	unsigned long long m = mask(SIG_SETMASK, 0), here;
	static long head[3] = { (long)head };
	int wrong = 0;

	for (int i = 0; i < 6; i++) {
		quick(SIG_BLOCK, SIGUSR2);
		wrong += observed(SHOW_MASK) != BIT(SIGUSR2);
		quick(SIG_UNBLOCK, SIGUSR2);
		wrong += observed(SHOW_MASK) != 0;
	}
	quick(SIG_BLOCK, SIGUSR2);
	here = (unsigned long)head;
	V(syscall(SYS_set_robust_list, head, 24ul));
	wrong += observed(SHOW_ROBUST) != here;
	if (!fork())
		_exit(mask(SIG_BLOCK, 0) != BIT(SIGUSR2));
	wait(&wrong);
	quick(SIG_UNBLOCK, SIGUSR2);
	SAY("shown: %llx, wrong %d\n", m, wrong);
}

/* ---- threads ---- */

static int ready, stop;

static void *sleeper(void *arg)
{
	me = 2;
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1000);
	return arg;
}

static void *blocker(void *arg)
{
	quick(SIG_BLOCK, SIGUSR1);
	me = 3;
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	for (int i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		quick(SIG_BLOCK, SIGUSR2);
		quick(SIG_UNBLOCK, SIGUSR2);
	}
	return arg;
}

/* The process's signal goes to the thread that does not block it. */
static void threads(void *(*other)(void *), int how, int who)
{
	int wrong = 0;
	pthread_t t;

	ready = stop = 0;
	pthread_create(&t, NULL, other, NULL);
	while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		sched_yield();
	for (int i = 0; i < ROUNDS; i++) {
		got = 0;
		quick(how == SIG_BLOCK ? SIG_UNBLOCK : SIG_BLOCK, SIGUSR1);
		quick(how, SIGUSR1);
		observed(SEND);
		spin_until(1);
		wrong += taken_by != who;
	}
	quick(SIG_UNBLOCK, SIGUSR1);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_kill(t, SIGALRM);
	pthread_join(t, NULL);
	SAY("threads: wrong %d\n", wrong);
}

/* Many at once, by threads that come and go and let signals through: none is lost. */
static volatile int counted;
static void count(int signo) { __atomic_fetch_add(&counted, 1, __ATOMIC_SEQ_CST); }

static void *churn(void *arg)
{
	for (int i = 0; i < 300; i++) {
		quick(SIG_BLOCK, SIGUSR2);
		pthread_kill(pthread_self(), SIGUSR2);
		quick(SIG_UNBLOCK, SIGUSR2);
	}
	return arg;
}

static void many(void)
{
	struct sigaction sa = { .sa_handler = count };

	sigaction(SIGUSR2, &sa, NULL);
	for (int i = 0; i < 6; i++) {
		pthread_t t[3];

		for (int k = 0; k < 3; k++)
			pthread_create(&t[k], NULL, churn, NULL);
		for (int k = 0; k < 3; k++)
			pthread_join(t[k], NULL);
	}
	SAY("many: %d\n", counted);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	pid_t observer;

	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sh->owner = getpid();
	me = 1;
	observer = fork();
	if (!observer)
		observe();
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	warm_up();
	values();
	let_through();
	comes_by_itself();
	ignored();
	timer();
	shown();
	threads(sleeper, SIG_BLOCK, 2);
	threads(blocker, SIG_UNBLOCK, 1);
	many();
	sh->what = QUIT;
	__atomic_store_n(&sh->go, ++step, __ATOMIC_RELEASE);
	V(waitpid(observer, NULL, 0) == observer);
	return 0;
}
