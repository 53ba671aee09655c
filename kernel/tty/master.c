/* SPDX-License-Identifier: Apache-2.0 */
/* The master side of a pseudo-terminal, pty(7): what the slave writes is read
 * here, what is written here is typed at the slave. */
#include "kernel/tty/tty.h"
#include "kernel/fs/devpts/devpts.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include <linux_abi/ioctl.h>

int tty_open_ptmx(struct inode *i, struct file *f)
{
	struct tty *t;
	int err = tty_new(false, &t);

	if (err)
		return err;
	err = devpts_make_inode(t);
	if (err) {
		tty_hangup(t);
		tty_put(t);
		return err;
	}
	f->ops = &tty_master_fops;
	f->priv = t;
	f->mode &= ~FMODE_SEEK;
	f->mode |= FMODE_STREAM;
	return 0;
}

static void master_release(struct file *f)
{
	struct tty *t = f->priv;

	tty_hangup(t);
	tty_put(t);
}

static size_t take_output_locked(struct tty *t, uint8_t *p, size_t n)
{
	size_t k = 0;

	if (t->out_stopped)
		return 0;
	while (k < n && t->otail != t->ohead)
		p[k++] = t->obuf[t->otail++ & (TTY_OBUF - 1)];
	return k;
}

static bool nobody_writes_locked(const struct tty *t)
{
	return t->slave_seen && !t->slaves;
}

static bool master_readable(struct tty *t)
{
	bool r;

	spin_lock(&t->lock);
	r = (t->ohead != t->otail && !t->out_stopped) || nobody_writes_locked(t) ||
	    (t->packet && t->pkt_status);
	spin_unlock(&t->lock);
	return r;
}

static long master_read(struct file *f, struct iter *to, uint64_t *pos)
{
	struct tty *t = f->priv;
	size_t total = 0;
	uint8_t buf[512];

	if (!to->left)
		return 0;
	while (to->left) {
		size_t n = 0, put, lead = 0;
		bool gone;

		spin_lock(&t->lock);
		if (t->packet && !total) {
			buf[0] = t->pkt_status;
			lead = 1;
		}
		if (!lead || !buf[0])
			n = take_output_locked(t, buf + lead, MIN(to->left, sizeof(buf)) - lead);
		if (lead && buf[0]) {
			t->pkt_status = 0;
			n = 1;          /* a status byte travels alone */
		} else if (lead && n) {
			n += 1;
		}
		gone = nobody_writes_locked(t);
		spin_unlock(&t->lock);
		if (n) {
			put = iter_copy_out(to, buf, n);
			total += put;
			waitq_wake_all(&t->out_wait, POLLOUT | POLLWRNORM);
			if (put < n)
				return total ? (long)total : -EFAULT;
			if (lead && buf[0])
				break;
			continue;
		}
		if (total)
			break;
		if (gone)
			return -EIO;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&t->master_wait, master_readable(t)))
			return -ERESTARTSYS;
	}
	return (long)total;
}

static bool input_room(struct tty *t)
{
	bool r;

	spin_lock(&t->lock);
	r = t->hung_up || tty_input_room_locked(t) > 0;
	spin_unlock(&t->lock);
	return r;
}

static long master_write(struct file *f, struct iter *from, uint64_t *pos)
{
	struct tty *t = f->priv;
	size_t total = 0;
	uint8_t buf[512];

	while (from->left) {
		size_t want = MIN(from->left, sizeof(buf)), n = iter_copy_in(from, buf, want), k = 0;

		while (k < n) {
			k += tty_receive(t, buf + k, n - k);
			if (k == n)
				break;
			if (f->flags & O_NONBLOCK)
				return total + k ? (long)(total + k) : -EAGAIN;
			if (wait_event_interruptible(&t->master_wait, input_room(t)))
				return total + k ? (long)(total + k) : -ERESTARTSYS;
		}
		total += n;
		if (n < want)
			return total ? (long)total : -EFAULT;
	}
	return (long)total;
}

static uint32_t master_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = f->priv;
	uint32_t ev = 0;

	poll_wait(pt, &t->master_wait);
	spin_lock(&t->lock);
	if (t->ohead != t->otail && !t->out_stopped)
		ev |= POLLIN | POLLRDNORM;
	if (t->packet && t->pkt_status)
		ev |= POLLIN | POLLRDNORM | POLLPRI;
	if (nobody_writes_locked(t))
		ev |= POLLHUP;
	if (tty_input_room_locked(t))
		ev |= POLLOUT | POLLWRNORM;
	spin_unlock(&t->lock);
	return ev;
}

static long master_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	return tty_ioctl(f->priv, f, true, cmd, arg);
}

const struct file_ops tty_master_fops = {
	.read = master_read,
	.write = master_write,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.release = master_release,
};
