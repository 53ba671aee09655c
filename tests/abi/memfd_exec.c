/* SPDX-License-Identifier: Apache-2.0 */
/* A program in a memory file: it can be run while the descriptor that made it is
 * open for writing, sealed or not, but not while it was opened again for writing.
 * Runs itself; the new program tells how its own file can be opened. */
#include "abi.h"
#include <linux/memfd.h>
#include <sys/sendfile.h>

static int copy_of_self(unsigned flags)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), f = memfd_create("program", flags | MFD_CLOEXEC);
	struct stat st;
	off_t done = 0;

	fstat(from, &st);
	while (done < st.st_size && sendfile(f, from, NULL, (size_t)(st.st_size - done)) > 0)
		done = lseek(f, 0, SEEK_CUR);
	V(done == st.st_size);
	close(from);
	return f;
}

static void run(const char *how, int f)
{
	char *args[] = { "memfd_exec", (char *)how, NULL };
	pid_t p = fork();

	if (!p) {
		syscall(SYS_execveat, f, "", args, environ, AT_EMPTY_PATH);
		SAY("%s: %s\n", how, abi_errno(errno));
		_exit(9);
	}
	wait_say(how, p);
}

static void inside(const char *how)
{
	char b[100] = "";

	SAY("running %s\n", how);
	V(readlink("/proc/self/exe", b, sizeof b - 1) > 0);
	SAY("%s\n", b);
	V(fcntl(open("/proc/self/exe", O_RDONLY), F_GET_SEALS));
	V(open("/proc/self/exe", O_RDWR));
	V(truncate("/proc/self/exe", 1));
}

int main(int argc, char **argv)
{
	char path[40];
	int f, again;

	if (argc > 1 && !strcmp(argv[0], "memfd_exec")) {
		inside(argv[1]);
		return 3;
	}
	f = copy_of_self(MFD_ALLOW_SEALING);
	run("not sealed", f);
	V(fcntl(f, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	run("sealed", f);
	f = copy_of_self(0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", f);
	again = open(path, O_RDWR | O_CLOEXEC);
	run("opened again", f);
	close(again);
	run("closed again", f);
	return 0;
}
