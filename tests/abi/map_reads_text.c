/* SPDX-License-Identifier: Apache-2.0 */
/* A program without interpreter that maps a library's text reads what the file has,
 * however often others made system calls from it: tools that translate code do that. */
#include "abi.h"
#include <elf.h>

int main(void)
{
	static const char name[] = "/lib/x86_64-linux-gnu/libc.so.6";
	int f = open(name, O_RDONLY);
	struct stat st;
	unsigned char *all, *text;
	Elf64_Ehdr *e;

	if (f < 0 || fstat(f, &st))
		return 0;
	for (int k = 0; k < 4; k++)
		if (system("i=0; while [ $i -lt 400 ]; do kill -0 $$; [ -e /nothing ]; i=$((i+1)); done; ls -lR /etc >/dev/null 2>&1") < 0)
			return 1;
	all = malloc(st.st_size);
	if (pread(f, all, st.st_size, 0) != st.st_size)
		return 1;
	e = (void *)all;
	for (int k = 0; k < e->e_phnum; k++) {
		Elf64_Phdr *p = (void *)(all + e->e_phoff + k * e->e_phentsize);
		size_t from = p->p_offset & ~4095ul;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		for (int how = 0; how < 2; how++) {
			text = mmap(NULL, p->p_filesz, PROT_READ | PROT_EXEC, MAP_PRIVATE | (how ? MAP_DENYWRITE : 0), f, from);
			V(text != MAP_FAILED);
			V(memcmp(text, all + from, p->p_filesz));
		}
	}
	return 0;
}
