/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, epoll, descriptor passing, timers and listeners under load. */
#include "abi.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#define N 200
int main(void){
 /* pipe throughput with checksum through both directions and many procs */
 int sp[2]; socketpair(AF_UNIX,SOCK_STREAM,0,sp); pid_t p=fork();
 if(!p){ close(sp[0]); char b[5000]; unsigned long tot=0,sum=0; long r; while((r=read(sp[1],b,sizeof b))>0){ for(int i=0;i<r;i++) sum=sum*31+(unsigned char)b[i]; tot+=r; } dprintf(sp[1],"%lu %lu",tot,sum); _exit(0);} 
 close(sp[1]); char w[7777]; unsigned long sum=0,tot=0; unsigned rs=1; for(int i=0;i<800;i++){ int n=1+(rs=rs*1103515245+12345)/65536%7777; for(int k=0;k<n;k++){ w[k]=(rs>>(k%24))^k; sum=sum*31+(unsigned char)w[k]; } tot+=n; if(write(sp[0],w,n)!=n) SAY("short\n"); }
 shutdown(sp[0],SHUT_WR); char b[100]={0}; read(sp[0],b,99); char e[100]; sprintf(e,"%lu %lu",tot,sum); SAY("stream %d\n",!strcmp(b,e)); waitpid(p,0,0); close(sp[0]);
 /* epoll with many eventfds, threads writing */
 int ep=epoll_create1(0), fds[N]; for(int i=0;i<N;i++){ fds[i]=eventfd(0,EFD_NONBLOCK); struct epoll_event ev={EPOLLIN|(i&1?EPOLLET:0),{.u32=i}}; epoll_ctl(ep,EPOLL_CTL_ADD,fds[i],&ev); }
 p=fork(); if(!p){ for(int i=0;i<20*N;i++){ eventfd_write(fds[i*7%N],1); } _exit(0);} unsigned long got=0; while(got<20*N){ struct epoll_event ev[16]; int n=epoll_wait(ep,ev,16,2000); if(n<=0){SAY("stuck at %lu\n",got);break;} for(int i=0;i<n;i++){ eventfd_t v; if(!eventfd_read(fds[ev[i].data.u32],&v)) got+=v; } } SAY("eventfd %lu\n",got); waitpid(p,0,0);
 for(int i=0;i<N;i++) close(fds[i]); struct epoll_event ev; V(epoll_wait(ep,&ev,1,0));
 /* SCM_RIGHTS: pass a chain of sockets inside sockets and drop them */
 for(int round=0;round<5;round++){ int a[2]; socketpair(AF_UNIX,SOCK_DGRAM,0,a); for(int d=0;d<300;d++){ int n[2]; socketpair(AF_UNIX,SOCK_DGRAM,0,n); char cb[CMSG_SPACE(8)]={0}; struct iovec io={"x",1}; struct msghdr m={.msg_iov=&io,.msg_iovlen=1,.msg_control=cb,.msg_controllen=sizeof cb}; struct cmsghdr*c=CMSG_FIRSTHDR(&m); c->cmsg_level=SOL_SOCKET;c->cmsg_type=SCM_RIGHTS;c->cmsg_len=CMSG_LEN(8); memcpy(CMSG_DATA(c),a,8); if(sendmsg(n[0],&m,0)!=1) SAY("send %s\n",abi_errno(errno)); close(a[0]); close(a[1]); a[0]=n[0]; a[1]=n[1]; } close(a[0]); close(a[1]); }
 SAY("chain ok\n");
 /* timerfd periodic */
 int tf=timerfd_create(CLOCK_MONOTONIC,0); struct itimerspec it={{0,1000000},{0,1000000}}; timerfd_settime(tf,0,&it,0); unsigned long ticks=0; for(int i=0;i<20;i++){ uint64_t v; read(tf,&v,8); ticks+=v; } SAY("ticks %d\n",ticks>=20);
 /* many clients to a listener */
 int l=socket(AF_UNIX,SOCK_STREAM,0); struct sockaddr_un un={AF_UNIX}; snprintf(un.sun_path+1, 8, "%07d", getpid()); bind(l,(void*)&un,10); listen(l,5); for(int i=0;i<20;i++) if(!fork()){ for(int k=0;k<20;k++){ int s=socket(AF_UNIX,SOCK_STREAM,0); if(connect(s,(void*)&un,10)) _exit(1); char c=i; write(s,&c,1); if(read(s,&c,1)!=1) _exit(2); close(s);} _exit(0);} int served=0; while(served<400){ int s=accept(l,0,0); char c; if(read(s,&c,1)==1) write(s,&c,1); close(s); served++; } int bad=0,st; while(wait(&st)>0) bad+=st!=0; SAY("served %d bad %d\n",served,bad);
 return 0; }
