/* SPDX-License-Identifier: Apache-2.0 */
/* TCP over IPv4 by IPv6 sockets: every operation in every state. */
#include "inet_states.h"

int main(void)
{
	tcp_states("tcp4 by 6", AF_INET6, 1);
	return 0;
}
