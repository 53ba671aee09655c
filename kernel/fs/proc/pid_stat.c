/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/stat and status: what ps and top read. */
#include "kernel/fs/proc/proc.h"
#include "kernel/tty/tty.h"
#include "kernel/task/ptrace.h"

struct snapshot {
	char comm[16], state;
	int32_t tid, tgid, ppid, pgid, sid, tty_nr, tty_pgrp, exit_signal;
	unsigned threads;
	struct child_usage use, cuse;
	uint64_t pending, shared, blocked, ignored, caught;
	uint64_t start_ns, rsslim;
	int nice;
	int32_t tracer;
};

static char state_of(const struct task *t)
{
	if (t->tg->zombie && t->tg->leader == t)
		return 'Z';
	switch (__atomic_load_n(&t->se.state, __ATOMIC_RELAXED)) {
	case TASK_RUNNING:
		return 'R';
	case TASK_INTERRUPTIBLE:
		return 'S';
	case TASK_UNINTERRUPTIBLE:
		return tgroup_is_init(t->tg) ? 'S' : 'D';
	case TASK_KILLABLE:
		return 'D';
	case TASK_STOPPED:
		return 'T';
	case TASK_TRACED:
		return 't';
	default:
		return t->tg->leader == t && t->tg->thread_count > 0 ? 'S' : 'X';
	}
}

static void signals_of(struct task *t, struct snapshot *x)
{
	struct sighand *h = t->sighand;

	signal_mask_settle(t);
	x->blocked = t->blocked;
	if (!h)
		return;
	spin_lock(&h->lock);
	x->pending = t->pending.set;
	x->shared = t->tg->pending.set;
	for (int n = 0; n < NSIG; n++) {
		if (h->action[n].handler == 1)
			x->ignored |= 1ull << n;
		else if (h->action[n].handler)
			x->caught |= 1ull << n;
	}
	spin_unlock(&h->lock);
}

static void take(struct task *t, bool whole, struct snapshot *x)
{
	struct tgroup *g = t->tg;
	struct session *s;

	memset(x, 0, sizeof(*x));
	spin_lock(&task_list_lock);
	memcpy(x->comm, t->comm, sizeof(x->comm));
	x->comm[sizeof(x->comm) - 1] = 0;
	x->tid = t->tid;
	x->tgid = g->tgid;
	x->ppid = g->parent ? g->parent->tgid : 0;
	x->pgid = g->pgid;
	s = g->session;
	x->sid = s ? s->sid : 0;
	x->tty_pgrp = -1;
	if (s && s->tty) {
		x->tty_nr = (int32_t)MKDEV(TTY_MAJOR_PTS, s->tty->index);
		x->tty_pgrp = s->tty->pgrp;
	}
	x->exit_signal = g->exit_signal;
	x->threads = g->thread_count;
	if (whole) {
		tgroup_usage_locked(g, &x->use);
	} else {
		x->use.utime_ns = __atomic_load_n(&t->se.user_ns, __ATOMIC_RELAXED);
		x->use.stime_ns = __atomic_load_n(&t->se.sys_ns, __ATOMIC_RELAXED);
		x->use.minflt = __atomic_load_n(&t->minflt, __ATOMIC_RELAXED);
		x->use.majflt = __atomic_load_n(&t->majflt, __ATOMIC_RELAXED);
	}
	x->cuse = g->cusage;
	x->start_ns = g->start_ns;
	x->nice = task_nice(t);
	x->rsslim = g->rlim[RLIMIT_RSS].cur;
	x->state = t == current_task() ? 'R' : state_of(t);
	spin_unlock(&task_list_lock);
	x->tracer = ptrace_tracer_tid(t);
	signals_of(t, x);
}

int pid_stat(struct task *t, struct sbuf *s)
{
	struct mm *mm = task_get_mm(t);
	struct mem_numbers m;
	struct snapshot x;
	bool may = pid_may(t, true);

	take(t, t->tg->leader == t, &x);
	pid_mem_numbers(t, &m);
#define LLU(v) ((unsigned long long)(v))
	sbuf_printf(s, "%d (%s) %c %d %d %d %d %d %u %llu %llu %llu %llu ",
		    x.tid, x.comm, x.state, x.ppid, x.pgid, x.sid, x.tty_nr, x.tty_pgrp,
		    mm ? 0x400000u : 0x200040u, LLU(x.use.minflt), LLU(x.cuse.minflt),
		    LLU(x.use.majflt), LLU(x.cuse.majflt));
	sbuf_printf(s, "%llu %llu %llu %llu %d %d %u 0 %llu %llu %llu %llu ",
		    LLU(x.use.utime_ns / USER_HZ_NS), LLU(x.use.stime_ns / USER_HZ_NS),
		    LLU(x.cuse.utime_ns / USER_HZ_NS), LLU(x.cuse.stime_ns / USER_HZ_NS),
		    20 + x.nice, x.nice, x.threads, LLU(x.start_ns / USER_HZ_NS),
		    LLU(m.size), LLU(m.rss >> 12), LLU(x.rsslim));
	if (mm && may)
		sbuf_printf(s, "%llu %llu %llu 0 0 ", LLU(mm->start_code), LLU(mm->end_code),
			    LLU(mm->start_stack));
	else
		sbuf_printf(s, "%d %d 0 0 0 ", mm ? 1 : 0, mm ? 1 : 0);
	sbuf_printf(s, "%llu %llu %llu %llu %u 0 0 %d %u 0 0 0 0 0 ",
		    LLU(x.pending & 0x7fffffff), LLU(x.blocked & 0x7fffffff),
		    LLU(x.ignored & 0x7fffffff), LLU(x.caught & 0x7fffffff),
		    __atomic_load_n(&t->wchan, __ATOMIC_RELAXED) ? 1u : 0u, x.exit_signal, __atomic_load_n(&t->se.cpu, __ATOMIC_RELAXED));
	if (mm && may)
		sbuf_printf(s, "%llu %llu %llu %llu %llu %llu %llu 0\n", LLU(mm->start_data),
			    LLU(mm->end_data), LLU(mm->brk_start), LLU(mm->arg_start),
			    LLU(mm->arg_end), LLU(mm->env_start), LLU(mm->env_end));
	else
		sbuf_printf(s, "0 0 0 0 0 0 0 0\n");
	if (mm)
		mm_put(mm);
	return 0;
}

static void show_creds(struct task *t, struct sbuf *s)
{
	struct cred *c = task_get_cred(t);

	if (!c)
		return;
	sbuf_printf(s, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid,
		    c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
	cred_put(c);
}

static void show_groups(struct task *t, struct sbuf *s)
{
	struct cred *c = task_get_cred(t);

	sbuf_printf(s, "Groups:\t");
	for (uint32_t n = 0; c && n < c->ngroups; n++)
		sbuf_printf(s, "%u ", c->groups[n]);
	sbuf_printf(s, "\n");
	if (c)
		cred_put(c);
}

static void show_caps(struct task *t, struct sbuf *s)
{
	struct cred *c = task_get_cred(t);

	if (!c)
		return;
	sbuf_printf(s, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n",
		    LLU(c->cap_inheritable), LLU(c->cap_permitted), LLU(c->cap_effective),
		    LLU(c->cap_bounding), LLU(c->cap_ambient));
	cred_put(c);
}

static const char *state_text(char c)
{
	switch (c) {
	case 'R': return "R (running)";
	case 'S': return "S (sleeping)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	case 'Z': return "Z (zombie)";
	default: return "X (dead)";
	}
}

static void show_mem(struct task *t, struct sbuf *s)
{
	struct mem_numbers m;
	struct mm *mm = task_get_mm(t);

	if (!mm)
		return;
	mm_put(mm);
	pid_mem_numbers(t, &m);
	sbuf_printf(s, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmPin:\t%8u kB\n"
		    "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\nRssAnon:\t%8llu kB\nRssFile:\t%8u kB\nRssShmem:\t%8u kB\n",
		    LLU(m.size >> 10), LLU(m.size >> 10), LLU(m.locked >> 10), 0,
		    LLU(m.peak_rss >> 10), LLU(m.rss >> 10), LLU(m.rss >> 10), 0, 0);
	sbuf_printf(s, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8llu kB\n"
		    "VmPTE:\t%8u kB\nVmSwap:\t%8u kB\n", LLU(m.data >> 10), LLU(m.stack >> 10),
		    LLU(m.text >> 10), LLU(m.lib >> 10), 64, 0);
}

int pid_status(struct task *t, struct sbuf *s)
{
	struct files *fs = task_get_files(t);
	struct fs_info *fi = task_get_fs(t);
	uint64_t cpus = cpu_count() >= 64 ? UINT64_MAX : (1ull << cpu_count()) - 1;
	struct snapshot x;
	unsigned fdsize = 64;

	take(t, t->tg->leader == t, &x);
	if (fs) {
		int fd = -1, next;

		while ((next = files_next_fd(fs, fd + 1)) >= 0 && fd < 100000)
			fd = next;
		while (fdsize <= (unsigned)(fd < 0 ? 0 : fd))
			fdsize *= 2;
		files_put(fs);
	}
	sbuf_printf(s, "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
		    x.comm, fi ? fi->umask : 022, state_text(x.state), x.tgid, x.tid, x.ppid, x.tracer);
	if (fi)
		fs_info_put(fi);
	show_creds(t, s);
	sbuf_printf(s, "FDSize:\t%u\n", fdsize);
	show_groups(t, s);
	sbuf_printf(s, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", x.tgid, x.tid, x.pgid, x.sid);
	show_mem(t, s);
	sbuf_printf(s, "CoreDumping:\t0\nTHP_enabled:\t0\nThreads:\t%u\nSigQ:\t0/%llu\n", x.threads,
		    LLU(MIN(t->tg->rlim[RLIMIT_SIGPENDING].cur, (uint64_t)INT32_MAX)));
	sbuf_printf(s, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
		    LLU(x.pending), LLU(x.shared), LLU(x.blocked), LLU(x.ignored), LLU(x.caught));
	show_caps(t, s);
	sbuf_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%d\n", t->no_new_privs,
		    t->seccomp_mode, t->seccomp ? 1 : 0);
	sbuf_printf(s, "Speculation_Store_Bypass:\tthread vulnerable\nSpeculationIndirectBranch:\tconditional enabled\n");
	sbuf_printf(s, "Cpus_allowed:\t%llx\nCpus_allowed_list:\t0", LLU(__atomic_load_n(&t->se.affinity, __ATOMIC_RELAXED) & cpus));
	if (cpu_count() > 1)
		sbuf_printf(s, "-%u", cpu_count() - 1);
	sbuf_printf(s, "\nMems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%llu\n"
		    "nonvoluntary_ctxt_switches:\t%llu\n", LLU(__atomic_load_n(&t->se.nvcsw, __ATOMIC_RELAXED)),
		    LLU(__atomic_load_n(&t->se.nivcsw, __ATOMIC_RELAXED)));
	return 0;
}
