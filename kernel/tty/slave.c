/* SPDX-License-Identifier: Apache-2.0 */
/* The slave side: what programs read and write as their terminal.
 *
 * Reads follow termios(3): whole lines in canonical mode, MIN and TIME
 * otherwise.  A terminal that was hung up reads as end of file and does not
 * take output. */
#include "kernel/tty/tty.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#define DECISECOND 100000000ull

int tty_slave_open(struct tty *t, struct file *f)
{
	int err = 0;

	spin_lock(&t->lock);
	if (t->hung_up || !t->master || t->slave_locked)
		err = -EIO;
	else if (t->exclusive && !capable(CAP_SYS_ADMIN))
		err = -EBUSY;
	if (!err) {
		t->slaves++;
		t->slave_seen = true;
	}
	spin_unlock(&t->lock);
	if (err)
		return err;
	f->ops = &tty_slave_fops;
	f->priv = tty_get(t);
	f->mode &= ~FMODE_SEEK;
	f->mode |= FMODE_STREAM;
	/* A session leader without a terminal gets this one: open(2). */
	if (!(f->flags & O_NOCTTY) && (f->mode & FMODE_READ))
		(void)tty_set_controlling(t, false);
	return 0;
}

int tty_open_current(struct inode *i, struct file *f)
{
	struct tty *t = tty_of_current_get();
	int err;

	if (!t)
		return -ENXIO;
	f->flags |= O_NOCTTY;
	err = tty_slave_open(t, f);
	tty_put(t);
	return err;
}

int tty_open_console(struct inode *i, struct file *f)
{
	struct tty *t = tty_host();

	if (!t)
		return -ENXIO;
	f->flags |= O_NOCTTY;
	return tty_slave_open(t, f);
}

int tty_open_pts(struct inode *i, struct file *f)
{
	struct tty *t = tty_by_index_get((int)MINOR(i->rdev));
	int err;

	if (!t)
		return -EIO;
	err = tty_slave_open(t, f);
	tty_put(t);
	return err;
}

static void slave_release(struct file *f)
{
	struct tty *t = f->priv;

	spin_lock(&t->lock);
	t->slaves--;
	spin_unlock(&t->lock);
	waitq_wake_all(&t->master_wait, 0);
	tty_put(t);
}

struct read_mode { bool canonical; size_t min; uint64_t time_ns; };

static struct read_mode mode_of(struct tty *t)
{
	struct read_mode m;

	spin_lock(&t->lock);
	m.canonical = t->t.c_lflag & ICANON;
	m.min = m.canonical ? 1 : t->t.c_cc[VMIN];
	m.time_ns = m.canonical ? 0 : t->t.c_cc[VTIME] * DECISECOND;
	spin_unlock(&t->lock);
	return m;
}

static bool readable(struct tty *t)
{
	bool r;

	spin_lock(&t->lock);
	r = tty_input_ready_locked(t) || t->hung_up;
	spin_unlock(&t->lock);
	return r;
}

static uint64_t deadline_of(const struct read_mode *m, size_t have)
{
	/* MIN > 0: TIME runs between bytes; MIN 0: from the call. */
	if (!m->time_ns || (m->min && !have))
		return NO_DEADLINE;
	return plat_time_mono_ns() + m->time_ns;
}

/* One wait for input; 0, or why not. */
static int wait_input(struct tty *t, struct file *f, const struct read_mode *m, size_t have)
{
	int err;

	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	if (!m->min && !m->time_ns)
		return -ETIMEDOUT;
	if (t->host)
		tty_host_pump_in(t);
	err = WAIT_EVENT(&t->in_wait, TASK_INTERRUPTIBLE, deadline_of(m, have), readable(t));
	return err == -EINTR ? -ERESTARTSYS : err;
}

static long slave_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct tty *t = f->priv;
	size_t total = 0, want = to->left;
	uint8_t buf[256];
	int err = 0;

	if (!want)
		return 0;
	while (total < want) {
		struct read_mode m = mode_of(t);
		size_t n, put;
		bool eof;

		err = tty_check_job(t, SIGTTIN);
		if (err)
			break;
		n = tty_take_input(t, buf, MIN(want - total, sizeof(buf)), &eof);
		put = iter_copy_out(to, buf, n);
		total += put;
		if (put < n) {
			err = -EFAULT;
			break;
		}
		if (eof)
			break;
		if (n) {
			if (m.canonical ? n < sizeof(buf) || buf[n - 1] == '\n' :
			    total >= m.min && !readable(t))
				break;
			continue;
		}
		if (t->hung_up || (total && (m.canonical || total >= m.min)))
			break;
		err = wait_input(t, f, &m, total);
		if (err == -ETIMEDOUT) {
			err = 0;
			break;
		}
		if (err)
			break;
	}
	/* Room was made: the far side may go on. */
	if (t->host)
		tty_host_pump_in(t);
	else
		waitq_wake_all(&t->master_wait, POLLOUT | POLLWRNORM);
	return total ? (long)total : err;
}

static bool writable(struct tty *t)
{
	bool r;

	spin_lock(&t->lock);
	r = t->hung_up || TTY_OBUF - (t->ohead - t->otail) >= TTY_OBUF / 4;
	spin_unlock(&t->lock);
	return r;
}

static void push_out(struct tty *t)
{
	if (t->host)
		tty_host_pump_out(t);
	else
		waitq_wake_all(&t->master_wait, POLLIN | POLLRDNORM);
}

/* All of buf through OPOST, waiting for room. */
static int put_all(struct tty *t, struct file *f, const uint8_t *buf, size_t n, size_t *ret_done)
{
	*ret_done = 0;
	for (;;) {
		bool gone;

		spin_lock(&t->lock);
		gone = t->hung_up;
		if (!gone)
			*ret_done += tty_output_locked(t, buf + *ret_done, n - *ret_done);
		spin_unlock(&t->lock);
		push_out(t);
		if (gone)
			return -EIO;
		if (*ret_done == n)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&t->out_wait, writable(t)))
			return -ERESTARTSYS;
	}
}

static long slave_write(struct file *f, struct iter *from, uint64_t *pos)
{
	struct tty *t = f->priv;
	size_t total = 0;
	uint8_t buf[512];
	int err = 0;

	if (t->t.c_lflag & TOSTOP) {
		err = tty_check_job(t, SIGTTOU);
		if (err)
			return err;
	}
	while (from->left && !err) {
		size_t want = MIN(from->left, sizeof(buf)), n = iter_copy_in(from, buf, want), done;

		err = put_all(t, f, buf, n, &done);
		total += done;
		if (!err && n < want)
			err = -EFAULT;
	}
	return total ? (long)total : err;
}

static uint32_t slave_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = f->priv;
	struct read_mode m = mode_of(t);
	uint32_t ev = 0;
	size_t have;

	poll_wait(pt, &t->in_wait);
	poll_wait(pt, &t->out_wait);
	if (t->host)
		tty_host_pump_in(t);
	spin_lock(&t->lock);
	have = tty_input_ready_locked(t);
	if (have && (m.canonical || m.time_ns || have >= MAX(m.min, (size_t)1)))
		ev |= POLLIN | POLLRDNORM;
	if (t->hung_up)
		ev |= POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP | POLLERR;
	if (!t->hung_up && TTY_OBUF - (t->ohead - t->otail) >= TTY_OBUF / 4)
		ev |= POLLOUT | POLLWRNORM;
	spin_unlock(&t->lock);
	return ev;
}

static long slave_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	return tty_ioctl(f->priv, f, false, cmd, arg);
}

const struct file_ops tty_slave_fops = {
	.read = slave_read,
	.write = slave_write,
	.poll = slave_poll,
	.ioctl = slave_ioctl,
	.release = slave_release,
};
