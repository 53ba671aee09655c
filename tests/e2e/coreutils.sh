#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# coreutils, findutils, grep, sed, awk, tar, gzip, xz: same output as natively.
. "$(dirname "$0")/lib.sh"
need awk xz tar find
mkdir -p tree/a/b tree/c
for i in 1 2 3 4 5 6 7 8 9; do echo "line $i of file" >tree/a/f$i; done
ln -s a/f1 tree/link
head -c 300000 /dev/urandom >tree/c/rand
chmod -R u+rwX tree
same ls -lR --time-style=+ tree
same find tree -type f -name 'f*' -newer /etc/passwd
same sh -c 'find tree -print0 | sort -z | xargs -0 -n 3 echo'
same grep -rn 'line [357]' tree/a
same sed -n 's/line \([0-9]\)/<\1>/p' tree/a/f3
same awk '{ n += NF } END { print n, NR }' tree/a/f1 tree/a/f2
same sh -c 'cat tree/a/* | sort -k2 -rn | uniq -c | head -4'
same md5sum tree/c/rand
same sh -c 'cp -a tree copy && diff -r tree copy && rm -rf copy && echo same'
same sh -c 'tar -C tree -cf - . | tar -tf - | sort'
same sh -c 'tar -cf - tree | gzip -9 | gzip -dc | tar -xOf - tree/c/rand | md5sum'
same sh -c 'xz -1 -c tree/c/rand | xz -dc | md5sum'
same sh -c 'dd if=tree/c/rand bs=1000 skip=3 count=7 2>/dev/null | md5sum'
same stat -c '%n %s %F %a %h' tree/a/f1 tree/link tree/c
same sh -c 'seq 1 20000 | sort -n -r | tail -3; seq 10 | tac | paste -s -d+ | bc' 2>/dev/null || true
same sh -c 'mktemp -u /tmp/XXXXXX | wc -c; date -u -d @0 +%F; id -u; echo $((1+2)); expr 6 \* 7'
same sh -c 'touch -d 2001-02-03T04:05:06Z t && stat -c %Y t && ln t t2 && stat -c %h t && mv t2 t3 && ls t*; rm -f t t3'
same sh -c 'split -b 100000 tree/c/rand part. && cat part.* | cmp - tree/c/rand && ls part.*; rm -f part.*'
same sh -c 'timeout 1 sleep 10; echo $?'
