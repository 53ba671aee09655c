/* SPDX-License-Identifier: Apache-2.0 */
/* The first two processes.
 *
 * pid 1 is the kernel's own init: a task without user memory that lays out the
 * file system, starts the user's program as pid 2, and waits for it.  Orphans
 * are given to it and reaped at once (exit.c); no signal reaches it, because
 * it ignores them all and sleeps uninterruptibly.  When the program has ended,
 * the sandbox ends with its status. */
#include "kernel/net/net.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/exec.h"
#include "kernel/task/internal.h"

#include "kernel/tty/tty.h"
#include <boot.h>
#include <hostcall.h>

#define EXIT_NOT_FOUND 127
#define EXIT_CANNOT_EXEC 126
#define EXIT_NACRE 125
#define DRAIN_NS (2 * NSEC_PER_SEC)
#define DRAIN_STEP_NS (10 * 1000000ull)
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static struct tgroup *first_program;            /* counted; set once before it runs; atomic */
static uint64_t early_signals;                  /* atomic: bits of those that came before it */

struct tgroup *task_first_program(void)
{
	return __atomic_load_n(&first_program, __ATOMIC_SEQ_CST);
}

/* Keyboard signals go to everyone the program started in its group, as a
 * terminal would send them; the others to the program alone. */
static void forward(struct tgroup *first, int signo)
{
	if ((signo == SIGINT || signo == SIGQUIT) && !signal_send_pgrp(first->tgid, signo, NULL))
		return;
	signal_send_group(first, signo, NULL);
}

static void forward_early_signals(void)
{
	struct tgroup *first = task_first_program();
	uint64_t set = __atomic_exchange_n(&early_signals, 0, __ATOMIC_SEQ_CST);

	for (int signo = 1; set && signo < 32; signo++)
		if (set >> signo & 1)
			forward(first, signo);
}

/* A signal that comes before the program waits for it: noted first, then
 * looked again, so that either side finds it. */
void task_init_forward_signal(int signo)
{
	__atomic_fetch_or(&early_signals, 1ull << signo, __ATOMIC_SEQ_CST);
	if (task_first_program())
		forward_early_signals();
}

static void host_events(uint64_t events)
{
	uint64_t streams = HC_EVENT_WINCH;

	for (unsigned n = 0; n < HC_STREAM_COUNT; n++)
		streams |= HC_EVENT_STREAM(n);
	if (events & streams)
		stdio_events(events & streams);
	if (events & HC_EVENT_TERM)
		task_init_forward_signal(SIGTERM);
	for (int signo = 1; signo < 32; signo++)
		if (events & HC_EVENT_SIGNAL(signo))
			task_init_forward_signal(signo);
}

/* ---- messages to the user ---- */

static const char *err_text(int err)
{
	static const struct { int err; const char *text; } texts[] = {
		{ -EACCES, "permission denied" },
		{ -ENOEXEC, "not in a format that this machine runs" },
		{ -ENOENT, "its interpreter was not found" },
		{ -E2BIG, "argument list too long" },
		{ -ENOMEM, "out of memory" },
		{ -ELIBBAD, "its interpreter is damaged" },
		{ -EISDIR, "is a directory" },
		{ -ELOOP, "too many levels of links or interpreters" },
		{ -ENAMETOOLONG, "file name too long" },
		{ -EIO, "input/output error" },
		{ -EINVAL, "invalid executable" },
		{ -EPERM, "not permitted" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].err == err)
			return texts[i].text;
	return NULL;
}

static void tell_user(const char *msg)
{
	size_t n = strlen(msg), done;

	for (unsigned tries = 0; n && tries < 100; tries++) {
		int err = hc_stream_write(HC_STREAM_STDERR, msg, n, &done);

		if (err && err != -EAGAIN)
			return;
		if (!err) {
			msg += MIN(done, n);
			n -= MIN(done, n);
		}
	}
}

static __noreturn void exec_failed(const char *cmd, int err, bool found)
{
	const char *text = err_text(err);
	char msg[512];

	if (!found) {
		ksnprintf(msg, sizeof(msg), "nacre: %.400s: not found\n", cmd);
		tell_user(msg);
		plat_exit(EXIT_NOT_FOUND);
	}
	if (text)
		ksnprintf(msg, sizeof(msg), "nacre: %.300s: cannot execute: %s\n", cmd, text);
	else
		ksnprintf(msg, sizeof(msg), "nacre: %.300s: cannot execute: error %d\n", cmd, -err);
	tell_user(msg);
	plat_exit(EXIT_CANNOT_EXEC);
}

static __noreturn void boot_failed(const char *what, int err)
{
	char msg[160];

	ksnprintf(msg, sizeof(msg), "nacre: cannot set up %s: error %d\n", what, -err);
	tell_user(msg);
	plat_exit(EXIT_NACRE);
}

/* ---- the program ---- */

static const char *boot_env(const struct boot_params *bp, const char *name)
{
	size_t n = strlen(name);

	for (const char *const *e = bp->envp; e && *e; e++)
		if (!strncmp(*e, name, n) && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

static int strings_from(struct exec_strings *s, const char *const *v)
{
	for (; v && *v; v++) {
		int err = exec_strings_add(s, *v, strlen(*v));

		if (err)
			return err;
	}
	return 0;
}

/* As execvp(3): the first directory of PATH that has something to run. */
static int exec_search(struct task *t, const char *cmd, const char *path_env,
		       struct exec_strings *argv, struct exec_strings *envp, bool *ret_found)
{
	const char *p = path_env ? path_env : DEFAULT_PATH;
	char *full = kmalloc(PATH_MAX);
	int err = -ENOENT, seen = 0;

	if (!full)
		return -ENOMEM;
	for (;;) {
		const char *end = strchr(p, ':');
		size_t n = end ? (size_t)(end - p) : strlen(p);
		struct file *f;

		if ((size_t)ksnprintf(full, PATH_MAX, "%.*s%s%s", (int)MIN(n, (size_t)PATH_MAX),
				      n ? p : ".", "/", cmd) < PATH_MAX) {
			err = path_open_exec(AT_FDCWD, full, 0, &f);
			if (!err) {
				file_put(f);
				*ret_found = true;
				err = exec_run(t, AT_FDCWD, full, 0, argv, envp);
				break;
			}
			if (err == -EACCES)
				seen = err;
			else if (err != -ENOENT && err != -ENOTDIR)
				break;
		}
		if (!end) {
			if (seen) {
				err = seen;
				*ret_found = true;
			}
			break;
		}
		p = end + 1;
	}
	kfree(full);
	return err;
}

static void open_stdio(struct task *t, const struct boot_params *bp)
{
	struct file *tty = NULL;

	for (unsigned n = 0; n < 3; n++) {
		struct file *f;
		int fd, err = 0;

		if (bp->stdio[n] == BOOT_STDIO_TTY && tty) {
			f = file_get(tty);
		} else {
			err = stdio_open(n, bp, &f);
			if (!err && bp->stdio[n] == BOOT_STDIO_TTY)
				tty = f;
		}
		if (err)
			boot_failed("standard streams", err);
		fd = fd_add(f, false);
		if (fd < 0)
			boot_failed("standard streams", fd);
	}
	if (tty && tty_host())
		(void)!tty_set_controlling(tty_host(), true);
}

static void set_cwd(struct task *t, const char *cwd)
{
	struct path p, old;

	if (!cwd || path_lookup(AT_FDCWD, cwd, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p))
		return;
	spin_lock(&t->fs->lock);
	old = t->fs->cwd;
	t->fs->cwd = p;
	spin_unlock(&t->fs->lock);
	path_put(&old);
}

/* pid 2 begins here, in the kernel. */
static void program_main(void *arg)
{
	const struct boot_params *bp = arg;
	struct task *t = current_task();
	struct exec_strings argv = { 0 }, envp = { 0 };
	bool found = false;
	int err;

	open_stdio(t, bp);
	set_cwd(t, bp->cwd);
	if (!bp->argv || !bp->argv[0] || !bp->argv[0][0])
		boot_failed("the program: no name given", -EINVAL);
	err = strings_from(&argv, bp->argv);
	if (!err)
		err = strings_from(&envp, bp->envp);
	if (err)
		boot_failed("arguments", err);
	if (strchr(bp->argv[0], '/')) {
		struct file *f;

		err = path_open_exec(AT_FDCWD, bp->argv[0], 0, &f);
		if (!err) {
			file_put(f);
			err = exec_run(t, AT_FDCWD, bp->argv[0], 0, &argv, &envp);
			found = true;
		} else {
			found = err != -ENOENT && err != -ENOTDIR;
		}
	} else {
		err = exec_search(t, bp->argv[0], boot_env(bp, "PATH"), &argv, &envp, &found);
	}
	if (err && signal_pending(t))
		signal_deliver_user(false);     /* it was that which ended the attempt */
	if (err)
		exec_failed(bp->argv[0], err, found);
	exec_strings_free(&argv);
	exec_strings_free(&envp);
	signal_deliver_user(false);
	task_user_loop(NULL);
}

/* ---- set-up of the two tasks ---- */

static void default_rlimits(struct tgroup *g, const struct boot_params *bp)
{
	uint64_t nofile = bp->nofile_limit ? bp->nofile_limit : 1048576;
	uint64_t nproc = TASKS_MAX;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		g->rlim[i] = (struct linux_rlimit64){ RLIM_INFINITY, RLIM_INFINITY };
	g->rlim[RLIMIT_STACK].cur = 8ull << 20;
	g->rlim[RLIMIT_CORE].cur = 0;
	g->rlim[RLIMIT_NPROC] = (struct linux_rlimit64){ nproc, nproc };
	g->rlim[RLIMIT_NOFILE] = (struct linux_rlimit64){ MIN(nofile, 1024ul), nofile };
	g->rlim[RLIMIT_MEMLOCK] = (struct linux_rlimit64){ 8ull << 20, 8ull << 20 };
	g->rlim[RLIMIT_SIGPENDING] = (struct linux_rlimit64){ nproc, nproc };
	g->rlim[RLIMIT_MSGQUEUE] = (struct linux_rlimit64){ 819200, 819200 };
	g->rlim[RLIMIT_NICE] = (struct linux_rlimit64){ 0, 0 };
	g->rlim[RLIMIT_RTPRIO] = (struct linux_rlimit64){ 0, 0 };
}

static struct cred *make_cred(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n)
{
	struct cred *c = kzalloc(sizeof(*c) + n * sizeof(c->groups[0]));

	if (!c)
		return NULL;
	ref_init(&c->ref);
	c->uid = c->euid = c->suid = c->fsuid = uid;
	c->gid = c->egid = c->sgid = c->fsgid = gid;
	c->cap_bounding = CAP_FULL_SET;
	if (uid == 0)
		c->cap_permitted = c->cap_effective = CAP_FULL_SET;
	c->ngroups = (uint32_t)n;
	if (n)
		memcpy(c->groups, groups, n * sizeof(c->groups[0]));
	return c;
}

/* A process of the kernel's making; memory for two of them is a matter of
 * course at boot. */
static struct task *boot_task(const char *comm, struct cred *cred, struct task *parent,
			      const struct boot_params *bp, void (*fn)(void *))
{
	struct task *t = task_new();
	struct tgroup *g = tgroup_new();

	if (!t || !g || !cred)
		kpanic("no memory for the first task");
	t->tg = g;
	t->cred = cred;
	g->leader = t;
	g->container = container0;
	g->exit_signal = SIGCHLD;
	default_rlimits(g, bp);
	kstrlcpy(t->comm, comm, sizeof(t->comm));
	t->utsns = container0->utsns;
	ref_get(&t->utsns->ref);
	t->netns = netns_boot();
	if (!t->netns)
		kpanic("no memory for the network");
	t->mntns = mntns_get(container0->mntns);
	t->files = files_new();
	t->sighand = sighand_new();
	t->kernel_trace = bp->strace;
	t->altstack.flags = SS_DISABLE;
	if (!t->files || !t->sighand || sched_task_init(t, fn, (void *)(uintptr_t)bp))
		kpanic("no memory for the first task");
	spin_lock(&task_list_lock);
	if (pid_alloc_locked(container0->pidns, &t->tid))
		kpanic("no pid for the first task");
	g->tgid = g->pgid = t->tid;
	g->session = session_new(t->tid);
	if (!g->session)
		kpanic("no memory for the first session");
	if (parent) {
		g->parent = parent->tg;
		g->parent_task = parent;
	} else {
		container0->pidns->init = g;
	}
	tgroup_publish_locked(g);
	task_publish_locked(t);
	spin_unlock(&task_list_lock);
	return t;
}

/* The terminal may be slower than the program was. */
static void drain_terminal(void)
{
	struct tty *tty = tty_host();
	uint64_t until = plat_time_mono_ns() + DRAIN_NS;

	if (!tty)
		return;
	for (;;) {
		tty_host_pump_out(tty);
		if (__atomic_load_n(&tty->ohead, __ATOMIC_RELAXED) ==
		    __atomic_load_n(&tty->otail, __ATOMIC_RELAXED))
			return;
		if (WAIT_EVENT(&tty->out_wait, TASK_UNINTERRUPTIBLE,
			       MIN(until, plat_time_mono_ns() + DRAIN_STEP_NS), false) &&
		    plat_time_mono_ns() >= until)
			return;
	}
}

static __noreturn void end_sandbox(int wstatus)
{
	struct tgroup *g;

	/* What still runs has no one to serve; its memory and streams go with
	 * the sandbox. */
	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link)
		if (!tgroup_is_init(g) && !g->zombie)
			tgroup_kill_all_locked(g, SIGKILL);
	spin_unlock(&task_list_lock);
	drain_terminal();
	plat_exit(wstatus & 0x7f ? 128 + (wstatus & 0x7f) : (wstatus >> 8) & 0xff);
}

static void start_signals(struct task *t, const struct boot_params *bp)
{
	for (int signo = 1; signo <= NSIG; signo++)
		if (bp->signals_ignored & SIGMASK(signo))
			t->sighand->action[signo - 1].handler = (uint64_t)SIG_IGN;
	t->blocked = bp->signals_blocked & ~SIG_UNBLOCKABLE;
}

/* pid 1. */
static void init_main(void *arg)
{
	const struct boot_params *bp = arg;
	struct task *t = current_task(), *p;
	int err = vfs_boot_mounts(bp, container0->mntns, t->fs);

	if (err)
		boot_failed("the file system", err);
	p = boot_task("init", make_cred(bp->uid, bp->gid, bp->groups, bp->group_count), t, bp,
		      program_main);
	start_signals(p, bp);
	p->fs = fs_info_copy(t->fs);
	if (!p->fs)
		kpanic("no memory for the first program");
	__atomic_store_n(&first_program, tgroup_get(p->tg), __ATOMIC_SEQ_CST);
	forward_early_signals();
	sched_task_start(p);
	wait_event(&t->tg->child_wait, __atomic_load_n(&first_program->zombie, __ATOMIC_ACQUIRE));
	end_sandbox(first_program->exit_code);
}

void task_init_boot(const struct boot_params *bp)
{
	struct fs_info *fs = kzalloc(sizeof(*fs));
	struct task *t;

	if (!fs)
		kpanic("no memory for the first task");
	ref_init(&fs->ref);
	spin_init(&fs->lock);
	fs->umask = 022;
	sched_set_event_handler(host_events);
	task_table_init();
	container_init(bp);
	t = boot_task("init", make_cred(0, 0, NULL, 0), NULL, bp, init_main);
	t->fs = fs;
	for (int i = 0; i < NSIG; i++)
		t->sighand->action[i].handler = SIG_IGN;
	sched_task_start(t);
}
