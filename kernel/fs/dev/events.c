/* SPDX-License-Identifier: Apache-2.0 */
/* What the host tells the sandbox while it runs: stream readiness, window
 * size, signals to pass on, the wish to end.
 *
 * The handler runs as timers do: on any CPU, between traps or when idle, with
 * no lock held; it must not sleep. */
#include "kernel/fs/dev/dev.h"
#include "kernel/task/task.h"
#include "kernel/tty/tty.h"

#include <hostcall.h>

static void end_everything(void)
{
	struct tgroup *g;

	spin_lock(&task_list_lock);
	list_for_each(g, &tgroup_list, all_link)
		if (!tgroup_is_init(g))
			tgroup_kill_all_locked(g, SIGKILL);
	spin_unlock(&task_list_lock);
}

static void forward_signal(int signo)
{
	struct tty *t = tty_host();

	if (t && t->pgrp && signo != SIGKILL && signal_send_pgrp(t->pgrp, signo, NULL) == 0)
		return;
	task_init_forward_signal(signo);
}

static void handle(uint64_t events)
{
	struct tty *t = tty_host();

	for (unsigned n = 0; n < HC_STREAM_COUNT; n++)
		if (events & HC_EVENT_STREAM(n))
			stdio_stream_event(n);
	if (t && (events & HC_EVENT_STREAM(HC_STREAM_STDIN)))
		tty_host_pump_in(t);
	if (t && (events & HC_EVENT_STREAM(HC_STREAM_STDOUT)))
		tty_host_pump_out(t);
	if (events & HC_EVENT_WINCH)
		tty_host_winch();
	for (int s = 1; s < 32; s++)
		if (events & HC_EVENT_SIGNAL(s))
			forward_signal(s);
	if (events & HC_EVENT_TERM)
		end_everything();
}

void dev_events_init(void)
{
	sched_set_event_handler(handle);
}
