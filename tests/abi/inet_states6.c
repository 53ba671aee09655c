/* SPDX-License-Identifier: Apache-2.0 */
/* TCP over IPv6: every operation in every state. */
#include "inet_states.h"

int main(void)
{
	tcp_states("tcp6", AF_INET6, 0);
	return 0;
}
