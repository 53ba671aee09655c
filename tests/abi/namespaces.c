/* SPDX-License-Identifier: Apache-2.0 */
/* unshare, clone and setns of name spaces: what root and others get, and the ids inside. */
#include "abi.h"
#include <sys/mount.h>
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
static int in(int (*f)(void)) { pid_t p = fork(); int st; if (!p) _exit(f()); waitpid(p, &st, 0); return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st); }
static ino_t ns(const char *n) { char b[50]; struct stat st; snprintf(b, 50, "/proc/self/ns/%s", n); return stat(b, &st) ? 0 : st.st_ino; }
static int uts(void) { ino_t a = ns("uts"); char b[70]; if (unshare(CLONE_NEWUTS)) return errno; if (sethostname("inner", 5)) return 200; gethostname(b, 70); return strcmp(b, "inner") ? 201 : ns("uts") == a ? 202 : 0; }
static int mnt(void) { ino_t a = ns("mnt"); if (unshare(CLONE_NEWNS)) return errno; if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) return 200; if (mount("tmpfs", "/mnt", "tmpfs", 0, "size=1m,mode=0700")) return 201; close(open("/mnt/x", O_CREAT | O_RDWR, 0600)); return access("/mnt/x", F_OK) ? 202 : ns("mnt") == a ? 203 : 0; }
static int net(void) { if (unshare(CLONE_NEWNET)) return errno; return 0; }
static int fsfd(void) { return unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM) ? errno : 0; }
static int badbits(void) { return unshare(0x1) ? errno : 0; }
static int thread_(void) { return unshare(CLONE_THREAD) ? errno : 0; }
static int setns1(void) { int f = open("/proc/self/ns/uts", O_RDONLY); V(setns(f, 0)); V(setns(f, CLONE_NEWUTS)); V(setns(f, CLONE_NEWNET)); V(setns(99, 0)); V(setns(1, 0)); f = open("/proc/self/ns/mnt", O_RDONLY); V(setns(f, CLONE_NEWNS)); f = open("/proc/self/ns/net", O_RDONLY); V(setns(f, CLONE_NEWNET)); return 0; }
static int pivot(void) { if (unshare(CLONE_NEWNS)) return errno; enter_tmp(); mkdir("r", 0755); mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL); if (mount("tmpfs", "r", "tmpfs", 0, NULL)) return 200; mkdir("r/old", 0755); mkdir("r/sub", 0755); if (chdir("r")) return 201; if (syscall(SYS_pivot_root, ".", "old")) return 202; if (access("/sub", F_OK)) return 203; if (access("/old/tmp", F_OK)) return 204; if (umount2("/old", MNT_DETACH)) return 205; return access("/old/tmp", F_OK) ? 0 : 206; }
static int pivot_bad(void) { if (unshare(CLONE_NEWNS)) return errno; enter_tmp(); mkdir("r", 0755); V(syscall(SYS_pivot_root, "r", "r")); V(syscall(SYS_pivot_root, "nope", "r")); V(umount2("r", 0)); V(umount2("/nope", 0)); V(umount2("/", 0x100)); V(mount("none", "r", "nosuchfs", 0, NULL)); V(mount("none", "nope", "tmpfs", 0, NULL)); V(mount("nope", "r", NULL, MS_BIND, NULL)); V(mount("/tmp", "r", NULL, MS_BIND, NULL)); V(access("r", W_OK)); V(mount(NULL, "r", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL)); V(open("r/newfile", O_CREAT | O_RDWR, 0600)); V(umount("r")); V(umount("r")); V(mount("proc", "r", "proc", 0, NULL)); V(access("r/self/status", F_OK)); V(umount("r")); V(mount("tmpfs", "r", "tmpfs", MS_NOEXEC | MS_NODEV | MS_NOSUID, NULL)); close(open("r/f", O_CREAT | O_RDWR, 0755)); { char *a[] = { "r/f", NULL }; V(execv("r/f", a)); } V(mount("r", "r", NULL, MS_MOVE, NULL)); mkdir("q", 0755); V(umount2("r", 0)); V(access("r/f", F_OK)); return 0; }
int main(void)
{
	int root = getuid() == 0;
	V(in(fsfd)); V(in(badbits)); V(in(thread_)); V(setns(-1, 0));
	if (root) { V(in(uts)); V(in(mnt)); V(in(net)); V(in(setns1)); V(in(pivot)); V(in(pivot_bad)); }
	else { V(in(uts)); V(in(mnt)); V(in(net)); }
	V(chroot("/nope")); if (root) { enter_tmp(); mkdir("c", 0755); V(chroot("c")); V(access("/c", F_OK)); V(access("../../etc", F_OK)); V(chdir("/")); V(access("..", F_OK)); }
	return 0;
}
