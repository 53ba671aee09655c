/* SPDX-License-Identifier: Apache-2.0 */
/* flock, POSIX record locks, open-file-description locks. */
#include "abi.h"
static struct flock L(int t, int s, int l) { return (struct flock){ .l_type = t, .l_whence = SEEK_SET, .l_start = s, .l_len = l }; }
int main(void)
{
	enter_tmp(); int a = open("f", O_CREAT | O_RDWR, 0600), b = open("f", O_RDWR); ftruncate(a, 100);
	V(flock(a, LOCK_EX)); V(flock(b, LOCK_SH | LOCK_NB)); V(flock(a, LOCK_SH)); V(flock(b, LOCK_SH | LOCK_NB)); V(flock(b, LOCK_EX | LOCK_NB)); V(flock(b, LOCK_UN)); V(flock(a, LOCK_UN)); V(flock(b, LOCK_EX | LOCK_NB)); V(flock(b, LOCK_UN)); V(flock(a, 16)); V(flock(99, LOCK_EX));
	struct flock l = L(F_WRLCK, 10, 20); V(fcntl(a, F_SETLK, &l)); l = L(F_WRLCK, 15, 5); V(fcntl(b, F_GETLK, &l)); SAY("own %d\n", l.l_type == F_UNLCK);
	pid_t p = fork(); if (!p) { l = L(F_WRLCK, 15, 5); V(fcntl(a, F_GETLK, &l)); SAY("type %d start %ld len %ld parent %d\n", l.l_type, (long)l.l_start, (long)l.l_len, l.l_pid == getppid()); l = L(F_RDLCK, 0, 11); V(fcntl(a, F_SETLK, &l)); l = L(F_RDLCK, 0, 10); V(fcntl(a, F_SETLK, &l)); l = L(F_WRLCK, 12, 2); _exit(fcntl(a, F_SETLKW, &l) ? 1 : 4); }
	msleep(150); l = L(F_UNLCK, 0, 0); V(fcntl(a, F_SETLK, &l)); wait_say("child", p);
	l = L(F_WRLCK, 0, 0); V(fcntl(a, F_SETLK, &l)); close(b); b = open("f", O_RDWR); p = fork(); if (!p) { l = L(F_WRLCK, 0, 0); V(fcntl(b, F_SETLK, &l)); _exit(0); } wait_say("close released", p);
	l = L(F_WRLCK, 0, 10); l.l_pid = 0; V(fcntl(a, F_OFD_SETLK, &l)); V(fcntl(b, F_OFD_SETLK, &l)); l.l_type = F_UNLCK; V(fcntl(a, F_OFD_SETLK, &l)); l.l_type = F_WRLCK; V(fcntl(b, F_OFD_SETLK, &l)); l = L(9, 0, 0); V(fcntl(a, F_SETLK, &l)); int r = open("f", O_RDONLY); l = L(F_WRLCK, 50, 1); V(fcntl(r, F_SETLK, &l)); V(lockf(a, F_TLOCK, 5));
	return 0;
}
