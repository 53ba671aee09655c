/* SPDX-License-Identifier: Apache-2.0 */
/* SO_PEEK_OFF: reading ahead at an offset that moves. */
#include "unix.h"
static int p[2];
static void *later(void *x) { msleep(30); write(p[0], x, strlen(x)); return NULL; }
#define OFF(s) SAY("  off %d\n", intopt(s, SO_PEEK_OFF))
int main(void)
{
	char b[64]; pthread_t t; int i = socket(AF_INET, SOCK_RAW, 1); if (i >= 0) close(i);
	upair(SOCK_STREAM, p); OFF(p[1]); write(p[0], "abcdef", 6); write(p[0], "ghij", 4); V(setint(p[1], SO_PEEK_OFF, 2)); OFF(p[1]); V(recv(p[1], b, 2, MSG_PEEK)); SAY("%.2s\n", b); OFF(p[1]); V(recv(p[1], b, 5, MSG_PEEK)); SAY("%.5s\n", b); OFF(p[1]); V(recv(p[1], b, 9, MSG_PEEK)); OFF(p[1]); V(recv(p[1], b, 9, MSG_PEEK | MSG_DONTWAIT)); pthread_create(&t, NULL, later, "klm"); V(recv(p[1], b, 9, MSG_PEEK)); pthread_join(t, NULL); SAY("%.3s\n", b); OFF(p[1]);
	V(recv(p[1], b, 4, 0)); SAY("%.4s\n", b); OFF(p[1]); V(recv(p[1], b, 20, 0)); OFF(p[1]); write(p[0], "12345", 5); V(recv(p[1], b, 2, MSG_PEEK)); SAY("%.2s\n", b); OFF(p[1]); V(setint(p[1], SO_PEEK_OFF, -1)); V(recv(p[1], b, 2, MSG_PEEK)); SAY("%.2s\n", b); OFF(p[1]); V(setint(p[1], SO_PEEK_OFF, 4)); shutdown(p[0], SHUT_WR); V(recv(p[1], b, 9, MSG_PEEK)); SAY("%.1s\n", b); V(recv(p[1], b, 9, MSG_PEEK)); V(recv(p[1], b, 9, 0)); V(setint(p[1], SO_PEEK_OFF, -5)); OFF(p[1]); close(p[0]); close(p[1]);
	upair(SOCK_DGRAM, p); send(p[0], "first", 5, 0); send(p[0], "second", 6, 0); setint(p[1], SO_PEEK_OFF, 0); V(recv(p[1], b, 3, MSG_PEEK)); OFF(p[1]); V(recv(p[1], b, 9, MSG_PEEK)); SAY("%.2s\n", b); OFF(p[1]); V(recv(p[1], b, 9, MSG_PEEK | MSG_TRUNC)); SAY("%.6s\n", b); OFF(p[1]); V(recv(p[1], b, 9, MSG_PEEK | MSG_DONTWAIT)); V(recv(p[1], b, 9, 0)); OFF(p[1]); V(recv(p[1], b, 9, MSG_PEEK | MSG_DONTWAIT)); V(recv(p[1], b, 2, 0)); OFF(p[1]); close(p[0]); close(p[1]);
	upair(SOCK_SEQPACKET, p); setint(p[1], SO_PEEK_OFF, 1); send(p[0], "xyz", 3, 0); V(recv(p[1], b, 9, MSG_PEEK)); SAY("%.2s\n", b); OFF(p[1]); return 0;
}
