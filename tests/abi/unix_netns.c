/* SPDX-License-Identifier: Apache-2.0 */
/* Abstract names belong to the network name space, paths do not. */
#include "unix.h"
int main(void)
{
	enter_tmp(); int l = ulisten(SOCK_STREAM, "@abi-netns", 5), f = ulisten(SOCK_STREAM, "path", 5), c; char b[16]; (void)f;
	c = usock(SOCK_STREAM); V(uconnect(c, "@abi-netns")); if (!fork()) { if (unshare(CLONE_NEWNET)) { SAY("unshare %s\n", abi_errno(errno)); _exit(0); } c = usock(SOCK_STREAM); V(uconnect(c, "@abi-netns")); V(uconnect(c, "path")); int n = usock(SOCK_STREAM); V(ubind(n, "@abi-netns")); V(listen(n, 3)); int d = usock(SOCK_STREAM); V(uconnect(d, "@abi-netns")); V(write(d, "inner", 5)); int a = accept(n, NULL, NULL); V(read(a, b, 9)); int o = accept(l, NULL, NULL); SAY("outer listener works %d\n", o >= 0); V(write(c, "across", 6)); _exit(0); } wait(NULL); V(uconnect(usock(SOCK_STREAM), "@abi-netns")); return 0;
}
