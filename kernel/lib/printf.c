/* SPDX-License-Identifier: Apache-2.0 */
/* Formatted text for the kernel: ksnprintf, growing buffers. */
#include "kernel/lib/lib.h"

struct out { char *buf; size_t size, n; };

static void put(struct out *o, char c)
{
	if (o->n < o->size)
		o->buf[o->n] = c;
	o->n++;
}

static void put_field(struct out *o, const char *s, size_t n, int width, bool left, char pad)
{
	int fill = width > 0 && (size_t)width > n ? width - (int)n : 0;

	if (!left && pad == '0' && n && *s == '-') {
		put(o, '-');
		s++;
		n--;
	}
	for (int i = 0; !left && i < fill; i++)
		put(o, pad);
	for (size_t i = 0; i < n; i++)
		put(o, s[i]);
	for (int i = 0; left && i < fill; i++)
		put(o, ' ');
}

static size_t format_u64(char *end, uint64_t v, unsigned base, bool upper)
{
	size_t n = 0;

	do {
		*--end = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[v % base];
		v /= base;
		n++;
	} while (v);
	return n;
}

int kvsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list ap)
{
	struct out o = { buf, size ? size - 1 : 0, 0 };
	char tmp[32], *end = tmp + sizeof tmp;

	for (; *fmt; fmt++) {
		bool left = false, neg = false, upper = false;
		char pad = ' ';
		int width = 0, prec = -1, longs = 0;
		unsigned base = 10;
		uint64_t v;
		size_t n;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		for (fmt++; *fmt == '-' || *fmt == '0'; fmt++) {
			if (*fmt == '-')
				left = true;
			else
				pad = '0';
		}
		if (*fmt == '*') {
			width = __builtin_va_arg(ap, int);
			fmt++;
		} else {
			for (; *fmt >= '0' && *fmt <= '9'; fmt++)
				width = width * 10 + (*fmt - '0');
		}
		if (*fmt == '.') {
			fmt++;
			prec = 0;
			if (*fmt == '*') {
				prec = __builtin_va_arg(ap, int);
				fmt++;
			} else {
				for (; *fmt >= '0' && *fmt <= '9'; fmt++)
					prec = prec * 10 + (*fmt - '0');
			}
		}
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			longs++;
		switch (*fmt) {
		case 's': {
			const char *s = __builtin_va_arg(ap, const char *);

			if (!s)
				s = "(null)";
			n = prec >= 0 ? strnlen(s, (size_t)prec) : strlen(s);
			put_field(&o, s, n, width, left, ' ');
			continue;
		}
		case 'c':
			tmp[0] = (char)__builtin_va_arg(ap, int);
			put_field(&o, tmp, 1, width, left, ' ');
			continue;
		case 'd':
		case 'i': {
			int64_t d = longs ? __builtin_va_arg(ap, long) : __builtin_va_arg(ap, int);

			neg = d < 0;
			v = neg ? -(uint64_t)d : (uint64_t)d;
			break;
		}
		case 'X':
			upper = true;
			/* fallthrough */
		case 'x':
			base = 16;
			goto unsigned_value;
		case 'o':
			base = 8;
			goto unsigned_value;
		case 'u':
unsigned_value:
			v = longs ? __builtin_va_arg(ap, unsigned long) : __builtin_va_arg(ap, unsigned);
			break;
		case 'p':
			v = (uintptr_t)__builtin_va_arg(ap, void *);
			base = 16;
			put(&o, '0');
			put(&o, 'x');
			break;
		case '%':
			put(&o, '%');
			continue;
		default:        /* our own bug: show it in the text */
			put(&o, '%');
			put(&o, '?');
			if (!*fmt)
				fmt--;
			continue;
		}
		n = format_u64(end, v, base, upper);
		if (neg) {
			end[-(int)n - 1] = '-';
			n++;
		}
		put_field(&o, end - n, n, width, left, pad);
	}
	if (size)
		buf[MIN(o.n, size - 1)] = 0;
	return (int)o.n;
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	__builtin_va_list ap;
	int n;

	__builtin_va_start(ap, fmt);
	n = kvsnprintf(buf, size, fmt, ap);
	__builtin_va_end(ap);
	return n;
}

void sbuf_init(struct sbuf *s)
{
	*s = (struct sbuf){ 0 };
}

static bool sbuf_room(struct sbuf *s, size_t n)
{
	size_t cap;
	char *p;

	if (s->failed)
		return false;
	if (n < s->cap - s->n)
		return true;
	cap = MAX(s->cap * 2, align_up(s->n + n + 1, 512));
	p = krealloc(s->p, cap);
	if (!p) {
		s->failed = true;
		return false;
	}
	s->p = p;
	s->cap = cap;
	return true;
}

void sbuf_write(struct sbuf *s, const void *p, size_t n)
{
	if (!sbuf_room(s, n))
		return;
	memcpy(s->p + s->n, p, n);
	s->n += n;
}

void sbuf_printf(struct sbuf *s, const char *fmt, ...)
{
	__builtin_va_list ap;
	char line[256];
	int n;

	__builtin_va_start(ap, fmt);
	n = kvsnprintf(line, sizeof line, fmt, ap);
	__builtin_va_end(ap);
	if ((size_t)n < sizeof line) {
		sbuf_write(s, line, (size_t)n);
		return;
	}
	if (!sbuf_room(s, (size_t)n + 1))
		return;
	__builtin_va_start(ap, fmt);
	kvsnprintf(s->p + s->n, (size_t)n + 1, fmt, ap);
	__builtin_va_end(ap);
	s->n += (size_t)n;
}

void sbuf_free(struct sbuf *s)
{
	kfree(s->p);
	*s = (struct sbuf){ 0 };
}

void klog(const char *fmt, ...)
{
	__builtin_va_list ap;
	char line[512];
	int n;

	__builtin_va_start(ap, fmt);
	n = kvsnprintf(line, sizeof line - 1, fmt, ap);
	__builtin_va_end(ap);
	n = MIN(n, (int)sizeof line - 2);
	line[n++] = '\n';
	plat_log(line, (size_t)n);
}

void kpanic(const char *fmt, ...)
{
	__builtin_va_list ap;
	char line[512];

	__builtin_va_start(ap, fmt);
	kvsnprintf(line, sizeof line, fmt, ap);
	__builtin_va_end(ap);
	plat_panic(line);
}
