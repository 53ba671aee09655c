/* SPDX-License-Identifier: Apache-2.0 */
/* poll, select, ppoll: readiness of pipes, files, bad descriptors. */
#include "abi.h"
int main(void)
{
	int fd[2]; pipe(fd); struct pollfd p[4] = { { fd[0], POLLIN | POLLOUT, 0 }, { fd[1], POLLIN | POLLOUT, 0 }, { 99, POLLIN, 0 }, { -1, POLLIN, 0 } };
	V(poll(p, 4, 0)); for (int i = 0; i < 4; i++) SAY("%d %#x\n", i, p[i].revents);
	write(fd[1], "x", 1); V(poll(p, 2, -1)); SAY("%#x %#x\n", p[0].revents, p[1].revents);
	close(fd[1]); V(poll(p, 1, 0)); SAY("%#x\n", p[0].revents); char c; read(fd[0], &c, 1); V(poll(p, 1, 0)); SAY("%#x\n", p[0].revents);
	close(fd[0]); pipe(fd); close(fd[0]); p[1].fd = fd[1]; V(poll(p + 1, 1, 0)); SAY("%#x\n", p[1].revents); close(fd[1]);
	long long t = now_ms(); V(poll(NULL, 0, 60)); t = now_ms() - t; SAY("slept %d\n", t >= 59 && t < 2000);
	enter_tmp(); int f = open("f", O_RDWR | O_CREAT, 0600); p[0] = (struct pollfd){ f, POLLIN | POLLOUT | POLLPRI, 0 }; V(poll(p, 1, 0)); SAY("file %#x\n", p[0].revents);
	p[0].fd = open(".", O_RDONLY); V(poll(p, 1, 0)); SAY("dir %#x\n", p[0].revents);
	V(poll((void *)8, 1, 0)); V(poll(p, 1u << 30, 0));
	pipe(fd); fd_set r, w; FD_ZERO(&r); FD_ZERO(&w); FD_SET(fd[0], &r); FD_SET(fd[1], &w); struct timeval tv = { 1, 0 };
	V(select(fd[1] + 1, &r, &w, NULL, &tv)); SAY("%d %d\n", FD_ISSET(fd[0], &r), FD_ISSET(fd[1], &w));
	FD_ZERO(&r); FD_SET(50, &r); tv.tv_sec = 0; V(select(51, &r, NULL, NULL, &tv)); V(select(-1, NULL, NULL, NULL, &tv));
	tv = (struct timeval){ 0, 30000 }; FD_ZERO(&r); FD_SET(fd[0], &r); V(select(fd[0] + 1, &r, NULL, NULL, &tv)); SAY("left %ld set %d\n", (long)tv.tv_usec, FD_ISSET(fd[0], &r));
	pid_t pid = fork(); if (!pid) { msleep(40); write(fd[1], "y", 1); _exit(0); }
	p[0] = (struct pollfd){ fd[0], POLLIN, 0 }; V(poll(p, 1, 5000)); SAY("%#x\n", p[0].revents); wait_say("w", pid);
	return 0;
}
