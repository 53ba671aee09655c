/* SPDX-License-Identifier: Apache-2.0 */
/* A file mapped over itself, as dynamic linkers do, and images whose segments
 * have a tail of zeroes or lie on each other. */
/* variants: static */
#include "abi.h"
#include <elf.h>
#include <stddef.h>

enum { P = 4096 };

static char *reserve(int fd) { return mmap(0, 4 * P, PROT_READ, MAP_PRIVATE, fd, 0); }

static void over(const char *what, char *m, int prot, int fd)
{
	char *r = mmap(m + P, P, prot, MAP_PRIVATE | MAP_FIXED, fd, P);

	SAY("%s: %d %c%c%c\n", what, r == m + P, m[0], m[P], m[2 * P]);
}

/* One page of code that ends with the byte at 0x5100 as its status; segment A
 * ends at 0x5010 in the file and at 0x5800 in memory, B lies on it. */
static void image(const char *name, bool with_b)
{
	static char f[3 * P];
	static const unsigned char code[] = { 0x0f, 0xb6, 0x3d, 0, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };
	Elf64_Ehdr *e = (void *)f;
	Elf64_Phdr *p = (void *)(f + sizeof(*e));
	int disp = 0x5100 - (0x200 + 7);
	pid_t pid;

	memset(f, 0, P);
	memset(f + P, 0xaa, P);
	memset(f + 2 * P, 0x3b, P);
	memcpy(e->e_ident, ELFMAG "\2\1\1", 7);
	e->e_type = ET_DYN;
	e->e_machine = EM_X86_64;
	e->e_version = 1;
	e->e_entry = 0x200;
	e->e_phoff = sizeof(*e);
	e->e_ehsize = sizeof(*e);
	e->e_phentsize = sizeof(*p);
	e->e_phnum = with_b ? 3 : 2;
	p[0] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0, 0, 0, P, P, P };
	p[1] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, P, 0x5000, 0x5000, 0x10, 0x800, P };
	p[2] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 2 * P, 0x5000, 0x5000, P, P, P };
	memcpy(f + 0x200, code, sizeof(code));
	memcpy(f + 0x203, &disp, 4);
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0755);
	V(write(fd, f, sizeof(f)));
	close(fd);
	pid = fork();
	if (!pid) {
		char *none[] = { NULL };

		execve(name, none, none);
		_exit(100);
	}
	wait_say(name, pid);
}

int main(void)
{
	enter_tmp();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	for (int i = 0; i < 4; i++) {
		char page[P];

		memset(page, 'a' + i, P);
		write(fd, page, P);
	}
	char *m = reserve(fd);
	over("to execute", m, PROT_READ | PROT_EXEC, fd);
	over("to write", m, PROT_READ | PROT_WRITE, fd);
	m[P] = 'X';
	over("written, again", m, PROT_READ, fd);
	V(mprotect(m + P, P, PROT_READ | PROT_WRITE));
	m[P] = 'Y';
	V(mprotect(m + P, P, PROT_READ));
	over("written, read only, again", m, PROT_READ, fd);
	V(mprotect(m, 4 * P, PROT_READ));
	/* Written through the protection, as a debugger does. */
	int mem = open("/proc/self/mem", O_RDWR);
	V(pwrite(mem, "Z", 1, (off_t)(m + P)));
	SAY("forced: %c\n", m[P]);
	over("forced, again", m, PROT_READ, fd);
	/* Another offset, another file, a shared one: mapped anew. */
	m = reserve(fd);
	mmap(m + P, P, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 3 * P);
	SAY("other offset: %c\n", m[P]);
	mmap(m + P, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, P);
	m[P] = 'S';
	char c = 0;
	V(pread(fd, &c, 1, P));
	SAY("shared: %c %c\n", m[P], c);
	m = reserve(fd);
	over("seen by all", m, PROT_READ, fd);
	pwrite(fd, "T", 1, P);
	SAY("file written: %c\n", m[P]);
	/* The whole, then part of it with other rights, then all again. */
	V(mmap(m, 4 * P, PROT_NONE, MAP_PRIVATE | MAP_FIXED, fd, 0) == m);
	V(mprotect(m, 4 * P, PROT_READ));
	SAY("%c%c%c%c\n", m[0], m[P], m[2 * P], m[3 * P]);
	pid_t p = fork();
	if (!p) {
		over("in a child", m, PROT_READ | PROT_WRITE, fd);
		m[P] = 'C';
		_exit(0);
	}
	wait_say("child", p);
	SAY("%c\n", m[P]);
	image("tail", false);
	image("overlap", true);
	return 0;
}
