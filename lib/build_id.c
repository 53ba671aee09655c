/* SPDX-License-Identifier: Apache-2.0 */
/* The linker's build id, read from this program's own notes.  A static,
 * position-dependent program: program headers hold final addresses. */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include "lib/build_id.h"
#include "lib/version.h"

static char text[64] = NACRE_VERSION;

static int read_note(const Elf64_Phdr *ph)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)ph->p_vaddr, *end = p + ph->p_memsz;
	size_t i, at;

	while (p + sizeof(Elf64_Nhdr) <= end) {
		const Elf64_Nhdr *n = (const void *)p;
		const uint8_t *name = p + sizeof(*n), *desc = name + ((n->n_namesz + 3) & ~3u);

		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 && !memcmp(name, "GNU", 4)) {
			at = (size_t)snprintf(text, sizeof(text), "%s (", NACRE_VERSION);
			for (i = 0; i < n->n_descsz && i < 8; i++)
				at += (size_t)snprintf(text + at, sizeof(text) - at, "%02x", desc[i]);
			snprintf(text + at, sizeof(text) - at, ")");
			return 1;
		}
		p = desc + ((n->n_descsz + 3) & ~3u);
	}
	return 0;
}

const char *build_id(void)
{
	const Elf64_Phdr *ph = (const void *)getauxval(AT_PHDR);
	unsigned long i, count = getauxval(AT_PHNUM);

	for (i = 0; ph && i < count; i++)
		if (ph[i].p_type == PT_NOTE && read_note(&ph[i]))
			break;
	return text;
}
