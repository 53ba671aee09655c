/* SPDX-License-Identifier: Apache-2.0 */
/* gofer_test.h: what the tests of the gofer share; each is one source file. */
#ifndef NACRE_UNIT_GOFER_TEST_H
#define NACRE_UNIT_GOFER_TEST_H

#include <stdio.h>

#include "host/gofer/gofer.h"
#include "host/isolate/isolate.h"
#include "platform/process/hc.h"

static int failures;
#define CHECK(c) do { \
	if (!(c)) { \
		fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #c); \
		failures++; \
	} \
} while (0)

/* What the platform provides otherwise. */
unsigned plat_cpu_self(void);
unsigned plat_cpu_self(void) { return 0; }
uint32_t host_cpu(void) { return 0; }
void process_events_raise(uint64_t bits) { (void)bits; }
int isolate_gofer_early(const struct gofer_config *cfg) { (void)cfg; return 0; }
int isolate_gofer(void) { return 0; }

#endif
