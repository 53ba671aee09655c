/* SPDX-License-Identifier: Apache-2.0 */
/* Call sites that are used so often that a kernel may lead them elsewhere:
 * nobody can tell, except by the time. */
/* variants: dynamic static musl */
#include "abi.h"
#include <elf.h>
#include <link.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <ucontext.h>

/* musl's compiler wrapper hides the kernel's headers. */
struct bpf { unsigned short code; unsigned char jt, jf; unsigned k; };
struct bpf_prog { unsigned short n; struct bpf *f; };
enum { LOAD = 0x20, JEQ = 0x15, GIVE = 6, TRAP = 0x30000, ERRNO = 0x50000, ALLOW = 0x7fff0000, FILTER = 2 };

enum { MANY = 3000, CODE = 16 };
extern char **environ;

/* A wrapper of our own, alike in every C library: mov $nr,%eax; syscall. */
__asm__(".text\n.globl my_getsid\n.type my_getsid,@function\n.balign 32\n.byte 0xcc,0xcc,0xcc,0xcc\n"
	"my_getsid: mov $124,%eax\nmy_getsid_call: syscall\nmy_getsid_back: ret\n"
	/* Two ways to one call, the second past what stands before it. */
	".balign 32\nnop\nmy_two: cmp $0,%edi\njne 1f\nmov $110,%eax\n1: syscall\nret\n"
	/* As read(): a compare with memory, and a branch. */
	".balign 32\nnop\nmy_read: cmpb $0,my_flag(%rip)\nje 2f\nmov $-77,%eax\nret\n2: xor %eax,%eax\nsyscall\nret\n"
	/* Addresses computed on the way to the call, of a place near and by registers. */
	".balign 32\nnop\nmy_near: xor %esi,%esi\nmov $21,%eax\nlea my_root(%rip),%rdi\nsyscall\nret\n"
	".balign 32\nnop\nmy_far: xor %esi,%esi\nmov $21,%eax\nlea 3(%rdi,%rsi,2),%rdi\nsyscall\nret\n"
	".data\nmy_flag: .byte 0\nmy_root: .asciz \"/\"\n.text\n");
long my_getsid(long pid), my_two(int way, ...), my_read(int fd, void *buf, size_t n), my_near(void), my_far(const char *path);
extern char my_getsid_call[], my_getsid_back[], my_flag;

static void hammer(int n)
{
	while (n--)
		my_getsid(0);
}

/* ---- what can be seen of the text ---- */

static void from_outside(const char *what, pid_t pid, const void *p, const void *want)
{
	unsigned char b[CODE] = { 0 };
	struct iovec l = { b, CODE }, r = { (void *)p, CODE };
	char name[40];
	long n;
	int fd;

	snprintf(name, sizeof name, "/proc/%d/mem", pid);
	fd = open(name, O_RDONLY);
	n = pread(fd, b, CODE, (off_t)(long)p);
	SAY("%s by mem: %ld %d\n", what, n, memcmp(b, want, CODE));
	close(fd);
	memset(b, 0, CODE);
	n = process_vm_readv(pid, &l, 1, &r, 1, 0);
	SAY("%s by process_vm_readv: %ld %d\n", what, n, memcmp(b, want, CODE));
}

/* ---- places that a signal handler may see ---- */

static volatile int strange, ticks;

static int inside(struct dl_phdr_info *i, size_t size, void *p)
{
	for (int k = 0; k < i->dlpi_phnum; k++)
		if (i->dlpi_phdr[k].p_type == PT_LOAD && (i->dlpi_phdr[k].p_flags & PF_X) &&
		    *(unsigned long *)p - i->dlpi_addr - i->dlpi_phdr[k].p_vaddr < i->dlpi_phdr[k].p_memsz)
			return 1;
	return 0;
}

static void tick(int s, siginfo_t *si, void *ctx)
{
	unsigned long rip = (unsigned long)((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP];

	ticks++;
	/* Not every C library lists the vDSO. */
	strange += rip - getauxval(AT_SYSINFO_EHDR) > 32768 && !dl_iterate_phdr(inside, &rip);
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_sigaction = tick, .sa_flags = SA_SIGINFO };
	struct itimerval it = { { 0, 700 }, { 0, 700 } }, off = { 0 };
	long long end = now_ms() + 400;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	while (now_ms() < end || ticks < 20)
		hammer(200);
	setitimer(ITIMER_REAL, &off, NULL);
	SAY("interrupted: strange places %d\n", strange);
}

/* ---- restart ---- */

static void empty(int s) { }

static void restart(bool again)
{
	struct sigaction sa = { .sa_handler = empty, .sa_flags = again ? SA_RESTART : 0 };
	int p[2];
	char c = 0;
	pid_t child, me = getpid();

	V(pipe(p));
	sigaction(SIGUSR1, &sa, NULL);
	child = fork();
	if (!child) {
		msleep(60);
		kill(me, SIGUSR1);
		msleep(60);
		_exit(write(p[1], "x", 1) != 1);
	}
	V(my_read(p[0], &c, 1));
	waitpid(child, NULL, 0);
	if (!again)
		V(my_read(p[0], &c, 1));
	SAY("got %c\n", c);
	close(p[0]);
	close(p[1]);
}

/* ---- threads ---- */

static void *thread(void *arg)
{
	long bad = 0, sid = my_getsid(0), parent = getppid();

	for (int i = 0; i < MANY; i++) {
		bad += my_getsid(0) != sid;
		bad += my_two(0) != parent;
		bad += my_getsid(-7) != -ESRCH && my_getsid(-7) != -EINVAL;
		bad += lseek(-1, 0, SEEK_SET) != -1 || errno != EBADF;
	}
	return (void *)bad;
}

static void threads(void)
{
	pthread_t t[4];
	long bad = 0;
	void *r;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, thread, NULL);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &r);
		bad += (long)r;
	}
	SAY("threads: wrong results %ld\n", bad);
}

/* ---- processes ---- */

static void processes(void)
{
	int st, bad = 0;
	pid_t p;

	for (int i = 0; i < 150; i++) {
		p = fork();
		if (!p)
			_exit(my_getsid(0) == getsid(0) ? i & 63 : 99);
		bad += waitpid(p, &st, 0) != p || !WIFEXITED(st) || WEXITSTATUS(st) != (i & 63);
	}
	SAY("fork: wrong %d\n", bad);
	for (int i = 0; i < 150; i++) {
		p = vfork();
		if (!p)
			_exit(i & 63);
		bad += waitpid(p, &st, 0) != p || !WIFEXITED(st) || WEXITSTATUS(st) != (i & 63);
	}
	SAY("vfork: wrong %d\n", bad);
	for (int i = 0; i < 30; i++) {
		char *argv[] = { "true", NULL };

		bad += posix_spawn(&p, "/bin/true", NULL, NULL, argv, environ) || waitpid(p, &st, 0) != p || st;
	}
	SAY("spawn: wrong %d\n", bad);
}

/* ---- a tracer ---- */

static void trace(void)
{
	unsigned char want[CODE];
	struct user_regs_struct r;
	long word, steps[4];
	int st;
	pid_t p;

	memcpy(want, (void *)my_getsid, CODE);
	fflush(stdout);
	p = fork();
	if (!p)
		for (;;)
			hammer(1);
	msleep(60);
	V(ptrace(PTRACE_ATTACH, p, 0, 0));
	V(waitpid(p, &st, 0) == p && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, p, my_getsid, 0);
	SAY("first bytes %02lx %02lx\n", word & 255, word >> 8 & 255);
	V(ptrace(PTRACE_POKETEXT, p, my_getsid, (word & ~255l) | 0xcc));
	V(ptrace(PTRACE_CONT, p, 0, 0));
	V(waitpid(p, &st, 0) == p && WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP);
	V(ptrace(PTRACE_GETREGS, p, 0, &r));
	SAY("stopped at +%ld\n", (long)r.rip - (long)my_getsid);
	V(ptrace(PTRACE_POKETEXT, p, my_getsid, word));
	r.rip--;
	V(ptrace(PTRACE_SETREGS, p, 0, &r));
	for (int i = 0; i < 4; i++) {
		ptrace(PTRACE_SINGLESTEP, p, 0, 0);
		waitpid(p, &st, 0);
		ptrace(PTRACE_GETREGS, p, 0, &r);
		steps[i] = (long)r.rip - (long)my_getsid;
	}
	SAY("steps %ld %ld %d\n", steps[0], steps[1], steps[2] >= 0 && steps[2] < 8);
	V(ptrace(PTRACE_DETACH, p, 0, 0));
	msleep(20);
	V(kill(p, SIGKILL));
	wait_say("tracee", p);
}

/* ---- a filter of the program's own ---- */

static void *volatile call_addr;
/* si_call_addr */
static void on_sys(int s, siginfo_t *si, void *ctx) { call_addr = *(void **)((char *)si + 16); }

static void filtered(void)
{
	struct bpf f[] = {
		{ LOAD, 0, 0, 0 },
		{ JEQ, 0, 1, 124 }, { GIVE, 0, 0, TRAP },
		{ JEQ, 0, 1, 110 }, { GIVE, 0, 0, ERRNO | 33 },
		{ GIVE, 0, 0, ALLOW },
	};
	struct bpf_prog prog = { sizeof f / sizeof f[0], f };
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };
	pid_t p = fork();

	if (!p) {
		sigaction(SIGSYS, &sa, NULL);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		V(prctl(PR_SET_SECCOMP, FILTER, &prog));
		my_getsid(0);
		SAY("call address +%ld\n", (long)((char *)call_addr - my_getsid_call));
		V(my_two(0));
		_exit(0);
	}
	wait_say("filtered", p);
}

/* ---- text that changes ---- */

static void changed(void)
{
	char *page = (char *)((unsigned long)my_getsid & -4096ul);
	pid_t p = fork();

	if (!p) {
		V(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
		SAY("first byte %02x\n", *(unsigned char *)my_getsid);
		*((unsigned char *)my_getsid + 1) = 110;
		SAY("another call %d\n", my_getsid(0) == getppid());
		V(mprotect(page, 4096, PROT_READ | PROT_EXEC));
		hammer(MANY);
		SAY("another call %d\n", my_getsid(0) == getppid());
		_exit(0);
	}
	wait_say("changed", p);
}

/* A program that makes 400 calls, then exits with the constant at `status`. */
static int make(const char *name, int status)
{
	static char f[2 * 4096];
	static const unsigned char code[] = { 0xbb, 144, 1, 0, 0,       /* mov $400,%ebx */
					      0x31, 0xff, 0xb8, 124, 0, 0, 0, 0x0f, 0x05, 0xff, 0xcb, 0x75, 0xf3,
					      0xbf, 0, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };
	Elf64_Ehdr *e = (void *)f;
	Elf64_Phdr *p = (void *)(f + sizeof(*e));
	int fd;

	memset(f, 0, sizeof f);
	memcpy(e->e_ident, ELFMAG "\2\1\1", 7);
	e->e_type = ET_DYN;
	e->e_machine = EM_X86_64;
	e->e_version = 1;
	e->e_entry = 0x1000;
	e->e_phoff = sizeof(*e);
	e->e_ehsize = sizeof(*e);
	e->e_phentsize = sizeof(*p);
	e->e_phnum = 1;
	*p = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0x1000, sizeof code, sizeof code, 4096 };
	memcpy(f + 4096, code, sizeof code);
	f[4096 + 19] = (char)status;
	fd = open(name, O_CREAT | O_WRONLY, 0755);      /* the same file, written anew */
	return write(fd, f, sizeof f) == sizeof f ? close(fd) : -1;
}

static int run(const char *name)
{
	char *none[] = { NULL };
	pid_t p = fork();
	int st;

	if (!p) {
		execve(name, none, none);
		_exit(100);
	}
	waitpid(p, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static void rewritten(long long made_ms)
{
	int wrong = 0, fd;
	char *m;

	/* Old enough for a kernel to trust the time of their last change. */
	while (now_ms() < made_ms + 2100)
		msleep(50);
	for (int i = 0; i < 6; i++)
		wrong += (run("./a") != 41) + (run("./b") != 41);
	V(make("a", 42));
	fd = open("b", O_RDWR);
	m = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[4096 + 19] = 42;
	close(fd);
	munmap(m, 8192);
	for (int i = 0; i < 6; i++)
		wrong += (run("./a") != 42) + (run("./b") != 42);
	SAY("rewritten: wrong %d\n", wrong);
}

int main(void)
{
	unsigned char text[CODE];
	char c;
	int zero = open("/dev/zero", O_RDONLY);
	long long made;

	enter_tmp();
	V(make("a", 41));
	V(make("b", 41));
	made = now_ms();
	memcpy(text, (void *)my_getsid, CODE);
	hammer(MANY);
	for (int i = 0; i < MANY; i++)
		if (my_read(zero, &c, 1) != 1 || my_two(0) != getppid() || my_two(1) == 0 || my_near() || my_far("???/") ||
		    my_far("???/nowhere") != -ENOENT)
			SAY("wrong result\n");
	my_flag = 1;
	V(my_read(zero, &c, 1));
	my_flag = 0;
	from_outside("own", getpid(), my_getsid, text);
	interrupted();
	restart(true);
	restart(false);
	threads();
	processes();
	trace();
	filtered();
	changed();
	rewritten(made);
	return 0;
}
