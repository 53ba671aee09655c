/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues: priorities, limits, notification, readiness. */
#include "abi.h"
#include <mqueue.h>
static volatile int got; static void h(int s, siginfo_t*i,void*u){ got=i->si_value.sival_int*1000+(-i->si_code); }
int main(void){ char nm[32]; snprintf(nm, sizeof nm, "/nacre-%d", getpid()); mq_unlink(nm); struct mq_attr a={.mq_maxmsg=4,.mq_msgsize=64}; V(mq_open(nm,O_RDWR)); mqd_t q=mq_open(nm,O_CREAT|O_EXCL|O_RDWR,0600,&a); SAY("%d\n",q>=0); V(mq_open(nm,O_CREAT|O_EXCL|O_RDWR,0600,&a));
 V(mq_send(q,"low",4,1)); V(mq_send(q,"high",5,9)); V(mq_send(q,"low2",5,1)); V(mq_send(q,"x",100,1)); char b[64]; unsigned pr; V(mq_receive(q,b,10,&pr)); V(mq_receive(q,b,64,&pr)); SAY("%s %u\n",b,pr); V(mq_receive(q,b,64,&pr)); SAY("%s %u\n",b,pr); V(mq_receive(q,b,64,&pr)); SAY("%s %u\n",b,pr);
 struct timespec ts; clock_gettime(CLOCK_REALTIME,&ts); ts.tv_nsec+=20000000; if(ts.tv_nsec>=1000000000){ts.tv_nsec-=1000000000;ts.tv_sec++;} V(mq_timedreceive(q,b,64,0,&ts));
 struct sigaction sa={.sa_sigaction=h,.sa_flags=SA_SIGINFO}; sigaction(SIGUSR1,&sa,0); struct sigevent ev={.sigev_notify=SIGEV_SIGNAL,.sigev_signo=SIGUSR1,.sigev_value.sival_int=5}; V(mq_notify(q,&ev)); V(mq_notify(q,&ev)); V(mq_send(q,"n",1,0)); SAY("got %d\n",got); V(mq_notify(q,&ev)); V(mq_notify(q,0));
 struct mq_attr o; V(mq_getattr(q,&o)); SAY("%ld %ld %ld %ld\n",o.mq_flags,o.mq_maxmsg,o.mq_msgsize,o.mq_curmsgs); a.mq_flags=O_NONBLOCK; V(mq_setattr(q,&a,&o)); for(int i=0;i<5;i++) V(mq_send(q,"f",1,i)); 
 struct pollfd p={q,POLLIN|POLLOUT}; V(poll(&p,1,0)); SAY("%x\n",p.revents); V(mq_unlink(nm)); V(mq_unlink(nm)); V(mq_close(q)); V(mq_close(q)); return 0; }
