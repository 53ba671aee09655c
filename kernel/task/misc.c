/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom(2), robust lists, and calls whose answer never changes here. */
#include "kernel/syscall/syscall.h"
#include "kernel/task/internal.h"

#define GRND_NONBLOCK 1u
#define GRND_RANDOM 2u
#define GRND_INSECURE 4u
#define RANDOM_CHUNK 256ul
#define RANDOM_MAX (INT32_MAX & ~4095ul)

SYSCALL3(getrandom, uaddr, buf, size_t, n, unsigned, flags)
{
	uint8_t chunk[RANDOM_CHUNK];
	size_t done = 0;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	n = MIN(n, RANDOM_MAX);
	while (done < n) {
		size_t want = MIN(n - done, RANDOM_CHUNK), left;

		krandom(chunk, want);
		left = copy_out_partial(uaddr_add(buf, done), chunk, want);
		done += want - left;
		if (left)
			return done ? (long)done : -EFAULT;
		if (signal_pending(t) && done > RANDOM_CHUNK)
			break;
	}
	return (long)done;
}

#define ROBUST_HEAD_SIZE 24

SYSCALL2(set_robust_list, uint64_t, head, size_t, size)
{
	if (size != ROBUST_HEAD_SIZE)
		return -EINVAL;
	t->robust_list = head;
	return 0;
}

SYSCALL3(get_robust_list, int, pid, uaddr, uhead, uaddr, usize)
{
	uint64_t head, size = ROBUST_HEAD_SIZE;
	struct task *o = pid ? task_find_get(pid) : task_get(t);
	int err;

	if (!o)
		return -ESRCH;
	if (!task_may_access(o)) {
		task_put(o);
		return -EPERM;
	}
	signal_mask_settle(o);
	head = o->robust_list;
	task_put(o);
	err = copy_out(usize, &size, sizeof(size));
	return err ? err : copy_out(uhead, &head, sizeof(head));
}

/* syslog(2): an empty log. */
SYSCALL3(syslog, int, type, uaddr, buf, int, n)
{
	if (type != 3 && type != 10 && !capable(CAP_SYSLOG))
		return -EPERM;
	switch (type) {
	case 0: case 1: case 9: case 10:        /* open, close, sizes */
		return 0;
	case 3:                                 /* read all */
		return buf.va && n >= 0 ? 0 : -EINVAL;
	case 8:                                 /* the console's level */
		return n < 1 || n > 8 ? -EINVAL : -EPERM;
	case 2: case 4:
		return buf.va && n >= 0 ? -EPERM : -EINVAL;
	case 5: case 6: case 7:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

SYSCALL4(reboot, int, magic1, int, magic2, unsigned, cmd, uaddr, arg)
{
	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if ((uint32_t)magic1 != 0xfee1dead || (magic2 != 0x28121969 && magic2 != 0x05121996 &&
					       magic2 != 0x16041998 && magic2 != 0x20112000))
		return -EINVAL;
	return -EPERM;
}

SYSCALL0(vhangup)
{
	return -EPERM;
}

SYSCALL1(iopl, unsigned, level)
{
	return level > 3 ? -EINVAL : -EPERM;
}

SYSCALL3(ioperm, uint64_t, from, uint64_t, num, int, on)
{
	return -EPERM;
}
