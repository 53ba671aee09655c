/* SPDX-License-Identifier: Apache-2.0 */
/* execve(2), execveat(2).
 *
 * Phases: copy the arguments; open the file and follow "#!" lines; build the
 * new address space beside the old one; end the other threads; then commit,
 * where nothing can fail.  Whatever fails before the threads are told to end
 * leaves the caller as it was; a failure after that kills it.
 * Trust: the file and the arguments are hostile; everything is bounded. */
#include "kernel/task/exec.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"
#include "kernel/task/ptrace.h"
#include <linux_abi/prctl.h>

#define SHEBANG_MAX 256
#define SHEBANG_DEPTH 5

/* ---- credentials of the new program: capabilities(7), execve(2) ---- */

static bool honours_suid(struct task *t, struct file *f)
{
	return !t->no_new_privs && !(mount_flags(f->path.mnt) & MNT_NOSUID) &&
	       (!t->ptrace || capable(CAP_SYS_PTRACE));
}

static void exec_caps(struct cred *n, bool id_changed)
{
	uint64_t bounding = n->cap_bounding;

	if (id_changed)
		n->cap_ambient = 0;
	if (!(n->securebits & SECBIT_NOROOT) && (n->euid == 0 || n->uid == 0)) {
		n->cap_permitted = n->cap_inheritable | bounding;
		n->cap_effective = n->euid == 0 ? n->cap_permitted : 0;
	} else {
		n->cap_permitted = n->cap_ambient;
		n->cap_effective = n->cap_ambient;
	}
}

/* ret_cred: what the task will have; *ret_secure: AT_SECURE. */
static int new_cred(struct task *t, struct file *f, struct cred **ret, bool *ret_secure)
{
	struct cred *n = cred_copy(t->cred, t->cred->ngroups);
	struct kstat st;
	bool changed = false;
	int err;

	if (!n)
		return -ENOMEM;
	err = vfs_getattr(&f->path, &st);
	if (err) {
		cred_put(n);
		return err;
	}
	if (honours_suid(t, f)) {
		if (st.mode & S_ISUID) {
			changed |= n->euid != st.uid;
			n->euid = st.uid;
		}
		if ((st.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP)) {
			changed |= n->egid != st.gid;
			n->egid = st.gid;
		}
	}
	n->suid = n->fsuid = n->euid;
	n->sgid = n->fsgid = n->egid;
	n->securebits &= ~SECBIT_KEEP_CAPS;
	exec_caps(n, changed);
	*ret_secure = n->uid != n->euid || n->gid != n->egid;
	*ret = n;
	return 0;
}

/* ---- "#!" ---- */

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Split the first line: interpreter, then at most one argument, which may hold
 * blanks.  execve(2), "Interpreter scripts". */
static int parse_shebang(char *line, size_t n, char **ret_interp, char **ret_arg)
{
	char *p = line + 2, *end = memchr(line, '\n', n), *q;

	if (!end) {
		/* A cut-off line is fine as long as the path is whole. */
		end = line + n;
		for (q = p; q < end && blank(*q); q++)
			;
		while (q < end && !blank(*q) && *q)
			q++;
		if (q == end && n >= SHEBANG_MAX)
			return -ENOEXEC;
	}
	while (p < end && blank(*p))
		p++;
	while (end > p && blank(end[-1]))
		end--;
	if (p == end || !*p)
		return -ENOEXEC;
	*end = 0;
	for (q = p; *q && !blank(*q); q++)
		;
	*ret_interp = p;
	*ret_arg = NULL;
	if (*q) {
		*q++ = 0;
		while (blank(*q))
			q++;
		if (*q)
			*ret_arg = q;
	}
	return 0;
}

/* argv becomes: interp [arg] script argv[1…] */
static int rewrite_argv(struct exec_strings *argv, const char *interp, const char *arg,
			const char *script)
{
	struct exec_strings n = { 0 };
	size_t first = argv->count ? strlen(argv->p) + 1 : 0;
	int err;

	err = exec_strings_add(&n, interp, strlen(interp));
	if (!err && arg)
		err = exec_strings_add(&n, arg, strlen(arg));
	if (!err)
		err = exec_strings_add(&n, script, strlen(script));
	if (!err && argv->size > first) {
		unsigned count = n.count + argv->count - 1;

		/* Many strings at once: the block carries its own NULs. */
		err = exec_strings_add(&n, argv->p + first, argv->size - first - 1);
		n.count = count;
	}
	if (err) {
		exec_strings_free(&n);
		return err;
	}
	exec_strings_free(argv);
	*argv = n;
	return 0;
}

/* ---- commit ---- */

/* The last part of the name that was asked for, a script's and not its
 * interpreter's; the file's own name where only a descriptor was given. */
static void set_comm(struct task *t, const struct exec_args *a)
{
	const char *base = strrchr(a->path, '/');
	char name[NAME_MAX + 1] = "";
	struct dentry *d = a->file->path.dentry;
	size_t n = 0;

	base = base ? base + 1 : a->path;
	if (a->nameless) {
		dentry_put(dentry_parent_name(d, name, &n));
		name[n] = 0;
		base = n || !d->name ? name : d->name;          /* no parent: never renamed */
	}
	spin_lock(&t->tg->lock);
	memset(t->comm, 0, sizeof(t->comm));
	kstrlcpy(t->comm, base, sizeof(t->comm));
	spin_unlock(&t->tg->lock);
}

static void commit(struct task *t, struct exec_args *a, struct exec_image *img, struct cred *cred,
		   struct sighand *sh)
{
	struct tgroup *g = t->tg;
	struct sighand *old_sh = NULL;
	struct cred *old_cred;
	struct mm *old_mm = t->mm;

	if (old_mm) {
		copy_out_finish(t);
		ride_over_slow(t);
		futex_exit_task(t);     /* robust futexes and clear_child_tid of the old image */
	}
	t->rider_area.mm = NULL;
	t->robust_list = 0;
	t->clear_child_tid = 0;
	t->rseq_addr = 0;
	t->rseq_len = 0;
	t->restart.fn = NULL;
	if (!img->mm->exe_file)
		img->mm->exe_file = file_get(a->file);

	posix_timers_delete_all(g);
	sighand_exec_reset(sh);
	t->user_dispatch.on = false;
	t->altstack.sp = t->altstack.size = 0;
	t->altstack.flags = SS_DISABLE;
	if (cred->euid != t->cred->euid || cred->egid != t->cred->egid || a->secure)
		__atomic_store_n(&t->pdeath_signal, 0, __ATOMIC_RELAXED);
	t->personality &= ~(a->secure ? ADDR_NO_RANDOMIZE : 0u);

	spin_lock(&task_list_lock);
	t->mm = img->mm;
	if (t->sighand != sh) {
		old_sh = t->sighand;
		t->sighand = sh;
	}
	old_cred = t->cred;
	t->cred = cred;
	g->execed = true;
	__atomic_store_n(&g->dumpable, !a->secure, __ATOMIC_RELAXED);
	if (g->exit_signal > 0)
		g->exit_signal = SIGCHLD;
	spin_unlock(&task_list_lock);

	set_comm(t, a);
	files_close_on_exec(t->files);
	task_vfork_done(t);
	if (old_mm) {
		tgroup_left_mm(t, old_mm);
		plat_uctx_drop(&t->uctx);
		mm_put(old_mm);
	}
	if (old_sh)
		sighand_put(old_sh);
	cred_put(old_cred);

	plat_user_init(&t->uctx);
	t->uctx.regs.rip = img->entry;
	t->uctx.regs.rsp = img->sp;
	t->uctx.regs_changed = true;
	plat_uctx_xstate_changed(&t->uctx);
}

/* a->uid and secure are set here; path, file and strings by the caller. */
int task_exec(struct task *t, struct exec_args *a)
{
	struct exec_image img;
	struct sighand *sh = t->sighand;
	struct cred *cred;
	int32_t old_tid = t->tid;
	int err;

	err = new_cred(t, a->file, &cred, &a->secure);
	if (err)
		return err;
	a->uid = cred->uid;
	a->euid = cred->euid;
	a->gid = cred->gid;
	a->egid = cred->egid;
	err = mm_exec_load(a, &img);
	if (err) {
		cred_put(cred);
		return err;
	}
	err = files_unshare(t);
	if (err)
		goto fail;
	err = exec_de_thread(t);
	if (err)
		goto fail;
	/* The threads that shared the handlers are gone; other processes may
	 * still (CLONE_SIGHAND without CLONE_THREAD). */
	if (ref_read(&sh->ref) > 1) {
		sh = sighand_copy(sh);
		if (!sh) {
			mm_put(img.mm);
			cred_put(cred);
			task_exit_group(SIGKILL);
		}
	}
	commit(t, a, &img, cred, sh);
	if (unlikely(task_traced(t)))
		ptrace_report_exec(t, old_tid);
	return 0;
fail:
	mm_put(img.mm);
	cred_put(cred);
	return err;
}

/* ---- from a name to a running image ---- */

static int join(const struct exec_strings *argv, const struct exec_strings *envp, char **ret, size_t *ret_size)
{
	size_t n = argv->size + envp->size;
	char *p = kmalloc(MAX(n, 1ul));

	if (!p)
		return -ENOMEM;
	memcpy(p, argv->p, argv->size);
	memcpy(p + argv->size, envp->p, envp->size);
	*ret = p;
	*ret_size = n;
	return 0;
}

static int run_file(struct task *t, struct exec_args *a, const struct exec_strings *argv,
		    const struct exec_strings *envp)
{
	int err = join(argv, envp, &a->strings, &a->strings_size);

	if (err)
		return err;
	a->argc = argv->count;
	a->envc = envp->count;
	err = task_exec(t, a);
	kfree(a->strings);
	return err;
}

/* The name a "#!" interpreter sees for what was opened by descriptor. */
static char *script_name(int dfd, const char *name)
{
	char *p;

	if (dfd == AT_FDCWD || name[0] == '/')
		return kstrdup(name);
	p = kmalloc(PATH_MAX);
	if (!p)
		return NULL;
	if (name[0])
		ksnprintf(p, PATH_MAX, "/dev/fd/%d/%s", dfd, name);
	else
		ksnprintf(p, PATH_MAX, "/dev/fd/%d", dfd);
	return p;
}

int exec_run(struct task *t, int dfd, const char *name, int at_flags,
	     struct exec_strings *argv, struct exec_strings *envp)
{
	struct exec_args a = { .path = script_name(dfd, name), .nameless = !name[0] };
	char *line = kmalloc(SHEBANG_MAX + 1), *path = a.path;
	int err = -ENOMEM;

	if (!line || !path)
		goto out;
	if (!argv->count) {
		/* An empty argv gets one empty string, as Linux does. */
		err = exec_strings_add(argv, "", 0);
		if (err)
			goto out;
	}
	for (unsigned depth = 0;; depth++) {
		char *interp, *arg, *next;
		struct file *f;
		long n;

		err = path_open_exec(dfd, name, at_flags, &f);
		if (err)
			break;
		n = file_read_kernel(f, line, SHEBANG_MAX, 0);
		if (n < 2 || line[0] != '#' || line[1] != '!') {
			a.file = f;
			err = n < 0 ? (int)n : run_file(t, &a, argv, envp);
			file_put(f);
			break;
		}
		file_put(f);
		line[n] = 0;
		err = depth >= SHEBANG_DEPTH ? -ELOOP : parse_shebang(line, (size_t)n, &interp, &arg);
		if (err)
			break;
		/* The interpreter would not find what is closed by then. */
		if (dfd != AT_FDCWD && name[0] != '/' && files_cloexec(t->files, dfd)) {
			err = -ENOENT;
			break;
		}
		err = rewrite_argv(argv, interp, arg, path);
		if (err)
			break;
		next = kstrdup(interp);
		if (!next) {
			err = -ENOMEM;
			break;
		}
		if (path != a.path)
			kfree(path);
		path = next;
		name = path;
		dfd = AT_FDCWD;
		at_flags = 0;
	}
out:
	kfree(line);
	if (path != a.path)
		kfree(path);
	kfree(a.path);
	return err;
}

static long do_exec(struct task *t, int dfd, ustr upath, uaddr uargv, uaddr uenvp, int flags)
{
	struct exec_strings argv = { 0 }, envp = { 0 };
	uint64_t limit = exec_args_limit();
	char *path;
	long err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	path = kmalloc(PATH_MAX);
	if (!path)
		return -ENOMEM;
	err = copy_in_str(path, upath, PATH_MAX);
	if (err < 0)
		goto out;
	err = -ENOENT;
	if (!path[0] && !(flags & AT_EMPTY_PATH))
		goto out;
	err = exec_strings_user(&argv, uargv, limit);
	if (err)
		goto out;
	err = exec_strings_user(&envp, uenvp, limit - MIN(argv.size + 8 * argv.count, limit));
	if (err)
		goto out;
	t->in_exec = true;
	err = exec_run(t, dfd, path, flags, &argv, &envp);
	t->in_exec = false;
out:
	exec_strings_free(&argv);
	exec_strings_free(&envp);
	kfree(path);
	/* The registers are the new program's: nothing may be written to rax. */
	return err ? err : SYSCALL_NO_RESULT;
}

SYSCALL3(execve, ustr, path, uaddr, argv, uaddr, envp)
{
	return do_exec(t, AT_FDCWD, path, argv, envp, 0);
}

SYSCALL5(execveat, int, dfd, ustr, path, uaddr, argv, uaddr, envp, int, flags)
{
	return do_exec(t, dfd, path, argv, envp, flags);
}
