/* SPDX-License-Identifier: Apache-2.0 */
/* The links of /proc/PID/task: two and one for each thread, by which programs see
 * whether they have only one. */
#include "abi.h"

static int links(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) ? -errno : (int)st.st_nlink;
}

static void *wait_for(void *arg)
{
	pthread_barrier_wait(arg);
	pthread_barrier_wait(arg);
	return NULL;
}

int main(void)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY), in[2];
	pthread_barrier_t both;
	pthread_t t[3];
	char name[40], c;
	pid_t p;

	V(links(proc, "self/task"));
	V(links(proc, "self/task/"));
	pthread_barrier_init(&both, NULL, 4);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, wait_for, &both);
	pthread_barrier_wait(&both);
	V(links(proc, "self/task"));
	V(links(proc, "thread-self/../../task"));
	(void)!pipe(in);
	p = fork();
	if (!p) {
		close(in[1]);
		(void)!read(in[0], &c, 1);
		_exit(0);
	}
	snprintf(name, sizeof name, "%d/task", p);
	V(links(proc, name));
	close(in[1]);
	wait_say("child", p);
	V(links(proc, name));
	pthread_barrier_wait(&both);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	while (links(proc, "self/task") > 3)    /* the last ones are joined a little before they are gone */
		sched_yield();
	V(links(proc, "self/task"));
	return 0;
}
