/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `nacre do` and `nacre run`. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/isolate/isolate.h"
#include "runtime/options.h"

const char options_help[] =
"  --rw DIR[:INSIDE]     share a directory of the host, writable\n"
"  --ro DIR[:INSIDE]     share a directory of the host, read-only\n"
"  --tmpfs DIR           an empty directory in memory\n"
"  --hide PATH           nothing to be seen or opened at PATH\n"
"  --env NAME[=VALUE]    set a variable, or pass the caller's\n"
"  --clear-env           start from an empty environment\n"
"  --cwd DIR             working directory inside\n"
"  --user USER[:GROUP]   names of the root's /etc/passwd, or numbers\n"
"  --hostname NAME\n"
"  --cpus N              virtual CPUs, 1 to 64\n"
"  --memory SIZE         limit of resident memory, e.g. 512m\n"
"  --pids N              processes and threads at once (4096; 0: as many as the host lets)\n"
"  --no-network          (the network is off by default)\n"
"  --strace[=FILE]       decoded system calls to FILE or stderr\n"
"  --stats[=FILE]        work done, at the end, to FILE (JSON if named .json) or stderr\n"
"  --help                this text\n";

/* Each process is one of the host's, too, with three descriptors of the
 * sandbox's: a program that forks without end gets EAGAIN long before either
 * runs out. */
#define PIDS_DEFAULT 4096u
#define PIDS_MAX 30000u

enum { TAKES_NONE, TAKES_VALUE, TAKES_OPTIONAL };
enum option_id { OPT_RW, OPT_RO, OPT_TMPFS, OPT_HIDE, OPT_ENV, OPT_CLEAR_ENV, OPT_CWD, OPT_USER,
		 OPT_HOSTNAME, OPT_CPUS, OPT_MEMORY, OPT_PIDS, OPT_NO_NETWORK, OPT_STRACE, OPT_STATS,
		 OPT_HELP, OPT_DEBUG };

static const struct { const char *name; uint8_t takes; } option_table[] = {
	[OPT_RW] = { "rw", TAKES_VALUE }, [OPT_RO] = { "ro", TAKES_VALUE },
	[OPT_TMPFS] = { "tmpfs", TAKES_VALUE }, [OPT_HIDE] = { "hide", TAKES_VALUE },
	[OPT_ENV] = { "env", TAKES_VALUE }, [OPT_CLEAR_ENV] = { "clear-env", TAKES_NONE },
	[OPT_CWD] = { "cwd", TAKES_VALUE }, [OPT_USER] = { "user", TAKES_VALUE },
	[OPT_HOSTNAME] = { "hostname", TAKES_VALUE }, [OPT_CPUS] = { "cpus", TAKES_VALUE },
	[OPT_MEMORY] = { "memory", TAKES_VALUE }, [OPT_PIDS] = { "pids", TAKES_VALUE },
	[OPT_NO_NETWORK] = { "no-network", TAKES_NONE },
	[OPT_STRACE] = { "strace", TAKES_OPTIONAL }, [OPT_STATS] = { "stats", TAKES_OPTIONAL },
	[OPT_HELP] = { "help", TAKES_NONE },
	[OPT_DEBUG] = { "debug", TAKES_NONE },  /* names forbidden host calls; for our own bugs */
};

void *must(void *p)
{
	if (!p) {
		fputs("nacre: out of memory\n", stderr);
		exit(LAUNCH_FAILED);
	}
	return p;
}

char *path_absolute(const char *base, const char *path)
{
	char *joined, *out, *part, *save = NULL;
	size_t n = 0;

	if (path[0] == '/')
		base = "";
	joined = must(malloc(strlen(base) + strlen(path) + 2));
	sprintf(joined, "%s/%s", base, path);
	out = must(malloc(strlen(joined) + 2));
	for (part = strtok_r(joined, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (!strcmp(part, "."))
			continue;
		if (!strcmp(part, "..")) {
			while (n && out[--n] != '/')
				;
			continue;
		}
		out[n++] = '/';
		memcpy(out + n, part, strlen(part));
		n += strlen(part);
	}
	if (!n)
		out[n++] = '/';
	out[n] = 0;
	free(joined);
	return out;
}

void env_set(struct options *o, const char *assignment)
{
	size_t name = strcspn(assignment, "=") + 1, i;

	for (i = 0; i < o->env_count; i++)
		if (!strncmp(o->env[i], assignment, name))
			break;
	if (i == o->env_count) {
		o->env = must(realloc(o->env, (o->env_count + 2) * sizeof(*o->env)));
		o->env[++o->env_count] = NULL;
	}
	o->env[i] = must(strdup(assignment));
}

const char *env_get(const struct options *o, const char *name)
{
	size_t n = strlen(name), i;

	for (i = 0; i < o->env_count; i++)
		if (!strncmp(o->env[i], name, n) && o->env[i][n] == '=')
			return o->env[i] + n + 1;
	return NULL;
}

bool size_parse(const char *text, uint64_t *ret)
{
	static const char units[] = "kmgt";
	unsigned long long n;
	const char *u;
	char *end;
	unsigned shift = 0;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (*end) {
		u = strchr(units, *end | 0x20);
		if (u) {
			shift = 10 * (unsigned)(u - units + 1);
			end++;
			if (*end == 'i' && (end[1] | 0x20) == 'b')
				end++;
		}
		if ((*end | 0x20) == 'b')
			end++;
		if (*end)
			return false;
	}
	if (n > UINT64_MAX >> shift)
		return false;
	*ret = (uint64_t)n << shift;
	return true;
}

static int bad(const char *option, const char *value, const char *why)
{
	fprintf(stderr, "nacre: --%s %s: %s\n", option, value, why);
	return -EINVAL;
}

static struct launch_mount *mount_add(struct options *o, uint32_t kind)
{
	struct launch *l = &o->launch;

	/* Room for the root and the kernel's own file systems stays. */
	if (l->mount_count >= LAUNCH_MOUNTS_MAX - 8) {
		fprintf(stderr, "nacre: too many mounts (at most %d)\n", LAUNCH_MOUNTS_MAX - 8);
		return NULL;
	}
	l->mounts[l->mount_count] = (struct launch_mount){ .kind = kind };
	return &l->mounts[l->mount_count++];
}

static int add_share(struct options *o, const char *option, const char *value, bool readonly)
{
	struct launch_mount *m = mount_add(o, BOOT_MOUNT_HOST);
	char *source = must(strdup(value)), *colon = strchr(source, ':'), *real;
	struct stat st;

	if (!m)
		return -EINVAL;
	if (colon)
		*colon++ = 0;
	real = realpath(source, NULL);
	if (!real || stat(real, &st))
		return bad(option, source, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return bad(option, source, "not a directory");
	if (colon && *colon != '/')
		return bad(option, value, "the path inside must be absolute");
	m->readonly = readonly;
	m->source = real;
	m->target = colon ? path_absolute("/", colon) : path_absolute("/", real);
	if (!strcmp(m->target, "/"))
		return bad(option, value, "this would replace the root; use `nacre run`");
	free(source);
	return 0;
}

static int add_inside(struct options *o, const char *option, const char *value, uint32_t kind,
		      const char *base)
{
	struct launch_mount *m = mount_add(o, kind);

	if (!m)
		return -EINVAL;
	m->target = path_absolute(base, value);
	if (kind == BOOT_MOUNT_TMPFS)
		m->mode = 01777;        /* for whoever runs inside, as /tmp */
	if (!strcmp(m->target, "/"))
		return bad(option, value, "not over the root");
	return 0;
}

static int set_env(struct options *o, const char *value)
{
	const char *v;
	char *both;

	if (!*value || *value == '=')
		return bad("env", value, "NAME or NAME=VALUE expected");
	if (strchr(value, '=')) {
		env_set(o, value);
		return 0;
	}
	v = getenv(value);
	if (!v)
		return 0;               /* as other container tools: absent stays absent */
	both = must(malloc(strlen(value) + strlen(v) + 2));
	sprintf(both, "%s=%s", value, v);
	env_set(o, both);
	free(both);
	return 0;
}

static int apply(struct options *o, enum option_id id, const char *value, const char *base)
{
	const char *name = option_table[id].name;
	char *end;
	unsigned long n;
	size_t i;

	switch (id) {
	case OPT_RW:
		return add_share(o, name, value, false);
	case OPT_RO:
		return add_share(o, name, value, true);
	case OPT_TMPFS:
		return add_inside(o, name, value, BOOT_MOUNT_TMPFS, base);
	case OPT_HIDE:
		return add_inside(o, name, value, BOOT_MOUNT_HIDE, base);
	case OPT_ENV:
		return set_env(o, value);
	case OPT_CLEAR_ENV:
		o->env_count = 0;
		if (o->env)
			o->env[0] = NULL;
		return 0;
	case OPT_CWD:
		o->cwd = path_absolute(base, value);
		return 0;
	case OPT_USER:
		o->user = value;
		return 0;
	case OPT_HOSTNAME:
		n = strlen(value);
		for (i = 0; i < n; i++)
			if ((unsigned char)value[i] <= ' ' || value[i] == '/' || value[i] == 127)
				break;
		if (!n || n > 64 || i < n)
			return bad(name, value, "1 to 64 characters without blanks expected");
		o->launch.hostname = value;
		return 0;
	case OPT_CPUS:
		errno = 0;
		n = strtoul(value, &end, 10);
		if (errno || *end || value[0] < '0' || value[0] > '9' || n < 1 || n > 64)
			return bad(name, value, "1 to 64 expected");
		o->launch.cpu_count = (unsigned)n;
		return 0;
	case OPT_MEMORY:
		if (!size_parse(value, &o->launch.memory_limit))
			return bad(name, value, "a size like 512m or 2g expected");
		if (o->launch.memory_limit < 4u << 20)
			return bad(name, value, "less than 4m leaves no room for any program");
		return 0;
	case OPT_PIDS:
		errno = 0;
		n = strtoul(value, &end, 10);
		if (errno || *end || value[0] < '0' || value[0] > '9' || n > PIDS_MAX)
			return bad(name, value, "0 to 30000 expected");
		o->launch.pids_limit = (uint32_t)n;
		return 0;
	case OPT_STRACE:
		o->launch.strace = true;
		o->launch.strace_file = value;
		return 0;
	case OPT_STATS:
		o->launch.stats = true;
		o->launch.stats_file = value;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	case OPT_DEBUG:
		isolate_debug = true;
		return 0;
	case OPT_NO_NETWORK:
		return 0;
	}
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, int first, bool pass_env,
		  const char *base)
{
	extern char **environ;
	const char *arg, *value;
	size_t len, id;
	char **e;
	int i, err;

	*o = (struct options){ .launch.pids_limit = PIDS_DEFAULT };
	o->env = must(calloc(1, sizeof(*o->env)));
	for (e = environ; pass_env && e && *e; e++)
		if (strchr(*e, '='))
			env_set(o, *e);
	for (i = first; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		arg = argv[i];
		if (!strcmp(arg, "--")) {
			i++;
			break;
		}
		if (arg[1] == 'h' && !arg[2])
			arg = "--help";
		len = strcspn(arg + 1, "=");
		value = arg[1 + len] == '=' ? arg + len + 2 : NULL;
		for (id = 0; id < ARRAY_SIZE(option_table); id++)
			if (arg[1] == '-' && strlen(option_table[id].name) == len - 1 &&
			    !strncmp(arg + 2, option_table[id].name, len - 1))
				break;
		if (id == ARRAY_SIZE(option_table)) {
			fprintf(stderr, "nacre: unknown option %s; try `nacre %s --help`\n", arg, argv[1]);
			return -EINVAL;
		}
		if (value && option_table[id].takes == TAKES_NONE) {
			fprintf(stderr, "nacre: --%s takes no value\n", option_table[id].name);
			return -EINVAL;
		}
		if (!value && option_table[id].takes == TAKES_VALUE) {
			if (i + 1 >= argc) {
				fprintf(stderr, "nacre: --%s needs a value\n", option_table[id].name);
				return -EINVAL;
			}
			value = argv[++i];
		}
		err = apply(o, (enum option_id)id, value, base);
		if (err)
			return err;
	}
	o->next = i;
	return 0;
}
