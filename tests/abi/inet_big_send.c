/* SPDX-License-Identifier: Apache-2.0 */
/* TCP: more than any buffer holds, sent to a peer that closed: the first call
 * takes a part, the next one fails. */
#include "abi.h"
#include "inet.h"

#define SIZE (256l << 20)

static void try(bool nonblock)
{
	char *buf = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int l = listener(1), s = dial(l);
	long n;

	signal(SIGPIPE, SIG_IGN);
	close(accept(l, NULL, NULL));
	n = send(s, buf, SIZE, nonblock ? MSG_DONTWAIT : 0);
	V(n > 0 && n < SIZE);
	msleep(20);
	V(send(s, buf, SIZE, 0));
	V(send(s, buf, 1, 0));
	close(s);
	close(l);
	munmap(buf, SIZE);
}

int main(void)
{
	try(false);
	try(true);
	return 0;
}
