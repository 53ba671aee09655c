/* SPDX-License-Identifier: Apache-2.0 */
/* oom_score_adj of an ordinary user: up, and down again to where it was. */
#include "abi.h"
#include <sys/prctl.h>

static void set(const char *v)
{
	int f = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char now[16] = "";
	long n;

	errno = 0;
	n = write(f, v, strlen(v));
	SAY("%s: %s, ", v, n < 0 ? abi_errno(errno) : "ok");
	close(f);
	f = open("/proc/self/oom_score_adj", O_RDONLY);
	V(n = read(f, now, sizeof now - 1));
	SAY("%s", now);
	close(f);
}

int main(void)
{
	pid_t p;

	if (!getuid() && setuid(65534))
		return 1;
	prctl(PR_SET_DUMPABLE, 1);
	set("100");
	set("50");
	set("70");
	p = fork();
	if (!p) {
		set("60");
		set("0");
		set("-1");
		set("9");
		fflush(stdout);
		_exit(0);
	}
	wait_say("child", p);
	set("0");
	set("-1");
	set("-1000");
	set("1001");
	set("1000");
	return 0;
}
