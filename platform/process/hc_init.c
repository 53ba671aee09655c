/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the hostcall side, and the lock its files share. */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include "host/isolate/isolate.h"
#include "platform/process/hc.h"

HOST_CALLS(sandbox, futex);

bool hc_lock_try(struct hc_lock *l)
{
	uint32_t free = 0;

	return __atomic_compare_exchange_n(&l->word, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void hc_lock_take(struct hc_lock *l)
{
	if (hc_lock_try(l))
		return;
	while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE))
		raw(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, 2, 0);
}

void hc_lock_release(struct hc_lock *l)
{
	if (__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2)
		raw(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1);
}

int hc_init(const struct sandbox_config *cfg)
{
	int err;

	/* A closed reader is an error code here, never a signal. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -EINVAL;
	hc_file_init();
	err = hc_node_init(cfg);
	if (!err)
		err = hc_stream_init(cfg);
	if (!err)
		err = hc_event_init(cfg);
	return err;
}
