/* SPDX-License-Identifier: Apache-2.0 */
/* patched_text.c: a hostile process and the text that it shares with others.
 *
 * The attack makes nearly every system call as root and with odd arguments:
 * never run it outside a sandbox; it refuses.
 *
 *   attack   make system calls from every two bytes of libc's text that look
 *            like the instruction, whatever they are part of, with the number
 *            that what stands before them would ask for
 *   victim   use libc, then print where its text in memory is not its file's:
 *            "OFFSET SIZE FIRST-BYTE" of each window in hexadecimal
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct text { char name[256]; unsigned char *live; unsigned long off, size; };

static int find(struct dl_phdr_info *i, size_t size, void *p)
{
	struct text *t = p;

	if (!strstr(i->dlpi_name, t->name))
		return 0;
	for (int k = 0; k < i->dlpi_phnum; k++)
		if (i->dlpi_phdr[k].p_type == PT_LOAD && (i->dlpi_phdr[k].p_flags & PF_X)) {
			t->live = (void *)(i->dlpi_addr + i->dlpi_phdr[k].p_vaddr);
			t->off = i->dlpi_phdr[k].p_offset;
			t->size = i->dlpi_phdr[k].p_filesz;
		}
	strcpy(t->name, i->dlpi_name);
	return 1;
}

/* ret at the end of the function that site is in brings it back, if anything does. */
static void call_at(void *site, long nr)
{
	__asm__ volatile("push %%rbx\npush %%rbp\npush %%r12\npush %%r13\npush %%r14\npush %%r15\n"
			 "call 1f\njmp 2f\n1: jmp *%%rcx\n2:\n"
			 "pop %%r15\npop %%r14\npop %%r13\npop %%r12\npop %%rbp\npop %%rbx\n"
			 : "+a"(nr), "+c"(site) : "D"(0), "S"(0), "d"(0)
			 : "r8", "r9", "r10", "r11", "memory", "cc");
}

static sigjmp_buf back;
static void crashed(int s) { siglongjmp(back, 1); }

/* What follows the call may do anything; most of it can be survived. */
static void child(unsigned char *site, long nr)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction sa = { .sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_NODEFER };
	struct itimerval it = { { 0, 0 }, { 0, 10000 } };
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	sigaltstack(&ss, NULL);
	for (int s = 1; s < 32; s++)
		if (s != SIGALRM)
			sigaction(s, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	for (volatile int i = 0; i < 150; i++)
		if (!sigsetjmp(back, 1))
			call_at(site, nr);
	_exit(0);
}

static void attack_site(unsigned char *site, int way)
{
	long nr = way ? 0 : SYS_getpid;

	for (int k = 5; k < 24 && way; k++)
		if (site[-k] == 0xb8) {
			memcpy(&nr, site - k + 1, 4);
			nr &= 0xffffffff;
		}
	/* These would multiply. */
	if (nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone || nr == SYS_clone3)
		return;
	if (!fork())
		child(site, nr);
	wait(NULL);
}

static int attack(void)
{
	struct text t = { .name = "libc.so.6" };
	char version[256] = "";
	int n = 0, fd = open("/proc/version", O_RDONLY);

	if (read(fd, version, sizeof version - 1) <= 0 || !strcasestr(version, "nacre"))
		return 4;
	if (!dl_iterate_phdr(find, &t))
		return 2;
	for (unsigned long i = 24; i + 2 < t.size; i++)
		if (t.live[i] == 0x0f && t.live[i + 1] == 5) {
			attack_site(t.live + i, 1);
			if (n++ % 4 == 0)
				attack_site(t.live + i, 0);
		}
	printf("attacked %d\n", n);
	return 0;
}

static int compare(const char *name)
{
	struct text t = { .size = 0 };
	unsigned char *file;
	int fd;

	strcpy(t.name, name);
	if (!dl_iterate_phdr(find, &t))
		return 2;
	fd = open(t.name[0] ? t.name : "/proc/self/exe", O_RDONLY);
	file = mmap(0, t.size + t.off, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		return 3;
	file += t.off;
	for (unsigned long i = 0; i < t.size; i++)
		if (t.live[i] != file[i]) {
			unsigned long k = 5;

			while (t.live[i + k] == 0xcc && file[i + k] != 0xcc)
				k++;
			printf("%lx %lx %02x\n", t.off + i, k, t.live[i]);
			i += k - 1;
		}
	return 0;
}

static int victim(void)
{
	struct stat st;
	char b[64];
	int p[2];

	for (int i = 0; i < 400; i++) {
		if (pipe(p) || write(p[1], "x", 1) != 1 || read(p[0], b, 2) != 1 || fstat(p[0], &st) ||
		    stat("/", &st) || lseek(p[0], 0, SEEK_CUR) != -1 || getppid() != syscall(SYS_getppid) ||
		    close(p[0]) || close(p[1]) || !mkdir("/", 0) || getuid() != geteuid())
			return 1;
	}
	return compare("libc.so.6");
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "attack"))
		return attack();
	if (argc == 2 && !strcmp(argv[1], "victim"))
		return victim();
	return 2;
}
