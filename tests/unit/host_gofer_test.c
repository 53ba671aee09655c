/* SPDX-License-Identifier: Apache-2.0 */
/* The gofer against its two sides: the sandbox's hc_ functions as a client,
 * and hostile requests written by hand.
 *
 * A gofer without isolation runs in a child on a temporary directory (the
 * test needs no privileges); `outside` beside the root is what nothing may
 * reach.  Links host/gofer/ and platform/process/hc_{init,node,file,stream,event}.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host/gofer/gofer.h"
#include "host/isolate/isolate.h"
#include "platform/process/hc.h"
#include "tests/unit/gofer_test.h"

void views_forget(__unused_arg uint64_t file) {}

static char dir[64];
static pid_t gofer_pid;
static int raw_channel;                 /* the gofer's channel 1, for hand-made requests */
static struct sandbox_config cfg;
static const uint64_t ro = GOFER_ROOT_HANDLE(0), rw = GOFER_ROOT_HANDLE(1);

static void must(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void put(const char *name, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

static char *at(const char *name)
{
	static char path[4][512];
	static unsigned n;
	char *p = path[n++ % 4];

	snprintf(p, 512, "%s/%s", dir, name);
	return p;
}

static void make_tree(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int s;

	strcpy(dir, "/tmp/nacre-gofer-XXXXXX");
	must(mkdtemp(dir) != NULL, "mkdtemp");
	must(!mkdir(at("ro"), 0755) && !mkdir(at("rw"), 0755) && !mkdir(at("outside"), 0755), "mkdir");
	put("outside/secret", "secret");
	put("ro/file", "hello");
	must(!mkdir(at("ro/sub"), 0755), "mkdir");
	put("ro/sub/deep", "deep");
	must(!symlink("../outside", at("ro/link")), "symlink");
	must(!symlink("/etc/passwd", at("ro/abs")), "symlink");
	must(!mkfifo(at("ro/fifo"), 0666), "mkfifo");
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/ro/sock", dir);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	must(!bind(s, (struct sockaddr *)&sa, sizeof(sa)), "bind");
	close(s);
	/* Needs privilege; the test goes on without. */
	if (mknod(at("ro/null"), S_IFCHR | 0666, 0x103))
		fprintf(stderr, "note: no device node without privilege\n");
}

static void start(unsigned node_fd_max)
{
	static struct gofer_config g;
	int pair[2], i;

	memset(&g, 0, sizeof(g));
	g.roots[0].fd = open(at("ro"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	g.roots[1] = (struct gofer_root){ open(at("rw"), O_PATH | O_DIRECTORY | O_CLOEXEC), true };
	g.root_count = 2;
	g.node_fd_max = node_fd_max;
	memset(&cfg, 0xff, sizeof(cfg));
	for (i = 0; i < 2; i++) {
		must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
		g.channel[g.channel_count++] = pair[1];
		if (i)
			raw_channel = pair[0];
		else
			cfg.gofer_fd = pair[0];
	}
	gofer_pid = fork();
	if (!gofer_pid) {
		close(cfg.gofer_fd);
		close(raw_channel);
		_exit(gofer_main(&g));
	}
	for (i = 0; i < 2; i++) {
		close(g.channel[i]);
		close(g.roots[i].fd);
	}
	must(!hc_node_init(&cfg), "hc_node_init");
}

static void stop(void)
{
	int status;

	close(cfg.gofer_fd);
	close(raw_channel);
	CHECK(waitpid(gofer_pid, &status, 0) == gofer_pid && WIFEXITED(status) && !WEXITSTATUS(status));
}

static int look(uint64_t d, const char *name, uint64_t *node, struct hc_attr *a)
{
	return hc_lookup(d, name, strlen(name), node, a);
}

static void test_reading(void)
{
	uint64_t n, sub, f, again;
	struct hc_attr a;
	struct hc_statfs fs;
	char buf[4096];
	size_t got, seen = 0, p;
	bool end = false;

	CHECK(!look(ro, "file", &n, &a) && S_ISREG(a.mode) && a.size == 5);
	CHECK(!look(ro, "file", &again, &a) && again == n);
	CHECK(!hc_open(n, HC_OPEN_READ, &f));
	CHECK(!hc_file_read(f, 1, buf, sizeof(buf), &got) && got == 4 && !memcmp(buf, "ello", 4));
	CHECK(hc_file_write(f, 0, "x", 1, &got) == -EBADF);
	CHECK(!hc_file_getattr(f, &a) && a.size == 5);
	hc_file_close(f);
	CHECK(hc_file_read(f, 0, buf, 1, &got) == -EBADF);
	CHECK(hc_open(n, HC_OPEN_READ | HC_OPEN_WRITE, &f) == -EROFS);
	CHECK(look(ro, "none", &n, &a) == -ENOENT);
	CHECK(!look(ro, "link", &n, &a) && S_ISLNK(a.mode));
	CHECK(!hc_readlink(n, buf, sizeof(buf), &got) && got == 10 && !memcmp(buf, "../outside", 10));
	CHECK(look(n, "secret", &n, &a) == -ENOTDIR);
	CHECK(!look(ro, "sub", &sub, &a) && !look(sub, "deep", &n, &a));
	CHECK(!hc_readdir(ro, 0, buf, sizeof(buf), &got, &end));
	for (p = 0; p < got; seen++)
		p += align_up(sizeof(struct hc_dirent) + ((struct hc_dirent *)(void *)(buf + p))->name_size, 8);
	CHECK(seen >= 6 && end);
	CHECK(!hc_statfs(ro, &fs) && fs.bsize);
	CHECK(hc_readdir(n, 0, buf, sizeof(buf), &got, &end) == -ENOTDIR);
}

/* Found, but never opened. */
static void test_special_files(void)
{
	static const char *const names[] = { "fifo", "sock", "null", "link", "sub" };
	struct hc_attr a;
	uint64_t n, f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (look(ro, names[i], &n, &a)) {
			CHECK(!strcmp(names[i], "null"));
			continue;
		}
		CHECK(hc_open(n, HC_OPEN_READ, &f) < 0);
		CHECK(hc_open(n, HC_OPEN_WRITE, &f) < 0);
	}
}

/* Names of sockets and FIFOs, and of nothing else; never opened. */
static void test_making_special_files(void)
{
	static const uint32_t bad[] = { S_IFCHR | 0666, S_IFBLK | 0666, S_IFREG | 0666, S_IFDIR | 0777, 0666 };
	struct hc_attr a;
	uint64_t n, f;

	CHECK(hc_mknod(ro, "s", 1, S_IFSOCK | 0777, 0, 0, &n, &a) == -EROFS);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(hc_mknod(rw, "bad", 3, bad[i], getuid(), getgid(), &n, &a) == -EPERM);
	CHECK(hc_mknod(rw, "../s", 4, S_IFSOCK | 0777, getuid(), getgid(), &n, &a) == -EINVAL);
	CHECK(!hc_mknod(rw, "s", 1, S_IFSOCK | 07777, getuid(), getgid(), &n, &a) && a.mode == (S_IFSOCK | 0777));
	CHECK(hc_open(n, HC_OPEN_READ, &f) < 0 && hc_open(n, HC_OPEN_WRITE, &f) < 0);
	CHECK(hc_mknod(rw, "s", 1, S_IFIFO | 0777, getuid(), getgid(), &n, &a) == -EEXIST);
	CHECK(!hc_mknod(rw, "p", 1, S_IFIFO | 0640, getuid(), getgid(), &n, &a) && a.mode == (S_IFIFO | 0640));
	CHECK(hc_open(n, HC_OPEN_READ, &f) < 0 && hc_open(n, HC_OPEN_WRITE, &f) < 0);
	CHECK(!hc_unlink(rw, "s", 1, false) && !hc_unlink(rw, "p", 1, false));
}

static void test_writing(void)
{
	struct hc_attr a, set = { .mode = 06755, .mtime_ns = 1500000000123456789 };
	uint64_t n, d, f, m, link;
	char buf[64];
	size_t got;
	struct stat st;

	CHECK(hc_create(ro, "new", 3, 0644, getuid(), getgid(), 3, &n, &a, &f) == -EROFS);
	CHECK(hc_unlink(ro, "file", 4, false) == -EROFS);
	CHECK(hc_mkdir(ro, "d", 1, 0755, 0, 0, &n, &a) == -EROFS);
	CHECK(!hc_create(rw, "new", 3, 04755, getuid(), getgid(), HC_OPEN_READ | HC_OPEN_WRITE, &n, &a, &f));
	CHECK((a.mode & 07777) == 0755);        /* no set-user-id */
	CHECK(hc_create(rw, "new", 3, 0644, 0, 0, 3, &m, &a, &f) == -EEXIST);
	CHECK(!hc_file_write(f, 3, "abc", 3, &got) && got == 3);
	CHECK(!hc_file_read(f, 0, buf, sizeof(buf), &got) && got == 6 && !memcmp(buf, "\0\0\0abc", 6));
	CHECK(!hc_file_truncate(f, 4) && !hc_file_sync(f, true));
	hc_file_close(f);
	CHECK(!hc_setattr(n, HC_SET_MODE | HC_SET_MTIME, &set, &a));
	CHECK((a.mode & 07777) == 0755 && a.mtime_ns == set.mtime_ns && a.size == 4);
	CHECK(!hc_mkdir(rw, "d", 1, 0700, getuid(), getgid(), &d, &a) && S_ISDIR(a.mode));
	CHECK(!hc_rename(rw, "new", 3, d, "moved", 5, HC_RENAME_NOREPLACE));
	CHECK(!hc_getattr(n, &a) && a.size == 4);
	CHECK(!look(d, "moved", &m, &a) && m == n);
	CHECK(!hc_link(n, rw, "hard", 4) && !look(rw, "hard", &m, &a) && m == n && a.nlink == 2);
	CHECK(!look(ro, "file", &m, &a) && hc_link(m, rw, "stolen", 6) < 0);
	CHECK(!hc_symlink(rw, "sym", 3, "/etc/shadow", 11, getuid(), getgid(), &link, &a));
	CHECK(hc_setattr(link, HC_SET_SIZE, &set, NULL) < 0);
	CHECK(hc_unlink(rw, "d", 1, true) == -ENOTEMPTY);
	CHECK(!hc_unlink(d, "moved", 5, false) && !hc_unlink(rw, "d", 1, true));
	CHECK(hc_rename(ro, "file", 4, rw, "x", 1, 0) == -EROFS);
	CHECK(hc_rename(rw, "hard", 4, ro, "x", 1, 0) < 0);
	CHECK(!stat(at("outside/secret"), &st) && st.st_size == 6);
}

/* One hand-made request; what is answered, or -EPIPE when nothing is. */
static int raw_request(const struct gofer_req *req, const void *tail, size_t n)
{
	struct iovec iov[2] = { { (void *)(uintptr_t)req, sizeof(*req) }, { (void *)(uintptr_t)tail, n } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	static uint8_t buf[sizeof(struct gofer_rep) + 65536];
	struct gofer_rep rep;

	if (sendmsg(raw_channel, &msg, MSG_NOSIGNAL) < 0 ||
	    recv(raw_channel, buf, sizeof(buf), 0) < (ssize_t)sizeof(rep))
		return -EPIPE;
	memcpy(&rep, buf, sizeof(rep));
	return rep.err;
}

static void test_hostile(void)
{
	static const char *const bad[] = { "", ".", "..", "/", "a/b", "../x", "/etc", "sub/", "link/secret" };
	static const uint64_t handles[] = { 0, 1, ~0ull, 1ull << 32, (2ull << 32) | 1, (1ull << 32) | 0xffff,
					    (1ull << 32) | 0xffffffff };
	struct gofer_req q;
	char big[8192];
	size_t i;
	uint32_t op;
	unsigned seed = 1;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (op = 0; op < HC_OP_COUNT + 3; op++) {
			q = (struct gofer_req){ .op = op, .node = rw, .node2 = rw,
						.name_size = (uint32_t)strlen(bad[i]) };
			if (op != HC_OP_GETATTR && op != HC_OP_SETATTR && op != HC_OP_READDIR &&
			    op != HC_OP_STATFS && op != HC_OP_FORGET && op != HC_OP_LISTXATTR)
				CHECK(raw_request(&q, bad[i], strlen(bad[i])) < 0);
		}
	for (i = 0; i < ARRAY_SIZE(handles); i++)
		for (op = 0; op < HC_OP_COUNT; op++) {
			q = (struct gofer_req){ .op = op, .node = handles[i], .node2 = handles[i] };
			if (op == HC_OP_LOOKUP || (op >= HC_OP_CREATE && op <= HC_OP_RENAME))
				q.name_size = 1;
			CHECK(raw_request(&q, "n", q.name_size) < 0);
		}
	/* Sizes that do not fit the message. */
	memset(big, 'a', sizeof(big));
	q = (struct gofer_req){ .op = HC_OP_LOOKUP, .node = rw, .name_size = 255 };
	CHECK(raw_request(&q, big, 3) == -EPROTO);
	q.name_size = ~0u;
	CHECK(raw_request(&q, big, 255) == -EPROTO);
	q.name_size = 256;
	CHECK(raw_request(&q, big, 256) == -EPROTO);
	q.name_size = q.name2_size = 0x80000000u;
	CHECK(raw_request(&q, big, 0) == -EPROTO);
	CHECK(raw_request(&q, big, sizeof(big)) == -EPROTO);
	CHECK(send(raw_channel, "x", 1, 0) == 1 && recv(raw_channel, big, sizeof(big), 0) > 0);
	/* A name with a NUL is not shortened into another. */
	q = (struct gofer_req){ .op = HC_OP_LOOKUP, .node = ro, .name_size = 6 };
	CHECK(raw_request(&q, "file\0x", 6) == -EINVAL);
	/* Absurd numbers in every field. */
	for (i = 0; i < 20000; i++) {
		uint8_t *p = (uint8_t *)&q;
		size_t k;

		for (k = 0; k < sizeof(q); k++)
			p[k] = (uint8_t)(rand_r(&seed) >> 8);
		q.op = (uint32_t)rand_r(&seed) % (HC_OP_COUNT + 2);
		if (rand_r(&seed) & 1)
			q.node = rand_r(&seed) & 1 ? ro : rw;
		q.name_size = (uint32_t)rand_r(&seed) % 12;
		q.name2_size = (uint32_t)rand_r(&seed) % 12;
		for (k = 0; k < 24; k++)
			big[k] = "ab/.\0fg"[rand_r(&seed) % 7];
		CHECK(raw_request(&q, big, q.name_size + q.name2_size) <= 0);
	}
}

/* Where the threads of the gofer may run, as text, one after another. */
static void gofer_places(char *ret, size_t size)
{
	char path[64], line[256];
	struct dirent *e;
	size_t n = 0;
	FILE *f;
	DIR *d;

	*ret = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)gofer_pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int)gofer_pid, e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(path, "r");
		while (f && fgets(line, sizeof(line), f))
			if (!strncmp(line, "Cpus_allowed_list:", 18))
				n += (size_t)snprintf(ret + n, size - n, "%s", line + 18);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
}

/* A thread follows its asker's CPU, within what the gofer was given, and no
 * other thread with it. */
static void test_place(void)
{
	static const uint32_t nowhere[] = { 0, 1025, 1024, 0x7fffffff, 0x80000000, ~0u };
	struct gofer_req q = { .op = HC_OP_GETATTR, .node = ro };
	char first[512], now[512], want[16];
	uint32_t cpus[2], count = 0, i, k;
	cpu_set_t mask, one;

	must(!sched_getaffinity(0, sizeof(mask), &mask), "sched_getaffinity");
	for (i = 0; i < CPU_SETSIZE && count < 2; i++)
		if (CPU_ISSET(i, &mask))
			cpus[count++] = i;
	CHECK(!raw_request(&q, NULL, 0));
	gofer_places(first, sizeof(first));
	for (i = 0; i < ARRAY_SIZE(nowhere); i++)
		for (k = 0; k < 5; k++) {
			q.cpu = nowhere[i];
			CHECK(!raw_request(&q, NULL, 0));
		}
	gofer_places(now, sizeof(now));
	CHECK(!strcmp(first, now));
	if (count < 2)
		return;
	for (i = 0; i < 2; i++) {
		q.cpu = cpus[i] + 1;
		for (k = 0; k < 5; k++)
			CHECK(!raw_request(&q, NULL, 0));
		q.cpu = 0;              /* answered after the move */
		CHECK(!raw_request(&q, NULL, 0));
		gofer_places(now, sizeof(now));
		snprintf(want, sizeof(want), "\t%u\n", cpus[i]);
		CHECK(strstr(now, want) && strcmp(first, now));
	}
	stop();
	CPU_ZERO(&one);
	CPU_SET(cpus[0], &one);
	must(!sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
	start(0);
	CHECK(!raw_request(&q, NULL, 0));
	gofer_places(first, sizeof(first));
	for (k = 0; k < 5; k++) {
		q.cpu = cpus[1] + 1;
		CHECK(!raw_request(&q, NULL, 0));
	}
	gofer_places(now, sizeof(now));
	CHECK(!strcmp(first, now));
	stop();
	must(!sched_setaffinity(0, sizeof(mask), &mask), "sched_setaffinity");
	start(0);
}

/* Descriptors sent to the gofer must not pile up there. */
static void test_sent_descriptors(void)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
	struct gofer_req q = { .op = HC_OP_GETATTR, .node = ro };
	struct iovec iov = { &q, sizeof(q) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
	char buf[512], path[64];
	int i, before = -1, count = 0;
	DIR *d;

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)gofer_pid);
	for (i = 0; i < 101; i++) {
		int fd = open("/dev/null", O_RDONLY);

		memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
		CHECK(sendmsg(raw_channel, &msg, 0) > 0 && recv(raw_channel, buf, sizeof(buf), 0) > 0);
		close(fd);
		if (i && i < 100)
			continue;
		d = opendir(path);
		for (count = 0; d && readdir(d); count++)
			;
		if (d)
			closedir(d);
		if (!i)
			before = count;
	}
	CHECK(count <= before);
}

static volatile bool racing;

static void *race_renames(void *arg)
{
	char *a = strdup(at("ro/sub")), *l = strdup(at("ro/sub3"));
	struct stat st;

	(void)arg;
	must(!symlink("../outside", l), "symlink");
	while (racing)                          /* the directory and a link to outside change places */
		if (renameat2(AT_FDCWD, a, AT_FDCWD, l, RENAME_EXCHANGE))
			break;
	if (!lstat(l, &st) && S_ISDIR(st.st_mode) && renameat2(AT_FDCWD, a, AT_FDCWD, l, RENAME_EXCHANGE))
		perror("rename");
	free(a);
	free(l);
	return NULL;
}

static void test_races(void)
{
	struct timespec t0, t;
	struct hc_attr attr;
	uint64_t n, s, f;
	pthread_t th;
	unsigned dirs = 0, links = 0;
	char buf[16];
	size_t got;

	racing = true;
	must(!pthread_create(&th, NULL, race_renames, NULL), "thread");
	clock_gettime(CLOCK_MONOTONIC, &t0);
	do {
		if (!look(ro, "sub", &n, &attr)) {
			if (S_ISDIR(attr.mode)) {
				dirs++;
				if (!look(n, "deep", &s, &attr)) {
					if (!hc_open(s, HC_OPEN_READ, &f)) {
						CHECK(!hc_file_read(f, 0, buf, sizeof(buf), &got) &&
						      got == 4 && !memcmp(buf, "deep", 4));
						hc_file_close(f);
					}
					hc_forget(s, false);
				}
			} else {
				links++;
			}
			CHECK(look(n, "secret", &s, &attr) < 0);
			hc_forget(n, false);
		}
		clock_gettime(CLOCK_MONOTONIC, &t);
	} while (t.tv_sec - t0.tv_sec < 2 && failures < 20);
	racing = false;
	pthread_join(th, NULL);
	CHECK(dirs && links);
}

/* More nodes than descriptors: reopened by name, with a check of identity. */
static void test_eviction(void)
{
	uint64_t nodes[200], d, deep, f;
	struct hc_attr a;
	char name[32], old[512];
	unsigned i;

	CHECK(!hc_mkdir(rw, "many", 4, 0755, getuid(), getgid(), &d, &a));
	CHECK(!hc_mkdir(d, "deep", 4, 0755, getuid(), getgid(), &deep, &a));
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		CHECK(!hc_create(i & 1 ? d : deep, name, strlen(name), 0644, getuid(), getgid(), 0,
				 &nodes[i], &a, NULL));
	}
	for (i = 0; i < 200; i++) {
		CHECK(!hc_getattr(nodes[i], &a) && S_ISREG(a.mode));
		CHECK(!hc_open(nodes[i], HC_OPEN_READ, &f));
		hc_file_close(f);
	}
	/* The host puts another object at an evicted node's place. */
	snprintf(old, sizeof(old), "%s/rw/many/f1", dir);
	must(!rename(old, at("rw/kept")), "rename");
	put("rw/many/f1", "impostor");
	CHECK(hc_getattr(nodes[1], &a) == -ESTALE);
	/* A rename through us is followed. */
	CHECK(!hc_rename(rw, "many", 4, rw, "more", 4, 0));
	CHECK(!hc_getattr(nodes[3], &a) && !hc_getattr(nodes[100], &a));
	for (i = 0; i < 200; i++)
		hc_forget(nodes[i], false);
	CHECK(hc_getattr(nodes[5], &a) == -ESTALE);
}

/* More open files than descriptors: given back and opened again unseen. */
static void test_many_files(void)
{
	struct rlimit old, few;
	uint64_t node, files[200];
	struct hc_attr a;
	unsigned i, round;
	char name[16], buf[16];
	size_t got;

	must(!getrlimit(RLIMIT_NOFILE, &old), "getrlimit");
	few = old;
	few.rlim_cur = 100;
	must(!setrlimit(RLIMIT_NOFILE, &few), "setrlimit");
	hc_file_init();
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		CHECK(!hc_create(rw, name, strlen(name), 0644, getuid(), getgid(),
				 HC_OPEN_READ | HC_OPEN_WRITE, &node, &a, &files[i]));
		CHECK(!hc_file_write(files[i], 0, name, strlen(name), &got) && got == strlen(name));
	}
	for (round = 0; round < 2; round++)
		for (i = 0; i < 200; i++) {
			snprintf(name, sizeof(name), "m%u", i);
			CHECK(!hc_file_read(files[i], 0, buf, sizeof(buf), &got) &&
			      got == strlen(name) && !memcmp(buf, name, got));
		}
	for (i = 0; i < 200; i++)
		hc_file_close(files[i]);
	CHECK(hc_file_read(files[7], 0, buf, 1, &got) == -EBADF);
	must(!setrlimit(RLIMIT_NOFILE, &old), "setrlimit");
	hc_file_init();
}

int main(void)
{
	char cmd[128];

	signal(SIGPIPE, SIG_IGN);
	make_tree();
	start(0);
	test_reading();
	test_special_files();
	test_making_special_files();
	test_writing();
	test_hostile();
	test_sent_descriptors();
	test_races();
	test_many_files();
	test_place();
	stop();
	start(16);
	test_reading();
	test_eviction();
	stop();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		failures++;
	printf("host_gofer_test: %s\n", failures ? "FAILED" : "ok");
	return failures != 0;
}
