/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that cannot be set or slept on: which error comes first. */
#include "abi.h"

int main(void)
{
	const int id[] = {
		CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE, CLOCK_BOOTTIME, CLOCK_TAI, 12, 100, -1, -2, -3, -4, -5, -6, -7, -8, -13,
	};
	void *const nowhere = (void *)8;

	for (unsigned i = 0; i < sizeof id / sizeof *id; i++) {
		struct timespec none = { 0, 0 }, wrong = { 0, -1 };

		SAY("clock %d\n", id[i]);
		V(syscall(SYS_clock_settime, id[i], nowhere));
		V(syscall(SYS_clock_settime, id[i], &wrong));
		V(syscall(SYS_clock_nanosleep, id[i], 0, nowhere, NULL));
		V(syscall(SYS_clock_nanosleep, id[i], 0, &wrong, NULL));
		V(syscall(SYS_clock_nanosleep, id[i], 0, &none, NULL));
		V(syscall(SYS_clock_nanosleep, id[i], TIMER_ABSTIME, &none, NULL));
		V(syscall(SYS_clock_getres, id[i], NULL));
	}
	return 0;
}
