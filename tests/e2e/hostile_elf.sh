#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Broken programs end with an error, never with a crash of the sandbox.
. "$(dirname "$0")/lib.sh"
cp /bin/true good
try() { # a file that must not run: 126 or death by a signal, and the sandbox lives to tell
	chmod +x "$1"
	r=$(box sh -c "'$TMP/$1' >/dev/null 2>&1; echo \$?" 2>&1) || die "$1 took the sandbox down: $r"
	case "$r" in 126|127|13[2-9]|2) ;; *) die "$1: shell saw [$r]" ;; esac
}
for n in 1 10 63 64 100 500 4000; do head -c $n good >trunc$n; done
for n in 10 64 100 500; do try trunc$n; done
: >empty; chmod +x empty; box ./empty >/dev/null 2>&1 || true
patch() { cp good "$1"; printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
patch phnum 56 '\377\377'; try phnum
patch phoff 32 '\377\377\377\377\377\377\377\177'; try phoff
patch class 4 '\001'; try class
patch machine 18 '\003\000'; try machine
patch phent 54 '\001\000'; try phent
printf '#!/nonexistent/interpreter\n' >interp; try interp
printf '#!%s/loop\n' "$TMP" >loop; try loop
big=$(head -c 140000 /dev/zero | tr '\0' a)
status 0 box sh -c 'x=$(head -c 140000 /dev/zero | tr "\0" a); /bin/echo "$x" >/dev/null 2>&1 && exit 1; exit 0'
status 0 box sh -c 'ulimit -n 20; exec 3</dev/null; i=0; python3 -c "
import os
l=[]
try:
    while True: l.append(os.open(\"/dev/null\",0))
except OSError as e: print(e.errno)"'
