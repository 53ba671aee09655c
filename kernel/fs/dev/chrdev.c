/* SPDX-License-Identifier: Apache-2.0 */
/* The device switch: device numbers to drivers. */
#include "kernel/fs/dev/dev.h"
#include "kernel/tty/tty.h"

static const struct chrdev {
	uint64_t rdev;
	const struct file_ops *ops;
	int (*open)(struct inode *i, struct file *f);
} devices[] = {
	{ MKDEV(1, 3), &null_fops, NULL },
	{ MKDEV(1, 5), &zero_fops, NULL },
	{ MKDEV(1, 7), &full_fops, NULL },
	{ MKDEV(1, 8), &random_fops, NULL },
	{ MKDEV(1, 9), &random_fops, NULL },
	{ MKDEV(5, 0), &tty_slave_fops, tty_open_current },
	{ MKDEV(5, 1), &tty_slave_fops, tty_open_console },
	{ MKDEV(5, 2), &tty_master_fops, tty_open_ptmx },
};

static const struct chrdev pts = { 0, &tty_slave_fops, tty_open_pts };

static const struct chrdev *find(uint64_t rdev)
{
	for (size_t n = 0; n < ARRAY_SIZE(devices); n++)
		if (devices[n].rdev == rdev)
			return &devices[n];
	if (MAJOR(rdev) == TTY_MAJOR_PTS)
		return &pts;
	return NULL;
}

const struct file_ops *chrdev_ops(uint64_t rdev)
{
	const struct chrdev *d = find(rdev);

	return d ? d->ops : NULL;
}

int chrdev_open(struct inode *i, struct file *f)
{
	const struct chrdev *d = find(i->rdev);

	if (!d)
		return -ENXIO;
	f->ops = d->ops;
	return d->open ? d->open(i, f) : 0;
}
