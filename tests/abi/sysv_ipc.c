/* SPDX-License-Identifier: Apache-2.0 */
/* System V semaphores and message queues: operations, undo, removal, limits. */
#include "abi.h"
#include <sys/sem.h>
#include <sys/msg.h>
#include <sys/ipc.h>
union semun { int val; struct semid_ds *buf; unsigned short *array; };
#include <sys/shm.h>
/* The lines of /proc/sysvipc/WHAT whose identifier is id, and its first words. */
static void table(const char *what, int id)
{ char path[64], line[512], *f[20], *save; int n, lines = 0; snprintf(path, sizeof path, "/proc/sysvipc/%s", what); FILE *in = fopen(path, "r");
 if (!in) { SAY("%s: %d\n", path, errno); return; }
 while (fgets(line, sizeof line, in)) { for (n = 0, f[n] = strtok_r(line, " \n", &save); f[n] && n < 19; ) f[++n] = strtok_r(NULL, " \n", &save);
  if (!lines++) { for (int i = 0; i < n; i++) SAY("%s ", f[i]); SAY("%d\n", n); }
  else if (n > 8 && atoi(f[1]) == id) SAY("%s: key %s mode %s, %s %s, %d fields\n", what, f[0], f[2], f[3], what[1] == 'e' ? "" : what[0] == 'm' ? f[4] : f[6], n); }
 fclose(in); }
int main(void){ key_t key = 0x4e000000 + getpid();
 int id=semget(IPC_PRIVATE,3,0600|IPC_CREAT); SAY("%d\n", id>=0);
 V(semctl(id,0,SETVAL,(union semun){.val=2})); V(semctl(id,0,GETVAL));
 struct sembuf o={0,-3,IPC_NOWAIT}; V(semop(id,&o,1));
 struct sembuf o2[2]={{0,-2,0},{1,1,0}}; V(semop(id,o2,2)); V(semctl(id,1,GETVAL));
 pid_t p=fork(); if(!p){ struct sembuf u={2,1,SEM_UNDO}; semop(id,&u,1); struct sembuf w={0,1,0}; semop(id,&w,1); usleep(50000); _exit(0);} 
 struct sembuf w={0,-1,0}; V(semop(id,&w,1)); SAY("undo before %d\n", semctl(id,2,GETVAL)); wait_say("c",p); SAY("after %d\n", semctl(id,2,GETVAL));
 struct timespec ts={0,20000000}; struct sembuf b={1,-5,0}; V(semtimedop(id,&b,1,&ts));
 unsigned short arr[3]={7,8,9}; V(semctl(id,0,SETALL,(union semun){.array=arr})); unsigned short g[3]; V(semctl(id,0,GETALL,(union semun){.array=g})); SAY("%d %d %d\n",g[0],g[1],g[2]);
 struct semid_ds ds; V(semctl(id,0,IPC_STAT,(union semun){.buf=&ds})); SAY("n %d mode %o\n",(int)ds.sem_nsems,ds.sem_perm.mode);
 p=fork(); if(!p){ struct sembuf x={0,-100,0}; int r=semop(id,&x,1); _exit(errno==EIDRM);} usleep(50000); V(semctl(id,0,GETNCNT)); V(semctl(id,0,IPC_RMID)); wait_say("idrm",p); V(semop(id,&w,1));
 int k=semget(key,1,IPC_CREAT|IPC_EXCL|0600); SAY("%d\n",k>=0); V(semget(key,1,IPC_CREAT|IPC_EXCL|0600)); SAY("%d\n",semget(key,1,0)==k); V(semget(key,2,0)); V(semctl(k,0,IPC_RMID)); V(semget(key,1,0));
 int q=msgget(IPC_PRIVATE,0600|IPC_CREAT); struct {long t; char d[100];} m={3,"three"}; V(msgsnd(q,&m,6,0)); m.t=1; strcpy(m.d,"one"); V(msgsnd(q,&m,4,0)); m.t=2; strcpy(m.d,"two"); V(msgsnd(q,&m,4,0));
 V(msgrcv(q,&m,100,2,0)); SAY("%s\n",m.d); V(msgrcv(q,&m,100,-5,0)); SAY("%ld %s\n",m.t,m.d); V(msgrcv(q,&m,2,0,0)); V(msgrcv(q,&m,2,0,MSG_NOERROR)); V(msgrcv(q,&m,2,0,IPC_NOWAIT)); m.t=0; V(msgsnd(q,&m,1,0)); m.t=1; V(msgsnd(q,&m,9000,0));
 struct msqid_ds md; V(msgctl(q,IPC_STAT,&md)); SAY("%ld %ld %ld\n",(long)md.msg_qnum,(long)md.msg_cbytes,(long)md.msg_qbytes);
 for(int i=0;i<16384/100;i++) if(msgsnd(q,&m,100,IPC_NOWAIT)) SAY("full at %d\n",i); V(msgsnd(q,&m,100,IPC_NOWAIT));
 p=fork(); if(!p){ int r=msgsnd(q,&m,100,0); _exit(r==-1&&errno==EIDRM);} usleep(50000); V(msgctl(q,IPC_RMID,0)); wait_say("idrm",p); V(msgsnd(q,&m,1,0));
 q=msgget(IPC_PRIVATE,0640|IPC_CREAT); V(msgsnd(q,&m,100,0)); table("msg",q); V(msgctl(q,IPC_RMID,0));
 id=semget(IPC_PRIVATE,5,0600|IPC_CREAT); table("sem",id); V(semctl(id,0,IPC_RMID));
 id=shmget(IPC_PRIVATE,5000,0604|IPC_CREAT); void *at=shmat(id,0,0); table("shm",id); V(shmctl(id,IPC_RMID,0)); table("shm",id); V(shmdt(at)); table("shm",id);
 return 0; }
