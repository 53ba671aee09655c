/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a sandbox: the file, the table, the JSON. */
#include <errno.h>
#include <fcntl.h>
#include <hostcall.h>
#include <stats.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "host/isolate/lists.h"
#include "host/monitor/stats.h"

HOST_CALLS(monitor, read, lseek, write, mmap, munmap, brk, newfstatat, wait4);

enum { ROWS = 25 };             /* of a table of calls; JSON has all */

static const struct { const char *name, *group, *text; } counters[STATS_COUNT] = {
#define X(name, group, text) [STATS_##name] = { #name, #group, text },
	STATS_LIST(X)
#undef X
};

static const char *const gofer_ops[] = {
	[HC_OP_LOOKUP] = "lookup", [HC_OP_GETATTR] = "getattr", [HC_OP_SETATTR] = "setattr",
	[HC_OP_READLINK] = "readlink", [HC_OP_READDIR] = "readdir", [HC_OP_OPEN] = "open",
	[HC_OP_CREATE] = "create", [HC_OP_MKDIR] = "mkdir", [HC_OP_SYMLINK] = "symlink",
	[HC_OP_LINK] = "link", [HC_OP_UNLINK] = "unlink", [HC_OP_RENAME] = "rename",
	[HC_OP_STATFS] = "statfs", [HC_OP_GETXATTR] = "getxattr", [HC_OP_LISTXATTR] = "listxattr",
	[HC_OP_SETXATTR] = "setxattr", [HC_OP_FORGET] = "forget", [HC_OP_MKNOD] = "mknod",
	[HC_OP_FETCH] = "fetch",
};
STATIC_ASSERT(ARRAY_SIZE(gofer_ops) == HC_OP_COUNT && HC_OP_COUNT <= STATS_GOFER_OPS);

int stats_new(bool timed)
{
	const struct { uint64_t magic, timed; } head = { STATS_MAGIC, timed };
	int fd = memfd_create(STATS_FILE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, sizeof(struct stats_area)) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
	    write(fd, &head, sizeof(head)) != sizeof(head)) {
		close(fd);
		return -1;
	}
	return fd;
}

int stats_open(const char *path, FILE **ret_out, bool *ret_json)
{
	size_t n = path ? strlen(path) : 0;
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644)
		      : fcntl(2, F_DUPFD_CLOEXEC, 3);

	*ret_out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!*ret_out) {
		fprintf(stderr, "nacre: %s: %s\n", path ? path : "--stats", strerror(errno));
		return -EINVAL;
	}
	*ret_json = n > 5 && !strcmp(path + n - 5, ".json");
	return 0;
}

/* All slots added up, in the first one's place. */
static struct stats_slot *sum_read(int fd, bool *ret_timed)
{
	struct stats_slot *sum = calloc(2, sizeof(*sum)), *one = sum + 1;
	struct { uint64_t magic, timed; } head;
	size_t i, k;

	if (!sum || lseek(fd, 0, SEEK_SET) || read(fd, &head, sizeof(head)) != sizeof(head) ||
	    head.magic != STATS_MAGIC)
		goto fail;
	*ret_timed = head.timed;
	for (i = 0; i < STATS_SLOTS; i++) {
		off_t at = (off_t)(offsetof(struct stats_area, slot) + i * sizeof(*one));

		if (lseek(fd, at, SEEK_SET) != at || read(fd, one, sizeof(*one)) != sizeof(*one))
			goto fail;
		for (k = 0; k < STATS_COUNT; k++) {
			if (k == STATS_KERNEL_MEMORY_PEAK)
				sum->n[k] = MAX(sum->n[k], one->n[k]);
			else
				sum->n[k] += one->n[k];
		}
		for (k = 0; k < STATS_GOFER_OPS; k++)
			sum->gofer[k] += one->gofer[k];
		for (k = 0; k < STATS_CALLS; k++) {
			sum->host[k] += one->host[k];
			sum->stub[k] += one->stub[k];
			sum->call[k].count += one->call[k].count;
			sum->call[k].time_ns += one->call[k].time_ns;
			sum->call[k].in += one->call[k].in;
			sum->call[k].out += one->call[k].out;
		}
	}
	return sum;
fail:
	free(sum);
	return NULL;
}

static const char *call_name(size_t nr, char buf[24])
{
	const struct isolate_call *c;

	for (c = isolate_names; c->nr >= 0; c++)
		if ((size_t)c->nr == nr)
			return c->name;
	snprintf(buf, 24, "number-%zu", nr);
	return buf;
}

static const char *gofer_name(size_t op, char buf[24])
{
	if (op && op < ARRAY_SIZE(gofer_ops))
		return gofer_ops[op];
	snprintf(buf, 24, "number-%zu", op);
	return buf;
}

/* ---- the table ---- */

static const uint64_t *sort_key;
static size_t sort_step;

static int more_first(const void *a, const void *b)
{
	uint64_t x = sort_key[*(const uint16_t *)a * sort_step], y = sort_key[*(const uint16_t *)b * sort_step];

	return x < y ? 1 : x > y ? -1 : *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Indexes of what is not zero, largest first; how many. */
static size_t order(const uint64_t *values, size_t step, size_t count, uint16_t *ret)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++)
		if (values[i * step])
			ret[n++] = (uint16_t)i;
	sort_key = values;
	sort_step = step;
	qsort(ret, n, sizeof(*ret), more_first);
	return n;
}

static void list_print(FILE *out, const char *title, const uint64_t *values, size_t count,
		       const char *(*name)(size_t, char *))
{
	uint16_t by[STATS_CALLS];
	size_t n = order(values, 1, count, by), i;
	char buf[24];

	if (!n)
		return;
	fprintf(out, "\n%s\n", title);
	for (i = 0; i < n; i++)
		fprintf(out, "  %12llu  %s\n", (unsigned long long)values[by[i]], name(by[i], buf));
}

static void calls_print(FILE *out, const struct stats_slot *s, bool timed)
{
	uint16_t by[STATS_CALLS];
	size_t n = order(&s->call[0].count, sizeof(s->call[0]) / 8, STATS_CALLS, by), i;
	char buf[24];

	fprintf(out, "\nsystem calls%*s%s       bytes in      bytes out\n", 14, "count",
		timed ? "    time (ms)   each (us)" : "");
	for (i = 0; i < n && i < ROWS; i++) {
		const struct stats_call *c = &s->call[by[i]];

		fprintf(out, "  %-16s%8llu", call_name(by[i], buf), (unsigned long long)c->count);
		if (timed)
			fprintf(out, "%13.3f%12.3f", (double)c->time_ns / 1e6,
				(double)c->time_ns / 1e3 / (double)c->count);
		fprintf(out, "%15llu%15llu\n", (unsigned long long)c->in, (unsigned long long)c->out);
	}
	if (n > i)
		fprintf(out, "  and %zu more\n", n - i);
}

static void table(FILE *out, const struct stats_slot *s, bool timed, const struct stats_usage *u)
{
	const char *group = "";
	size_t i;

	for (i = 0; i < STATS_COUNT; i++) {
		if (strcmp(group, counters[i].group)) {
			group = counters[i].group;
			fprintf(out, "%s%s\n", i ? "\n" : "", group);
		}
		fprintf(out, "  %12llu  %s\n", (unsigned long long)s->n[i], counters[i].text);
	}
	if (u) {
		fprintf(out, "\nhost\n  %12ld  switches of the sandbox and its stubs (%ld waited, %ld preempted)\n",
			u->sandbox.ru_nvcsw + u->sandbox.ru_nivcsw, u->sandbox.ru_nvcsw, u->sandbox.ru_nivcsw);
		fprintf(out, "  %12ld  switches of the gofer\n", u->gofer.ru_nvcsw + u->gofer.ru_nivcsw);
		fprintf(out, "  %12ld  page faults of the sandbox and its stubs\n",
			u->sandbox.ru_minflt + u->sandbox.ru_majflt);
		fprintf(out, "  %12.3f  seconds in user mode\n  %12.3f  seconds in the host's kernel\n",
			(double)u->sandbox.ru_utime.tv_sec + (double)u->sandbox.ru_utime.tv_usec / 1e6,
			(double)u->sandbox.ru_stime.tv_sec + (double)u->sandbox.ru_stime.tv_usec / 1e6);
	}
	calls_print(out, s, timed);
	list_print(out, "host calls of the sandbox process", s->host, STATS_CALLS, call_name);
	list_print(out, "host calls that stubs were told to make", s->stub, STATS_CALLS, call_name);
	list_print(out, "messages to the gofer", s->gofer, STATS_GOFER_OPS, gofer_name);
}

/* ---- JSON ---- */

static void json_name(FILE *out, const char *name)
{
	fputc('"', out);
	for (; *name; name++)
		fputc(*name >= 'A' && *name <= 'Z' ? *name | 0x20 : *name, out);
	fputs("\": ", out);
}

static void json_list(FILE *out, const char *title, const uint64_t *values, size_t count,
		      const char *(*name)(size_t, char *))
{
	bool first = true;
	char buf[24];
	size_t i;

	fprintf(out, ",\n  \"%s\": {", title);
	for (i = 0; i < count; i++) {
		if (!values[i])
			continue;
		fputs(first ? "" : ", ", out);
		json_name(out, name(i, buf));
		fprintf(out, "%llu", (unsigned long long)values[i]);
		first = false;
	}
	fputc('}', out);
}

static void json_usage(FILE *out, const char *name, const struct rusage *u)
{
	fprintf(out, ",\n  \"%s\": {\"waited\": %ld, \"preempted\": %ld, \"faults\": %ld, \"user_us\": %lld, \"system_us\": %lld}",
		name, u->ru_nvcsw, u->ru_nivcsw, u->ru_minflt + u->ru_majflt,
		(long long)u->ru_utime.tv_sec * 1000000 + u->ru_utime.tv_usec,
		(long long)u->ru_stime.tv_sec * 1000000 + u->ru_stime.tv_usec);
}

static void json(FILE *out, const struct stats_slot *s, bool timed, const struct stats_usage *u)
{
	const char *group = "";
	bool first = true;
	char buf[24];
	size_t i;

	fputs("{\n  ", out);
	for (i = 0; i < STATS_COUNT; i++) {
		bool same = !strcmp(group, counters[i].group);

		if (!same)
			fprintf(out, "%s\"%s\": {", i ? "},\n  " : "", counters[i].group);
		fputs(same ? ", " : "", out);
		json_name(out, counters[i].name);
		fprintf(out, "%llu", (unsigned long long)s->n[i]);
		group = counters[i].group;
	}
	fputs("},\n  \"system_calls\": {", out);
	for (i = 0; i < STATS_CALLS; i++) {
		const struct stats_call *c = &s->call[i];

		if (!c->count)
			continue;
		fputs(first ? "\n    " : ",\n    ", out);
		json_name(out, call_name(i, buf));
		fprintf(out, "{\"count\": %llu, ", (unsigned long long)c->count);
		if (timed)
			fprintf(out, "\"time_ns\": %llu, ", (unsigned long long)c->time_ns);
		fprintf(out, "\"bytes_in\": %llu, \"bytes_out\": %llu}", (unsigned long long)c->in,
			(unsigned long long)c->out);
		first = false;
	}
	fputc('}', out);
	json_list(out, "host_calls", s->host, STATS_CALLS, call_name);
	json_list(out, "stub_calls", s->stub, STATS_CALLS, call_name);
	json_list(out, "gofer", s->gofer, STATS_GOFER_OPS, gofer_name);
	if (u) {
		json_usage(out, "host_sandbox", &u->sandbox);
		json_usage(out, "host_gofer", &u->gofer);
	}
	fputs("\n}\n", out);
}

int stats_report(int fd, FILE *out, bool as_json, const struct stats_usage *usage)
{
	struct stats_slot *s;
	bool timed;

	if (fd < 0 || !(s = sum_read(fd, &timed))) {
		fputs("nacre: there are no statistics\n", stderr);
		return -EIO;
	}
	(as_json ? json : table)(out, s, timed, usage);
	free(s);
	return fflush(out) ? -errno : 0;
}
