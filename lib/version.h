/* SPDX-License-Identifier: Apache-2.0 */
/* version.h: the release this tree becomes; --version and crash reports say it. */
#ifndef NACRE_LIB_VERSION_H
#define NACRE_LIB_VERSION_H

#define NACRE_VERSION "0.1.0"

#endif
