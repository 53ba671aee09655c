/* SPDX-License-Identifier: Apache-2.0 */
/* A process whose parent ends right after the fork lives on. */
#include "abi.h"
#include <sys/prctl.h>

int main(void)
{
	int bad = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 150; i++) {
		pid_t p = fork(), w;
		int st;

		if (!p) {
			if (!fork()) {
				usleep(rand() % 2000);
				_exit(21);
			}
			_exit(0);
		}
		while ((w = wait(&st)) > 0)
			bad += w == p ? st != 0 : st != 21 << 8;
	}
	printf("wrong ends: %d\n", bad);
	return 0;
}
