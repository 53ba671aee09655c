/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal and other stdio.
 *
 * When stdin and stdout are the terminal and nacre runs in its foreground, the
 * terminal goes into raw mode: all keys are bytes for the line discipline of
 * the kernel inside.  It is restored on every way out but SIGKILL of the
 * monitor (CAVEATS.md; `stty sane` helps).  In the background nothing is read
 * from the terminal: stdin is empty then.
 *
 * The sandbox gets a terminal by a descriptor of its own that is non-blocking,
 * so that the flag never shows on the caller's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "host/monitor/monitor.h"

HOST_CALLS(monitor, ioctl);

static int own_descriptor(int fd, bool tty)
{
	char path[32];
	int flags, mine;

	if (tty) {
		flags = fcntl(fd, F_GETFL);
		if (flags < 0)
			return -errno;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		mine = open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (mine >= 0)
			return mine;
		/* Not ours to open (after su): shared and asked before each use. */
	}
	mine = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return mine < 0 ? -errno : mine;
}

int console_prepare(struct console *c, const struct launch *l, uint32_t stdio[3], int stream_fd[3])
{
	bool foreground;
	int i;

	*c = (struct console){ 0 };
	foreground = isatty(0) && tcgetpgrp(0) == getpgrp();
	c->active = foreground && isatty(1) && !tcgetattr(0, &c->saved);
	for (i = 0; i < 3; i++) {
		bool tty = isatty(i);

		stream_fd[i] = -1;
		stdio[i] = BOOT_STDIO_NULL;
		if (l->caller.stdio_closed[i] || (i == 0 && tty && !foreground))
			continue;
		stdio[i] = c->active && tty ? BOOT_STDIO_TTY : BOOT_STDIO_STREAM;
		stream_fd[i] = own_descriptor(i, tty);
		if (stream_fd[i] < 0)
			return stream_fd[i];
	}
	if (c->active)
		console_size(c);
	return 0;
}

int console_raw(struct console *c)
{
	struct termios t = c->saved;

	if (!c->active || c->raw)
		return 0;
	cfmakeraw(&t);
	if (tcsetattr(0, TCSADRAIN, &t))
		return -errno;
	c->raw = true;
	return 0;
}

void console_restore(struct console *c)
{
	if (!c->raw)
		return;
	tcsetattr(0, TCSADRAIN, &c->saved);
	c->raw = false;
}

bool console_size(struct console *c)
{
	struct winsize w;

	if (ioctl(0, TIOCGWINSZ, &w) || (w.ws_row == c->rows && w.ws_col == c->cols))
		return false;
	c->rows = w.ws_row;
	c->cols = w.ws_col;
	return true;
}
