#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A root file system directory with nothing but static busybox.
. "$(dirname "$0")/lib.sh"
bb=$(command -v busybox) || skip "busybox is not installed"
mkdir -p root/bin root/etc root/tmp
cp "$bb" root/bin/busybox
for a in $("$bb" --list); do [ "$a" = busybox ] || ln -sf busybox root/bin/$a; done
echo 'ID=pearl' >root/etc/os-release
echo 'root:x:0:0:root:/:/bin/sh' >root/etc/passwd
run() { "$NACRE" run root -- "$@"; }
expect "os-release" "ID=pearl" "$(run /bin/sh -c 'cat /etc/os-release')"
expect "ids" "0" "$(run id -u)"
expect "pipeline" "3" "$(run sh -c 'printf "a\nb\nc\n" | sort -r | wc -l' | tr -d ' ')"
expect "write" "w" "$(run sh -c 'echo w >/etc/new; cat /etc/new')"
[ ! -e root/etc/new ] || die "a write reached the root directory"
run sh -c 'mkdir /tmp/x; cd /tmp/x; for i in 1 2 3; do echo $i >f$i; done; tar cf ../t.tar .; mkdir ../y; tar xf ../t.tar -C ../y; diff -r . ../y && echo tar-ok' | grep -q tar-ok || die tar
run sh -c 'ps' | grep -q 'ps' || die ps
expect "loop" "5050" "$(run sh -c 'i=0; s=0; while [ $i -lt 100 ]; do i=$((i+1)); s=$((s+i)); done; echo $s')"
status 127 run nothing-here
status 3 run sh -c 'exit 3'
