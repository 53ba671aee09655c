/* SPDX-License-Identifier: Apache-2.0 */
/* Signals under load: storms at several threads, stops and continues, kills; floating point stays. */
#include "abi.h"
#include <pthread.h>
#include <sys/signalfd.h>
#include <immintrin.h>
static volatile long hits[65]; static volatile int stop;
static void h(int s, siginfo_t*i, void*u){ __atomic_fetch_add(&hits[s],1,__ATOMIC_RELAXED); volatile double x=1.5; x*=s; }
static void *spin(void*a){ double acc=1.25; long n=0; while(!stop){ volatile double y=acc*2; acc=y/2; if(acc!=1.25){ SAY("FPU corrupted %f\n",acc); exit(1);} n++; } return (void*)n; }
static int pp[2];
static void *rd(void*a){ char c; long n=0; while(read(pp[0],&c,1)==1) n++; return (void*)n; }
int main(void){
 struct sigaction sa={.sa_sigaction=h,.sa_flags=SA_SIGINFO|SA_RESTART}; for(int s=1;s<=64;s++) if(s!=SIGKILL&&s!=SIGSTOP&&s!=32&&s!=33) sigaction(s,&sa,0);
 pipe(pp); pthread_t t[6]; for(int i=0;i<2;i++) pthread_create(&t[i],0,spin,0); for(int i=2;i<4;i++) pthread_create(&t[i],0,rd,0);
 for(int i=0;i<4000;i++){ pthread_kill(t[i%4], SIGUSR1+(i&1)*2); kill(getpid(), SIGRTMIN+3+i%5); if(i%7==0) write(pp[1],"x",1); }
 union sigval v={.sival_int=7}; for(int i=0;i<500;i++) sigqueue(getpid(),SIGRTMIN+10,v);
 usleep(100000); stop=1; close(pp[1]); long n=0; for(int i=0;i<4;i++){ void*r; pthread_join(t[i],&r); if(i>1) n+=(long)r; }
 SAY("read %ld rt %ld q %ld\n", n, hits[SIGRTMIN+3]+hits[SIGRTMIN+4]+hits[SIGRTMIN+5]+hits[SIGRTMIN+6]+hits[SIGRTMIN+7], hits[SIGRTMIN+10]);
 SAY("usr %d\n", hits[SIGUSR1]>0&&hits[SIGUSR2]>0);
 /* stop/cont storm */
 pid_t p=fork(); if(!p){ pthread_t q; stop=0; pthread_create(&q,0,spin,0); for(;;) usleep(100); }
 int st, stops=0, conts=0; for(int i=0;i<300;i++){ kill(p,SIGSTOP); if(waitpid(p,&st,WUNTRACED)==p&&WIFSTOPPED(st)) stops++; kill(p,SIGCONT); if(waitpid(p,&st,WCONTINUED)==p&&WIFCONTINUED(st)) conts++; }
 kill(p,SIGKILL); waitpid(p,&st,0); SAY("stops %d conts %d killed %d\n",stops,conts,WTERMSIG(st));
 /* kill threaded process many times */
 for(int i=0;i<100;i++){ p=fork(); if(!p){ pthread_t q[4]; stop=0; for(int k=0;k<4;k++) pthread_create(&q[k],0,spin,0); if(i&1) pause(); else for(;;); } usleep(i*20); kill(p,i%3?SIGTERM==0:SIGKILL); kill(p,SIGKILL); waitpid(p,&st,0); if(WTERMSIG(st)!=SIGKILL) SAY("bad %x\n",st); }
 SAY("done\n"); return 0; }
