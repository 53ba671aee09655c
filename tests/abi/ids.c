/* SPDX-License-Identifier: Apache-2.0 */
/* User and group ids, prctl, uname, sysinfo, capabilities. */
#include "abi.h"
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
int main(void)
{
	uid_t r, e, s; V(getresuid(&r, &e, &s)); SAY("%d %d %d %d\n", getuid(), r, e, s); V(getgid()); V(getegid()); struct utsname u; V(uname(&u)); SAY("%s %s\n", u.sysname, u.machine); struct sysinfo si; V(sysinfo(&si)); SAY("%d %d\n", si.totalram > 0, si.mem_unit); V(getpid() > 0); V(getppid() > 0); V(setuid(getuid())); V(setreuid(-1, -1)); V(setresgid(-1, -1, -1));
	char n[16]; V(prctl(PR_SET_NAME, "a-name-longer-than-16")); V(prctl(PR_GET_NAME, n)); SAY("%s\n", n); V(prctl(PR_GET_DUMPABLE)); V(prctl(PR_SET_PDEATHSIG, SIGUSR1)); int sig; V(prctl(PR_GET_PDEATHSIG, &sig)); SAY("%d\n", sig); V(prctl(PR_SET_PDEATHSIG, 99)); V(prctl(PR_SET_PDEATHSIG, 0)); V(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); V(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); V(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); V(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)); V(prctl(0x7fffffff)); V(prctl(PR_SET_CHILD_SUBREAPER, 1)); V(prctl(PR_CAPBSET_READ, 99)); V(prctl(PR_GET_KEEPCAPS)); V(prctl(PR_GET_SECCOMP)); V(prctl(PR_GET_TIMERSLACK));
	pid_t p = fork(); if (!p) { if (!fork()) { msleep(60); _exit(getppid() > 0 ? 21 : 0); } _exit(0); } int st; pid_t w; int k = 0; while ((w = wait(&st)) > 0) { k++; say_status(w == p ? "child" : "adopted", st); } SAY("%d\n", k); V(syscall(SYS_personality, 0xffffffff)); V(syscall(SYS_getcpu, NULL, NULL, NULL)); char b[256]; V(syscall(SYS_getrandom, b, 256, 0)); V(syscall(SYS_getrandom, b, 16, 99)); V(syscall(999)); V(syscall(SYS_set_tid_address, &st) == getpid()); V(gethostname(b, 256)); V(sethostname("x", -1)); V(syscall(SYS_membarrier, 0, 0, 0) >= 0); V(syscall(SYS_arch_prctl, 0x1003, b)); V(syscall(SYS_arch_prctl, 0x9999, b));
	V(getgroups(0, NULL) >= 0); V(getgroups(-1, NULL)); if (getuid() == 0) { V(setgroups(2, (gid_t[]){ 5, 6 })); V(getgroups(0, NULL)); V(setresuid(1000, 1000, 0)); V(geteuid()); V(setuid(0)); SAY("%d\n", geteuid()); p = fork(); if (!p) { V(setuid(1000)); V(setuid(0)); V(setgid(7)); V(setgroups(0, NULL)); V(kill(getppid(), 0)); V(chmod("/etc/passwd", 0600)); V(open("/etc/shadow", O_RDONLY)); _exit(0); } wait_say("dropped", p); } else { V(setuid(0)); V(setgid(0)); }
	return 0;
}
