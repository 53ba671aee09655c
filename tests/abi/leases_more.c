/* SPDX-License-Identifier: Apache-2.0 */
/* fcntl: record locks of all kinds, leases, owners, signals, pipe sizes, seals, hints. */
#include "abi.h"
#ifndef F_OFD_SETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif
static long lk(int f, int c, int t, off_t s, off_t n, int wh) { struct flock l = { .l_type = t, .l_whence = wh, .l_start = s, .l_len = n }; long r = fcntl(f, c, &l); if (!r && (c == F_GETLK || c == F_OFD_GETLK)) printf("  type %d whence %d start %lld len %lld pid %s\n", l.l_type, l.l_whence, (long long)l.l_start, (long long)l.l_len, l.l_type == F_UNLCK ? "-" : l.l_pid == -1 ? "-1" : l.l_pid == getppid() ? "parent" : "?"); return r; }
static void child(const char *w, void (*f)(void)) { pid_t p; fflush(stdout); p = fork(); if (!p) { f(); fflush(stdout); _exit(0); } wait_say(w, p); }
static int fa, fb;
static void c1(void) { V(lk(fa, F_SETLK, F_RDLCK, 0, 10, 0)); V(lk(fa, F_SETLK, F_WRLCK, 5, 1, 0)); V(lk(fa, F_GETLK, F_WRLCK, 0, 0, 0)); V(lk(fa, F_GETLK, F_RDLCK, 0, 0, 0)); V(lk(fa, F_SETLK, F_WRLCK, 200, 0, 0)); V(lk(fa, F_OFD_SETLK, F_WRLCK, 0, 10, 0)); V(flock(fa, LOCK_EX | LOCK_NB)); }
static void c2(void) { V(lk(fa, F_GETLK, F_WRLCK, 0, 0, 0)); int f = open("f", O_RDWR); V(lk(f, F_OFD_GETLK, F_WRLCK, 0, 0, 0)); V(lk(f, F_OFD_SETLK, F_WRLCK, 0, 5, 0)); V(lk(f, F_OFD_SETLK, F_RDLCK, 100, 5, 0)); V(flock(f, LOCK_SH | LOCK_NB)); }
int main(void)
{
	int p[2], m, n; struct f_owner_ex o = { F_OWNER_PID, 0 }; uint64_t h = 3;
	enter_tmp(); fa = open("f", O_RDWR | O_CREAT, 0644); fb = open("f", O_RDONLY); write(fa, "0123456789", 10); pipe(p);
	V(lk(fa, F_SETLK, F_WRLCK, 0, 10, SEEK_SET)); V(lk(fa, F_SETLK, F_RDLCK, 2, 3, SEEK_SET)); child("posix", c1); V(lk(fa, F_SETLK, F_UNLCK, 0, 0, 0)); V(lk(fa, F_SETLK, F_WRLCK, -5, 5, SEEK_END)); V(lk(fa, F_SETLK, F_WRLCK, 0, -3, SEEK_CUR)); V(lk(fa, F_SETLK, F_WRLCK, -50, 5, SEEK_SET)); V(lk(fa, F_SETLK, F_WRLCK, 0, 0, 7)); V(lk(fa, F_SETLK, 9, 0, 0, 0)); V(lk(fb, F_SETLK, F_WRLCK, 0, 1, 0)); V(lk(fb, F_SETLK, F_RDLCK, 0, 1, 0)); V(lk(p[0], F_SETLK, F_RDLCK, 0, 1, 0)); V(lk(99, F_SETLK, F_RDLCK, 0, 1, 0)); V(fcntl(fa, F_SETLK, 8)); V(lk(fa, F_SETLK, F_WRLCK, LLONG_MAX, 2, 0)); close(open("f", O_RDONLY)); child("dropped by close", c2);
	V(lk(fa, F_OFD_SETLK, F_WRLCK, 0, 50, 0)); V(lk(fa, F_OFD_GETLK, F_WRLCK, 0, 0, 0)); { struct flock l = { .l_type = F_WRLCK, .l_pid = 5 }; V(fcntl(fa, F_OFD_SETLK, &l)); } child("ofd", c2); V(flock(fa, LOCK_EX)); child("flock", c2); V(flock(fa, LOCK_UN)); V(flock(fa, 99)); V(flock(99, LOCK_SH)); V(flock(p[0], LOCK_SH)); V(flock(fa, LOCK_MAND | LOCK_READ));
	V(fcntl(fa, F_GETOWN)); V(fcntl(fa, F_SETOWN, getpid())); V(fcntl(fa, F_GETOWN) == getpid()); V(fcntl(fa, F_SETOWN, -getpgrp())); V(fcntl(fa, F_SETOWN, 0)); V(fcntl(fa, F_SETOWN, 999999)); V(fcntl(fa, F_GETSIG)); V(fcntl(fa, F_SETSIG, 10)); V(fcntl(fa, F_GETSIG)); V(fcntl(fa, F_SETSIG, 99)); o.pid = getpid(); V(fcntl(fa, F_SETOWN_EX, &o)); memset(&o, 0, sizeof o); V(fcntl(fa, F_GETOWN_EX, &o)); V(o.type); o.type = 9; V(fcntl(fa, F_SETOWN_EX, &o));
	V(fcntl(p[0], F_GETPIPE_SZ)); V(fcntl(p[0], F_SETPIPE_SZ, 5000)); V(fcntl(p[0], F_SETPIPE_SZ, 0)); V(fcntl(fa, F_GETPIPE_SZ)); V(fcntl(p[0], F_SETPIPE_SZ, 1 << 30)); { char b[9000]; memset(b, 1, 9000); fcntl(p[1], F_SETFL, O_NONBLOCK); V(write(p[1], b, 9000)); V(fcntl(p[0], F_SETPIPE_SZ, 4096)); }
	V(fcntl(fa, F_GETFL) & O_ACCMODE); V(fcntl(fa, F_SETFL, O_APPEND | O_WRONLY)); V((fcntl(fa, F_GETFL) & (O_APPEND | O_ACCMODE)) == (O_APPEND | O_RDWR)); V(fcntl(fa, F_SETFL, 0)); m = syscall(SYS_memfd_create, "x", 2); V(fcntl(m, F_GET_SEALS)); ftruncate(m, 100); V(fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK)); V(ftruncate(m, 50)); V(ftruncate(m, 200)); V(fcntl(m, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE)); V(ftruncate(m, 300)); V(write(m, "x", 1)); V(mmap(NULL, 100, 3, MAP_SHARED, m, 0) == MAP_FAILED); V(fcntl(m, F_ADD_SEALS, F_SEAL_SEAL)); V(fcntl(m, F_ADD_SEALS, 0)); V(fcntl(m, F_GET_SEALS)); V(fcntl(fa, F_GET_SEALS)); V(fcntl(fa, F_ADD_SEALS, 1)); m = syscall(SYS_memfd_create, "y", 0); V(fcntl(m, F_GET_SEALS)); V(fcntl(m, F_ADD_SEALS, 1)); V(syscall(SYS_memfd_create, "z", 0x100)); V(syscall(SYS_memfd_create, 8l, 0)); { char b[300]; memset(b, 'x', 299); b[299] = 0; V(syscall(SYS_memfd_create, b, 0)); b[249] = 0; V(syscall(SYS_memfd_create, b, 0) >= 0); } V(syscall(SYS_memfd_create, "e", 0x18)); 
	return 0;
}
