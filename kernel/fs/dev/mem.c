/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/null, zero, full, random, urandom: null(4), full(4), random(4). */
#include "kernel/fs/dev/dev.h"
#include "kernel/signal/signal.h"
#include <linux_abi/ioctl.h>

static long null_read(struct file *f, struct iter *to, uint64_t *pos)
{
	return 0;
}

static long null_write(struct file *f, struct iter *from, uint64_t *pos)
{
	size_t n = from->left;

	from->left = 0;
	return (long)n;
}

static int64_t null_lseek(struct file *f, int64_t off, int whence)
{
	f->pos = 0;
	return 0;
}

static long zero_read(struct file *f, struct iter *to, uint64_t *pos)
{
	size_t want = to->left, n = iter_zero(to, want);

	return n || !want ? (long)n : -EFAULT;
}

/* Private mappings are plain memory; the caller makes shared ones from an
 * object of their own. */
static int zero_mmap(struct file *f, unsigned prot, unsigned map_flags, uint64_t off,
		     uint64_t size, struct mmap_target *ret)
{
	*ret = (struct mmap_target){ .anonymous = true };
	return 0;
}

static long full_write(struct file *f, struct iter *from, uint64_t *pos)
{
	return -ENOSPC;
}

static long random_read(struct file *f, struct iter *to, uint64_t *pos)
{
	size_t total = 0, piece;
	uint8_t *buf;

	if (!to->left)
		return 0;
	buf = kmalloc(PLAT_PAGE_SIZE);
	if (!buf)
		return -ENOMEM;
	while (to->left) {
		size_t put;

		piece = MIN(to->left, (size_t)PLAT_PAGE_SIZE);
		krandom(buf, piece);
		put = iter_copy_out(to, buf, piece);
		total += put;
		if (put < piece || signal_pending(current_task()))
			break;
	}
	memset(buf, 0, PLAT_PAGE_SIZE);
	kfree(buf);
	return total ? (long)total : -EFAULT;
}

/* Writing stirs the pool on Linux; ours is seeded by the host's generator and
 * needs nothing from inside. */
static long random_write(struct file *f, struct iter *from, uint64_t *pos)
{
	return null_write(f, from, pos);
}

static long random_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	int bits = 256;

	if (cmd == RNDGETENTCNT)
		return copy_out((uaddr){ arg }, &bits, sizeof(bits));
	return -EINVAL;
}

const struct file_ops null_fops = { .read = null_read, .write = null_write, .lseek = null_lseek };
const struct file_ops zero_fops = {
	.read = zero_read, .write = null_write, .lseek = null_lseek, .mmap = zero_mmap,
};
const struct file_ops full_fops = { .read = zero_read, .write = full_write, .lseek = null_lseek };
const struct file_ops random_fops = {
	.read = random_read, .write = random_write, .lseek = null_lseek, .ioctl = random_ioctl,
};
