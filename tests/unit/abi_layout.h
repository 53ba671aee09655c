/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that abi_layout.py generates and abi_layout_main.c compares. */
struct abi_row { const char *name; long long value; };
extern const struct abi_row abi_ours[], abi_theirs[];
extern const unsigned abi_ours_count, abi_theirs_count;
