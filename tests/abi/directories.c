/* SPDX-License-Identifier: Apache-2.0 */
/* mkdir, rmdir, getdents, rename, link, unlink, symlinks, getcwd. */
/* variants: static musl */
#include "abi.h"
static int cmp(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
static void ls(const char *p) { DIR *d = opendir(p); if (!d) { SAY("ls %s: %s\n", p, abi_errno(errno)); return; } char *n[200]; int c = 0; struct dirent *e; while ((e = readdir(d)) && c < 200) { char t[300]; snprintf(t, 300, "%s:%d", e->d_name, e->d_type); n[c++] = strdup(t); } qsort(n, c, sizeof *n, cmp); SAY("%s:", p); for (int i = 0; i < c; i++) SAY(" %s", n[i]); SAY("\n"); closedir(d); }
static void f(const char *p, const char *s) { int fd = open(p, O_CREAT | O_WRONLY | O_TRUNC, 0644); write(fd, s, strlen(s)); close(fd); }
static void cat(const char *p) { char b[64] = ""; int fd = open(p, O_RDONLY); if (fd < 0) SAY("%s: %s\n", p, abi_errno(errno)); else { read(fd, b, 63); SAY("%s: %s\n", p, b); close(fd); } }
int main(void)
{
	char *top = enter_tmp(), b[PATH_MAX]; struct stat st;
	V(mkdir("a", 0755)); V(mkdir("a", 0755)); V(mkdir("a/b", 0700)); V(mkdir("x/y", 0700)); V(mkdir("", 0700)); V(rmdir("a")); V(rmdir("nope")); V(rmdir(".")); V(rmdir("a/..")); V(unlink("a")); stat("a", &st); SAY("mode %o\n", st.st_mode);
	f("f", "eff"); f("g", "gee"); ls("."); V(rmdir("f")); V(unlink("nope")); V(unlink("f/x")); V(link("f", "hard")); stat("f", &st); SAY("nlink %lu\n", (unsigned long)st.st_nlink); V(link("f", "g")); V(link("a", "adir")); V(link("nope", "x"));
	V(symlink("f", "sym")); V(symlink("f", "sym")); V(readlink("sym", b, sizeof b)); V(readlink("f", b, sizeof b)); V(readlink("sym", b, 0)); cat("sym"); V(lstat("sym", &st)); SAY("link %d size %ld\n", S_ISLNK(st.st_mode), (long)st.st_size); V(symlink("nowhere", "dangling")); V(open("dangling", O_RDONLY)); V(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600)); V(open("dangling", O_CREAT | O_WRONLY, 0600) > 0); V(access("nowhere", F_OK)); V(symlink("loop2", "loop1")); V(symlink("loop1", "loop2")); V(open("loop1", O_RDONLY)); V(open("sym", O_RDONLY | O_NOFOLLOW)); V(symlink("", "e"));
	V(rename("f", "f2")); cat("f2"); cat("sym"); V(rename("f2", "g")); cat("g"); V(rename("nope", "x")); V(rename("g", "a")); V(rename("a", "g")); V(rename("a", "a/b/c")); V(mkdir("d", 0755)); V(rename("d", "a")); V(rename("d", "a/b")); ls("a"); V(rename("hard", "g")); V(rename("g", "g")); V(access("hard", F_OK)); V(rename("a/.", "z")); V(rename("a", ".")); 
	f("one", "1"); f("two", "2"); V(syscall(SYS_renameat2, AT_FDCWD, "one", AT_FDCWD, "two", 2)); cat("one"); V(syscall(SYS_renameat2, AT_FDCWD, "one", AT_FDCWD, "two", 1)); V(syscall(SYS_renameat2, AT_FDCWD, "one", AT_FDCWD, "two", 3)); V(syscall(SYS_renameat2, AT_FDCWD, "one", AT_FDCWD, "three", 1)); ls(".");
	V(chdir("a/b")); SAY("cwd ok %d\n", !strncmp(getcwd(b, sizeof b), top, strlen(top)) && !strcmp(b + strlen(top), "/a/b")); V(chdir("nope")); V(chdir("../../one")); V(chdir("../..")); V(syscall(SYS_getcwd, b, 3)); mkdir("gone", 0755); chdir("gone"); V(rmdir("../gone")); V(syscall(SYS_getcwd, b, sizeof b)); V(open("new", O_CREAT | O_WRONLY, 0600)); ls("."); V(chdir("..")); 
	chdir(top); int d = open("a", O_RDONLY | O_DIRECTORY); V(mkdirat(d, "m", 0755)); V(unlinkat(d, "m", 0)); V(unlinkat(d, "m", AT_REMOVEDIR)); V(fchdir(d)); V(fchdir(0)); chdir(top); for (int i = 0; i < 150; i++) { snprintf(b, 99, "a/file%03d", i); f(b, "x"); } DIR *dp = opendir("a"); int c = 0; struct dirent *e; while ((e = readdir(dp))) { if (strncmp(e->d_name, "file", 4)) continue; snprintf(b, 99, "a/%s", e->d_name); unlink(b); c++; } SAY("removed while reading %d\n", c); rewinddir(dp); c = 0; while ((e = readdir(dp))) c++; SAY("left %d\n", c); closedir(dp);
	int fd = open("u", O_CREAT | O_RDWR, 0600); write(fd, "alive", 5); unlink("u"); b[5] = 0; pread(fd, b, 5, 0); fstat(fd, &st); SAY("%s nlink %lu\n", b, (unsigned long)st.st_nlink); stat("a", &st); SAY("dir nlink %lu\n", (unsigned long)st.st_nlink); V(syscall(SYS_getdents64, fd, b, 100)); d = open(".", O_RDONLY); V(syscall(SYS_getdents64, d, b, 5)); V(rmdir("/")); V(mkdir("/", 0)); V(unlink("/"));
	return 0;
}
