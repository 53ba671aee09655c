/* SPDX-License-Identifier: Apache-2.0 */
/* xxx_STAT of System V objects: by the slot that is in an identifier, whatever its sequence number. */
#include "abi.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define SLOT_BITS 15

static void tell(const char *what, int id, int by_id, int by_slot, int by_old, int by_negative)
{
	SAY("%s: by id %d by slot %d by an old id %d negative %d\n", what, by_id == id, by_slot == id, by_old == id, by_negative);
}

int main(void)
{
	const int old = 77 << SLOT_BITS;

	/* The second one in a slot has another sequence number. */
	for (int round = 0; round < 2; round++) {
		struct semid_ds sem;
		struct msqid_ds msg;
		struct shmid_ds shm;
		int id = semget(IPC_PRIVATE, 1, 0600 | IPC_CREAT), slot = id & ((1 << SLOT_BITS) - 1);

		tell("semaphore", id, semctl(id, 0, SEM_STAT, &sem), semctl(slot, 0, SEM_STAT, &sem),
		     semctl(slot | old, 0, SEM_STAT, &sem), semctl(-1, 0, SEM_STAT, &sem));
		V(semctl(id, 0, IPC_RMID));
		id = msgget(IPC_PRIVATE, 0600 | IPC_CREAT), slot = id & ((1 << SLOT_BITS) - 1);
		tell("queue", id, msgctl(id, MSG_STAT, &msg), msgctl(slot, MSG_STAT, &msg),
		     msgctl(slot | old, MSG_STAT, &msg), msgctl(-1, MSG_STAT, &msg));
		V(msgctl(id, IPC_RMID, NULL));
		id = shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT), slot = id & ((1 << SLOT_BITS) - 1);
		tell("segment", id, shmctl(id, SHM_STAT, &shm), shmctl(slot, SHM_STAT, &shm),
		     shmctl(slot | old, SHM_STAT, &shm), shmctl(-1, SHM_STAT, &shm));
		V(shmctl(id, IPC_RMID, NULL));
	}
	return 0;
}
