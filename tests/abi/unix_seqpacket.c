/* SPDX-License-Identifier: Apache-2.0 */
/* Sequenced packets: boundaries, ends, errors. */
#include "unix.h"
int main(void)
{
	enter_tmp(); signal(SIGPIPE, SIG_IGN); int p[2]; char b[64]; static char big[500000];
	upair(SOCK_SEQPACKET, p); V(send(p[0], "abc", 3, 0)); V(send(p[0], "defgh", 5, MSG_EOR)); V(recv(p[1], b, 64, MSG_PEEK)); say_got("short", recv_all(p[1], b, 2, 0, 0)); say_got("eor", recv_all(p[1], b, 64, 0, 0)); V(send(p[0], "", 0, 0)); V(recv(p[1], b, 9, MSG_DONTWAIT)); V(recv(p[1], b, 9, MSG_DONTWAIT)); V(write(p[0], "w", 1)); V(read(p[1], b, 9)); V(write(p[0], "", 0)); V(recv(p[1], b, 9, MSG_DONTWAIT));
	V(send(p[0], big, sizeof big, 0)); V(send(p[0], big, 150000, 0)); say_got("trunc", recv_all(p[1], b, 10, 0, MSG_TRUNC)); send(p[0], "abc", 3, 0); send(p[0], "de", 2, 0); V(recv(p[1], b, 9, MSG_WAITALL)); int n; V(ioctl(p[1], FIONREAD, &n)); SAY("%d\n", n); V(readv(p[1], (struct iovec[]){ { b, 1 }, { b + 5, 9 } }, 2));
	struct sockaddr_un a; socklen_t l = un(&a, "nowhere"); V(sendto(p[0], "x", 1, 0, (void *)&a, l)); V(recv(p[1], b, 9, MSG_DONTWAIT)); for (n = 0; n < 100 && send(p[0], "m", 1, MSG_DONTWAIT) == 1; n++) ; SAY("%d\n", n); while (recv(p[1], b, 1, MSG_DONTWAIT) == 1) ;
	V(shutdown(p[0], SHUT_WR)); V(recv(p[1], b, 9, 0)); V(recv(p[1], b, 9, MSG_DONTWAIT)); POLL(p[0]); POLL(p[1]); V(send(p[0], "x", 1, 0)); V(send(p[1], "still", 5, 0)); V(recv(p[0], b, 9, 0)); close(p[1]); POLL(p[0]); V(recv(p[0], b, 9, 0)); V(send(p[0], "x", 1, 0)); close(p[0]);
	upair(SOCK_SEQPACKET, p); send(p[0], "unread", 6, 0); send(p[1], "mine", 4, 0); close(p[1]); POLL(p[0]); V(recv(p[0], b, 9, 0)); V(recv(p[0], b, 9, 0)); V(recv(p[0], b, 9, 0)); close(p[0]); upair(SOCK_SEQPACKET, p); send(p[0], "", 0, 0); close(p[1]); V(intopt(p[0], SO_ERROR)); close(p[0]);
	int s = usock(SOCK_SEQPACKET); V(send(s, "x", 1, 0)); V(recv(s, b, 1, 0)); POLL(s); int q = ulisten(SOCK_SEQPACKET, "sq", 3); POLL(q); V(recv(q, b, 1, 0)); V(send(q, "x", 1, 0)); V(uconnect(s, "sq")); POLL(q); send(s, "early", 5, 0); int c = accept(q, NULL, NULL); V(recv(c, b, 9, 0)); V(uconnect(s, "sq")); V(send(c, "x", 1, MSG_OOB)); V(recv(c, b, 1, MSG_OOB)); settime(c, SO_RCVTIMEO, 30); V(recv(c, b, 1, 0)); V(ioctl(c, SIOCATMARK, &n));
	return 0;
}
