#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gcc and make -j2 build a small project inside; the program runs inside.
. "$(dirname "$0")/lib.sh"
need gcc make
mkdir p
for i in 1 2 3 4; do echo "int f$i(int x) { return x * $i; }" >p/f$i.c; done
cat >p/main.c <<'C'
#include <stdio.h>
#include <math.h>
int f1(int), f2(int), f3(int), f4(int);
int main(void) { printf("%d %.3f\n", f1(1) + f2(2) + f3(3) + f4(4), sqrt(2)); return 5; }
C
cat >p/Makefile <<'M'
OBJS = main.o f1.o f2.o f3.o f4.o
prog: $(OBJS)
	gcc -o $@ $(OBJS) -lm
%.o: %.c
	gcc -O2 -Wall -c $< -o $@
M
expect "build and run" "30 1.414:5" "$(box sh -c "cd '$TMP/p' && make -s -j2 && { ./prog | tr '\n' ':'; ./prog >/dev/null; echo \$?; }")"
[ ! -e p/prog ] || die "the build reached the host"
"$NACRE" do --rw "$TMP/p" -- make -s -j2 -C "$TMP/p"
expect "built by the sandbox, run by the host" "30 1.414" "$(p/prog || :)"
