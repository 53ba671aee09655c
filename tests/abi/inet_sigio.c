/* SPDX-License-Identifier: Apache-2.0 */
/* Signals when a socket becomes ready: O_ASYNC, F_SETOWN, F_SETSIG (fcntl(2),
 * socket(7)). */
#include "abi.h"
#include "inet.h"

static volatile sig_atomic_t io_count, rt_count, rt_fd, rt_code, rt_band;
static void on_io(int sig) { (void)sig; io_count++; }
static void on_rt(int sig, siginfo_t *si, void *u)
{
	(void)sig;
	(void)u;
	rt_count++;
	rt_fd = si->si_fd;
	rt_code = si->si_code;
	rt_band |= (int)si->si_band;
}

static void pair_of(const char *what, int from, int to)
{
	int flags = fcntl(to, F_GETFL);

	SAY("%s\n", what);
	io_count = rt_count = rt_fd = rt_code = rt_band = 0;
	V(fcntl(to, F_SETOWN, getpid()));
	V(write(from, "a", 1));
	msleep(20);
	V(io_count);
	V(fcntl(to, F_SETFL, flags | O_ASYNC));
	V(!!(fcntl(to, F_GETFL) & O_ASYNC));
	V(write(from, "b", 1));
	msleep(20);
	V(io_count > 0);
	V(fcntl(to, F_SETSIG, SIGRTMIN + 1));
	V(fcntl(to, F_GETSIG) == SIGRTMIN + 1);
	io_count = 0;
	V(write(from, "c", 1));
	msleep(20);
	V(io_count);
	V(rt_count > 0);
	V(rt_fd == to);
	V(rt_code == POLL_IN);
	V(!!(rt_band & POLLIN));
	V(fcntl(to, F_SETFL, flags & ~O_ASYNC));
	rt_count = 0;
	V(write(from, "d", 1));
	msleep(20);
	V(rt_count);
	V(fcntl(to, F_SETSIG, 0));
	V(fcntl(to, F_SETSIG, 65));
	close(from);
	close(to);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_rt, .sa_flags = SA_SIGINFO };
	struct sockaddr_in a = loopback(0);
	int p[2], l;

	signal(SIGIO, on_io);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	tcp_pair(p);
	pair_of("tcp", p[0], p[1]);
	p[0] = socket(AF_INET, SOCK_DGRAM, 0);
	p[1] = socket(AF_INET, SOCK_DGRAM, 0);
	bind(p[1], (void *)&a, sizeof a);
	a = name_of(p[1]);
	connect(p[0], (void *)&a, sizeof a);
	pair_of("udp", p[0], p[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	pair_of("unix", p[0], p[1]);
	pipe(p);
	pair_of("pipe", p[1], p[0]);

	SAY("a listener, FIOASYNC\n");
	l = listener(4);
	io_count = 0;
	V(ioctl(l, FIOASYNC, &(int){ 1 }));
	V(fcntl(l, F_SETOWN, getpid()));
	p[0] = dial(l);
	msleep(20);
	V(io_count > 0);
	V(ioctl(l, FIOASYNC, &(int){ 0 }));
	p[1] = accept(l, NULL, NULL);
	V(!!(fcntl(p[1], F_GETFL) & O_ASYNC));
	return 0;
}
