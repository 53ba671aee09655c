/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a terminal that nobody changes: TIOCSLCKTRMIOS, ioctl_tty(2). */
#include "abi.h"
#include <pty.h>
#include <termios.h>

static void say(const char *what, int f)
{
	struct termios t;

	tcgetattr(f, &t);
	SAY("%s: echo %d canonical %d stops %d intr %d quit %d\n", what, !!(t.c_lflag & ECHO), !!(t.c_lflag & ICANON),
	    !!(t.c_iflag & IXON), t.c_cc[VINTR], t.c_cc[VQUIT]);
}

/* Everything the other way round. */
static void change(int f)
{
	struct termios t;

	tcgetattr(f, &t);
	t.c_lflag ^= ECHO | ICANON;
	t.c_iflag ^= IXON;
	t.c_cc[VINTR] ^= 1;
	t.c_cc[VQUIT] ^= 1;
	V(tcsetattr(f, TCSANOW, &t));
	say("changed", f);
}

int main(void)
{
	/* The kernel's structure: four words of flags, the line, 19 characters. */
	struct { uint32_t iflag, oflag, cflag, lflag; uint8_t line, cc[19]; } k = { 0 }, back;
	int m, s;

	V(openpty(&m, &s, NULL, NULL, NULL));
	say("at first", s);
	memset(&back, 0x55, sizeof back);
	V(ioctl(s, TIOCGLCKTRMIOS, &back));
	V(!!memcmp(&back, &k, 36));
	V(ioctl(s, TIOCGLCKTRMIOS, 8));
	k.lflag = ECHO;
	k.iflag = IXON;
	k.cc[VINTR] = 1;
	V(ioctl(s, TIOCSLCKTRMIOS, &k));
	V(ioctl(m, TIOCGLCKTRMIOS, &back));
	V(!!memcmp(&back, &k, 36));
	change(s);
	change(m);
	memset(&k, 0, sizeof k);
	V(ioctl(m, TIOCSLCKTRMIOS, &k));
	change(s);
	return 0;
}
