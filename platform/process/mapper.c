/* SPDX-License-Identifier: Apache-2.0 */
/* mapper.c: the kernel's side of a stub's mapper thread.
 *
 * A list of host calls is written into the command page (read-only in the
 * stub), its sequence number raised, a message sent, and the answer awaited
 * in the acknowledgement word, which only the mapper can write.  A list ends at the
 * first failing call.  Since descriptor numbers are foretold, a list that
 * receives descriptors and fails leaves the stub in doubt: it is killed.
 *
 * Locking: the caller holds the stub's mapper lock; taking it waits for the
 * end of the stub's birth. */
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "platform/process/internal.h"

HOST_CALLS(sandbox, sendmsg);

static struct stub_cmdpage *page_of(const struct stub *s)
{
	return (struct stub_cmdpage *)(s->ctl->base + CTL_CMD);
}

struct stub_cmdpage *mapper_begin(struct stub *s)
{
	struct stub_cmdpage *p = page_of(s);

	p->count = 0;
	return p;
}

void mapper_call(struct stub *s, bool child, uint32_t nr, uint32_t flags, const uint64_t a[6])
{
	struct stub_cmdpage *p = page_of(s);
	struct stub_call *list = child ? (void *)(s->ctl->base + CTL_CMD + CMD_CHILD_LIST) : p->list;
	uint32_t *count = child ? &p->child_count : &p->count;
	uint32_t limit = child ? (CMD_MSGHDR - CMD_CHILD_LIST) / CALL_SIZE : CMD_LIST_MAX;

	if (*count >= limit)
		plat_panic("mapper list overflow");
	stats_stub(nr);
	list[*count] = (struct stub_call){ .nr = nr, .flags = flags };
	memcpy(list[*count].a, a, sizeof(list[*count].a));
	++*count;
}

/* What the mapper waits for messages with; lies in its read-only page. */
void mapper_page_init(struct stub *s)
{
	uint8_t *page = s->ctl->base + CTL_CMD;
	struct iovec iov = { (void *)(STUB_CTL + CTL_SCRATCH + 0x800), 1 };
	struct msghdr msg = {
		.msg_iov = (void *)(STUB_CTL + CMD_IOVEC),
		.msg_iovlen = 1,
		.msg_control = (void *)(STUB_CTL + CTL_SCRATCH),
		.msg_controllen = CMSG_SPACE(MAPPER_FDS_MAX * sizeof(int)),
	};

	memcpy(page + CMD_MSGHDR, &msg, sizeof(msg));
	memcpy(page + CMD_IOVEC, &iov, sizeof(iov));
}

static uint32_t *ack_of(const struct stub *s) { return (uint32_t *)(s->ctl->base + CTL_ACK); }

int mapper_wait(struct stub *s)
{
	uint32_t *ack = ack_of(s);
	uint32_t v;

	test_step(s, STEP_POSTED);
	/* Before the look at the word: the mapper looks here after its answer. */
	__atomic_store_n(&page_of(s)->awaited, 1, __ATOMIC_SEQ_CST);
	while ((v = __atomic_load_n(ack, __ATOMIC_ACQUIRE)) == ACK_PENDING) {
		if (__atomic_load_n(&s->dead, __ATOMIC_SEQ_CST))
			return -ESRCH;
		futex_wait(ack, ACK_PENDING, NO_DEADLINE);
	}
	test_step(s, STEP_ANSWERED);
	if (v > 4095)
		return -ESRCH;
	return -(int)v;
}

/* Announce the list. */
static int mapper_wake(struct stub *s, const int *fds, unsigned n)
{
	union { struct cmsghdr h; char buf[CMSG_SPACE(MAPPER_FDS_MAX * sizeof(int))]; } control;
	struct stub_cmdpage *p = page_of(s);
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n) {
		memset(&control, 0, sizeof(control));
		control.h.cmsg_len = CMSG_LEN(n * sizeof(int));
		control.h.cmsg_level = SOL_SOCKET;
		control.h.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.h), fds, n * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	stats_count(STATS_MAPPER_LISTS);
	__atomic_store_n(&p->seq, p->seq + 1, __ATOMIC_SEQ_CST);
	return sendmsg(s->ctl->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int mapper_post(struct stub *s, const int *fds, unsigned n)
{
	int err;

	if (n > MAPPER_FDS_MAX)
		return -EINVAL;
	test_step(s, STEP_POST);
	if (__atomic_load_n(&s->dead, __ATOMIC_SEQ_CST))
		return -ESRCH;
	place_mapper(s);
	__atomic_store_n(ack_of(s), ACK_PENDING, __ATOMIC_SEQ_CST);
	err = mapper_wake(s, fds, n);
	if (err)
		__atomic_store_n(ack_of(s), 0, __ATOMIC_SEQ_CST);
	return err;
}

int mapper_run(struct stub *s, const int *fds, unsigned n)
{
	int err = mapper_post(s, fds, n);

	return err ? err : mapper_wait(s);
}

int mapper_failed(const struct stub *s)
{
	uint32_t v = __atomic_load_n(ack_of(s), __ATOMIC_ACQUIRE);

	return v == ACK_PENDING ? 0 : v > 4095 ? -ESRCH : -(int)v;
}

int mapper_lock(struct stub *s)
{
	int err = 0;

	pthread_mutex_lock(&s->mapper_lock);
	if (!s->settled) {
		err = mapper_wait(s);
		if (err) {
			s->tainted = true;
			stub_kill(s, "it was not born whole");
			pthread_mutex_unlock(&s->mapper_lock);
			return -ESRCH;
		}
		s->settled = true;
	}
	return 0;
}

void mapper_unlock(struct stub *s)
{
	pthread_mutex_unlock(&s->mapper_lock);
}

uint32_t mapper_value(const struct stub *s)
{
	const uint16_t *v = (const uint16_t *)(s->ctl->base + CTL_ACK + ACK_VALUE);

	return (uint32_t)(v[0] & 0xfff) | (uint32_t)(v[1] & 0xfff) << 12;
}

/* For a stub whose pid never became known: should it exist, it ends itself as
 * soon as its mapper looks at its page. */
void mapper_order_exit(struct stub *s)
{
	mapper_begin(s);
	MAPPER_CALL(s, false, SYS_exit_group, 0, 0);
	mapper_wake(s, NULL, 0);
}
