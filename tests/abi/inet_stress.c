/* SPDX-License-Identifier: Apache-2.0 */
/* Random socket operations from several threads on shared descriptors: nothing
 * may hang or break; afterwards a connection works as ever. */
#include "abi.h"
#include "inet.h"
#include <sys/epoll.h>

#define SLOTS 24
#define THREADS 4

static int fds[SLOTS];
static int ports[4];
static volatile bool stop;

static struct sockaddr_in6 six(int port)
{
	return (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = in6addr_loopback };
}

static int make(unsigned *r)
{
	int k = rand_r(r) % 6, s, port = ports[rand_r(r) % 4];
	struct sockaddr_in a = loopback(port);
	struct sockaddr_in6 b = six(port);

	switch (k) {
	case 0:
		s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
		bind(s, (void *)&a, sizeof a);
		listen(s, rand_r(r) % 4);
		return s;
	case 1:
		s = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
		setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
		bind(s, (void *)&b, sizeof b);
		listen(s, 2);
		return s;
	case 2:
		s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		bind(s, (void *)&a, sizeof a);
		return s;
	case 3:
		s = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(s, (void *)&b, sizeof b);
		return s;
	case 4:
		s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		connect(s, (void *)&a, sizeof a);
		return s;
	default:
		s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(s, (void *)&a, sizeof a);
		return s;
	}
}

static void step(unsigned *r, char *buf)
{
	int i = rand_r(r) % SLOTS, s = fds[i], port = ports[rand_r(r) % 4], n;
	struct sockaddr_in a = loopback(port);
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	switch (rand_r(r) % 16) {
	case 0: close(__atomic_exchange_n(&fds[i], make(r), __ATOMIC_SEQ_CST)); break;
	case 1: n = accept4(s, NULL, NULL, SOCK_NONBLOCK); if (n >= 0) close(__atomic_exchange_n(&fds[rand_r(r) % SLOTS], n, __ATOMIC_SEQ_CST)); break;
	case 2: case 3: case 4: send(s, buf, rand_r(r) % 60000, MSG_NOSIGNAL | (rand_r(r) % 20 ? 0 : MSG_OOB)); break;
	case 5: case 6: case 7: recv(s, buf, rand_r(r) % 60000, rand_r(r) % 8 ? 0 : MSG_PEEK); break;
	case 8: shutdown(s, rand_r(r) % 3); break;
	case 9: connect(s, (void *)&a, sizeof a); break;
	case 10: if (!(rand_r(r) % 8)) connect(s, &none, sizeof none); break;
	case 11: ready(s); break;
	case 12: sendto(s, buf, rand_r(r) % 2000, MSG_NOSIGNAL, (void *)&a, sizeof a); break;
	case 13: ioctl(s, FIONREAD, &n); int_opt(s, SOL_SOCKET, SO_ERROR); tcp_state(s); break;
	case 14: setsockopt(s, SOL_SOCKET, SO_LINGER, &(struct linger){ rand_r(r) % 2, 0 }, sizeof(struct linger)); break;
	case 15: setsockopt(s, SOL_SOCKET, rand_r(r) % 2 ? SO_RCVBUF : SO_SNDBUF, &(int){ rand_r(r) % 100000 }, sizeof(int)); break;
	}
}

static void *worker(void *arg)
{
	unsigned r = (unsigned)(uintptr_t)arg * 7919u;
	char *buf = malloc(65536);

	while (!stop)
		step(&r, buf);
	free(buf);
	return NULL;
}

int main(int argc, char **argv)
{
	int ms = argc > 1 ? atoi(argv[1]) : 1500, p[2], s[4];
	pthread_t t[THREADS];
	char b[8];

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 4; i++) {
		struct sockaddr_in a = loopback(0);

		s[i] = socket(AF_INET, SOCK_STREAM, 0);
		bind(s[i], (void *)&a, sizeof a);
		ports[i] = ntohs(name_of(s[i]).sin_port);
	}
	for (int i = 0; i < 4; i++)
		close(s[i]);
	for (int i = 0; i < SLOTS; i++)
		fds[i] = make(&(unsigned){ (unsigned)i });
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, worker, (void *)(i + 1));
	msleep(ms);
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < SLOTS; i++)
		close(fds[i]);
	tcp_pair(p);
	V(write(p[0], "alive", 5));
	V(read(p[1], b, 5));
	close(p[0]);
	V(read(p[1], b, 5));
	return 0;
}
