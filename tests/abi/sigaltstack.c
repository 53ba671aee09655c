/* SPDX-License-Identifier: Apache-2.0 */
/* sigaltstack: sizes, SS_AUTODISARM, on-stack changes, after fork, thread and exec. */
#include "abi.h"
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
static char stk[65536], other[65536];
static void show(const char *w) { stack_t s; sigaltstack(NULL, &s); printf("%s: flags %x size %zu at %s\n", w, s.ss_flags, s.ss_size, s.ss_sp == stk ? "stk" : s.ss_sp == other ? "other" : s.ss_sp ? "?" : "0"); }
static int on(void *p) { return (char *)p >= stk && (char *)p < stk + sizeof stk; }
static void h(int s)
{
	int l; stack_t n = { .ss_sp = other, .ss_size = sizeof other };
	printf("handler on stack %d\n", on(&l)); show("inside"); V(sigaltstack(&n, NULL)); show("after change");
	if (s == SIGUSR1) { raise(SIGUSR2); }
}
static void *th(void *a) { show("new thread"); return NULL; }
int main(void)
{
	stack_t n = { .ss_sp = stk, .ss_size = sizeof stk }, o;
	struct sigaction sa = { .sa_handler = h, .sa_flags = SA_ONSTACK };
	pthread_t t; pid_t p;
	sigaction(SIGUSR1, &sa, NULL); sigaction(SIGUSR2, &sa, NULL);
	show("start"); V(sigaltstack(&n, &o)); V(o.ss_flags == SS_DISABLE); show("set"); raise(SIGUSR1); show("after");
	n.ss_flags = SS_AUTODISARM; n.ss_sp = stk; V(sigaltstack(&n, NULL)); show("autodisarm"); raise(SIGUSR2); show("after autodisarm");
	n.ss_flags = SS_AUTODISARM | SS_ONSTACK; V(sigaltstack(&n, NULL)); show("onstack flag"); n.ss_flags = 0; n.ss_size = 2047; V(sigaltstack(&n, NULL)); n.ss_size = 0; V(sigaltstack(&n, NULL)); n.ss_flags = 4; n.ss_size = 65536; V(sigaltstack(&n, NULL)); n.ss_flags = SS_DISABLE | SS_ONSTACK; V(sigaltstack(&n, NULL)); V(sigaltstack((void *)8, NULL)); V(sigaltstack(NULL, (void *)8)); show("unchanged");
	pthread_create(&t, NULL, th, NULL); pthread_join(t, NULL); p = fork(); if (!p) { show("child"); _exit(0); } wait_say("child", p); p = vfork(); if (!p) _exit(0); 
	n.ss_flags = SS_DISABLE; n.ss_size = 1; n.ss_sp = (void *)1; V(sigaltstack(&n, NULL)); show("disabled");
	return 0;
}
