/* SPDX-License-Identifier: Apache-2.0 */
/* TCP over IPv4: every operation in every state. */
#include "inet_states.h"

int main(void)
{
	tcp_states("tcp", AF_INET, 0);
	return 0;
}
