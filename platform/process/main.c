/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: the sandbox process from its first step to kernel_main().
 *
 * Order: what the machine offers; the stub image; the template stub (while
 * this process has one thread and its rights); kernel memory; the threads;
 * then the lock-down; then the kernel.
 *
 * The template is a fork of this process that keeps two descriptors and the
 * stub area: no memory, no capability, no other right of ours is left in it
 * when its mapper starts.  All stubs descend from it. */
#include <cpuid.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "platform/process/internal.h"
#include "platform/process/sigframe.h"


/* About 50 µs at 3 GHz: less than a wake-up across cores, more than a
 * system call served. */
#define SPIN_CYCLES 150000
#define HWCAP2_FSGSBASE_BIT 2

/* Between two cores each line of the mailbox that both touch costs more than the
 * host's copy of it, which costs a call (decision 0013). */
#define RIDER_APART 384

struct process_platform process;

__noreturn static void fail(const char *what, int err)
{
	reportf("nacre: sandbox: %s: %s\n", what, strerror(-err));
	plat_exit(125);
}

static void check_machine(void)
{
	uint32_t a, b, c, d;

	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT))
		fail("the processor or the host kernel (5.9 or later) has no FSGSBASE", -ENOSYS);
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
		process.has_rdpid = (c >> 22) & 1;
}

/* ---- image ---------------------------------------------------------------- */

static int image_new(int *ret_fd)
{
	static uint8_t image[IMAGE_SIZE];
	size_t size = (size_t)(process_stub_image_end - process_stub_image);
	struct stub_config config = {
		.spin_cycles = process.spin_cycles, .has_rdpid = process.has_rdpid,
		.slot_count = frame_shape.slot_count, .features = frame_shape.features,
		.box_first = STUB_CTL + CTL_BOX(0), .box_count = process.cpu_count,
		.sigframe_size = PLAT_UCONTEXT_SIZE, .xstate_size = (uint32_t)plat_xstate_size(),
		.host_xstate_size = frame_shape.xstate_size, .mxcsr_mask = frame_shape.mxcsr_mask,
	};
	int fd, err;

	if (size > IMAGE_CODE_SIZE)
		return -E2BIG;
	memcpy(config.slot_image, frame_shape.slot_image, sizeof(config.slot_image));
	memcpy(image, process_stub_image, size);
	memcpy(image + IMAGE_CONFIG, &config, sizeof(config));
	err = filter_build(image);
	if (err)
		return err;
	fd = memfd_create("nacre-stub", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (write(fd, image, IMAGE_SIZE) != IMAGE_SIZE ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -EIO;
	*ret_fd = fd;
	return 0;
}

/* The words that app threads sleep on: written here, read by the stubs. */
static int wake_page_new(int *ret_fd)
{
	int fd = memfd_create("nacre-wake", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, WAKE_SIZE) < 0)
		return -errno;
	process.wake = mmap(NULL, WAKE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (process.wake == MAP_FAILED)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* ---- template ------------------------------------------------------------- */

struct host_sigaction { uint64_t handler, flags, restorer, mask; };

#define HOST_SA_RESTORER 0x04000000u

static void template_signals(void)
{
	static const int caught[] = { SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, KICK_SIGNAL };
	const struct stub_image *image = (const void *)STUB_BASE;
	const uint64_t faults = 1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1);
	struct host_sigaction sa = { .mask = ~faults };

	/* Blocked in all mappers, so that nothing disturbs them; app threads
	 * open up with their first resume. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &sa.mask, NULL, 8);
	for (int i = 1; i <= 64; i++) {
		struct host_sigaction dfl = { .flags = HOST_SA_RESTORER };

		syscall(SYS_rt_sigaction, i, &dfl, NULL, 8);
	}
	/* While a trap is served, only our own accesses to the program's
	 * memory may interrupt (signal_entry). */
	sa = (struct host_sigaction){
		.handler = STUB_BASE + image->signal_entry,
		.restorer = STUB_BASE + image->signal_return,
		.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | HOST_SA_RESTORER,
		.mask = ~faults,
	};
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		syscall(SYS_rt_sigaction, caught[i], &sa, NULL, 8);
}

/* What libc told the host about memory that is about to go. */
static void template_forget_libc(void)
{
	rseq_forget();
	syscall(SYS_set_robust_list, NULL, 24);
	syscall(SYS_set_tid_address, NULL);
}

static void template_drop(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	struct rlimit no_core = { 0, 0 };

	prctl(PR_SET_NAME, "nacre-stub");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &head, none))
		_exit(2);
	/* The sandbox, of the same user, reads and writes it. */
	prctl(PR_SET_DUMPABLE, 1);
}

__noreturn static void template_main(int image_fd, int wake_fd, const struct ctl *c)
{
	int ctl_fd = fcntl(c->fd, F_DUPFD, 64), sock_fd = fcntl(c->peer, F_DUPFD, 64);
	int image = fcntl(image_fd, F_DUPFD, 64), wake = fcntl(wake_fd, F_DUPFD, 64);
	const struct stub_image *head = (const void *)STUB_BASE;

	if (ctl_fd < 0 || sock_fd < 0 || image < 0 || wake < 0)
		_exit(2);
	if (mmap((void *)STUB_BASE, IMAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED,
		 image, 0) == MAP_FAILED ||
	    mmap((void *)STUB_WAKE, WAKE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, wake, 0) == MAP_FAILED ||
	    mmap((void *)STUB_CTL, CTL_RO_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED,
		 ctl_fd, 0) == MAP_FAILED ||
	    mmap((void *)(STUB_CTL + CTL_SCRATCH), process.ctl_size - CTL_SCRATCH,
		 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, ctl_fd, CTL_SCRATCH) == MAP_FAILED)
		_exit(2);
	if (dup2(ctl_fd, FD_CTL) < 0 || dup2(sock_fd, FD_SOCK) < 0)
		_exit(2);
	if (syscall(SYS_close_range, FD_FREE, ~0u, 0))
		_exit(2);
	template_drop();
	template_signals();
	template_forget_libc();
	__asm__ volatile("mov %0, %%r15\n\tjmp *%1"
			 : : "r"(STUB_CTL + process.ctl_size), "r"(STUB_BASE + head->template_entry)
			 : "memory", "r15");
	__builtin_unreachable();
}

static int template_new(const struct sandbox_config *cfg)
{
	struct ctl *ctl = ctl_new();
	struct stub *s;
	int image_fd = -1, wake_fd = -1, err;
	long pid;

	if (!ctl)
		return -ENOMEM;
	s = stub_new(ctl);
	if (!s)
		return -ENOMEM;
	err = image_new(&image_fd);
	if (!err)
		err = wake_page_new(&wake_fd);
	if (err)
		return err;
	child_list_write(s, 0);
	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
	if (pid < 0)
		return -errno;
	if (pid == 0)
		template_main(image_fd, wake_fd, ctl);
	close(image_fd);
	close(wake_fd);
	s->pid = (pid_t)pid;
	process.template_pid = s->pid;
	process.template_id = s->id;
	s->settled = true;
	return 0;
}

/* ---- start ---------------------------------------------------------------- */

/* Does the template's mapper answer, and may we reach into another process
 * of our own?  Some hosts forbid that. */
static int template_probe(void)
{
	struct stub *t = stub_find(process.template_id);
	uint64_t magic = 0;
	struct iovec local = { &magic, sizeof(magic) }, remote = { (void *)STUB_BASE, sizeof(magic) };

	int err;

	mapper_begin(t);
	err = mapper_run(t, NULL, 0);
	if (err)
		return err;
	if (process_vm_readv(t->pid, &local, 1, &remote, 1, 0) != sizeof(magic) || magic != IMAGE_MAGIC)
		process.no_vm_access = true;
	return 0;
}

void sandbox_main(const struct sandbox_config *cfg)
{
	int err;

	stats_init(cfg->stats_fd);
	process.control_fd = cfg->control_fd;
	process.log_fd = cfg->log_fd;
	process.build_id = cfg->boot.build_id;
	process.cpu_count = MAX(1u, MIN(cfg->boot.cpu_count, (uint32_t)PLAT_MAX_CPUS));
	process.ctl_size = CTL_BOX(process.cpu_count);
	process.spin_cycles = SPIN_CYCLES;
	process.rider_apart = RIDER_APART;

	/* One heap of libc's for all threads: to give back a second one, and to make many, libc opens files. */
	mallopt(M_ARENA_MAX, 1);
	check_machine();
	places_init(cfg->scheduled_alone);
	rseq_forget();
	time_init();
	err = frame_init();
	if (err)
		fail("this host's signal frames are not understood", err);
	err = template_new(cfg);
	if (err)
		fail("cannot make the template stub", err);
	isolate_reserve_fds();
	place_kernel_thread();
	err = report_init();
	if (!err)
		err = kmem_init();
	if (err)
		fail("cannot reserve kernel memory", err);
	err = stubs_init();
	if (!err)
		err = cpus_init();
	if (err)
		fail("cannot start threads", err);
	threads_await(process.cpu_count);       /* the other CPUs and the reaper */
	err = hc_init(cfg);
	if (err)
		fail("cannot take over the given descriptors", err);
	err = isolate_sandbox();
	if (err)
		fail("cannot lock down", err);
	err = template_probe();
	if (err)
		fail("the template stub does not answer", err);
	kernel_main(&cfg->boot);
}
