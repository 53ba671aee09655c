/* SPDX-License-Identifier: Apache-2.0 */
/* Terminal ioctls, ioctl_tty(2). */
#include "kernel/tty/tty.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include <linux_abi/ioctl.h>

static long put_int(uint64_t arg, int v)
{
	return copy_out((uaddr){ arg }, &v, sizeof(v));
}

static int get_int(uint64_t arg, int *ret)
{
	return copy_in(ret, (uaddr){ arg }, sizeof(*ret));
}

static long get_termios(struct tty *t, uint64_t arg, size_t size)
{
	struct linux_termios2 v;

	spin_lock(&t->lock);
	v = t->t;
	spin_unlock(&t->lock);
	return copy_out((uaddr){ arg }, &v, size);      /* termios is termios2's beginning */
}

static bool drained(struct tty *t)
{
	bool r;

	spin_lock(&t->lock);
	r = t->ohead == t->otail || t->hung_up;
	spin_unlock(&t->lock);
	return r;
}

/* Output of a pseudo-terminal has arrived as soon as the master may read it. */
static long drain(struct tty *t)
{
	if (!t->host)
		return 0;
	tty_host_pump_out(t);
	return wait_event_interruptible(&t->out_wait, drained(t)) ? -ERESTARTSYS : 0;
}

static void after_output_change(struct tty *t)
{
	if (t->host)
		tty_host_pump_out(t);
	waitq_wake_all(&t->master_wait, 0);
	waitq_wake_all(&t->out_wait, 0);
}

/* What ^S and ^Q mean is of interest to a master in packet mode. */
static bool usual_flow(const struct linux_termios2 *v)
{
	return (v->c_iflag & IXON) && v->c_cc[VSTOP] == 023 && v->c_cc[VSTART] == 021;
}

static uint32_t unless_fixed(uint32_t old, uint32_t fresh, uint32_t fixed) { return (old & fixed) | (fresh & ~fixed); }

/* What of v may be changed; lock held. */
static struct linux_termios2 free_to_change(const struct tty *t, struct linux_termios2 v)
{
	const struct linux_termios2 *old = &t->t;
	const struct linux_termios *fixed = &t->fixed;

	v.c_iflag = unless_fixed(old->c_iflag, v.c_iflag, fixed->c_iflag);
	v.c_oflag = unless_fixed(old->c_oflag, v.c_oflag, fixed->c_oflag);
	v.c_cflag = unless_fixed(old->c_cflag, v.c_cflag, fixed->c_cflag);
	v.c_lflag = unless_fixed(old->c_lflag, v.c_lflag, fixed->c_lflag);
	v.c_line = fixed->c_line ? old->c_line : v.c_line;
	for (unsigned k = 0; k < sizeof v.c_cc; k++)
		v.c_cc[k] = fixed->c_cc[k] ? old->c_cc[k] : v.c_cc[k];
	return v;
}

static long get_fixed(struct tty *t, uint64_t arg)
{
	struct linux_termios v;

	spin_lock(&t->lock);
	v = t->fixed;
	spin_unlock(&t->lock);
	return copy_out((uaddr){ arg }, &v, sizeof v);
}

static long set_fixed(struct tty *t, uint64_t arg)
{
	struct linux_termios v;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_in(&v, (uaddr){ arg }, sizeof v))
		return -EFAULT;
	spin_lock(&t->lock);
	t->fixed = v;
	spin_unlock(&t->lock);
	return 0;
}

static long apply_termios(struct tty *t, const struct linux_termios2 *asked, bool wait, bool flush)
{
	struct linux_termios2 fresh, *v = &fresh;
	long err = wait ? drain(t) : 0;
	uint32_t old;

	if (err)
		return err;
	spin_lock(&t->lock);
	if (flush)
		tty_flush_locked(t, true, false);
	fresh = free_to_change(t, *asked);
	old = t->t.c_lflag;
	if (t->packet && usual_flow(&t->t) != usual_flow(v))
		t->pkt_status = (t->pkt_status & ~(PKT_NOSTOP | PKT_DOSTOP)) | (usual_flow(v) ? PKT_DOSTOP : PKT_NOSTOP);
	t->t = *v;
	tty_termios_changed_locked(t, old);
	if (!(v->c_iflag & IXON))
		tty_flow_locked(t, false);
	spin_unlock(&t->lock);
	waitq_wake_all(&t->in_wait, 0);
	after_output_change(t);
	return 0;
}

static long set_termios(struct tty *t, uint64_t arg, size_t size, bool wait, bool flush)
{
	struct linux_termios2 v;
	long err;

	spin_lock(&t->lock);
	v = t->t;
	spin_unlock(&t->lock);
	err = copy_in(&v, (uaddr){ arg }, size);
	return err ? err : apply_termios(t, &v, wait, flush);
}

static uint32_t low_half(uint32_t old, uint16_t v)
{
	return (old & 0xffff0000u) | v;
}

/* The old structure has the low halves of the flags and the first characters. */
static long set_termio(struct tty *t, uint64_t arg, bool wait, bool flush)
{
	struct linux_termio o;
	struct linux_termios2 v;
	long err = copy_in(&o, (uaddr){ arg }, sizeof(o));

	if (err)
		return err;
	spin_lock(&t->lock);
	v = t->t;
	spin_unlock(&t->lock);
	v.c_iflag = low_half(v.c_iflag, o.c_iflag);
	v.c_oflag = low_half(v.c_oflag, o.c_oflag);
	v.c_cflag = low_half(v.c_cflag, o.c_cflag);
	v.c_lflag = low_half(v.c_lflag, o.c_lflag);
	v.c_line = o.c_line;
	memcpy(v.c_cc, o.c_cc, sizeof(o.c_cc));
	return apply_termios(t, &v, wait, flush);
}

static long get_termio(struct tty *t, uint64_t arg)
{
	struct linux_termio v;

	spin_lock(&t->lock);
	v = (struct linux_termio){
		.c_iflag = (uint16_t)t->t.c_iflag, .c_oflag = (uint16_t)t->t.c_oflag,
		.c_cflag = (uint16_t)t->t.c_cflag, .c_lflag = (uint16_t)t->t.c_lflag,
		.c_line = t->t.c_line,
	};
	memcpy(v.c_cc, t->t.c_cc, sizeof(v.c_cc));
	spin_unlock(&t->lock);
	return copy_out((uaddr){ arg }, &v, sizeof(v));
}

static long set_winsize(struct tty *t, uint64_t arg)
{
	struct linux_winsize ws;
	int err = copy_in(&ws, (uaddr){ arg }, sizeof(ws));

	if (!err)
		tty_set_winsize(t, &ws);
	return err;
}

static long get_winsize(struct tty *t, uint64_t arg)
{
	struct linux_winsize ws;

	spin_lock(&t->lock);
	ws = t->ws;
	spin_unlock(&t->lock);
	return copy_out((uaddr){ arg }, &ws, sizeof(ws));
}

static long get_group(struct tty *t, bool master, bool session, uint64_t arg)
{
	int32_t v = -1;

	spin_lock(&task_list_lock);
	if (master || current_task()->tg->session->tty == t)
		v = session ? (t->session ? t->session->sid : -1) : t->pgrp;
	spin_unlock(&task_list_lock);
	return v < 0 ? -ENOTTY : put_int(arg, v);
}

static void note_session(struct tgroup *g, void *arg)
{
	*(struct session **)arg = g->session;
}

static long set_pgrp(struct tty *t, uint64_t arg)
{
	struct session *s = NULL;
	int32_t pgid;
	long err = tty_check_job(t, SIGTTOU);

	if (err)
		return err;
	err = get_int(arg, &pgid);
	if (err)
		return err;
	if (pgid < 0)
		return -EINVAL;
	spin_lock(&task_list_lock);
	pgrp_for_each(pgid, note_session, &s);
	if (current_task()->tg->session->tty != t)
		err = -ENOTTY;
	else if (!s)
		err = -ESRCH;
	else if (s != current_task()->tg->session)
		err = -EPERM;
	else
		t->pgrp = pgid;
	spin_unlock(&task_list_lock);
	return err;
}

static long flush(struct tty *t, uint64_t which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	spin_lock(&t->lock);
	tty_flush_locked(t, which != TCOFLUSH, which != TCIFLUSH);
	spin_unlock(&t->lock);
	after_output_change(t);
	return 0;
}

static long flow(struct tty *t, uint64_t what)
{
	if (what > TCION)
		return -EINVAL;
	if (what == TCOOFF || what == TCOON) {
		spin_lock(&t->lock);
		tty_flow_locked(t, what == TCOOFF);
		spin_unlock(&t->lock);
		after_output_change(t);
	}
	return 0;
}

static long open_peer(struct tty *t, uint64_t flags)
{
	struct file *f;
	int err, fd;

	if (!t->inode)
		return -EIO;
	err = inode_open_internal(t->inode, (uint32_t)flags & (O_ACCMODE | O_NOCTTY | O_NONBLOCK), &f);
	if (err)
		return err;
	fd = fd_add(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long master_only(struct tty *t, unsigned cmd, uint64_t arg)
{
	int v = 0;
	long err;

	switch (cmd) {
	case TIOCGPTN:
		return put_int(arg, t->index);
	case TIOCGPTLCK:
		return put_int(arg, t->slave_locked);
	case TIOCGPKT:
		return put_int(arg, t->packet);
	case TIOCSPTLCK:
	case TIOCPKT:
		err = get_int(arg, &v);
		if (err)
			return err;
		spin_lock(&t->lock);
		if (cmd == TIOCSPTLCK) {
			t->slave_locked = v;
		} else {
			t->packet = v;
			t->pkt_status = 0;
		}
		spin_unlock(&t->lock);
		return 0;
	case TIOCGPTPEER:
		return open_peer(t, arg);
	case TIOCSIG:
		if (arg != SIGINT && arg != SIGQUIT && arg != SIGTSTP)
			return -EINVAL;
		tty_signal_pgrp(t, (int)arg);
		return 0;
	default:
		return -ENOTTY;
	}
}

static long input_queue(struct tty *t, bool master, uint64_t arg)
{
	uint32_t n;

	spin_lock(&t->lock);
	n = master ? t->ohead - t->otail : (uint32_t)tty_input_ready_locked(t);
	spin_unlock(&t->lock);
	return put_int(arg, (int)n);
}

static long output_queue(struct tty *t, bool master, uint64_t arg)
{
	uint32_t n;

	spin_lock(&t->lock);
	n = master || !t->host ? 0 : t->ohead - t->otail;
	spin_unlock(&t->lock);
	return put_int(arg, (int)n);
}

/* Requests that change the terminal stop a background group first. */
static bool changes_terminal(unsigned cmd)
{
	switch (cmd) {
	case TCSETS: case TCSETSW: case TCSETSF: case TCSETA: case TCSETAW: case TCSETAF:
	case TCSETS2: case TCSETSW2: case TCSETSF2: case TCSBRK: case TCSBRKP: case TCXONC:
	case TCFLSH:
		return true;
	}
	return false;
}

long tty_ioctl(struct tty *t, struct file *f, bool master, unsigned cmd, uint64_t arg)
{
	if (t->hung_up && !master)
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	if (!master && changes_terminal(cmd)) {
		int err = tty_check_job(t, SIGTTOU);

		if (err)
			return err;
	}
	switch (cmd) {
	case TCGETS:
		return get_termios(t, arg, sizeof(struct linux_termios));
	case TCGETS2:
		return get_termios(t, arg, sizeof(struct linux_termios2));
	case TCSETS: case TCSETSW: case TCSETSF:
		return set_termios(t, arg, sizeof(struct linux_termios), cmd != TCSETS, cmd == TCSETSF);
	case TCSETS2: case TCSETSW2: case TCSETSF2:
		return set_termios(t, arg, sizeof(struct linux_termios2), cmd != TCSETS2, cmd == TCSETSF2);
	case TCGETA:
		return get_termio(t, arg);
	case TCSETA: case TCSETAW: case TCSETAF:
		return set_termio(t, arg, cmd != TCSETA, cmd == TCSETAF);
	case TIOCGLCKTRMIOS:
		return get_fixed(t, arg);
	case TIOCSLCKTRMIOS:
		return set_fixed(t, arg);
	case TIOCGWINSZ:
		return get_winsize(t, arg);
	case TIOCSWINSZ:
		return set_winsize(t, arg);
	case TIOCSCTTY:
		return master ? -EIO : tty_set_controlling(t, arg == 1);
	case TIOCNOTTY:
		if (current_task()->tg->session->tty != t)
			return -ENOTTY;
		tty_drop_controlling();
		return 0;
	case TIOCGPGRP:
		return get_group(t, master, false, arg);
	case TIOCGSID:
		return get_group(t, master, true, arg);
	case TIOCSPGRP:
		return set_pgrp(t, arg);
	case FIONREAD:
		return input_queue(t, master, arg);
	case TIOCOUTQ:
		return output_queue(t, master, arg);
	case TCFLSH:
		return flush(t, arg);
	case TCXONC:
		return flow(t, arg);
	case TCSBRK: case TCSBRKP:
		return drain(t);
	case TIOCSBRK: case TIOCCBRK:
		return 0;
	case TIOCEXCL: case TIOCNXCL:
		spin_lock(&t->lock);
		t->exclusive = cmd == TIOCEXCL;
		spin_unlock(&t->lock);
		return 0;
	case TIOCGEXCL:
		return put_int(arg, t->exclusive);
	case TIOCSETD: {
		int v;
		long err = get_int(arg, &v);

		return err ? err : v ? -EINVAL : 0;
	}
	case TIOCGETD:
		return put_int(arg, 0);         /* N_TTY, the only one */
	case TIOCGDEV:
		return put_int(arg, (int)MKDEV(TTY_MAJOR_PTS, t->index));
	case TIOCGSOFTCAR:
		return put_int(arg, 0);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(t);
		return 0;
	case TIOCSTI:
		return -EIO;                    /* typing for others is how sandboxes were left */
	case TIOCLINUX: case TIOCCONS:
		return -EPERM;
	default:
		return master ? master_only(t, cmd, arg) : -ENOTTY;
	}
}
