/* SPDX-License-Identifier: Apache-2.0 */
/* walks.c: path walks of several processes while others rename, exchange,
 * remove, mount and change directories under them.
 *
 * Every leaf can be told from the others, so a walk that led to the wrong one
 * is seen.  What always exists under some name must be found where only one step
 * can be in the way: names that are exchanged are never missing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/testhost/testhost.h"
#include "tests/unit/program.h"
#include "tests/unit/unit.h"

#ifdef UNIT_SMP
#define ROUNDS 400
#else
#define ROUNDS 40                       /* one CPU: only what a sleep interleaves */
#endif
#define THREADS_SHARE (0x200 | 17)      /* CLONE_FS */

static uint64_t S3(const char *s) { return u_str(u_page() + 1024, s); }

/* Leaves are links, known by the length of their text: nothing about them ever
 * changes.  The length, or an error. */
static long length_of(const char *path)
{
	return u(SYS_readlink, S(path), u_page() + 4096, 100);
}

static int make(const char *path, int length)
{
	char text[64];

	memset(text, 'x', sizeof text);
	text[length] = 0;
	GOOD(u(SYS_symlink, S2(text), S(path)));
	return 0;
}

#define FOUND(e, n) do { long got_ = (e); if (got_ != (n) && got_ != -ENOENT) return fail(__LINE__, got_); } while (0)

static int walker(int n)
{
	for (int i = 0; i < ROUNDS; i++) {
		long x = length_of("/w/x/f"), in;

		FOUND(length_of("/w/a/b/f"), 11);
		FOUND(length_of("/w/c/b/f"), 11);
		if (x != 21 && x != 22)         /* exchanged, never away */
			return fail(__LINE__, x);
		FOUND(length_of("/w/a/b/../b/up/f"), 11);
		in = length_of("/w/m/in");
		if (in != 31 && in != 32 && in != -ENOENT)
			return fail(__LINE__, in);
		FOUND(length_of("/w/t/deep/file"), 51);
		IS(length_of("/w/x/f/none"), -ENOENT);
		IS(length_of("/w/none/f"), -ENOENT);
		IS(u(SYS_access, S("/bin/hello"), R_OK), 0);
		if (i % 8 == n)
			FOUND(u(SYS_access, S("/w/a/b"), 7), 0);
	}
	return 0;
}

static int renamer(int n)
{
	for (int i = 0; i < ROUNDS; i++) {
		IS(u(SYS_rename, S("/w/a"), S2("/w/c")), 0);
		IS(u(SYS_renameat2, AT_FDCWD, S("/w/x"), AT_FDCWD, S2("/w/y"), 2), 0);
		IS(u(SYS_rename, S("/w/c"), S2("/w/a")), 0);
	}
	return 0;
}

static int maker(int n)
{
	for (int i = 0; i < ROUNDS; i++) {
		GOOD(u(SYS_mkdir, S("/w/t/deep"), 0755));
		IS(make("/w/t/deep/file", 51), 0);
		IS(u(SYS_rename, S("/w/t/deep/file"), S2("/w/t/deep/a name that is longer")), 0);
		GOOD(u(SYS_unlink, S("/w/t/deep/a name that is longer")));
		GOOD(u(SYS_rmdir, S("/w/t/deep")));
	}
	return 0;
}

static int mounter(int n)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		GOOD(u(SYS_mount, S("none"), S2("/w/m"), S3("tmpfs"), 0, 0));
		IS(make("/w/m/new", 52), 0);
		IS(u(SYS_rename, S("/w/m/new"), S2("/w/m/other")), 0);
		GOOD(u(SYS_umount2, S("/w/m"), MNT_DETACH));
		GOOD(u(SYS_mount, S("/w/over"), S2("/w/m"), 0, MS_BIND, 0));
		GOOD(u(SYS_umount2, S("/w/m"), MNT_DETACH));
	}
	return 0;
}

/* Relative walks, while the other one with the same working directory moves it. */
static int there_and_back(int n)
{
	for (int i = 0; i < ROUNDS; i++) {
		GOOD(u(SYS_chdir, S(i % 2 ? "/w/p" : "/w/q")));
		u(SYS_sched_yield);
	}
	return 0;
}

static int relative(int arg)
{
	GOOD(u(SYS_chdir, S("/w/p")));
	GOOD(u_clone(THREADS_SHARE, there_and_back, 0));
	for (int i = 0; i < ROUNDS; i++) {
		long n = length_of("f");

		if (n != 41 && n != 42)
			return fail(__LINE__, n);
	}
	return u(SYS_wait4, -1, 0, 0, 0) > 0 ? 0 : fail(__LINE__, 0);
}

int walks(int arg)
{
	static const char *const dirs[] = { "/w/a", "/w/a/b", "/w/x", "/w/y", "/w/m", "/w/t", "/w/over", "/w/p", "/w/q" };
	static int (*const parts[])(int) = { walker, walker, renamer, maker, mounter, relative };
	uint64_t st = u_page() + 4096;
	uint32_t status;

	GOOD(u(SYS_mkdir, S("/w"), 0755));
	GOOD(u(SYS_mount, S("none"), S2("/w"), S3("tmpfs"), 0, 0));
	for (unsigned i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
		GOOD(u(SYS_mkdir, S(dirs[i]), 0755));
	IS(make("/w/a/b/f", 11) | make("/w/x/f", 21) | make("/w/y/f", 22) | make("/w/m/in", 31) |
	   make("/w/over/in", 32) | make("/w/p/f", 41) | make("/w/q/f", 42), 0);
	GOOD(u(SYS_symlink, S("../b"), S2("/w/a/b/up")));
	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
		GOOD(u_fork(parts[i], (int)i));
	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		GOOD(u(SYS_wait4, -1, st, 0, 0));
		u_get(&status, st, sizeof status);
		IS(status, 0);
	}
	IS(length_of("/w/a/b/up/f"), 11);
	return 0;
}
