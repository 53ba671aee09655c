/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded system calls: one line each, written whole, on the log stream.
 *
 * Arguments are shown by the types of the SYSCALLn() definition: strings are
 * read from the task when the call returns (for exec and exit: before), which
 * is for people to read and decides nothing. */
#include "kernel/syscall/strace.h"
#include "kernel/syscall/syscall.h"
#include <hostcall.h>
#include <linux_abi/syscall_nr.h>

#define STR_SHOWN 80

static const char *errno_name(long err)
{
	static const char *const names[] = {
		[EPERM] = "EPERM", [ENOENT] = "ENOENT", [ESRCH] = "ESRCH", [EINTR] = "EINTR",
		[EIO] = "EIO", [ENXIO] = "ENXIO", [E2BIG] = "E2BIG", [ENOEXEC] = "ENOEXEC",
		[EBADF] = "EBADF", [ECHILD] = "ECHILD", [EAGAIN] = "EAGAIN", [ENOMEM] = "ENOMEM",
		[EACCES] = "EACCES", [EFAULT] = "EFAULT", [EBUSY] = "EBUSY", [EEXIST] = "EEXIST",
		[EXDEV] = "EXDEV", [ENODEV] = "ENODEV", [ENOTDIR] = "ENOTDIR", [EISDIR] = "EISDIR",
		[EINVAL] = "EINVAL", [ENFILE] = "ENFILE", [EMFILE] = "EMFILE", [ENOTTY] = "ENOTTY",
		[ETXTBSY] = "ETXTBSY", [EFBIG] = "EFBIG", [ENOSPC] = "ENOSPC", [ESPIPE] = "ESPIPE",
		[EROFS] = "EROFS", [EMLINK] = "EMLINK", [EPIPE] = "EPIPE", [ERANGE] = "ERANGE",
		[EDEADLK] = "EDEADLK", [ENAMETOOLONG] = "ENAMETOOLONG", [ENOSYS] = "ENOSYS",
		[ENOTEMPTY] = "ENOTEMPTY", [ELOOP] = "ELOOP", [ENODATA] = "ENODATA",
		[EOVERFLOW] = "EOVERFLOW", [ENOTSOCK] = "ENOTSOCK", [EOPNOTSUPP] = "EOPNOTSUPP",
		[EAFNOSUPPORT] = "EAFNOSUPPORT", [EADDRINUSE] = "EADDRINUSE",
		[ECONNRESET] = "ECONNRESET", [ENOTCONN] = "ENOTCONN", [ETIMEDOUT] = "ETIMEDOUT",
		[ECONNREFUSED] = "ECONNREFUSED",
		[ERESTARTSYS] = "ERESTARTSYS", [ERESTARTNOINTR] = "ERESTARTNOINTR",
		[ERESTARTNOHAND] = "ERESTARTNOHAND", [ERESTART_RESTARTBLOCK] = "ERESTART_RESTARTBLOCK",
	};

	return err > 0 && err < (long)ARRAY_SIZE(names) ? names[err] : NULL;
}

static void show_string(struct sbuf *s, uint64_t va)
{
	char text[STR_SHOWN + 1];
	long n;

	if (!va) {
		sbuf_printf(s, "NULL");
		return;
	}
	n = copy_in_str(text, (ustr){ va }, sizeof text);
	if (n == -EFAULT) {
		sbuf_printf(s, "0x%lx", va);
		return;
	}
	sbuf_write(s, "\"", 1);
	for (long i = 0; i < (n < 0 ? STR_SHOWN : n); i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c >= 127 || c == '"' || c == '\\')
			sbuf_printf(s, "\\x%02x", c);
		else
			sbuf_write(s, &text[i], 1);
	}
	sbuf_printf(s, n < 0 ? "\"..." : "\"");
}

static void write_line(struct sbuf *s)
{
	size_t done = 0;

	if (s->failed)
		return;
	/* The log is advisory: what it cannot take at once is dropped. */
	while (done < s->n) {
		size_t n;

		if (hc_stream_write(HC_STREAM_LOG, s->p + done, s->n - done, &n) || !n || n > s->n - done)
			return;
		done += n;
	}
}

static void show_call(struct sbuf *s, struct task *t, uint64_t nr)
{
	const struct syscall_entry *e = nr < syscall_table_size ? &syscall_table[nr] : NULL;

	sbuf_printf(s, "[%d] ", t->tid);
	if (!e || !e->name) {
		sbuf_printf(s, "syscall_%lu(", nr);
		return;
	}
	sbuf_printf(s, "%s(", e->name);
	for (unsigned i = 0; i < e->nargs; i++) {
		uint64_t v = t->syscall_args[i];

		if (i)
			sbuf_printf(s, ", ");
		switch (e->args[i]) {
		case 'i':
			sbuf_printf(s, "%d", (int)v);
			break;
		case 'u':
			sbuf_printf(s, "0x%x", (unsigned)v);
			break;
		case 's':
			show_string(s, v);
			break;
		case 'p':
			if (v)
				sbuf_printf(s, "0x%lx", v);
			else
				sbuf_printf(s, "NULL");
			break;
		default:
			sbuf_printf(s, v < 4096 || (int64_t)v < 0 ? "%ld" : "0x%lx", v);
		}
	}
}

static bool returns_late(uint64_t nr)
{
	return nr == NR_execve || nr == NR_execveat || nr == NR_exit || nr == NR_exit_group;
}

void strace_enter(struct task *t, uint64_t nr)
{
	struct sbuf s;

	if (!returns_late(nr))
		return;
	sbuf_init(&s);
	show_call(&s, t, nr);
	sbuf_printf(&s, ") ...\n");
	write_line(&s);
	sbuf_free(&s);
}

void strace_exit(struct task *t, uint64_t nr, long ret, uint64_t took_ns)
{
	struct sbuf s;

	sbuf_init(&s);
	if (returns_late(nr))
		sbuf_printf(&s, "[%d] ... ", t->tid);
	else
		show_call(&s, t, nr);
	if (ret == SYSCALL_NO_RESULT)
		sbuf_printf(&s, ") = ?");
	else if (ret < 0 && ret > -4096 && errno_name(-ret))
		sbuf_printf(&s, ") = -1 %s", errno_name(-ret));
	else
		sbuf_printf(&s, ret < 0 || ret < 65536 ? ") = %ld" : ") = 0x%lx", ret);
	sbuf_printf(&s, " <%lu.%03lu us>\n", took_ns / 1000, took_ns % 1000);
	write_line(&s);
	sbuf_free(&s);
}
