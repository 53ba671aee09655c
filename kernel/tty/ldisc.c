/* SPDX-License-Identifier: Apache-2.0 */
/* The line discipline: termios(3) between the far side and the slave.
 *
 * Input characters are edited, echoed and turned into signals as they come;
 * complete lines end at icanon.  Output goes through OPOST into obuf.
 * Everything runs under tty->lock on bounded buffers; what does not fit is
 * left to the caller (input, output) or dropped (echo). */
#include "kernel/tty/tty.h"
#include "kernel/signal/signal.h"

#define IMASK (TTY_IBUF - 1)
#define OMASK (TTY_OBUF - 1)

#define L_FLAG(t, f) ((t)->t.c_lflag & (f))
#define I_FLAG(t, f) ((t)->t.c_iflag & (f))
#define O_FLAG(t, f) ((t)->t.c_oflag & (f))

static bool is_cc(const struct tty *t, unsigned which, uint8_t c)
{
	return t->t.c_cc[which] && t->t.c_cc[which] == c;       /* 0: disabled */
}

void tty_default_termios(struct linux_termios2 *t)
{
	static const uint8_t cc[KERNEL_NCCS] = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4,
		[VMIN] = 1, [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18,
		[VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22,
	};

	*t = (struct linux_termios2){
		.c_iflag = ICRNL | IXON,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = B38400 | CS8 | CREAD,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.c_ispeed = 38400, .c_ospeed = 38400,
	};
	memcpy(t->c_cc, cc, sizeof(cc));
}

/* ---- output ---- */

static unsigned out_room(const struct tty *t) { return TTY_OBUF - (t->ohead - t->otail); }

static void out_raw(struct tty *t, uint8_t c)
{
	if (out_room(t))
		t->obuf[t->ohead++ & OMASK] = c;
}

/* One character through OPOST.  False: no room, nothing done. */
static bool out_char(struct tty *t, uint8_t c)
{
	if (out_room(t) < 8)
		return false;
	if (!O_FLAG(t, OPOST)) {
		out_raw(t, c);
		return true;
	}
	switch (c) {
	case '\n':
		if (O_FLAG(t, ONLCR)) {
			out_raw(t, '\r');
			t->column = t->canon_column = 0;
		} else if (O_FLAG(t, ONLRET)) {
			t->column = 0;
		}
		break;
	case '\r':
		if (O_FLAG(t, ONOCR) && t->column == 0)
			return true;
		if (O_FLAG(t, OCRNL))
			c = '\n';
		t->column = t->canon_column = 0;
		break;
	case '\t': {
		unsigned spaces = 8 - (t->column & 7);

		t->column += spaces;
		if (O_FLAG(t, TABDLY) == XTABS) {
			while (spaces--)
				out_raw(t, ' ');
			return true;
		}
		break;
	}
	case '\b':
		if (t->column)
			t->column--;
		break;
	default:
		if (O_FLAG(t, OLCUC) && c >= 'a' && c <= 'z')
			c -= 32;
		if (c >= 32 && c != 127 && !(I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80))
			t->column++;
	}
	out_raw(t, c);
	return true;
}

size_t tty_output_locked(struct tty *t, const uint8_t *p, size_t n)
{
	size_t k;

	for (k = 0; k < n; k++)
		if (!out_char(t, p[k]))
			break;
	return k;
}

/* ---- echo ---- */

static bool shown_as_caret(const struct tty *t, uint8_t c)
{
	return L_FLAG(t, ECHOCTL) && (c < 32 || c == 127) && c != '\t' && c != '\n';
}

static void echo_char(struct tty *t, uint8_t c)
{
	if (shown_as_caret(t, c)) {
		(void)out_char(t, '^');
		(void)out_char(t, c ^ 0x40);
	} else {
		(void)out_char(t, c);
	}
}

static void echo(struct tty *t, uint8_t c)
{
	if (!L_FLAG(t, ECHO))
		return;
	if (t->ihead == t->icanon)
		t->canon_column = t->column;
	echo_char(t, c);
}

/* The column after echoing the unfinished line up to `end`. */
static uint32_t line_column(const struct tty *t, uint32_t end)
{
	uint32_t col = t->canon_column;

	for (uint32_t k = t->icanon; k != end; k++) {
		uint8_t c = t->ibuf[k & IMASK];

		if (c == '\t')
			col = (col | 7) + 1;
		else if (shown_as_caret(t, c))
			col += 2;
		else if (c >= 32 && !(I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80))
			col++;
	}
	return col;
}

/* ---- editing ---- */

static void set_bit(uint8_t *map, uint32_t pos, bool on)
{
	uint8_t b = 1u << (pos & 7);

	if (on)
		map[(pos & IMASK) >> 3] |= b;
	else
		map[(pos & IMASK) >> 3] &= ~b;
}

static bool get_bit(const uint8_t *map, uint32_t pos)
{
	return map[(pos & IMASK) >> 3] >> (pos & 7) & 1;
}

/* Take the last character off the unfinished line, on screen too. */
static void erase_to(struct tty *t, uint32_t new_head)
{
	uint32_t before = line_column(t, t->ihead), after = line_column(t, new_head);
	bool tab = t->ibuf[new_head & IMASK] == '\t' && t->ihead - new_head == 1;

	t->ihead = new_head;
	if (!L_FLAG(t, ECHO) || !L_FLAG(t, ECHOE))
		return;
	for (; before > after; before--) {
		(void)out_char(t, '\b');
		if (!tab) {
			(void)out_char(t, ' ');
			(void)out_char(t, '\b');
		}
	}
}

static bool word_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c >= 128;
}

static uint32_t previous_char(const struct tty *t, uint32_t at)
{
	at--;
	while (I_FLAG(t, IUTF8) && at != t->icanon && (t->ibuf[at & IMASK] & 0xc0) == 0x80)
		at--;
	return at;
}

static bool edit_char(struct tty *t, uint8_t c)
{
	uint32_t to = t->ihead;

	if (is_cc(t, VERASE, c)) {
		if (to != t->icanon) {
			if (!L_FLAG(t, ECHOE))
				echo(t, c);
			erase_to(t, previous_char(t, to));
		}
		return true;
	}
	if (is_cc(t, VKILL, c)) {
		if (to == t->icanon)
			return true;
		if (L_FLAG(t, ECHOKE) && L_FLAG(t, ECHOE)) {
			erase_to(t, t->icanon);
		} else {
			t->ihead = t->icanon;
			echo(t, c);
			if (L_FLAG(t, ECHOK))
				(void)out_char(t, '\n');
		}
		return true;
	}
	if (!L_FLAG(t, IEXTEN))
		return false;
	if (is_cc(t, VWERASE, c)) {
		while (to != t->icanon && !word_char(t->ibuf[(to - 1) & IMASK]))
			to--;
		while (to != t->icanon && word_char(t->ibuf[(to - 1) & IMASK]))
			to--;
		erase_to(t, to);
		return true;
	}
	if (is_cc(t, VLNEXT, c)) {
		t->lnext = true;
		if (L_FLAG(t, ECHO) && L_FLAG(t, ECHOCTL)) {
			(void)out_char(t, '^');
			(void)out_char(t, '\b');
		}
		return true;
	}
	if (is_cc(t, VREPRINT, c) && L_FLAG(t, ECHO)) {
		echo_char(t, c);
		(void)out_char(t, '\n');
		for (uint32_t k = t->icanon; k != t->ihead; k++)
			echo_char(t, t->ibuf[k & IMASK]);
		return true;
	}
	return false;
}

static void store(struct tty *t, uint8_t c, bool delim, bool eof)
{
	uint32_t used = t->ihead - t->itail;

	/* One place stays for the end of the line. */
	if (used >= TTY_IBUF || (!delim && L_FLAG(t, ICANON) && used >= TTY_IBUF - 1)) {
		if (I_FLAG(t, IMAXBEL))
			(void)out_char(t, '\a');
		return;
	}
	t->ibuf[t->ihead & IMASK] = c;
	set_bit(t->idelim, t->ihead, delim);
	set_bit(t->ieof, t->ihead, eof);
	t->ihead++;
	if (delim || !L_FLAG(t, ICANON))
		t->icanon = t->ihead;
}

static int signal_of(struct tty *t, uint8_t c)
{
	if (!L_FLAG(t, ISIG))
		return 0;
	return is_cc(t, VINTR, c) ? SIGINT : is_cc(t, VQUIT, c) ? SIGQUIT :
	       is_cc(t, VSUSP, c) ? SIGTSTP : 0;
}

static bool flow_char(struct tty *t, uint8_t c)
{
	if (!I_FLAG(t, IXON))
		return false;
	if (is_cc(t, VSTART, c)) {
		tty_flow_locked(t, false);
		return true;
	}
	if (is_cc(t, VSTOP, c)) {
		tty_flow_locked(t, true);
		return true;
	}
	if (t->out_stopped && I_FLAG(t, IXANY))
		tty_flow_locked(t, false);
	return false;
}

/* Returns the signal the character stands for, 0 for none. */
static int receive_char(struct tty *t, uint8_t c)
{
	bool literal = t->lnext;
	int sig;

	t->lnext = false;
	if (I_FLAG(t, ISTRIP))
		c &= 0x7f;
	if (!literal) {
		if (flow_char(t, c))
			return 0;
		sig = signal_of(t, c);
		if (sig) {
			if (!L_FLAG(t, NOFLSH))
				tty_flush_locked(t, true, sig != SIGTSTP);
			if (L_FLAG(t, ECHO))
				echo_char(t, c);
			tty_flow_locked(t, false);
			return sig;
		}
		if (c == '\r') {
			if (I_FLAG(t, IGNCR))
				return 0;
			if (I_FLAG(t, ICRNL))
				c = '\n';
		} else if (c == '\n' && I_FLAG(t, INLCR)) {
			c = '\r';
		}
		if (L_FLAG(t, ICANON)) {
			if (edit_char(t, c))
				return 0;
			if (c == '\n') {
				if (L_FLAG(t, ECHO | ECHONL))
					(void)out_char(t, '\n');
				store(t, c, true, false);
				return 0;
			}
			if (is_cc(t, VEOF, c)) {
				store(t, 0, true, true);
				return 0;
			}
			if (is_cc(t, VEOL, c) || (is_cc(t, VEOL2, c) && L_FLAG(t, IEXTEN))) {
				echo(t, c);
				store(t, c, true, false);
				return 0;
			}
		}
	}
	if (L_FLAG(t, ECHO)) {
		if (c == '\n' && !literal)
			(void)out_char(t, '\n');
		else
			echo(t, c);
	}
	store(t, c, false, false);
	return 0;
}

size_t tty_input_room_locked(struct tty *t)
{
	uint32_t used = t->ihead - t->itail;

	/* A line that is never finished must not stop ^C: it overflows. */
	if (L_FLAG(t, ICANON) && t->icanon == t->itail)
		return TTY_IBUF;
	return TTY_IBUF - 1 > used ? TTY_IBUF - 1 - used : 0;
}

size_t tty_receive(struct tty *t, const uint8_t *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		bool ready, echoed;
		uint32_t before;
		int sig = 0;
		size_t room;

		spin_lock(&t->lock);
		before = t->ohead;
		room = MIN(MIN(tty_input_room_locked(t), n - done), (size_t)256);
		for (size_t k = 0; k < room && !sig; k++)
			sig = receive_char(t, p[done++]);
		ready = t->icanon != t->itail;
		echoed = t->ohead != before;
		spin_unlock(&t->lock);
		if (sig)
			tty_signal_pgrp(t, sig);
		if (ready)
			waitq_wake_all(&t->in_wait, POLLIN | POLLRDNORM);
		if (echoed || sig)
			waitq_wake_all(&t->master_wait, POLLIN | POLLRDNORM);
		if (!room)
			break;
	}
	if (t->host)
		tty_host_pump_out(t);
	return done;
}

/* ---- the reader's side ---- */

size_t tty_input_ready_locked(struct tty *t)
{
	return t->icanon - t->itail;
}

size_t tty_take_input(struct tty *t, uint8_t *p, size_t n, bool *ret_eof)
{
	size_t k = 0;

	*ret_eof = false;
	spin_lock(&t->lock);
	while (k < n && t->itail != t->icanon) {
		uint32_t at = t->itail++;

		if (L_FLAG(t, ICANON) && get_bit(t->ieof, at)) {
			*ret_eof = true;
			break;
		}
		p[k++] = t->ibuf[at & IMASK];
		if (L_FLAG(t, ICANON) && get_bit(t->idelim, at))
			break;
	}
	/* A reader that took exactly up to the mark must not see an end of
	 * file by its next read. */
	if (k == n && n && L_FLAG(t, ICANON) && t->itail != t->icanon &&
	    get_bit(t->ieof, t->itail) && !get_bit(t->idelim, t->itail - 1)) {
		t->itail++;
		*ret_eof = true;
	}
	spin_unlock(&t->lock);
	return k;
}

void tty_flush_locked(struct tty *t, bool input, bool output)
{
	if (input) {
		t->itail = t->icanon = t->ihead;
		t->lnext = false;
		t->pkt_status |= t->packet ? PKT_FLUSHREAD : 0;
	}
	if (output) {
		t->otail = t->ohead;
		t->pkt_status |= t->packet ? PKT_FLUSHWRITE : 0;
	}
}

void tty_flow_locked(struct tty *t, bool stop)
{
	if (t->out_stopped == stop)
		return;
	t->out_stopped = stop;
	if (t->packet)
		t->pkt_status = (t->pkt_status & ~(PKT_STOP | PKT_START)) | (stop ? PKT_STOP : PKT_START);
}

void tty_termios_changed_locked(struct tty *t, uint32_t old_lflag)
{
	if (!((old_lflag ^ t->t.c_lflag) & ICANON))
		return;
	/* What was typed before the change is readable after it. */
	if (t->ihead != t->itail && L_FLAG(t, ICANON) && t->icanon == t->ihead)
		set_bit(t->idelim, t->ihead - 1, true);
	t->icanon = t->ihead;
	t->lnext = false;
}
