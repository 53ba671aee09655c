/* SPDX-License-Identifier: Apache-2.0 */
/* build_id.h: which build this is, for reports: "VERSION (HEX)". */
#ifndef NACRE_LIB_BUILD_ID_H
#define NACRE_LIB_BUILD_ID_H

/* Valid for the life of the process; not thread-safe at its first call. */
const char *build_id(void);

#endif
