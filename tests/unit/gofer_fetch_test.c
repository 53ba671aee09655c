/* SPDX-License-Identifier: Apache-2.0 */
/* hc_fetch() from both sides: what the gofer answers for a tree that holds
 * everything it must not open, also while names change under it; and what the
 * sandbox makes of answers that a hostile gofer could send. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host/gofer/gofer.h"
#include "host/isolate/isolate.h"
#include "platform/process/hc.h"
#include "tests/unit/gofer_test.h"

void views_forget(__unused_arg uint64_t file) {}

static char dir[64];
static const uint64_t root = GOFER_ROOT_HANDLE(0);
static uint8_t buf[GOFER_DATA_MAX] __aligned(8);
static size_t got;
static uint64_t file;

static void must(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static const char *at(const char *name)
{
	static char path[4][512];
	static unsigned n;
	char *p = path[n++ % 4];

	snprintf(p, 512, "%s/%s", dir, name);
	return p;
}

static void put(const char *name, const void *data, size_t n)
{
	int fd = open(at(name), O_CREAT | O_WRONLY | O_TRUNC, 0644);

	must(fd >= 0 && write(fd, data, n) == (ssize_t)n, name);
	close(fd);
}

/* Record k of the answer; its data at *ret_data. */
static struct hc_fetched rec(unsigned k, const uint8_t **ret_data)
{
	struct hc_fetched r = { .err = 1 };
	size_t p = 0;

	for (;; k--) {
		if (p + sizeof(r) > got)
			return (struct hc_fetched){ .err = 1 };
		memcpy(&r, buf + p, sizeof(r));
		*ret_data = buf + p + sizeof(r);
		if (!k)
			return r;
		p += sizeof(r) + align_up(r.data_size, 8);
	}
}

static int fetch(uint64_t node, const char *names, size_t size, uint32_t flags, uint16_t files, uint16_t dirs)
{
	file = 0;
	got = 0;
	return hc_fetch(node, names, size, flags, files, dirs, buf, sizeof(buf), &got, &file);
}
#define FETCH(names, ...) fetch(root, names, sizeof(names), __VA_ARGS__)

static void test_kinds(void)
{
	const uint8_t *d;
	struct hc_fetched r;
	char c[8];
	size_t n;

	CHECK(!FETCH("small\0none\0sub\0link\0fifo\0empty\0elf\0big", 0, 9, 9) && !file);
	r = rec(0, &d);
	CHECK(!r.err && r.flags == HC_FETCHED_DATA && !r.node && r.data_size == 5 && !memcmp(d, "hello", 5));
	CHECK(r.attr.size == 5 && S_ISREG(r.attr.mode));
	CHECK(rec(1, &d).err == -ENOENT);
	r = rec(2, &d);
	CHECK(!r.err && r.node && r.flags == HC_FETCHED_LIST && S_ISDIR(r.attr.mode));
	CHECK(((const struct hc_dirent *)(const void *)d)->name_size == 4);
	r = rec(3, &d);
	CHECK(!r.err && r.flags == HC_FETCHED_DATA && r.data_size == 10 && !memcmp(d, "../outside", 10));
	r = rec(4, &d);
	CHECK(!r.err && !r.flags && S_ISFIFO(r.attr.mode));
	r = rec(5, &d);
	CHECK(!r.err && r.flags == HC_FETCHED_DATA && !r.data_size);
	CHECK(!rec(6, &d).flags && !rec(7, &d).flags);  /* mapped, too big */
	/* Nothing comes that was not asked for. */
	CHECK(!FETCH("small\0sub", 0, 0, 0) && !rec(0, &d).flags && !rec(1, &d).flags);
	CHECK(!FETCH("small\0empty\0small", 0, 1, 0) && rec(0, &d).flags && !rec(1, &d).flags);
	/* Opening. */
	CHECK(!FETCH("small\0empty", HC_FETCH_OPEN, 0, 0) && !file && rec(0, &d).data_size == 5 && !rec(1, &d).flags);
	CHECK(!FETCH("elf", HC_FETCH_OPEN, 0, 0) && file && rec(0, &d).flags == HC_FETCHED_FILE);
	hc_file_close(file);
	CHECK(!FETCH("small", HC_FETCH_FILE, 0, 0) && file);
	CHECK(!hc_file_read(file, 1, c, sizeof(c), &n) && n == 4 && !memcmp(c, "ello", 4));
	CHECK(hc_file_write(file, 0, "x", 1, &n) == -EBADF);
	hc_file_close(file);
	CHECK(!FETCH("big", HC_FETCH_OPEN, 0, 0) && file && rec(0, &d).attr.size == 100000);
	hc_file_close(file);
	CHECK(!FETCH("fifo\0link\0sub", HC_FETCH_FILE, 9, 9) && !file);
	/* The room bounds the answer. */
	CHECK(!hc_fetch(root, "small\0big", 10, 0, 9, 9, buf, sizeof(r) + 4, &got, &file) && got == sizeof(r));
	CHECK(fetch(root, "", 1, 0, 0, 0) == -EINVAL && fetch(root, "a/b", 4, 0, 0, 0) == -EINVAL);
	CHECK(fetch(root, "small", 5, 0, 0, 0) == -EINVAL && fetch(root, "..", 3, 0, 0, 0) == -EINVAL);
	CHECK(fetch(77, "small", 6, 0, 0, 0) == -ESTALE);
}

/* ---- hostile requests ---- */

/* A directory that is held is known again, also elsewhere, and not confused
 * with what took its name. */
static void test_known_directories(void)
{
	const uint8_t *data;
	uint64_t node = 0, other = 0;

	must(!mkdir(at("k1"), 0755) && !mkdir(at("k2"), 0755), "mkdir");
	put("k1/in1", "1", 1);
	put("k2/in2", "2", 1);
	CHECK(!FETCH("k1", 0, 0, 0) && (node = rec(0, &data).node));
	CHECK(!FETCH("k1", 0, 0, 9) && rec(0, &data).node == node && rec(0, &data).flags == HC_FETCHED_LIST);
	CHECK(S_ISDIR(rec(0, &data).attr.mode) && rec(0, &data).attr.ino && rec(0, &data).attr.nlink);
	must(!renameat2(AT_FDCWD, at("k1"), AT_FDCWD, at("k2"), RENAME_EXCHANGE), "rename");
	CHECK(!FETCH("k2", 0, 0, 0) && rec(0, &data).node == node);
	CHECK(!FETCH("k1", 0, 0, 0) && (other = rec(0, &data).node) != node);
	CHECK(!fetch(node, "in1", 4, 0, 0, 0) && !rec(0, &data).err);
	CHECK(!fetch(other, "in2", 4, 0, 0, 0) && !rec(0, &data).err);
	/* One handle for each answer. */
	for (unsigned i = 0; i < 3; i++) {
		CHECK(!fetch(node, "in1", 4, 0, 0, 0));
		hc_forget(node, false);
	}
	CHECK(fetch(node, "in1", 4, 0, 0, 0) == -ESTALE);
	/* Gone, and another object in its place. */
	must(!unlink(at("k1/in2")) && !rmdir(at("k1")) && !mkdir(at("k1"), 0755), "mkdir");
	CHECK(!FETCH("k1", 0, 0, 0) && rec(0, &data).node != other);
	CHECK(fetch(other, "in2", 4, 0, 0, 0) == 0 && rec(0, &data).err == -ENOENT);
	must(!rmdir(at("k1")) && !unlink(at("k2/in1")) && !rmdir(at("k2")), "rmdir");
}

static int raw_channel;

static int request(struct gofer_req *q, const void *names, size_t n)
{
	static uint8_t msg[sizeof(*q) + GOFER_NAMES_MAX], answer[GOFER_DATA_MAX + 4096];
	struct gofer_rep r;

	q->op = HC_OP_FETCH;
	q->name2_size = (uint32_t)n;
	memcpy(msg, q, sizeof(*q));
	memcpy(msg + sizeof(*q), names, n);
	must(send(raw_channel, msg, sizeof(*q) + n, 0) > 0, "send");
	must(recv(raw_channel, answer, sizeof(answer), 0) >= (ssize_t)sizeof(r), "recv");
	memcpy(&r, answer, sizeof(r));
	return r.err;
}

/* Adds an empty name and a handle. */
static size_t other_dir(char *names, size_t n, uint64_t handle)
{
	names[n] = 0;
	memcpy(names + n + 1, &handle, sizeof(handle));
	return n + 1 + sizeof(handle);
}

static size_t add(char *names, size_t n, const char *name)
{
	memcpy(names + n, name, strlen(name) + 1);
	return n + strlen(name) + 1;
}

/* Names of several directories; what is wrong with one says nothing of the others. */
static void test_other_dirs(void)
{
	uint64_t sub, small;
	char names[4096];
	const uint8_t *d;
	struct hc_attr a;
	struct gofer_req q;
	size_t n, k;

	CHECK(!hc_lookup(root, "sub", 3, &sub, &a) && !hc_lookup(root, "small", 5, &small, &a));
	n = add(names, 0, "small");
	n = add(names, other_dir(names, n, sub), "deep");
	n = add(names, n, "small");
	n = add(names, other_dir(names, n, 77), "small");
	n = add(names, other_dir(names, n, small), "small");
	n = add(names, other_dir(names, n, root), "empty");
	CHECK(!fetch(root, names, n, HC_FETCH_OPEN, 9, 0) && !file);
	CHECK(rec(0, &d).data_size == 5 && !memcmp(d, "hello", 5));
	CHECK(rec(1, &d).data_size == 4 && !memcmp(d, "deep", 4));
	CHECK(rec(2, &d).err == -ENOENT && rec(3, &d).err == -ESTALE && rec(4, &d).err == -ENOTDIR);
	CHECK(!rec(5, &d).err && rec(5, &d).flags == HC_FETCHED_DATA && rec(6, &d).err == 1);
	CHECK(!hc_fetch(root, names, n, 0, 0, 0, buf, sizeof(struct hc_fetched) * 2, &got, &file));
	CHECK(got == sizeof(struct hc_fetched) * 2);
	for (k = 6; k <= 21; k++) {     /* cut off: whole names or nothing */
		q = (struct gofer_req){ .node = root, .size = 65536 };
		CHECK(request(&q, names, k) == (k == 6 || k == 20 ? 0 : -EINVAL));
	}
	q = (struct gofer_req){ .node = root, .size = 65536 };
	CHECK(request(&q, names, other_dir(names, 6, sub)) == -EINVAL);
	n = other_dir(names, other_dir(names, 6, sub), sub);
	CHECK(request(&q, names, add(names, n, "deep")) == -EINVAL);
	for (n = k = 0; k <= HC_FETCH_DIRS; k++) {
		q = (struct gofer_req){ .node = root, .size = 65536 };
		n = add(names, other_dir(names, n, k % 2 ? sub : 1ull << k % 64), "deep");
		CHECK(request(&q, names, n) == (k < HC_FETCH_DIRS ? 0 : -EINVAL));
	}
	hc_forget(small, false);
	hc_forget(sub, false);
}

static void test_hostile_requests(void)
{
	static const struct { const char *p; size_t n; } bad[] = {
		{ "", 0 }, { "", 1 }, { "a", 1 }, { ".", 2 }, { "..", 3 }, { "small\0..", 9 }, { "small\0a/b", 10 },
		{ "/etc/passwd", 12 }, { "small\0", 7 }, { "link/secret", 12 },
	};
	struct gofer_req q;
	char many[2 * 300];
	unsigned seed = 7;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		q = (struct gofer_req){ .node = root, .size = 65536 };
		CHECK(request(&q, bad[i].p, bad[i].n) == -EINVAL);
	}
	for (i = 0; i < 300; i++)
		memcpy(many + 2 * i, "x", 2);
	q = (struct gofer_req){ .node = root, .size = 65536 };
	CHECK(request(&q, many, 2 * HC_FETCH_NAMES) == 0 && request(&q, many, 2 * HC_FETCH_NAMES + 2) == -EINVAL);
	q.flags = 4;
	CHECK(request(&q, "x", 2) == -EINVAL);
	q = (struct gofer_req){ .node = root, .size = 0 };
	CHECK(request(&q, "x", 2) == -EINVAL);
	for (i = 0; i < 20000; i++) {
		q = (struct gofer_req){ .node = root, .size = (uint32_t)rand_r(&seed), .cookie = (uint64_t)rand_r(&seed),
					.flags = (uint32_t)rand_r(&seed) & 3 };
		for (k = 0; k < 24; k++)
			many[k] = "sublink\0\0\0./elf"[rand_r(&seed) % 15];
		CHECK(request(&q, many, (size_t)rand_r(&seed) % 25) <= 0);
	}
}

/* ---- names that change meanwhile ---- */

static volatile bool racing;

static void *race(void *arg)
{
	char a[512], b[512], c[512];

	(void)arg;
	strcpy(a, at("small"));
	strcpy(b, at("away"));
	strcpy(c, at("fifo"));
	must(!symlink("../outside/secret", b), "symlink");
	while (racing) {
		must(!renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE), "rename");
		must(!renameat2(AT_FDCWD, a, AT_FDCWD, c, RENAME_EXCHANGE), "rename");
	}
	return NULL;
}

static void test_race(void)
{
	unsigned data = 0, others = 0;
	struct timespec t0, t;
	struct hc_fetched r;
	const uint8_t *d;
	pthread_t th;

	racing = true;
	must(!pthread_create(&th, NULL, race, NULL), "thread");
	clock_gettime(CLOCK_MONOTONIC, &t0);
	do {
		/* A FIFO that was opened would block for ever. */
		CHECK(!FETCH("small\0away\0fifo", HC_FETCH_OPEN, 9, 0));
		for (unsigned k = 0; k < 3; k++) {
			r = rec(k, &d);
			if (!r.err && r.flags & HC_FETCHED_DATA && S_ISREG(r.attr.mode)) {
				data++;
				CHECK(r.data_size == 5 && !memcmp(d, "hello", 5));
			} else {
				others++;
			}
		}
		if (file)
			hc_file_close(file);
		clock_gettime(CLOCK_MONOTONIC, &t);
	} while (t.tv_sec - t0.tv_sec < 2 && failures < 20);
	racing = false;
	pthread_join(th, NULL);
	CHECK(data && others);
}

/* ---- hostile answers ---- */

static int fake_channel;
static struct { struct gofer_rep rep; uint8_t data[4096]; } lie;
static size_t lie_size;
static int lie_fd;                      /* handed over with it, or -1 */

static void *fake_gofer(void *arg)
{
	union { char b[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
	struct gofer_req q;

	(void)arg;
	while (recv(fake_channel, &q, sizeof(q), 0) >= (ssize_t)sizeof(q)) {
		struct iovec iov = { &lie, lie_size };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
		struct cmsghdr *c;

		lie.rep.seq = q.seq;
		memset(&control, 0, sizeof(control));
		if (lie_fd >= 0) {
			m.msg_control = control.b;
			m.msg_controllen = sizeof(control.b);
			c = CMSG_FIRSTHDR(&m);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(c), &lie_fd, sizeof(int));
		}
		if (sendmsg(fake_channel, &m, 0) < 0)
			break;
	}
	return NULL;
}

/* The answer made of one record and n bytes behind it. */
static int lied(struct hc_fetched r, size_t n, int fd)
{
	memset(&lie, 0, sizeof(lie));
	memcpy(lie.data, &r, sizeof(r));
	lie.rep.data_size = (uint32_t)(sizeof(r) + n);
	lie.rep.has_fd = fd >= 0;
	lie_size = sizeof(lie.rep) + sizeof(r) + n;
	lie_fd = fd;
	return FETCH("a", HC_FETCH_OPEN, 9, 9);
}

static int open_count(void)
{
	int n = 0, fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_hostile_answers(void)
{
	const struct hc_fetched plain = { .attr = { .mode = S_IFREG } };
	struct hc_fetched r;
	struct sandbox_config cfg;
	unsigned seed = 3;
	int pair[2], null = open("/dev/null", O_RDONLY), before;
	pthread_t th;

	memset(&cfg, 0xff, sizeof(cfg));
	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
	cfg.gofer_fd = pair[0];
	fake_channel = pair[1];
	must(!hc_node_init(&cfg), "hc_node_init");
	must(!pthread_create(&th, NULL, fake_gofer, NULL), "thread");
	before = open_count();

	CHECK(!lied(plain, 0, -1) && got == sizeof(r));
	r = plain;
	r.data_size = 1;
	CHECK(lied(r, 0, -1) == -EIO);          /* more than there is */
	CHECK(lied(r, 1, -1) == -EIO);          /* not padded */
	CHECK(!lied(r, 8, -1));
	r.data_size = ~0u;
	CHECK(lied(r, 64, -1) == -EIO);
	CHECK(lied(plain, 4, -1) == -EIO);      /* half a record follows */
	CHECK(lied(plain, sizeof(r), -1) == -EIO);      /* more records than names */
	r = plain;
	r.err = -4000;
	CHECK(lied(r, 0, -1) == -EIO);
	r.err = 5;
	CHECK(lied(r, 0, -1) == -EIO);
	r.err = -ENOENT;
	CHECK(!lied(r, 0, -1));
	r.node = 5;
	CHECK(lied(r, 0, -1) == -EIO);          /* an error with a node */
	r = plain;
	r.flags = 8;
	CHECK(lied(r, 0, -1) == -EIO);
	r.flags = HC_FETCHED_LIST;
	r.data_size = 8;
	CHECK(lied(r, 8, -1) == -EIO);          /* not a listing */
	/* Descriptors that were or were not announced. */
	r = plain;
	CHECK(lied(r, 0, null) == -EIO);
	r.flags = HC_FETCHED_FILE;
	r.node = 9;
	CHECK(lied(r, 0, -1) == -EIO);
	CHECK(!lied(r, 0, null) && file);
	hc_file_close(file);
	r.node = 0;
	CHECK(lied(r, 0, null) == -EIO);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t *p = (uint8_t *)&r;

		r = plain;
		for (unsigned k = 0; k < 3; k++)
			p[rand_r(&seed) % 28] = (uint8_t)(rand_r(&seed) >> 5);
		if (!lied(r, (size_t)rand_r(&seed) % 600, rand_r(&seed) % 8 ? -1 : null) && file)
			hc_file_close(file);
	}
	CHECK(open_count() == before);
	shutdown(pair[0], SHUT_RDWR);
	pthread_join(th, NULL);
	close(pair[0]);
	close(pair[1]);
	close(null);
}

int main(void)
{
	static struct gofer_config g;
	struct sandbox_config cfg;
	static char big[100000];
	char cmd[128];
	int pair[2], raw_pair[2], status;
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/nacre-fetch-XXXXXX");
	must(mkdtemp(dir), "mkdtemp");
	must(!mkdir(at("outside"), 0700) && !mkdir(at("ro"), 0755), "mkdir");
	put("outside/secret", "secret", 6);
	strcat(dir, "/ro");
	put("small", "hello", 5);
	put("empty", "", 0);
	put("elf", "\177ELFmore", 8);
	put("big", big, sizeof(big));
	must(!mkdir(at("sub"), 0755), "mkdir");
	put("sub/deep", "deep", 4);
	must(!symlink("../outside", at("link")) && !mkfifo(at("fifo"), 0666), "special files");

	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) &&
	     !socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, raw_pair), "socketpair");
	g.roots[0].fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g.root_count = 1;
	g.channel[0] = pair[1];
	g.channel[1] = raw_pair[1];
	g.channel_count = 2;
	raw_channel = raw_pair[0];
	pid = fork();
	if (!pid) {
		close(pair[0]);
		close(raw_channel);
		_exit(gofer_main(&g));
	}
	close(pair[1]);
	close(raw_pair[1]);
	memset(&cfg, 0xff, sizeof(cfg));
	cfg.gofer_fd = pair[0];
	must(!hc_node_init(&cfg), "hc_node_init");
	test_kinds();
	test_known_directories();
	test_other_dirs();
	test_hostile_requests();
	test_race();
	close(pair[0]);
	close(raw_channel);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
	test_hostile_answers();
	*strrchr(dir, '/') = 0;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		failures++;
	printf("gofer_fetch_test: %s\n", failures ? "FAILED" : "ok");
	return failures != 0;
}
