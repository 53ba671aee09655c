/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of a root file system, from its own etc/passwd and
 * etc/group.  Trust: the files are hostile (an image): they are opened without
 * leaving the root, and lines are bounded. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "runtime/options.h"

static FILE *open_inside(const char *root, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	struct stat st;
	FILE *f;

	if (dir < 0)
		return NULL;
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	close(dir);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return NULL;
	}
	f = fdopen(fd, "r");
	if (!f)
		close(fd);
	return f;
}

static bool number(const char *text, uint32_t *ret)
{
	unsigned long n;
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n >= UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* The line whose field 0 is name, or (name NULL) whose field 2 is id, split
 * into fields; false when there is none. */
static bool find_line(const char *root, const char *path, const char *name, uint32_t id,
		      char *line, size_t size, char *field[7])
{
	FILE *f = open_inside(root, path);
	uint32_t n;
	unsigned i;
	char *p;

	if (!f)
		return false;
	while (fgets(line, (int)size, f)) {
		p = line;
		p[strcspn(p, "\n")] = 0;
		for (i = 0; i < 7; i++)
			field[i] = strsep(&p, ":");
		if (!field[2] || !number(field[2], &n))
			continue;
		if (name ? !strcmp(field[0], name) : n == id) {
			fclose(f);
			return true;
		}
	}
	fclose(f);
	return false;
}

int user_lookup(const char *root, const char *text, uint32_t *ret_uid, uint32_t *ret_gid,
		char **ret_home)
{
	char line[1024], gline[1024], *field[7] = { NULL }, *gfield[7] = { NULL };
	char *user = must(strdup(text)), *group = strchr(user, ':');
	bool found;

	if (group)
		*group++ = 0;
	if (number(user, ret_uid)) {
		found = find_line(root, "etc/passwd", NULL, *ret_uid, line, sizeof(line), field);
	} else {
		found = find_line(root, "etc/passwd", user, 0, line, sizeof(line), field) &&
			number(field[2], ret_uid);
		if (!found) {
			fprintf(stderr, "nacre: --user %s: no such user in %s/etc/passwd\n", user,
				strcmp(root, "/") ? root : "");
			free(user);
			return -ENOENT;
		}
	}
	if (!found || !number(field[3], ret_gid))
		*ret_gid = *ret_uid;
	if (found && field[5] && ret_home)
		*ret_home = must(strdup(field[5]));
	if (group && !number(group, ret_gid) &&
	    (!find_line(root, "etc/group", group, 0, gline, sizeof(gline), gfield) ||
	     !number(gfield[2], ret_gid))) {
		fprintf(stderr, "nacre: --user %s: no such group\n", text);
		free(user);
		return -ENOENT;
	}
	free(user);
	return 0;
}
