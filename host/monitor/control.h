/* SPDX-License-Identifier: Apache-2.0 */
/* control.h: the channel between the monitor and the sandbox process.
 *
 * A SOCK_SEQPACKET pair (sandbox_config.control_fd on the sandbox's side).
 * Each message is one struct control_msg, nothing else; a message of another
 * size or an unknown type is ignored by the monitor and ends the sandbox.
 * The sandbox's event thread (platform/process/hc_event.c) reads it; the
 * platform sends CONTROL_EXIT from plat_exit() and plat_panic().
 *
 * Trust: the monitor treats the sandbox's messages as hostile; all that the
 * sandbox can say is its exit status.  End of file on either side means that
 * the other is gone: both end. */
#ifndef NACRE_MONITOR_CONTROL_H
#define NACRE_MONITOR_CONTROL_H

#include <base/types.h>

enum control_type {
	/* monitor -> sandbox */
	CONTROL_GO = 1,         /* a, b = identity to take, reserved = 1: drop groups
	                         * (consumed before sandbox_main()) */
	CONTROL_WINCH,          /* a = rows, b = columns */
	CONTROL_SIGNAL,         /* a = signal 1..31 for the foreground group */
	CONTROL_TERM,           /* end in an orderly way */
	/* sandbox -> monitor */
	CONTROL_EXIT = 64,      /* a = status 0..255 as a shell sees it; the sandbox ends */
};

struct control_msg {
	uint32_t type;          /* enum control_type */
	uint32_t a, b;
	uint32_t reserved;      /* 0 but for CONTROL_GO */
};

STATIC_ASSERT(sizeof(struct control_msg) == 16);

#endif
