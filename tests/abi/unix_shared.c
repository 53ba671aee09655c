/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets shared by fork and threads: who reads what, closes that race with
 * blocked calls, the last close. */
#include "unix.h"
static int p[2]; static volatile long total;
static void *reader(void *x) { char b[97]; long n = 0; ssize_t r; (void)x; while ((r = read(p[1], b, sizeof b)) > 0) n += r; __sync_fetch_and_add(&total, n); return NULL; }
static void *blocked_read(void *x) { char b[9]; long r = recv(*(int *)x, b, 9, 0); return (void *)(r < 0 ? -errno : r); }
static void *blocked_accept(void *x) { long r = accept(*(int *)x, NULL, NULL); return (void *)(r < 0 ? -errno : 1); }
static void *blocked_write(void *x) { static char big[400000]; long r = send(*(int *)x, big, sizeof big, 0); return (void *)(r < 0 ? (long)-errno : r > 0); }
static void *blocked_poll(void *x) { struct pollfd q = { *(int *)x, POLLIN, 0 }; return (void *)(long)(poll(&q, 1, 3000) ? q.revents : 0); }
static long join(pthread_t t) { void *r; pthread_join(t, &r); return (long)r; }
int main(void)
{
	enter_tmp(); signal(SIGPIPE, SIG_IGN); char b[64]; pthread_t t[4], u; static char big[1000];
	/* several writers and readers, processes and threads: no byte is lost or doubled */
	upair(SOCK_STREAM, p); for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, reader, NULL); for (int i = 0; i < 4; i++) if (!fork()) { for (int k = 0; k < 200; k++) if (write(p[0], big, 613) != 613) _exit(1); _exit(0); } for (int i = 0; i < 4; i++) SAY("writer %d\n", wait(NULL) > 0); shutdown(p[0], SHUT_WR); for (int i = 0; i < 4; i++) pthread_join(t[i], NULL); SAY("total %ld\n", total); close(p[0]); close(p[1]);
	/* a packet goes to one reader, whole */
	upair(SOCK_SEQPACKET, p); int out[2]; pipe(out); for (int i = 0; i < 3; i++) if (!fork()) { close(p[0]); long n = 0; ssize_t r; while ((r = recv(p[1], b, 64, 0)) > 0) n += r == 7 ? 1 : 1000; write(out[1], &n, sizeof n); _exit(0); } for (int i = 0; i < 300; i++) send(p[0], "packet", 7, 0); close(p[0]); long sum = 0, n; for (int i = 0; i < 3; i++) { read(out[0], &n, sizeof n); sum += n; wait(NULL); } SAY("packets %ld\n", sum); close(p[1]);
	/* the other copy keeps it open */
	upair(SOCK_STREAM, p); if (!fork()) { close(p[1]); msleep(60); write(p[0], "child", 5); _exit(0); } close(p[0]); V(read(p[1], b, 9)); V(read(p[1], b, 9)); wait(NULL); close(p[1]);
	/* shutdown wakes who sleeps; close of a descriptor in use does not */
	upair(SOCK_STREAM, p); pthread_create(&u, NULL, blocked_read, &p[0]); msleep(40); shutdown(p[0], SHUT_RD); V(join(u)); pthread_create(&u, NULL, blocked_write, &p[1]); msleep(40); V(shutdown(p[1], SHUT_WR)); V(join(u)); close(p[0]); close(p[1]);
	upair(SOCK_STREAM, p); pthread_create(&u, NULL, blocked_read, &p[0]); msleep(40); int keep = p[0]; p[0] = -1; close(keep); msleep(20); V(write(p[1], "late", 4)); V(join(u)); V(write(p[1], "x", 1)); close(p[1]);
	upair(SOCK_STREAM, p); pthread_create(&u, NULL, blocked_write, &p[0]); msleep(40); close(p[1]); V(join(u)); close(p[0]); upair(SOCK_STREAM, p); pthread_create(&u, NULL, blocked_read, &p[0]); msleep(40); close(p[1]); V(join(u)); close(p[0]); upair(SOCK_DGRAM, p); pthread_create(&u, NULL, blocked_read, &p[0]); msleep(40); shutdown(p[0], SHUT_RD); V(join(u)); close(p[0]); close(p[1]);
	int l = ulisten(SOCK_STREAM, "l", 5); pthread_create(&u, NULL, blocked_accept, &l); msleep(40); shutdown(l, SHUT_RD); V(join(u)); close(l); unlink("l"); l = ulisten(SOCK_STREAM, "l", 5); pthread_create(&u, NULL, blocked_accept, &l); msleep(40); int c = uclient(SOCK_STREAM, "l"); V(join(u)); pthread_create(&u, NULL, blocked_poll, &c); msleep(40); pthread_t w; pthread_create(&w, NULL, blocked_poll, &l); close(uclient(SOCK_STREAM, "l")); V(join(w)); shutdown(c, SHUT_RDWR); SAY("poll %lx\n", join(u));
	/* exec keeps what is not close-on-exec; a killed writer leaves what it wrote */
	upair(SOCK_STREAM, p); pid_t k = fork(); if (!k) { write(p[0], "before", 6); pause(); } close(p[0]); V(recv(p[1], b, 6, MSG_WAITALL)); kill(k, SIGKILL); waitpid(k, NULL, 0); V(read(p[1], b, 9)); upair(SOCK_STREAM, p); if (!fork()) { dup2(p[0], 1); close(p[0]); close(p[1]); execl("/bin/echo", "echo", "hi", NULL); _exit(1); } wait(NULL); close(p[0]); V(read(p[1], b, 9)); V(read(p[1], b, 9));
	/* reading through /proc/self/fd is refused */
	char path[64]; upair(SOCK_STREAM, p); sprintf(path, "/proc/self/fd/%d", p[0]); int o = open(path, O_RDWR); SAY("open %s\n", o < 0 ? abi_errno(errno) : "ok"); ssize_t rl = readlink(path, b, sizeof b); SAY("%.8s %d\n", b, rl > 8); struct stat st; fstat(p[0], &st); SAY("%o %d\n", st.st_mode, (int)st.st_size); return 0;
}
