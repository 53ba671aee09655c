/* SPDX-License-Identifier: Apache-2.0 */
/* System V IPC (sysvipc(7)) and POSIX message queues (mq_overview(7)). */
#ifndef NACRE_LINUX_ABI_IPC_H
#define NACRE_LINUX_ABI_IPC_H

#include <base/types.h>

#define IPC_PRIVATE 0
#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define IPC_NOWAIT 04000
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3
#define IPC_64 0x100                    /* glibc adds it to commands; no effect here */

struct linux_ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad0;
	uint32_t pad1;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct linux_ipc_perm) == 48, "ipc_perm");

/* semaphores */
#define SEM_UNDO 0x1000
#define SEM_GETPID 11
#define SEM_GETVAL 12
#define SEM_GETALL 13
#define SEM_GETNCNT 14
#define SEM_GETZCNT 15
#define SEM_SETVAL 16
#define SEM_SETALL 17
#define SEM_STAT 18
#define SEM_INFO 19
#define SEM_STAT_ANY 20
struct linux_sembuf { uint16_t num; int16_t op, flg; };
struct linux_semid_ds {
	struct linux_ipc_perm perm;
	int64_t otime; uint64_t unused1;
	int64_t ctime; uint64_t unused2;
	uint64_t nsems, unused3, unused4;
};
_Static_assert(sizeof(struct linux_semid_ds) == 104, "semid_ds");
struct linux_seminfo { int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem; };

/* message queues */
#define MSG_NOERROR 010000
#define MSG_EXCEPT 020000
#define MSG_COPY 040000
#define MSG_STAT 11
#define MSG_INFO 12
#define MSG_STAT_ANY 13
struct linux_msqid_ds {
	struct linux_ipc_perm perm;
	int64_t stime, rtime, ctime;
	uint64_t cbytes, qnum, qbytes;
	int32_t lspid, lrpid;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct linux_msqid_ds) == 120, "msqid_ds");
struct linux_msginfo { int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql; uint16_t msgseg; };

/* shared memory */
#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000
#define SHM_HUGETLB 04000
#define SHM_NORESERVE 010000
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_STAT 13
#define SHM_INFO 14
#define SHM_STAT_ANY 15
#define SHM_DEST 01000
#define SHM_LOCKED 02000
struct linux_shmid_ds {
	struct linux_ipc_perm perm;
	uint64_t segsz;
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
	uint64_t nattch, unused[2];
};
_Static_assert(sizeof(struct linux_shmid_ds) == 112, "shmid_ds");
struct linux_shminfo { uint64_t shmmax, shmmin, shmmni, shmseg, shmall, unused[4]; };
struct linux_shm_info { int32_t used_ids, pad; uint64_t shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes; };

/* POSIX message queues */
struct linux_mq_attr { int64_t flags, maxmsg, msgsize, curmsgs, reserved[4]; };

#endif
