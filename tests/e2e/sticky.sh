#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fs.protected_*: what others laid out in a directory that all may write to.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip "needs files of several owners"
cat >try.sh <<'END'
set -e
mkdir -m 1777 s && mkdir -m 755 -p s/own && mkfifo -m 666 s/fifo && echo r >s/root && chmod 666 s/root && echo r >s/priv && chmod 644 s/priv
as() { u=$1; shift; setpriv --reuid="$u" --regid="$u" --clear-groups "$@"; }
as 1234 sh -c 'echo o >s/other; chmod 666 s/other; mkfifo -m 666 s/pipe; ln -s other s/link'
ln -s s/link outside
try() { what=$1; shift; if "$@" >/dev/null 2>&1; then echo "$what yes"; else echo "$what no"; fi; }
all() {
	try follow cat s/link
	try follow-out cat outside
	try follow-through as 4321 cat s/link
	try follow-own as 1234 cat s/link
	try link-writable as 4321 ln s/root own1; rm -f own1
	try link-readable as 4321 ln s/priv s/own2; rm -f s/own2
	try link-root ln s/other s/own3; rm -f s/own3
	try creat as 4321 sh -c 'echo >>s/other'
	try creat-root sh -c 'echo >>s/other'
	try creat-dirs-owner as 4321 sh -c 'echo >>s/root'
	try creat-fifo as 4321 sh -c ': <>s/pipe'
	try creat-fifo-of-dirs-owner as 4321 sh -c ': <>s/fifo'
}
for v in "0 0 0 0" "1 1 1 1"; do
	set -- $v; echo "== $v"
	for f in symlinks hardlinks fifos regular; do echo "$1" >/proc/sys/fs/protected_$f; shift; done
	all
done
chmod 1775 s; echo "== group"; echo 1 >/proc/sys/fs/protected_regular; try creat as 1234 sh -c 'echo >>s/priv2' ; try one sh -c 'echo >>s/other'
echo 2 >/proc/sys/fs/protected_regular; try two sh -c 'echo >>s/other'
echo 3 2>/dev/null >/proc/sys/fs/protected_regular || echo refused
END
mkdir t
box sh -c "chmod 777 '$TMP' '$TMP/t'; cd '$TMP/t' && cat /proc/sys/fs/protected_* | tr '\n' ' ' && sh ../try.sh" >o.txt 2>&1
cat >want.txt <<'END'
0 1 0 1 == 0 0 0 0
follow yes
follow-out yes
follow-through yes
follow-own yes
link-writable yes
link-readable yes
link-root yes
creat yes
creat-root yes
creat-dirs-owner yes
creat-fifo yes
creat-fifo-of-dirs-owner yes
== 1 1 1 1
follow no
follow-out no
follow-through no
follow-own yes
link-writable yes
link-readable no
link-root yes
creat no
creat-root no
creat-dirs-owner yes
creat-fifo no
creat-fifo-of-dirs-owner yes
== group
creat no
one yes
two no
refused
END
diff -u want.txt o.txt || die "fs.protected_* do something else"
