#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./dev demo: a handful of real programs in a sandbox.
set -u
nacre=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

show() {
	printf '\n\033[1m$ nacre'
	printf ' %q' "$@"
	printf '\033[0m\n'
	"$nacre" "$@" || { echo "[exit status $?]"; failed=1; }
}

echo "== a kernel of its own: its name, its processes, its files"
show do -- sh -c 'uname -a; ps; ls /'

echo; echo "== a shell pipeline, fed from outside"
printf '\n\033[1m$ seq 5 | nacre do -- sort -r | head -1\033[0m\n'
seq 5 | "$nacre" do -- sort -r | head -1
show do -- sh -c "ls /usr/bin | sed 's/[^a-z].*//' | sort | uniq -c | sort -rn | head -3"

echo; echo "== Python: subprocesses and threads"
show do -- /usr/bin/python3 -c 'import subprocess, threading
print(subprocess.run(["uname", "-s"], capture_output=True, text=True).stdout.strip(), "says a subprocess")
t = [threading.Thread(target=lambda i=i: print("thread", i)) for i in range(3)]
[x.start() for x in t]; [x.join() for x in t]'

echo; echo "== a C program, compiled and run inside; the host's disk stays as it was"
cat > hello.c <<'END'
#include <stdio.h>
#include <sys/utsname.h>
int main(void) { struct utsname u; uname(&u); printf("hello from %s %s, compiled inside\n", u.sysname, u.release); return 0; }
END
show do -- sh -c 'gcc -O1 -o hello hello.c && ./hello && ls'
echo "(on the host: $(ls))"

echo; echo "== what this host offers"
show doctor
exit $failed
