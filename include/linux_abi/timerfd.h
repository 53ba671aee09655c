/* SPDX-License-Identifier: Apache-2.0 */
/* timerfd_create(2). */
#ifndef NACRE_LINUX_ABI_TIMERFD_H
#define NACRE_LINUX_ABI_TIMERFD_H

#define TFD_TIMER_ABSTIME 1
#define TFD_TIMER_CANCEL_ON_SET 2
#define TFD_NONBLOCK 04000
#define TFD_CLOEXEC 02000000
#define TFD_IOC_SET_TICKS 0x40085400u   /* _IOW('T', 0, u64) */

#endif
