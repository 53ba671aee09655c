/* SPDX-License-Identifier: Apache-2.0 */
/* inotify: which events, in which order, for files and directories. */
#include "abi.h"
#include <sys/inotify.h>
static void dump(int fd){ char b[65536]; for(;;){ long n=read(fd,b,sizeof b); if(n<0){SAY("end %s\n",abi_errno(errno));return;} for(long i=0;i<n;){ struct inotify_event*e=(void*)(b+i); SAY("wd %d mask %x ck %d len %d %s\n",e->wd,e->mask,e->cookie!=0,e->len,e->len?e->name:""); i+=sizeof *e+e->len; } } }
int main(void){ enter_tmp(); int fd=inotify_init1(IN_NONBLOCK); mkdir("d",0755); int f=open("d/a",O_CREAT|O_RDWR,0644); close(f);
 V(inotify_add_watch(fd,"d",IN_ALL_EVENTS)); V(inotify_add_watch(fd,"d/a",IN_ALL_EVENTS)); V(inotify_add_watch(fd,"d",IN_ALL_EVENTS)); V(inotify_add_watch(fd,"nope",IN_ALL_EVENTS)); V(inotify_add_watch(fd,"d",0)); V(inotify_add_watch(fd,"d/a",IN_ONLYDIR|IN_OPEN));
 dump(fd);
 f=open("d/a",O_RDWR); write(f,"xx",2); lseek(f,0,0); char c[4]; read(f,c,2); close(f); dump(fd);
 f=open("d/b",O_CREAT|O_WRONLY|O_TRUNC,0600); write(f,"1",1); close(f); dump(fd);
 chmod("d/b",0644); dump(fd); rename("d/b","d/c"); dump(fd); rename("d/a","e"); dump(fd); rename("e","d/a"); dump(fd);
 mkdir("d/sub",0700); dump(fd); rmdir("d/sub"); dump(fd); symlink("x","d/ln"); link("d/c","d/hard"); dump(fd); unlink("d/ln"); unlink("d/hard"); dump(fd);
 truncate("d/c",100); dump(fd); unlink("d/c"); dump(fd); unlink("d/a"); dump(fd); V(inotify_rm_watch(fd,2)); rmdir("d"); dump(fd); 
 mkdir("d",0700); V(inotify_add_watch(fd,"d",IN_CREATE|IN_ONESHOT)); close(open("d/1",O_CREAT,0600)); close(open("d/2",O_CREAT,0600)); dump(fd);
 mkdir("e2",0700); int w=inotify_add_watch(fd,"e2",IN_CREATE); V(inotify_rm_watch(fd,w)); dump(fd); V(inotify_rm_watch(fd,w)); int n; V(ioctl(fd,FIONREAD,&n)); 
 return 0;}
