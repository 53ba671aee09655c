/* SPDX-License-Identifier: Apache-2.0 */
/* execve of scripts: the name of the process and AT_EXECFN are the script's. */
/* variants: static */
#include "abi.h"
#include <sys/auxv.h>

static void script(const char *name, const char *interp)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);

	dprintf(fd, "#!%s told\n", interp);
	close(fd);
}

static void run(const char *name)
{
	char *argv[] = { "zero", "one", NULL };
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execv(name, argv);
		_exit(9);
	}
	wait_say(name, pid);
}

int main(int argc, char **argv)
{
	char self[PATH_MAX] = { 0 }, comm[32] = { 0 };
	pid_t pid;
	int fd;

	if (argc > 1 && !strcmp(argv[1], "told")) {
		read(open("/proc/self/comm", O_RDONLY), comm, sizeof(comm) - 1);
		if (strncmp((char *)getauxval(AT_EXECFN), "/dev/fd", 7))        /* kernels differ there */
			SAY("comm %s", comm);
		SAY("execfn %s\n", (char *)getauxval(AT_EXECFN));
		for (int i = 1; i < argc; i++)
			SAY("arg %d %s\n", i, argv[i]);
		return 0;
	}
	OK(readlink("/proc/self/exe", self, sizeof(self) - 1));
	enter_tmp();
	script("first", self);
	script("a-script-with-a-long-name", self);
	script("second", "first");
	mkdir("d", 0755);
	script("d/third", "./second");
	run("first");
	run("./first");
	run("./a-script-with-a-long-name");
	run("second");
	run("d/third");
	fd = open("first", O_RDONLY);           /* stays open: the interpreter opens it again */
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fexecve(fd, (char *[]){ "zero", NULL }, environ);
		_exit(9);
	}
	wait_say("fexecve", pid);
	return 0;
}
