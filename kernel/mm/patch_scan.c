/* SPDX-License-Identifier: Apache-2.0 */
/* patch_scan.c: one look through a file's text, when its first copy is made.
 *
 * cpuid instructions can only be found so.  On most virtual machines cpuid
 * costs 20 us, and a dynamic linker executes dozens; cpuid.c answers what
 * takes their place (docs/decisions/0010-cpuid.md).
 *
 * Call sites are learnt from the programs that use them, but each one learnt later
 * means another copy of the text: the first one therefore has those of calls
 * that many programs make, as far as three quarters of the room go.  Nobody was seen
 * there, and a program may hold such bytes as a constant, so these must be proven
 * twice: by what leads to the call (patch_proof.c), and as an instruction of
 * their function (patch_function.c), like cpuid.
 *
 * Trust: the text is hostile, and may change meanwhile: sites are proven again
 * when a copy is made, and the caller compares the file's stamp afterwards. */
#include "kernel/mm/patch.h"
#include <linux_abi/syscall_nr.h>

#define CHUNK 65536u
#define BEFORE (PATCH_LOOKBACK + 8)     /* bytes before a pair that a proof looks at */
#define SAME_MAX 4u                     /* sites of one number */

/* The most frequent first; what the gate answers by itself gains most. */
static const uint16_t common[] = {
	NR_read, NR_write, NR_close, NR_openat, NR_newfstatat, NR_fstat, NR_lseek, NR_mmap, NR_munmap, NR_mprotect,
	NR_brk, NR_rt_sigaction, NR_rt_sigprocmask, NR_rt_sigreturn, NR_fcntl, NR_ioctl, NR_pread64, NR_pwrite64,
	NR_getpid, NR_gettid, NR_getuid, NR_geteuid, NR_getgid, NR_getegid, NR_poll, NR_futex, NR_access, NR_faccessat2, NR_readlink,
	NR_getdents64, NR_wait4, NR_dup2, NR_pipe2, NR_readv, NR_writev, NR_madvise, NR_mremap, NR_epoll_wait,
	NR_epoll_ctl, NR_epoll_pwait, NR_recvfrom, NR_sendto, NR_recvmsg, NR_sendmsg, NR_socket, NR_connect, NR_accept4,
	NR_setsockopt, NR_getsockopt, NR_stat, NR_lstat, NR_open, NR_select, NR_pselect6, NR_ppoll, NR_dup, NR_dup3,
	NR_pipe, NR_unlink, NR_unlinkat, NR_rename, NR_mkdir, NR_rmdir, NR_chdir, NR_fchdir, NR_getcwd, NR_ftruncate,
	NR_fsync, NR_chmod, NR_fchmod, NR_fchmodat, NR_fchown, NR_fchownat, NR_utimensat, NR_umask, NR_statx, NR_kill,
	NR_tgkill, NR_rt_sigsuspend, NR_rt_sigtimedwait, NR_sigaltstack, NR_clock_nanosleep, NR_nanosleep,
	NR_sched_yield, NR_exit_group, NR_execve, NR_prctl, NR_prlimit64, NR_getrusage, NR_accept, NR_bind, NR_listen,
	NR_shutdown, NR_socketpair, NR_getsockname, NR_getpeername, NR_sendfile, NR_splice, NR_fallocate, NR_fadvise64,
	NR_flock, NR_eventfd2, NR_timerfd_settime, NR_timer_settime, NR_setitimer, NR_getrandom, NR_mkdirat, NR_link, NR_linkat,
	NR_symlink, NR_chown, NR_statfs, NR_fstatfs, NR_copy_file_range, NR_truncate, NR_clone3,
};

const uint8_t *patch_next_pair(const uint8_t *p, const uint8_t *end)
{
	const uint64_t ones = ~0ull / 0xff, high = ones << 7;

	for (; end - p > 8; p += 8) {
		uint64_t first, second, call, cpuid, hit;

		memcpy(&first, p, sizeof(first));
		memcpy(&second, p + 1, sizeof(second));
		first ^= ones * 0x0f;
		call = first | (second ^ ones * 0x05);
		cpuid = first | (second ^ ones * 0xa2);
		/* The lowest zero byte of each is told exactly. */
		hit = (((call - ones) & ~call) | ((cpuid - ones) & ~cpuid)) & high;
		if (hit)
			return p + __builtin_ctzll(hit) / 8;
	}
	for (; end - p > 1; p++)
		if (p[0] == 0x0f && (p[1] == 0x05 || p[1] == 0xa2))
			return p;
	return NULL;
}

static unsigned rank_of(unsigned nr)
{
	unsigned i = 0;

	while (i < ARRAY_SIZE(common) && common[i] != nr)
		i++;
	return i;
}

/* Where in f->site a call of this number would go; max: nowhere. */
static unsigned place_of(const struct patch_found *f, unsigned max, unsigned nr, unsigned rank)
{
	unsigned same = 0, at = f->sites;

	for (unsigned i = 0; i < f->sites; i++)
		same += f->site[i].nr == nr;
	if (rank == ARRAY_SIZE(common) || same == SAME_MAX)
		return max;
	while (at && f->site[at - 1].rank > rank)
		at--;
	return at;
}

/* p: 0f 05 in buf, which holds the text from off. */
static void call_site(struct patch_found *f, unsigned max, struct patch_functions *functions, const uint8_t *buf,
		      const uint8_t *p, uint64_t off, const struct patch_text *text)
{
	const uint8_t *code = (size_t)(p - buf) > BEFORE ? p - BEFORE : buf;
	uint64_t site = off + (uint64_t)(p - buf);
	struct patch_proof proof;
	bool back = patch_prove_return(code, (size_t)(p + 2 - code), &proof);
	unsigned nr, rank, at;

	if (!back && !patch_prove(code, (size_t)(p + 2 - code), off + (uint64_t)(code - buf) == text->off,
				  PATCH_NR_ANY, &proof))
		return;
	if (proof.nr == PATCH_NR_ANY && !proof.compare)
		return;
	/* glibc's read: its number is not part of the window */
	nr = proof.compare ? NR_read : proof.nr;
	rank = rank_of(nr);
	at = place_of(f, max, nr, rank);
	if (at == max)
		return;
	if (!(back ? patch_return_proven(functions, site - proof.back, proof.back + 2) :
	      patch_insn_proven(functions, site - proof.back, proof.len[0])))
		return;
	f->sites = MIN(f->sites + 1, max);
	for (unsigned i = f->sites - 1; i > at; i--)
		f->site[i] = f->site[i - 1];
	f->site[at].off = site;
	f->site[at].nr = (uint16_t)nr;
	f->site[at].rank = (uint16_t)rank;
}

void patch_scan(plat_obj_t obj, const struct patch_text *text, const struct patch_eh *eh, unsigned sites_max,
		struct patch_found *ret)
{
	struct patch_functions *functions = patch_functions_begin(obj, text, eh);
	uint8_t *buf = kmalloc(BEFORE + CHUNK + 1);

	ret->cpuids = ret->sites = 0;
	sites_max = MIN(sites_max, PATCH_COMMON_MAX);
	for (uint64_t off = text->off; buf && functions && off + 1 < text->end; off += CHUNK) {
		uint64_t from = off - MIN(off - text->off, (uint64_t)BEFORE);
		size_t n = MIN(text->end, off + CHUNK + 1) - from;

		if (plat_obj_read(obj, from, buf, n))
			break;
		patch_functions_text(functions, buf, from, n);
		for (const uint8_t *p = buf + (off - from); (p = patch_next_pair(p, buf + n)); p += 2) {
			uint64_t at = from + (uint64_t)(p - buf);

			if (p[1] == 0x05)
				call_site(ret, sites_max, functions, buf, p, from, text);
			else if (ret->cpuids < PATCH_CPUIDS_MAX && patch_insn_proven(functions, at, PATCH_CPUID_SIZE))
				ret->cpuid[ret->cpuids++] = at;
		}
	}
	kfree(buf);
	patch_functions_end(functions);
}
