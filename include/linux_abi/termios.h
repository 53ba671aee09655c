/* SPDX-License-Identifier: Apache-2.0 */
/* Terminal settings, termios(3), ioctl_tty(2): values of x86-64 (the octal
 * ones are written as the manual pages' headers show them). */
#ifndef NACRE_LINUX_ABI_TERMIOS_H
#define NACRE_LINUX_ABI_TERMIOS_H

#include <base/types.h>

#define KERNEL_NCCS 19

struct linux_termios {
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[KERNEL_NCCS];
};
struct linux_termios2 {
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[KERNEL_NCCS];
	uint32_t c_ispeed, c_ospeed;
};
struct linux_termio {
	uint16_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[8];
};
struct linux_winsize { uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel; };

STATIC_ASSERT(sizeof(struct linux_termios) == 36);
STATIC_ASSERT(sizeof(struct linux_termios2) == 44);

/* c_cc */
#define VINTR 0
#define VQUIT 1
#define VERASE 2
#define VKILL 3
#define VEOF 4
#define VTIME 5
#define VMIN 6
#define VSWTC 7
#define VSTART 8
#define VSTOP 9
#define VSUSP 10
#define VEOL 11
#define VREPRINT 12
#define VDISCARD 13
#define VWERASE 14
#define VLNEXT 15
#define VEOL2 16

/* c_iflag */
#define IGNBRK 0x1u
#define BRKINT 0x2u
#define IGNPAR 0x4u
#define PARMRK 0x8u
#define INPCK 0x10u
#define ISTRIP 0x20u
#define INLCR 0x40u
#define IGNCR 0x80u
#define ICRNL 0x100u
#define IUCLC 0x200u
#define IXON 0x400u
#define IXANY 0x800u
#define IXOFF 0x1000u
#define IMAXBEL 0x2000u
#define IUTF8 0x4000u

/* c_oflag */
#define OPOST 0x1u
#define OLCUC 0x2u
#define ONLCR 0x4u
#define OCRNL 0x8u
#define ONOCR 0x10u
#define ONLRET 0x20u
#define TABDLY 0x1800u
#define XTABS 0x1800u

/* c_cflag */
#define CBAUD 0x100fu
#define B38400 0xfu
#define BOTHER 0x1000u
#define CSIZE 0x30u
#define CS8 0x30u
#define CREAD 0x80u
#define PARENB 0x100u
#define HUPCL 0x400u

/* c_lflag */
#define ISIG 0x1u
#define ICANON 0x2u
#define ECHO 0x8u
#define ECHOE 0x10u
#define ECHOK 0x20u
#define ECHONL 0x40u
#define NOFLSH 0x80u
#define TOSTOP 0x100u
#define ECHOCTL 0x200u
#define ECHOPRT 0x400u
#define ECHOKE 0x800u
#define FLUSHO 0x1000u
#define PENDIN 0x4000u
#define IEXTEN 0x8000u
#define EXTPROC 0x10000u

/* TCFLSH, TCXONC */
#define TCIFLUSH 0
#define TCOFLUSH 1
#define TCIOFLUSH 2
#define TCOOFF 0
#define TCOON 1
#define TCIOFF 2
#define TCION 3

#endif
