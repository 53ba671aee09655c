/* SPDX-License-Identifier: Apache-2.0 */
/* execve: where the strings of argv and envp lie and end. */
/* variants: static */
#include "abi.h"

enum { P = 4096, LONG = 128 << 10 };    /* MAX_ARG_STRLEN, with its NUL */

static char self[PATH_MAX];

/* The sum of what arrived, so that the order and every byte count. */
static unsigned sum(char **v)
{
	unsigned h = 5381;

	for (; *v; v++)
		for (const char *c = *v;; c++) {
			h = h * 33 + (unsigned char)*c;
			if (!*c)
				break;
		}
	return h;
}

static void try(const char *what, char **argv, char **envp)
{
	pid_t pid;

	printf("%s\n", what);
	pid = fork();
	if (pid == 0) {
		execve(self, argv, envp);
		printf("%s\n", abi_errno(errno));
		_exit(9);
	}
	wait_say(what, pid);
}

int main(int argc, char **argv, char **envp)
{
	char *m, *end, *none[] = { NULL }, *many[1200];

	if (argc > 1 && !strcmp(argv[1], "child")) {
		char **e = envp;

		while (*e)
			e++;
		printf("%d args %u, %d env %u, last %zu\n", argc, sum(argv), (int)(e - envp), sum(envp),
		       strlen(argv[argc - 1]));
		return 0;
	}
	OK(readlink("/proc/self/exe", self, sizeof(self) - 1));
	m = mmap(0, 64 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(m, 'a', 64 * P);
	end = m + 4 * P;
	mprotect(end, P, PROT_NONE);
	/* To the last byte before a hole, over a border of pages, one byte each. */
	end[-1] = 0;
	try("at the end", (char *[]){ "x", "child", end - 1, end - 2, end - P, end - P - 5, end - 3 * P, NULL }, none);
	try("backwards", (char *[]){ "x", "child", end - 5, end - 4, end - 3, NULL }, (char *[]){ end - 9, end - 8, NULL });
	end[-1] = 'b';
	try("no end", (char *[]){ "x", "child", end - 5, NULL }, none);
	try("no end in the environment", (char *[]){ "x", "child", NULL }, (char *[]){ "A=1", end - 1, NULL });
	try("a hole", (char *[]){ "x", "child", end, NULL }, none);
	try("no address", (char *[]){ "x", "child", (char *)8, NULL }, none);
	try("beyond", (char *[]){ "x", "child", (char *)-2, NULL }, none);
	end[-1] = 0;
	/* Pointers to the last word before a hole. */
	((char **)end)[-1] = NULL;
	((char **)end)[-2] = "child";
	((char **)end)[-3] = "x";
	try("pointers", (char **)end - 3, (char **)end - 1);
	((char **)end)[-1] = "y";
	try("pointers without end", (char **)end - 3, none);
	/* The longest string, and one more. */
	m += 5 * P;
	m[LONG - 1] = 0;
	try("longest", (char *[]){ "x", "child", m, NULL }, none);
	m[LONG - 1] = 'a';
	m[LONG] = 0;
	try("too long", (char *[]){ "x", "child", m, NULL }, none);
	m[LONG - 1] = 0;
	many[0] = "x";
	many[1] = "child";
	for (int i = 2; i < 1199; i++)
		many[i] = m + LONG - 1 - i % 700;
	many[1199] = NULL;
	try("many", many, many + 2);
	for (int i = 2; i < 1199; i++)
		many[i] = m;
	try("too much", many, none);
	return 0;
}
