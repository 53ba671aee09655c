/* SPDX-License-Identifier: Apache-2.0 */
/* Times before 1970: seconds are negative, nanoseconds count forward from them. */
#define _GNU_SOURCE
#include "abi.h"

static void try(int64_t sec, int64_t nsec)
{
	struct timespec t[2] = { { sec, nsec }, { sec, nsec } };
	struct statx x;
	struct stat st;

	V(utimensat(AT_FDCWD, "f", t, 0));
	V(stat("f", &st));
	SAY("%lld.%09ld %lld.%09ld\n", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
	    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	V(statx(AT_FDCWD, "f", 0, STATX_ATIME, &x));
	SAY("%lld.%09u\n", (long long)x.stx_atime.tv_sec, x.stx_atime.tv_nsec);
}

int main(void)
{
	enter_tmp();
	close(open("f", O_CREAT | O_RDWR, 0600));
	try(-1, 0);
	try(-1, 1);
	try(-1, 999999999);
	try(0, 0);
	try(0, 1);
	try(-14245441, 750000000);
	try(-14245440, 250000000);
	unlink("f");
	return 0;
}
