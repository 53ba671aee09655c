/* SPDX-License-Identifier: Apache-2.0 */
/* Host events that belong to streams and the terminal; kernel/task/boot.c
 * takes them from the host and hands them on.
 *
 * Runs as timers do: on any CPU, between traps or when idle, with no lock
 * held; must not sleep. */
#include "kernel/fs/dev/dev.h"
#include "kernel/tty/tty.h"

#include <hostcall.h>

void stdio_events(uint64_t events)
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
}
