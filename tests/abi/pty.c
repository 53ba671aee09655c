/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudo-terminals: line discipline, echo, signals, sizes, sessions. */
#include "abi.h"
#include <termios.h>
int main(void)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY); OK(m); V(grantpt(m)); V(unlockpt(m)); char *n = ptsname(m); int s = open(n, O_RDWR | O_NOCTTY); OK(s); V(isatty(m)); V(isatty(s)); struct termios t; V(tcgetattr(s, &t)); SAY("%x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag); for (int i = 0; i < 17; i++) SAY("%d ", t.c_cc[i]); SAY("\n"); char b[100];
	V(write(m, "abc\n", 4)); V(read(s, b, 99)); V(read(m, b, 99)); SAY("echo %02x %02x\n", b[3], b[4]); V(write(s, "x\n", 2)); V(read(m, b, 99)); V(write(m, "ab\177c\n", 5)); V(read(s, b, 99)); SAY("%.3s", b); V(read(m, b, 99)); V(write(m, "wipe\025new\n", 9)); V(read(s, b, 99)); SAY("%.4s", b); read(m, b, 99); V(write(m, "\004", 1)); V(read(s, b, 99)); V(write(m, "part\004", 5)); V(read(s, b, 99)); fcntl(s, F_SETFL, O_NONBLOCK | O_RDWR); V(read(s, b, 9)); tcflush(m, TCIOFLUSH);
	struct { unsigned short f[4]; unsigned char line, cc[8]; } o, o2; V(ioctl(s, TCGETA, &o)); o.f[0] ^= INLCR; o.cc[VKILL] = 24; V(ioctl(s, TCSETA, &o)); V(ioctl(s, TCSETAW, &o)); V(ioctl(s, TCSETAF, &o)); V(ioctl(s, TCGETA, &o2)); SAY("%x %x %d\n", o2.f[0], o2.f[3], o2.cc[VKILL]); V(ioctl(s, TCSETA, NULL));
	cfmakeraw(&t); V(tcsetattr(s, TCSANOW, &t)); fcntl(m, F_SETFL, O_NONBLOCK | O_RDWR); while (read(m, b, 99) > 0) ; V(write(m, "r\003", 2)); V(read(s, b, 99)); V(read(m, b, 99)); struct winsize w = { 33, 99 }, g; V(ioctl(m, TIOCSWINSZ, &w)); V(ioctl(s, TIOCGWINSZ, &g)); SAY("%d %d\n", g.ws_row, g.ws_col); int q; write(m, "12345", 5); struct pollfd pf = { s, POLLIN, 0 }; poll(&pf, 1, 1000); msleep(20); V(ioctl(s, FIONREAD, &q)); SAY("%d\n", q);
	fcntl(m, F_SETFL, O_RDWR); pid_t p = fork(); if (!p) { close(s); setsid(); int c = open(n, O_RDWR); struct termios u; tcgetattr(c, &u); u.c_lflag |= ISIG | ICANON | ECHO; tcsetattr(c, TCSANOW, &u); V(tcgetpgrp(c) == getpgrp()); V(tcgetsid(c) == getpid()); int tt = open("/dev/tty", O_RDWR); OK(tt); dup2(c, 0); write(c, "R", 1); pause(); _exit(0); } read(m, b, 1); SAY("ready %c\n", b[0]); V(write(m, "\003", 1)); wait_say("ctrl-c", p);
	p = fork(); if (!p) { close(s); setsid(); int c = open(n, O_RDWR); close(m); signal(SIGHUP, SIG_DFL); write(c, "S", 1); pause(); _exit(0); } while (read(m, b, 1) == 1 && b[0] != 'S') ; close(m); wait_say("hangup", p); V(read(s, b, 9)); V(write(s, "x", 1)); V(open("/dev/tty", O_RDWR) < 0 ? errno == ENXIO : 1);
	return 0;
}
