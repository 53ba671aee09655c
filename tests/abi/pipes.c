/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: data, end of file, EPIPE, non-blocking, sizes, atomic writes. */
/* variants: static musl */
#include "abi.h"
int main(void)
{
	int fd[2]; char buf[70000]; memset(buf, 'a', sizeof buf); signal(SIGPIPE, SIG_IGN);
	V(pipe2(fd, O_NONBLOCK | O_CLOEXEC)); SAY("%d %d %d\n", fd[0], fd[1], fcntl(fd[0], F_GETFD));
	V(read(fd[0], buf, 1)); V(write(fd[1], buf, sizeof buf)); V(write(fd[1], buf, 1));
	int q; V(ioctl(fd[0], FIONREAD, &q)); SAY("queued %d\n", q);
	V(read(fd[0], buf, 4096)); V(write(fd[1], buf, 5000)); V(write(fd[1], buf, 4096)); V(fcntl(fd[0], F_GETPIPE_SZ));
	V(fcntl(fd[0], F_SETPIPE_SZ, 200000)); V(lseek(fd[0], 0, SEEK_SET)); V(write(fd[0], "x", 1)); V(read(fd[1], buf, 1));
	struct stat st; V(fstat(fd[0], &st)); SAY("fifo %d\n", S_ISFIFO(st.st_mode));
	V(close(fd[1])); long t = 0, r; while ((r = read(fd[0], buf, sizeof buf)) > 0) t += r; SAY("rest %ld end %ld\n", t, r); V(close(fd[0]));
	pipe(fd); close(fd[0]); V(write(fd[1], "x", 1)); V(write(fd[1], buf, 0)); close(fd[1]);
	pipe(fd); pid_t p = fork();
	if (!p) { close(fd[0]); for (int i = 0; i < 100; i++) { memset(buf, 'A' + i % 26, 3000); write(fd[1], buf, 3000); } _exit(0); }
	close(fd[1]); t = 0; unsigned sum = 0; while ((r = read(fd[0], buf, 777)) > 0) { t += r; for (int i = 0; i < r; i++) sum = sum * 31 + buf[i]; } SAY("total %ld sum %u\n", t, sum); wait_say("writer", p); close(fd[0]);
	pipe(fd); struct iovec v[3] = { { "one", 3 }, { "", 0 }, { "three", 5 } }; V(writev(fd[1], v, 3)); char a[4] = "", b[20] = ""; struct iovec w[2] = { { a, 2 }, { b, 19 } }; V(readv(fd[0], w, 2)); SAY("%s|%s\n", a, b);
	V(writev(fd[1], v, -1)); V(writev(fd[1], v, 1025)); V(pipe((int *)8)); V(pipe2(fd, 0x1234567));
	int d2[2]; pipe(d2); V(write(fd[1], "hello", 5)); V(tee(fd[0], d2[1], 100, 0)); V(splice(fd[0], NULL, d2[1], NULL, 3, 0)); V(read(d2[0], buf, 100)); SAY("%.8s\n", buf);
	enter_tmp(); V(mkfifo("ff", 0600)); V(open("ff", O_WRONLY | O_NONBLOCK)); int f = open("ff", O_RDWR); V(write(f, "z", 1)); V(read(f, buf, 10));
	close(f); if (!(p = fork())) { int x = open("ff", O_WRONLY); write(x, "fifo", 4); _exit(0); } f = open("ff", O_RDONLY); V(read(f, buf, 10)); wait_say("fifo", p); V(read(f, buf, 10));
	return 0;
}
