/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd(2). */
#ifndef NACRE_LINUX_ABI_EVENTFD_H
#define NACRE_LINUX_ABI_EVENTFD_H

#define EFD_SEMAPHORE 1
#define EFD_NONBLOCK 04000
#define EFD_CLOEXEC 02000000

#endif
