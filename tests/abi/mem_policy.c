/* SPDX-License-Identifier: Apache-2.0 */
/* Memory policies on one node, remap_file_pages, protection keys, PR_SET_MDWE, rounding of munlock. */
#include "abi.h"
#include <sys/prctl.h>
#define PS 4096
#define S(...) syscall(__VA_ARGS__)
#define GET SYS_get_mempolicy
#define SET SYS_set_mempolicy
#define BIND SYS_mbind
static char *map(int flags, int fd, int pages)
{
	return mmap(NULL, pages * PS, PROT_READ | PROT_WRITE, flags, fd, 0);
}
static void child(void (*fn)(void))
{
	pid_t p;
	fflush(stdout);
	p = fork();
	if (!p) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	wait_say("child", p);
}

static void policies(char *q)
{
	int m = 99;
	unsigned long ns[16] = {0};
	V(S(GET, NULL, NULL, 0, 0, 0));
	V(S(GET, &m, ns, 1024, 0, 0));
	V(m);
	V(S(GET, &m, ns, 1024, q, 0));
	V(S(GET, &m, ns, 1024, q, 2));
	V(m);
	V(S(GET, &m, ns, 1024, q, 3));
	V(m);
	V(S(GET, &m, ns, 1024, NULL, 2));
	V(S(GET, &m, ns, 1024, 0, 4));
	V(ns[0] & 1);
	V(S(GET, &m, ns, 1024, 0, 8));
	V(S(GET, &m, ns, 1024, 0, 5));
	V(S(GET, &m, ns, 1024, (void *)8, 2));
	V(S(GET, &m, NULL, 0, 0, 1));
	V(S(GET, (void *)8, NULL, 0, 0, 0));
	V(S(GET, &m, (void *)8, 1024, 0, 0));
	V(S(SET, 0, 0, 0));
	V(S(SET, 2, 0, 0));
	ns[0] = 1;
	V(S(SET, 2, ns, 1024));
	V(S(GET, &m, ns, 1024, 0, 0));
	V(m);
	V(ns[0]);
	V(S(SET, 3, ns, 1024));
	V(S(GET, &m, NULL, 0, 0, 1));
	V(m);
	V(S(SET, 1, ns, 1024));
	V(S(GET, &m, ns, 1024, 0, 0));
	V(m);
	V(S(SET, 1, 0, 0));
	V(S(GET, &m, ns, 1024, 0, 0));
	V(m);
	V(S(SET, 4, 0, 0));
	ns[0] = 1;
	V(S(SET, 4, ns, 1024));
	V(S(SET, 9, ns, 1024));
	V(S(SET, -1, ns, 1024));
	V(S(SET, 0x8002, ns, 1024));
	V(S(GET, &m, ns, 1024, 0, 0));
	V(m);
	V(S(SET, 0xc002, ns, 1024));
	V(S(SET, 0x8001, NULL, 0));
	V(S(SET, 0, ns, 1024));
	V(S(SET, 2, (void *)8, 1024));
	V(S(SET, 2, ns, 1 << 20));
	ns[0] = 0;
	V(S(SET, 0, ns, 1024));
	V(S(SET, 2, ns, 1024));
	ns[0] = 1;
	V(S(BIND, q, PS, 2, ns, 1024, 0));
	V(S(GET, &m, ns, 1024, q, 2));
	V(m);
	V(S(GET, &m, ns, 1024, q + PS, 2));
	V(m);
	V(S(BIND, q, PS, 0, 0, 0, 0));
	V(S(GET, &m, ns, 1024, q, 2));
	V(m);
	ns[0] = 1;
	V(S(BIND, q + 1, PS, 0, 0, 0, 0));
	V(S(BIND, q, 3 * PS, 2, ns, 1024, 0));
	V(S(BIND, q, PS, 2, ns, 1024, 1));
	V(S(BIND, q, PS, 2, ns, 1024, 2));
	V(S(BIND, q, PS, 2, ns, 1024, 8));
	V(S(BIND, q, 0, 2, ns, 1024, 0));
	V(S(BIND, q, PS, 2, (void *)8, 1024, 0));
	V(S(BIND, q, PS, 2, ns, 1 << 20, 0));
	V(S(BIND, q, -1, 2, ns, 1024, 0));
	V(S(BIND, q, PS, 7, ns, 1024, 0));
	V(S(SYS_migrate_pages, 0, 1024, ns, ns));
	V(S(SYS_migrate_pages, 999999, 1024, ns, ns));
	V(S(SYS_migrate_pages, 0, 1024, (void *)8, ns));
	q[0] = 1;
	{
		void *pg[2] = {q, (void *)PS};
		int st[2] = {9, 9}, nd[2] = {0, 0};
		V(S(SYS_move_pages, 0, 2, pg, NULL, st, 0));
		V(st[0]);
		V(st[1]);
		V(S(SYS_move_pages, 0, 1, pg, nd, st, 99));
		V(S(SYS_move_pages, 0, 1, (void *)8, nd, st, 2));
		V(S(SYS_move_pages, 999999, 1, pg, nd, st, 2));
	}
	V(S(SET, 0, 0, 0));
}

static void inherited(void)
{
	int m = 99;
	V(S(GET, &m, NULL, 0, 0, 0));
	V(m);
}

static void remap(char *a, char *q)
{
	V(S(SYS_remap_file_pages, a, PS, 0, 2, 0));
	V(a[0]);
	V(a[PS]);
	V(S(SYS_remap_file_pages, a + PS, 2 * PS, 0, 0, 0));
	V(a[PS]);
	V(a[2 * PS]);
	V(S(SYS_remap_file_pages, a, PS, 1, 0, 0));
	V(S(SYS_remap_file_pages, q, PS, 0, 0, 0));
	V(S(SYS_remap_file_pages, a, 0, 0, 0, 0));
	V(S(SYS_remap_file_pages, a, 100 * PS, 0, 0, 0));
	V(S(SYS_remap_file_pages, a, PS, 0, -1l, 0));
	V(S(SYS_remap_file_pages, a + 1, PS, 0, 0, 0));
	V(a[0]);
}

static void mdwe(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, 1),
	     *x = mmap(NULL, PS, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	V(prctl(66, 0, 0, 0, 0));
	V(prctl(66, 1, 0, 0, 0));
	V(prctl(65, 4, 0, 0, 0));
	V(prctl(65, 2, 0, 0, 0));
	V(prctl(65, 1, 1, 0, 0));
	V(prctl(65, 1, 0, 0, 0));
	V(prctl(66, 0, 0, 0, 0));
	V(prctl(65, 0, 0, 0, 0));
	V(prctl(65, 3, 0, 0, 0));
	V(prctl(65, 1, 0, 0, 0));
	V(mprotect(p, PS, PROT_READ | PROT_EXEC));
	V(mprotect(x, PS, PROT_READ | PROT_EXEC));
	V(mprotect(x, PS, PROT_WRITE | PROT_EXEC));
	V(mprotect(x, PS, PROT_READ));
	V(mprotect(x, PS, PROT_READ | PROT_EXEC));
	V(mmap(NULL, PS, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	V(mmap(NULL, PS, 5, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	fflush(stdout);
	if (!fork()) {
		V(prctl(66, 0, 0, 0, 0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	int f;
	char *q, *a;
	unsigned long n = 1;
	enter_tmp();
	f = open("f", O_RDWR | O_CREAT, 0600);
	ftruncate(f, 4 * PS);
	for (int k = 0; k < 4; k++) pwrite(f, &"abcd"[k], 1, k * PS);
	q = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, 3);
	munmap(q + 2 * PS, PS);
	a = map(MAP_SHARED, f, 4);
	policies(q);
	remap(a, q);
	a = map(MAP_SHARED | MAP_ANONYMOUS, -1, 4);
	for (int k = 0; k < 4; k++) a[k * PS] = "wxyz"[k];
	remap(a, q);
	V(S(SET, 3, &n, 64));
	child(inherited);
	V(S(SET, 0, 0, 0));
	child(mdwe);
	V(S(SYS_pkey_alloc, 1, 0));
	V(S(SYS_pkey_alloc, 0, 4));
	V(S(SYS_pkey_free, 1));
	V(S(SYS_pkey_free, -1));
	V(munlock(q, -1));
	V(mlock(q, PS));
	V(munlock(q, PS));
	a = map(MAP_SHARED, f, 1);
	q = (char *)syscall(SYS_mremap, a, PS, PS, MREMAP_MAYMOVE | 4, 0);
	V(q != MAP_FAILED);
	V(syscall(SYS_mremap, a, PS, PS, MREMAP_MAYMOVE | 4, 1));
	V(syscall(SYS_mremap, a, PS, PS, MREMAP_MAYMOVE | 4, a));
	V(a[0]);
	V(q[0]);
	q[0] = 'Q';
	V(a[0]);
	return 0;
}
