/* SPDX-License-Identifier: Apache-2.0 */
/* ioctls and termios of a pty: sizes, packet mode, queues, flow, exclusive, sessions. */
#include "abi.h"
#include <termios.h>
#include <pty.h>
struct termios2 { char x[44]; };
/* Linux carries bytes from one side to the other with a worker: how many there
 * are once there are so many, however late it comes. */
static int nb(int f, int want)
{
	int n = -1;

	for (int i = 0; i < 10000 && !ioctl(f, FIONREAD, &n) && n < want; i++)
		usleep(1000);
	return n;
}
/* The child has its terminal. */
static void at_home(int m, pid_t p)
{
	int g = 0;

	for (int i = 0; i < 10000 && (ioctl(m, TIOCGPGRP, &g) || g != p); i++)
		usleep(1000);
}
static int outq(int f) { int n = -1; return ioctl(f, TIOCOUTQ, &n) ? -1 : n; }
static char b[8192];
int main(void)
{
	struct winsize w = { 24, 80, 1, 2 }, w2; struct termios t, t2; int m, s, n, st; pid_t p; unsigned u;
	m = posix_openpt(O_RDWR | O_NOCTTY); V(m >= 0); V(ioctl(m, TIOCGPTN, &u)); V(ioctl(m, TIOCGPTLCK, &n)); V(n); V(open(ptsname(m), O_RDWR | O_NOCTTY)); n = 0; V(ioctl(m, TIOCSPTLCK, &n)); s = open(ptsname(m), O_RDWR | O_NOCTTY); V(s >= 0); V(isatty(m)); V(isatty(s)); V(ioctl(m, TIOCSWINSZ, &w)); V(ioctl(s, TIOCGWINSZ, &w2)); V(memcmp(&w, &w2, sizeof w)); n = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY); V(n >= 0); close(n);
	V(tcgetattr(s, &t)); printf("%x %x %x %x speed %d %d\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, cfgetispeed(&t), cfgetospeed(&t)); for (n = 0; n < 17; n++) printf("%d ", t.c_cc[n]); puts("");
	V(write(m, "ab\x7f" "c\n", 5)); V(nb(s, 3)); V(read(s, b, 100)); V(memcmp(b, "ac\n", 3)); V(nb(m, 8)); memset(b, 0, 100); V(read(m, b, 100)); printf("echo %d\n", (int)strlen(b)); V(write(m, "x\x04", 2)); V(read(s, b, 100)); V(write(m, "\x04", 1)); V(read(s, b, 100)); V(write(m, "word two\x17\x15" "z\n", 12)); V(read(s, b, 100)); V(b[0]); V(nb(m, 36)); V(read(m, b, 100));
	V(write(s, "a\nb", 3)); V(nb(m, 4)); V(read(m, b, 100)); V(memcmp(b, "a\r\nb", 4)); t2 = t; t2.c_oflag &= ~OPOST; V(tcsetattr(s, TCSANOW, &t2)); V(write(s, "a\n", 2)); V(nb(m, 2)); V(read(m, b, 100)); t2.c_oflag |= OPOST | OCRNL; tcsetattr(s, TCSADRAIN, &t2); write(s, "x\r", 2); V(nb(m, 2)); V(read(m, b, 100)); V(b[1]); tcsetattr(s, TCSAFLUSH, &t);
	cfmakeraw(&t2); t2.c_cc[VMIN] = 3; t2.c_cc[VTIME] = 0; V(tcsetattr(s, TCSANOW, &t2)); write(m, "ab", 2); V(nb(s, 2)); write(m, "cd", 2); V(nb(s, 4)); V(read(s, b, 100)); t2.c_cc[VMIN] = 0; t2.c_cc[VTIME] = 1; tcsetattr(s, TCSANOW, &t2); V(read(s, b, 100)); t2.c_cc[VTIME] = 0; tcsetattr(s, TCSANOW, &t2); V(read(s, b, 100)); tcsetattr(s, TCSANOW, &t);
	n = 1; V(ioctl(m, TIOCPKT, &n)); V(ioctl(m, TIOCGPKT, &n)); V(n); write(s, "hi", 2); V(nb(m, 2)); V(read(m, b, 100)); V(b[0]); tcflush(s, TCIFLUSH); V(read(m, b, 100)); V(b[0]); V(ioctl(s, TCXONC, TCOOFF)); { struct pollfd pf = { m, POLLIN | POLLPRI }; V(poll(&pf, 1, 0)); V(pf.revents); } V(read(m, b, 100)); V(b[0]); fcntl(s, F_SETFL, O_NONBLOCK); V(ioctl(s, TCXONC, TCOON)); V(read(m, b, 100)); V(b[0]); fcntl(s, F_SETFL, 0); n = 0; ioctl(m, TIOCPKT, &n); V(ioctl(s, TIOCPKT, &n));
	V(outq(s)); V(outq(m)); V(ioctl(s, TIOCEXCL)); V(ioctl(s, TIOCGEXCL, &n)); V(n); V(ioctl(s, TIOCNXCL)); V(ioctl(s, TIOCGSID, &n)); V(ioctl(m, TIOCGSID, &n)); V(ioctl(s, TIOCGPGRP, &n)); V(ioctl(s, TIOCSPGRP, &n)); V(ioctl(s, TIOCNOTTY)); V(ioctl(s, TIOCSETD, (n = 0, &n))); V(ioctl(s, TIOCGETD, &n)); V(n); V(ioctl(s, TIOCMGET, &n)); V(ioctl(s, TCGETA, b)); V(ioctl(s, TCSBRK, 0)); V(ioctl(s, TCSBRK, 1)); V(ioctl(s, TCSBRKP, 0)); V(ioctl(s, TIOCSBRK)); V(ioctl(s, TIOCGSOFTCAR, &n)); V(ioctl(s, FIONBIO, (n = 1, &n))); V(!!(fcntl(s, F_GETFL) & O_NONBLOCK)); V(ioctl(s, FIONBIO, (n = 0, &n))); V(ioctl(s, FIOCLEX)); V(fcntl(s, F_GETFD)); V(ioctl(s, FIONCLEX)); V(ioctl(s, FIOASYNC, (n = 0, &n))); V(ioctl(s, 0x9999, 0)); V(ioctl(s, TCGETS, 8)); V(ioctl(s, TIOCGWINSZ, 8)); V(ioctl(99, TCGETS, &t)); { int q[2]; pipe(q); V(ioctl(q[0], TCGETS, &t)); V(ioctl(q[0], TIOCGWINSZ, &w)); V(ioctl(q[0], FIONREAD, &n)); V(n); } V(ioctl(s, TCGETS2, b)); V(ioctl(s, TIOCVHANGUP)); V(ioctl(s, TCFLSH, 9)); V(ioctl(s, TCXONC, 9)); V(tcdrain(s)); V(lseek(s, 0, SEEK_SET)); V(pread(s, b, 1, 0)); V(ttyname(s) != NULL);
	{ int m2, s2; V(openpty(&m2, &s2, NULL, NULL, &w)); V(ioctl(s2, TIOCGWINSZ, &w2)); V(w2.ws_col); close(s2); V(read(m2, b, 10)); { struct pollfd pf = { m2, POLLIN | POLLOUT }; V(poll(&pf, 1, 0)); V(pf.revents); } V(write(m2, "x", 1)); s2 = open(ptsname(m2), O_RDWR | O_NOCTTY); V(s2 >= 0); close(m2); V(read(s2, b, 10)); V(write(s2, "x", 1)); V(tcgetattr(s2, &t)); { struct pollfd pf = { s2, POLLIN | POLLOUT }; V(poll(&pf, 1, 0)); V(pf.revents); } V(ioctl(s2, FIONREAD, &n)); }
	p = forkpty(&m, NULL, NULL, &w); if (!p) { struct termios x; V(tcgetpgrp(0) == getpid()); V(tcgetsid(0) == getpid()); V(open("/dev/tty", O_RDWR) >= 0); V(ioctl(0, TIOCSCTTY, 0)); signal(SIGHUP, SIG_IGN); V(ioctl(0, TIOCNOTTY)); V(open("/dev/tty", O_RDWR)); V(tcgetpgrp(0)); fflush(stdout); _exit(3); }
	{ char l[4096] = ""; size_t k = 0; while ((n = read(m, l + k, sizeof l - 1 - k)) > 0) k += n; for (char *c = l; *c; c++) if (*c != '\r') putchar(*c); V(n); } wait_say("session", p);
	p = forkpty(&m, NULL, NULL, &w); if (!p) { for (;;) pause(); } at_home(m, p); V(write(m, "\x03", 1)); wait_say("ctrl-c", p); p = forkpty(&m, NULL, NULL, &w); if (!p) for (;;) pause(); at_home(m, p); close(m); wait_say("hangup", p);
	return 0;
}
