/* SPDX-License-Identifier: Apache-2.0 */
/* options.h: the options that `do` and `run` share, as struct launch. */
#ifndef NACRE_RUNTIME_OPTIONS_H
#define NACRE_RUNTIME_OPTIONS_H

#include "host/monitor/launch.h"

struct options {
	struct launch launch;           /* mounts of options only; env, cwd, user unset */
	const char *user;               /* --user's text, or NULL */
	const char *cwd;
	char **env;                     /* built by env_ functions; NULL-terminated */
	size_t env_count;
	bool help;
	int next;                       /* index of the first argument after the options */
};

/* Parse argv[first..]; base is what relative inside paths start from.
 * 0 or -EINVAL with a line on stderr. */
int options_parse(struct options *o, int argc, char **argv, int first, bool pass_env,
		  const char *base);
/* Set NAME=VALUE, replacing an earlier one. */
void env_set(struct options *o, const char *assignment);
const char *env_get(const struct options *o, const char *name);
/* "512m" and the like; bytes. */
bool size_parse(const char *text, uint64_t *ret);
/* base and path joined, without "." and ".." components; malloc'd. */
char *path_absolute(const char *base, const char *path);
/* Out of memory in the CLI: says so and exits. */
void *must(void *p);

/* users.c: text is UID, UID:GID, NAME or NAME:GROUP, looked up beneath root. */
int user_lookup(const char *root, const char *text, uint32_t *ret_uid, uint32_t *ret_gid,
		char **ret_home);

int cmd_do(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_stats(int argc, char **argv);
extern struct launch_caller caller;     /* filled before a verb runs */
extern const char options_help[];

#endif
