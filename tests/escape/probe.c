/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c: what test_host.py runs natively (the positive control: it works)
 * and inside a sandbox (it must not).  Says "reached" and exits 0, or "refused
 * ERRNO" and exits 1. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int verdict(int ok)
{
	if (ok)
		printf("reached\n");
	else
		printf("refused %s\n", strerror(errno));
	return !ok;
}

static int unix_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	if (path[0] == '@')
		memcpy(a.sun_path + 1, path + 1, strlen(path + 1));
	else
		strcpy(a.sun_path, path);
	return verdict(connect(s, (void *)&a, path[0] == '@' ? 2 + strlen(path) : sizeof(a)) == 0);
}

/* Does the file (opened without blocking) hold this text? */
static int holds(const char *path, const char *text)
{
	static char buf[65536];
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n < 0)
		return verdict(0);
	buf[n] = 0;
	errno = ENOMSG;
	return verdict(memmem(buf, n, text, strlen(text)) != NULL);
}

/* Look a name up as fast as possible while somebody renames. */
static int race(const char *path, const char *text, int seconds)
{
	time_t end = time(NULL) + seconds;
	char buf[256];

	errno = ENOMSG;
	while (time(NULL) < end)
		for (int i = 0; i < 200; i++) {
			int fd = open(path, O_RDONLY | O_NONBLOCK);
			ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

			if (fd >= 0)
				close(fd);
			if (n > 0) {
				buf[n] = 0;
				if (strstr(buf, text))
					return verdict(1);
			}
		}
	return verdict(0);
}

static int read_memory(pid_t pid, unsigned long at, const char *text)
{
	char buf[64] = "", name[64];
	struct iovec l = { buf, strlen(text) }, r = { (void *)at, strlen(text) };
	int fd;

	if (process_vm_readv(pid, &l, 1, &r, 1, 0) == (ssize_t)l.iov_len && !strcmp(buf, text))
		return verdict(1);
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	fd = open(name, O_RDONLY);
	errno = ENOMSG;
	return verdict(fd >= 0 && pread(fd, buf, strlen(text), at) == (ssize_t)strlen(text) && !strcmp(buf, text));
}

int main(int argc, char **argv)
{
	const char *what = argv[1], *a = argc > 2 ? argv[2] : "", *b = argc > 3 ? argv[3] : "";

	if (!strcmp(what, "connect"))
		return unix_connect(a);
	if (!strcmp(what, "holds"))
		return holds(a, b);
	if (!strcmp(what, "race"))
		return race(a, b, atoi(argv[4]));
	if (!strcmp(what, "fifo"))
		return verdict(open(a, O_WRONLY | O_NONBLOCK) >= 0);
	if (!strcmp(what, "open-rdwr"))
		return verdict(open(a, O_RDWR | O_NONBLOCK) >= 0);
	if (!strcmp(what, "kill"))
		return verdict(kill(atoi(a), SIGUSR1) == 0);
	if (!strcmp(what, "ptrace"))
		return verdict(ptrace(PTRACE_ATTACH, atoi(a), 0, 0) == 0);
	if (!strcmp(what, "memory"))
		return read_memory(atoi(a), strtoul(b, NULL, 0), argv[4]);
	if (!strcmp(what, "fd")) {
		char buf[64] = "";
		ssize_t n = pread(atoi(a), buf, sizeof(buf) - 1, 0);

		return verdict(n > 0 && strstr(buf, b));
	}
	if (!strcmp(what, "fd-path")) {         /* a directory that came along */
		int fd = openat(atoi(a), b, O_RDONLY);

		return verdict(fd >= 0);
	}
	if (!strcmp(what, "mknod")) {
		int err = mknod(a, S_IFCHR | 0666, makedev(1, 5));

		return verdict(!err && open(a, O_RDONLY) >= 0);
	}
	if (!strcmp(what, "env")) {
		errno = ENOENT;
		return verdict(getenv(a) != NULL);
	}
	if (!strcmp(what, "handle")) {          /* open_by_handle_at of the root */
		char h[sizeof(struct file_handle) + 128];
		struct file_handle *fh = (void *)h;
		int mount, err;

		fh->handle_bytes = 128;
		err = name_to_handle_at(AT_FDCWD, a, fh, &mount, 0);
		return verdict(!err && open_by_handle_at(open(a, O_RDONLY | O_DIRECTORY), fh, O_RDONLY) >= 0);
	}
	return 2;
}
