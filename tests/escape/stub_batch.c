/* SPDX-License-Identifier: Apache-2.0 */
/* stub_batch.c: lists of the mapper that carry several descriptors, files that
 * it reads, and whose the app thread of a birth is (batch.c, birth_claim()). */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/escape/stub_harness.h"

/* Batches: more objects and calls than one list takes, a call that fails in the
 * middle, an address space that goes with its batch. */
void test_batch(void)
{
	plat_as_t as = guest_as();
	plat_obj_t o[2 * MAPPER_FDS_MAX];
	uint64_t v, base = 0x70000000;
	const unsigned small = 200;

	for (unsigned i = 0; i < ARRAY_SIZE(o); i++) {
		v = 1000 + i;
		CHECK(plat_obj_new(0x2000, &o[i]) == 0 && plat_obj_write(o[i], 0x1000, &v, 8) == 0);
	}
	CHECK(plat_as_batch_begin(as) == 0);
	CHECK(plat_as_batch_begin(as) == -EBUSY);
	for (unsigned i = 0; i < 3 * ARRAY_SIZE(o); i++)
		CHECK(plat_as_map_obj(as, base + i * 0x2000, 0x2000, 3, i < ARRAY_SIZE(o) ? PLAT_MAP_SHARED : 0,
				      o[i % ARRAY_SIZE(o)], 0) == 0);
	for (unsigned i = 0; i < small; i++)
		CHECK(plat_as_map_anon(as, 0x80000000 + i * 0x2000, 0x1000, 3, 0) == 0);
	CHECK(plat_as_protect(as, 0x80000000, 0x1000, 1) == 0);
	CHECK(plat_as_unmap(as, 0x80002000, 0x1000) == 0);
	CHECK(plat_as_map_obj(as, 0x80004000, 0x1000, 9, 0, o[0], 0) == -EINVAL);
	CHECK(plat_as_batch_end(as) == 0 && plat_as_batch_end(as) == 0);
	for (unsigned i = 0; i < 3 * ARRAY_SIZE(o); i++)
		CHECK(plat_copy_in(as, &v, base + i * 0x2000 + 0x1000, 8) == 0 && v == 1000 + i % ARRAY_SIZE(o));
	v = 7;
	CHECK(plat_copy_out(as, 0x80000000, &v, 8) == 8 && plat_copy_out(as, 0x80002000, &v, 8) == 8);
	for (unsigned i = 2; i < small; i++)
		CHECK(plat_copy_out(as, 0x80000000 + i * 0x2000, &v, 8) == 0);
	/* An offset that no file reaches; the descriptors are closed all the same. */
	CHECK(plat_as_batch_begin(as) == 0);
	CHECK(plat_as_map_obj(as, base, 0x1000, 1, 0, o[1], 0) == 0);
	CHECK(plat_as_map_obj(as, base, 0x1000, 1, 0, o[2], INT64_MAX & ~0xfffull) == 0);
	CHECK(plat_as_map_obj(as, base, 0x1000, 1, 0, o[3], 0) == 0);
	CHECK(plat_as_batch_end(as) == -EOVERFLOW);
	CHECK(plat_as_map_obj(as, base, 0x2000, 1, 0, o[4], 0) == 0);
	CHECK(plat_copy_in(as, &v, base + 0x1000, 8) == 0 && v == 1004);
	/* The error of a list that went early is not lost. */
	CHECK(plat_as_batch_begin(as) == 0);
	CHECK(plat_as_map_obj(as, base, 0x1000, 1, 0, o[2], INT64_MAX & ~0xfffull) == 0);
	for (unsigned i = 0; i < small; i++)
		(void)!plat_as_map_anon(as, 0x80000000 + i * 0x2000, 0x1000, 3, 0);
	CHECK(plat_as_batch_end(as) == -EOVERFLOW);
	CHECK(plat_as_batch_begin(as) == 0);
	CHECK(plat_as_map_obj(as, base, 0x1000, 1, 0, o[1], 0) == 0);
	plat_as_free(as);
	CHECK(plat_as_batch_end(as) == -ESRCH);
	for (unsigned i = 0; i < ARRAY_SIZE(o); i++)
		plat_obj_free(o[i]);
	CHECK(plat_obj_resident(o[1]) == 0);
}

/* A file read by the mapper: into memory that may be written, nowhere else. */
void test_read_file(void)
{
	static uint8_t in[0x20000], out[0x20000];
	plat_as_t as = guest_as();
	size_t got = 7;

	CHECK(plat_read_file(as, 0x50000000, 100, 1, 0, &got) == -EBADF);
	harness_file = memfd_create("file", 0);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 11 + i / 256);
	CHECK(write(harness_file, in, sizeof(in)) == sizeof(in));
	CHECK(plat_as_map_anon(as, 0x50000000, 0x20000, 3, 0) == 0);
	CHECK(plat_read_file(as, 0x50000003, 0x12345, 1, 0x101, &got) == 0 && got == 0x12345);
	CHECK(plat_copy_in(as, out, 0x50000003, got) == 0 && !memcmp(out, in + 0x101, got));
	CHECK(plat_read_file(as, 0x50000000, 0x20000, 1, 0x1f000, &got) == 0 && got == 0x1000);
	CHECK(plat_read_file(as, 0x50000000, 0x20000, 1, 0x20000, &got) == 0 && got == 0);
	/* Up to a page that is not there; then nothing. */
	CHECK(plat_read_file(as, 0x5001f000, 0x2000, 1, 0, &got) == 0 && got == 0x1000);
	got = 9;
	CHECK(plat_read_file(as, 0x50020000, 0x1000, 1, 0, &got) == -EFAULT && got == 9);
	CHECK(plat_as_protect(as, 0x50000000, 0x1000, 1) == 0);
	CHECK(plat_read_file(as, 0x50000000, 0x1000, 1, 0, &got) == -EFAULT);
	CHECK(plat_read_file(as, STUB_CTL + CTL_BOX(0), 0x1000, 1, 0, &got) == -EFAULT);
	CHECK(plat_read_file(as, USER_HI - 0x1000, 0x2000, 1, 0, &got) == -EFAULT);
	CHECK(plat_read_file(as, UINT64_MAX - 100, 0x2000, 1, 0, &got) == -EFAULT);
	CHECK(plat_read_file(as, 0x50001000, 0x1000, 1, UINT64_MAX, &got) == -EFAULT);
	/* The mapper is in order after all that. */
	CHECK(plat_read_file(as, 0x50001000, 0x1000, 1, 0, &got) == 0 && got == 0x1000);
	kill(stub_find(as.id)->pid, SIGKILL);
	CHECK(plat_read_file(as, 0x50001000, 0x1000, 1, 0, &got) != 0 || got == 0x1000);
	close(harness_file);
	harness_file = -1;
	plat_as_free(as);
}

#define VIEWED 0x50000000
#define VIEWED_SIZE 0x40000u

static uint8_t pattern(size_t at) { return (uint8_t)(at * 7 + at / 4096 + 1) | 1; }     /* never 0 */

/* Cuts the file off and makes it whole again, all the time. */
static void *cut(void *stop)
{
	static uint8_t whole[VIEWED_SIZE];

	for (size_t i = 0; i < sizeof(whole); i++)
		whole[i] = pattern(i);
	for (unsigned i = 0; !__atomic_load_n((bool *)stop, __ATOMIC_RELAXED); i++) {
		CHECK(ftruncate(harness_file, (i * 4097) % VIEWED_SIZE) == 0);
		CHECK(pwrite(harness_file, whole, sizeof(whole), 0) == sizeof(whole));
	}
	return NULL;
}

/* The view is made by a read after the file was read once through and had been left alone. */
static bool view_made(plat_as_t as)
{
	size_t got = 7;

	usleep(2100000);
	for (unsigned i = 0; i < 8; i++)
		if (!plat_view_read(as, VIEWED, VIEWED_SIZE / 2, 1, i % 2 * VIEWED_SIZE / 2, &got)) {
			CHECK(got == VIEWED_SIZE / 2);
			return true;
		}
	return false;
}

/* A file that is mapped here: its bytes, its end, what changes it, and nowhere
 * but into memory that may be written. */
void test_view(void)
{
	static uint8_t in[VIEWED_SIZE], out[VIEWED_SIZE];
	plat_as_t as = guest_as();
	bool stop = false;
	pthread_t cutter;
	size_t got = 7;

	CHECK(plat_view_read(as, VIEWED, 100, 1, 0, &got) == -EAGAIN && got == 7);
	harness_file = memfd_create("file", 0);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = pattern(i);
	CHECK(write(harness_file, in, sizeof(in)) == sizeof(in));
	CHECK(plat_as_map_anon(as, VIEWED, VIEWED_SIZE, 3, 0) == 0);
	for (unsigned i = 0; i < 8; i++)        /* it has changed a moment ago */
		CHECK(plat_view_read(as, VIEWED, VIEWED_SIZE, 1, 0, &got) == -EAGAIN);
	CHECK(view_made(as) && plat_views_rest());
	CHECK(plat_view_read(as, VIEWED + 3, 0x12345, 1, 0x101, &got) == 0 && got == 0x12345);
	CHECK(plat_copy_in(as, out, VIEWED + 3, got) == 0 && !memcmp(out, in + 0x101, got));
	CHECK(plat_view_read(as, VIEWED, 0x20000, 1, 0x3f000, &got) == 0 && got == 0x1000);
	CHECK(plat_view_read(as, VIEWED, 0x20000, 1, VIEWED_SIZE, &got) == 0 && got == 0);
	CHECK(plat_view_read(as, VIEWED, 0x20000, 1, UINT64_MAX, &got) == 0 && got == 0);
	CHECK(plat_view_read(as, VIEWED + 0x3f000, 0x2000, 1, 0, &got) == 0 && got == 0x1000);
	CHECK(plat_view_read(as, VIEWED + VIEWED_SIZE, 0x1000, 1, 0, &got) == 0 && got == 0);
	CHECK(plat_as_protect(as, VIEWED, 0x1000, 1) == 0);
	CHECK(plat_view_read(as, VIEWED, 0x1000, 1, 0, &got) == 0 && got == 0);
	CHECK(plat_view_read(as, STUB_CTL + CTL_BOX(0), 0x1000, 1, 0, &got) == 0 && got == 0);
	CHECK(plat_view_read(as, UINT64_MAX - 100, 0x2000, 1, 0, &got) == 0 && got == 0);
	CHECK(plat_as_protect(as, VIEWED, 0x1000, 3) == 0);
	/* Not used since: it goes. */
	CHECK(plat_views_rest() && !plat_views_rest());
	CHECK(plat_view_read(as, VIEWED, 0x1000, 1, 0, &got) == -EAGAIN);
	/* What changes the file ends its view. */
	CHECK(view_made(as) && pwrite(harness_file, "x", 1, 9) == 1);
	CHECK(plat_view_read(as, VIEWED, 0x1000, 1, 0, &got) == -EAGAIN && !plat_views_rest());
	CHECK(view_made(as) && ftruncate(harness_file, 0x1001) == 0);
	CHECK(plat_view_read(as, VIEWED, 0x3000, 1, 0, &got) == -EAGAIN && !plat_views_rest());
	CHECK(pwrite(harness_file, in, sizeof(in), 0) == sizeof(in) && view_made(as));
	views_forget(1);
	CHECK(!plat_views_rest());
	/* Cut off under the reader: never a byte that was not in the file. */
	CHECK(view_made(as));
	CHECK(pthread_create(&cutter, NULL, cut, &stop) == 0);
	for (unsigned i = 0; i < 200; i++)
		if (!plat_view_read(as, VIEWED, VIEWED_SIZE, 1, 0, &got)) {
			CHECK(plat_copy_in(as, out, VIEWED, got) == 0 && !memcmp(out, in, got));
		}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(cutter, NULL);
	close(harness_file);
	harness_file = -1;
	views_forget(1);
	plat_as_free(as);
}

static void await_other(void)
{
	for (unsigned i = 0; i < 5000 && __atomic_load_n(&other_syscalls, __ATOMIC_SEQ_CST) < 20; i++)
		usleep(1000);
	CHECK(__atomic_load_n(&other_syscalls, __ATOMIC_SEQ_CST) >= 20);
}

/* The app thread of a stub's birth belongs to the CPU that comes first, the
 * other CPU gets one of its own, and they do not mix. */
static void first_is_other(plat_as_t as)
{
	struct plat_uctx *a = guest_ctx(guest_getpid), *b = guest_ctx(guest_getpid);
	const struct stub *s = stub_find(as.id);

	a->regs.rax = 1;
	other_run(as, a);
	await_other();
	CHECK(s->thread[1].live && s->thread[1].box == s->birth_cpu && !s->thread[0].live);
	for (unsigned i = 0; i < 100; i++) {
		CHECK(run(as, b).kind == PLAT_TRAP_SYSCALL);
		CHECK(i == 0 || b->regs.rbx == 2000 + i - 1);
		b->regs.rax = 2000 + i;
	}
	other_stop();
	CHECK(s->thread[0].box != s->thread[1].box && s->thread[0].tid != s->thread[1].tid);
	CHECK(run(as, b).kind == PLAT_TRAP_SYSCALL && b->regs.rbx == 2099);
	CHECK(b->regs.orig_rax == 39);
	guest_ctx_free(a);
	guest_ctx_free(b);
}

void test_first_cpu(void)
{
	size_t size = (size_t)(guest_end - guest_begin);
	plat_as_t as = { 0 }, child = { 0 };

	CHECK(plat_as_new(&as) == 0 && plat_as_batch_begin(as) == 0);
	CHECK(plat_as_map_anon(as, GUEST_CODE, align_up(size, 4096), 7, 0) == 0);
	CHECK(plat_as_map_anon(as, GUEST_STACK, GUEST_STACK_SIZE, 3, 0) == 0);
	CHECK(plat_as_batch_end(as) == 0 && plat_copy_out(as, GUEST_CODE, guest_begin, size) == 0);
	first_is_other(as);
	CHECK(plat_as_fork(as, &child) == 0);
	first_is_other(child);
	plat_as_free(as);
	plat_as_free(child);
}
