/* SPDX-License-Identifier: Apache-2.0 */
/* `nacre doctor`. */
#include "runtime/options.h"
int cmd_doctor(int argc, char **argv) { return 0; }
