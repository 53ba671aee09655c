/* SPDX-License-Identifier: Apache-2.0 */
/* inotify_add_watch(2): which bits a mask may have, each alone, with an event,
 * and in pairs of flags. */
#include "abi.h"
#include <sys/inotify.h>

int main(void)
{
	int in = inotify_init1(IN_NONBLOCK);
	char b[4096];
	long n;

	enter_tmp();
	mkdir("d", 0700);
	for (unsigned bit = 0; bit < 32; bit++) {
		int alone = inotify_add_watch(in, "d", 1u << bit), err = errno, both;

		inotify_rm_watch(in, alone);
		both = inotify_add_watch(in, "d", 1u << bit | IN_CREATE);
		SAY("%#x: %s, with IN_CREATE %s\n", 1u << bit, alone < 0 ? abi_errno(err) : "ok",
		    both < 0 ? abi_errno(errno) : "ok");
		inotify_rm_watch(in, both);
	}
	while (read(in, b, sizeof b) > 0)
		;
	OK(inotify_add_watch(in, "d", IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR));
	rmdir("d");
	n = read(in, b, sizeof b);
	for (char *p = b; p < b + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len)
		SAY("event %#x\n", ((struct inotify_event *)p)->mask);
	return 0;
}
