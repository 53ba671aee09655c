/* SPDX-License-Identifier: Apache-2.0 */
/* lent.c: a block of memory with a count of who holds it.  Nobody but its owner
 * writes to it, and the owner leaves alone what it means to keep. */
#include "kernel/lib/lib.h"

struct lent *lent_new(void *bytes)
{
	struct lent *l = kmalloc(sizeof *l);

	if (!l)
		return NULL;
	ref_init(&l->ref);
	l->bytes = bytes;
	return l;
}

void lent_put(struct lent *l)
{
	if (!l || !ref_put(&l->ref))
		return;
	kfree(l->bytes);
	kfree(l);
}
