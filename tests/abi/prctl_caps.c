/* SPDX-License-Identifier: Apache-2.0 */
/* prctl of many kinds, capget and capset, securebits, ambient capabilities. */
#include "abi.h"
#include <sys/prctl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#define P(...) V(prctl(__VA_ARGS__))
static struct __user_cap_header_struct h;
static struct __user_cap_data_struct d[2];
static long cg(void *hh, void *dd) { return syscall(SYS_capget, hh, dd); }
static long cs(void *hh, void *dd) { return syscall(SYS_capset, hh, dd); }
int main(void)
{
	char n[17] = "";
	int v = -1, st;
	P(PR_SET_NAME, "a name that is too long", 0, 0, 0); P(PR_GET_NAME, n, 0, 0, 0); puts(n); P(PR_SET_NAME, 8, 0, 0, 0);
	P(PR_GET_DUMPABLE, 0, 0, 0, 0); P(PR_SET_DUMPABLE, 0, 0, 0, 0); P(PR_GET_DUMPABLE, 0, 0, 0, 0); P(PR_SET_DUMPABLE, 1, 0, 0, 0); P(PR_SET_DUMPABLE, 2, 0, 0, 0);
	P(PR_SET_PDEATHSIG, 99, 0, 0, 0); P(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0); P(PR_GET_PDEATHSIG, &v, 0, 0, 0); V(v); P(PR_SET_PDEATHSIG, 0, 0, 0, 0); P(PR_GET_PDEATHSIG, 8, 0, 0, 0);
	P(PR_GET_KEEPCAPS, 0, 0, 0, 0); P(PR_SET_KEEPCAPS, 1, 0, 0, 0); P(PR_GET_KEEPCAPS, 0, 0, 0, 0); P(PR_SET_KEEPCAPS, 2, 0, 0, 0); P(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	P(PR_GET_TIMING, 0, 0, 0, 0); P(PR_SET_TIMING, 1, 0, 0, 0); P(PR_SET_TIMERSLACK, 12345, 0, 0, 0); P(PR_GET_TIMERSLACK, 0, 0, 0, 0); P(PR_SET_TIMERSLACK, 0, 0, 0, 0); P(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	P(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); P(PR_GET_CHILD_SUBREAPER, &v, 0, 0, 0); V(v); P(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); P(PR_GET_TID_ADDRESS, &v, 0, 0, 0) ;
	P(PR_GET_SECCOMP, 0, 0, 0, 0); P(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); P(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0); P(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0); P(PR_GET_THP_DISABLE, 0, 0, 0, 0); P(PR_SET_THP_DISABLE, 1, 0, 0, 0); P(PR_GET_THP_DISABLE, 0, 0, 0, 0); P(PR_SET_THP_DISABLE, 0, 0, 0, 0); P(PR_GET_THP_DISABLE, 1, 0, 0, 0);
	P(PR_CAPBSET_READ, 0, 0, 0, 0); P(PR_CAPBSET_READ, 63, 0, 0, 0); P(PR_CAPBSET_READ, 64, 0, 0, 0); P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0); P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0); P(PR_CAP_AMBIENT, 99, 5, 0, 0); P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0); P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0); P(PR_GET_SECUREBITS, 0, 0, 0, 0);
	P(PR_MCE_KILL_GET, 0, 0, 0, 0); P(PR_GET_TSC, &v, 0, 0, 0); V(v); P(PR_GET_FPEMU, &v, 0, 0, 0); P(PR_GET_UNALIGN, &v, 0, 0, 0); P(PR_GET_ENDIAN, &v, 0, 0, 0); P(PR_TASK_PERF_EVENTS_DISABLE, 0, 0, 0, 0); P(12345, 0, 0, 0, 0); P(PR_GET_SPECULATION_CTRL, 99, 0, 0, 0); P(PR_SET_VMA, 1, 0, 0, 0);
	memset(&h, 0, sizeof h); h.version = 0; V(cg(&h, NULL)); printf("%x\n", h.version); h.version = 0; V(cg(&h, d)); V(cg((void *)8, d)); h.version = _LINUX_CAPABILITY_VERSION_3; h.pid = -1; V(cg(&h, d)); h.pid = 999999; V(cg(&h, d)); h.pid = getpid(); V(cg(&h, d)); V(d[0].effective != 0 == (getuid() == 0)); h.pid = 1; V(cs(&h, d)); h.pid = 0; V(cg(&h, (void *)8)); V(cs(&h, (void *)8)); V(cg(&h, NULL)); V(cs(&h, d)); h.version = _LINUX_CAPABILITY_VERSION_1; V(cg(&h, d)); h.version = _LINUX_CAPABILITY_VERSION_3;
	if (getuid() == 0) { pid_t p = fork(); if (!p) {
		cg(&h, d); d[0].inheritable |= 1 << CAP_CHOWN; V(cs(&h, d)); P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0); P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0); cg(&h, d); d[0].effective &= ~(1 << CAP_CHOWN); V(cs(&h, d)); cg(&h, d); V(d[0].effective & 1); d[0].permitted &= ~(1 << CAP_CHOWN); V(cs(&h, d)); P(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0); d[0].permitted |= 1 << CAP_CHOWN; V(cs(&h, d)); cg(&h, d); d[0].effective |= 1; V(cs(&h, d));
		P(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0); P(PR_CAPBSET_READ, CAP_KILL, 0, 0, 0); P(PR_CAPBSET_DROP, 64, 0, 0, 0); P(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0); P(PR_GET_SECUREBITS, 0, 0, 0, 0); P(PR_SET_SECUREBITS, 1 << 20, 0, 0, 0); P(PR_SET_SECUREBITS, 0, 0, 0, 0); P(PR_SET_KEEPCAPS, 1, 0, 0, 0); V(setresuid(1000, 1000, 1000)); cg(&h, d); V(d[0].effective); V(d[0].permitted != 0); P(PR_GET_KEEPCAPS, 0, 0, 0, 0); P(PR_GET_DUMPABLE, 0, 0, 0, 0); P(PR_CAPBSET_DROP, 1, 0, 0, 0); P(PR_SET_SECUREBITS, 1, 0, 0, 0); _exit(0); } wait_say("root part", p);
		p = fork(); if (!p) { V(setresuid(-1, 1000, -1)); cg(&h, d); V(d[0].effective); V(d[0].permitted != 0); V(setresuid(-1, 0, -1)); cg(&h, d); V(d[0].effective != 0); V(setfsuid(1000)); cg(&h, d); V(d[0].effective & 1); V(setfsuid(0)); cg(&h, d); V(d[0].effective & 1); V(setuid(1000)); cg(&h, d); V(d[0].permitted); V(setuid(0)); V(setresuid(1000, 1001, -1)); V(setfsuid(-1)); V(setgroups(0, NULL)); V(setgid(5)); V(setreuid(-1, 0)); _exit(0); } wait_say("ids", p); }
	P(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); P(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); P(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}
