/* SPDX-License-Identifier: Apache-2.0 */
/* Many processes that end at once, again and again: what was kept for them is given back. */
#include "abi.h"

#define PROCESSES 120
#define ROUNDS 15

int main(void)
{
	static pid_t child[PROCESSES];
	int ended = 0;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PROCESSES; i++) {
			child[i] = fork();
			if (!child[i])
				for (;;)
					pause();
		}
		for (int i = 0; i < PROCESSES; i++)
			if (child[i] > 0)
				kill(child[i], SIGKILL);
		while (wait(NULL) > 0)
			ended++;
	}
	SAY("%d ended\n", ended);
	return 0;
}
