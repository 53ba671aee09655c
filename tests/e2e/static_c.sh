#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# musl-static, glibc-static, PIE and dynamic builds of one program.
. "$(dirname "$0")/lib.sh"
need gcc
cat >t.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <math.h>
static double s[4];
static void *f(void *p) { long i = (long)p; for (int k = 1; k < 100000; k++) s[i] += 1.0 / ((double)k * k); return p; }
int main(int c, char **v) {
	pthread_t t[4]; setvbuf(stdout, 0, _IONBF, 0);
	for (long i = 0; i < 4; i++) pthread_create(&t[i], 0, f, (void *)i);
	for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
	printf("%d %.9f %s\n", c, s[0] + s[1] + s[2] + s[3], v[c - 1]);
	pid_t p = fork();
	if (!p) { char *m = malloc(10 << 20); memset(m, 1, 10 << 20); _exit(m[12345] + 6); }
	int st; waitpid(p, &st, 0); printf("%d\n", WEXITSTATUS(st));
	if (c == 2) execv(v[0], (char *[]){ v[0], "again", "third", 0 });
	return c;
}
C
gcc -O2 -static -o glibc-static t.c -lpthread -lm
gcc -O2 -static-pie -fPIE -o static-pie t.c -lpthread -lm
gcc -O2 -o dynamic t.c -lpthread -lm
gcc -O2 -no-pie -o dynamic-nopie t.c -lpthread -lm
progs="glibc-static static-pie dynamic dynamic-nopie"
if command -v musl-gcc >/dev/null; then musl-gcc -O2 -static -o musl-static t.c -lpthread -lm; progs="$progs musl-static"; fi
for p in $progs; do same ./$p one; done
