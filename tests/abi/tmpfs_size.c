/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs with a size: what counts, page by page; fallocate and st_blocks; mount options.
 * An ordinary user cannot mount. */
#include "abi.h"
#include <sys/mount.h>
#include <sys/statfs.h>
#include <linux/falloc.h>
static int f;
static char b[20000];
static char big[300];
static void s(const char *w)
{
	struct stat st;
	struct statfs k;
	fstat(f, &st);
	statfs("m", &k);
	printf("%s: size %lld blocks %lld free %lld of %lld\n", w, (long long)st.st_size, (long long)st.st_blocks,
		(long long)k.f_bfree, (long long)k.f_blocks);
}
static int op(const char *n)
{
	char p[100];
	sprintf(p, "m/%s", n);
	close(f);
	return f = open(p, O_RDWR | O_CREAT, 0644);
}
#define T(o) V(mount("t", "m", "tmpfs", 0, o));
#define U()                                                                                                        \
	close(f);                                                                                                  \
	f = -1;                                                                                                    \
	V(umount("m"))
int main(void)
{
	if (unshare(CLONE_NEWNS)) {
		puts("no");
		return 0;
	}
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	enter_tmp();
	mkdir("m", 0755);
	memset(big, 'a', 299);
	T("size=2048");
	op("f");
	s("0");
	V(fallocate(f, 0, 0, 4096));
	s("1");
	V(fallocate(f, 0, 0, 4097));
	s("full");
	V(write(f, b, 10));
	V(pwrite(f, b, 10, 4090));
	s("w");
	V(ftruncate(f, 0));
	s("t");
	V(pwrite(f, b, 10, 4090));
	s("w2");
	U();
	T("nr_blocks=1");
	op("f");
	V(fallocate(f, 0, 0, 4096));
	V(fallocate(f, 0, 0, 4097));
	s("x");
	U();
	T("size=8192");
	op("f");
	V(fallocate(f, 0, 0, 8193));
	s("a");
	V(fallocate(f, 0, 0, 8192));
	s("b");
	V(fallocate(f, 0, 0, 8193));
	s("c");
	U();
	T("size=40960");
	for (int i = 0; i < 10; i++) {
		char n[10];
		sprintf(n, "f%d", i);
		op(n);
		V(fallocate(f, 0, 0, 100));
		s(n);
	}
	op("g");
	V(fallocate(f, 0, 0, 4096));
	V(write(f, b, 1));
	s("g");
	U();
	T("size=4096");
	op("f");
	V(fallocate(f, 0, 0, 4096));
	V(ftruncate(f, 4097));
	s("t");
	V(ftruncate(f, 0));
	s("0");
	V(fallocate(f, 0, 0, 4096));
	s("again");
	mkdir("m/d", 0755);
	op("g");
	V(write(f, b, 1));
	V(write(f, b, 0));
	unlink("m/f");
	V(write(f, b, 1));
	s("g");
	U();
	T("size=4096");
	big[127] = 0;
	V(symlink(big, "m/a"));
	big[127] = 'a';
	big[128] = 0;
	V(symlink(big, "m/b"));
	V(symlink(big, "m/c"));
	big[127] = 0;
	V(symlink(big, "m/d"));
	V(unlink("m/b"));
	big[127] = 'a';
	V(symlink(big, "m/c"));
	U();
	T("size=12288");
	op("f");
	V(pwrite(f, b, 4, 4096));
	s("1");
	V(pwrite(f, b, 4098, 8190));
	s("2");
	V(pwrite(f, b, 4098, 0));
	s("3");
	V(pwrite(f, b, 1, 12288));
	op("g");
	V(write(f, b, 5));
	s("g");
	U();
	T("size=1m");
	op("f");
	V(write(f, b, 100));
	s("100");
	V(write(f, b, 5000));
	s("5100");
	V(write(f, b, 15000));
	s("20100");
	V(ftruncate(f, 4000));
	s("4000");
	V(ftruncate(f, 100000));
	s("100000");
	V(pwrite(f, b, 10, 90000));
	s("w");
	V(fallocate(f, 0, 0, 100000));
	s("all");
	V(fallocate(f, FALLOC_FL_KEEP_SIZE, 200000, 100000));
	s("keep");
	V(fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4000, 10000));
	s("punch");
	V(ftruncate(f, 100000));
	s("same");
	V(lseek(f, 0, SEEK_HOLE));
	V(lseek(f, 10000, SEEK_DATA));
	V(fallocate(f, 0, 0, 2 << 20));
	s("no");
	V(fallocate(f, 0, 500000, 600000));
	s("no");
	char *p = mmap(0, 4096, 3, MAP_SHARED, f, 0);
	p[0] = 1;
	V(ftruncate(f, 0));
	s("z");
	U();
	T("size=64k");
	op("f");
	int n = 0;
	while (write(f, b, 20000) > 0) n++;
	V(n);
	s("full");
	op("g");
	V(write(f, b, 1));
	s("g");
	unlink("m/f");
	V(write(f, b, 1));
	s("g");
	U();
	T("size");
	T("size=");
	T("size=x");
	T("size=10%");
	U();
	T("nr_blocks=x");
	T("nr_inodes=3");
	V(open("m/1", O_CREAT, 0600) >= 0);
	V(mkdir("m/2", 0700));
	V(symlink("a", "m/3"));
	V(umount2("m", MNT_DETACH));
	T("mode=0700,uid=5,gid=6");
	struct stat st;
	stat("m", &st);
	V(st.st_mode);
	V(st.st_uid);
	V(st.st_gid);
	U();
	T("mode=999");
	T("uid=x");
	T("foo=bar");
	T("");
	U();
	T("size=4k,size=8k");
	op("f"); s("2");
	U();
	rmdir("m");
	return 0;
}
