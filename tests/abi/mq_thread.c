/* SPDX-License-Identifier: Apache-2.0 */
/* mq_notify(3) with SIGEV_THREAD: by a netlink socket and a cookie. */
#include "abi.h"
#include <linux/netlink.h>
#include <mqueue.h>

static int told;
static void tell(union sigval v) { __atomic_fetch_add(&told, v.sival_int, __ATOMIC_SEQ_CST); }

static void raw(mqd_t q)
{
	char cookie[32] = "cookie of ours", in[64];
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_value.sival_ptr = cookie };
	int s = socket(AF_NETLINK, SOCK_RAW, 0);

	ev.sigev_signo = 99;
	V(syscall(SYS_mq_notify, q, &ev));
	ev.sigev_signo = open("/dev/null", O_RDONLY);
	V(syscall(SYS_mq_notify, q, &ev));
	ev.sigev_signo = socket(AF_UNIX, SOCK_STREAM, 0);
	V(syscall(SYS_mq_notify, q, &ev));
	ev.sigev_signo = s;
	ev.sigev_value.sival_ptr = (void *)16;
	V(syscall(SYS_mq_notify, q, &ev));
	ev.sigev_value.sival_ptr = cookie;
	V(syscall(SYS_mq_notify, 98, &ev));
	V(syscall(SYS_mq_notify, q, &ev));
	V(syscall(SYS_mq_notify, q, &ev));
	V(recv(s, in, sizeof in, MSG_DONTWAIT));
	V(mq_send(q, "x", 1, 0));
	V(recv(s, in, sizeof in, 0));
	SAY("%.31s %d\n", in, in[31]);
	V(syscall(SYS_mq_notify, q, &ev));
	V(syscall(SYS_mq_notify, q, NULL));
	V(recv(s, in, sizeof in, 0));
	SAY("%.31s %d\n", in, in[31]);
	V(syscall(SYS_mq_notify, q, &ev));
	V(mq_close(q));
	V(recv(s, in, sizeof in, 0));
	SAY("%d\n", in[31]);
}

int main(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = tell, .sigev_value.sival_int = 5 };
	struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 8 };
	char name[40], in[8];
	mqd_t q;

	snprintf(name, sizeof name, "/abi-mqt-%d", getpid());
	q = mq_open(name, O_CREAT | O_RDWR, 0600, &a);
	mq_unlink(name);
	for (int i = 0; i < 3; i++) {
		V(mq_notify(q, &ev));
		V(mq_send(q, "a", 1, 0));
		for (int k = 0; k < 2000 && __atomic_load_n(&told, __ATOMIC_SEQ_CST) < (i + 1) * 5; k++)
			msleep(1);
		SAY("told %d\n", told);
		V(mq_receive(q, in, 8, NULL));
	}
	raw(q);
	return 0;
}
