/* SPDX-License-Identifier: Apache-2.0 */
/* The name of a path, as getcwd(2) and /proc show it.  Locks: mount_lock and
 * dcache_lock over the way up. */
#include "kernel/vfs/internal.h"

char *path_name(const struct path *path, const struct path *root_in, char *buf, size_t size, int *ret_err)
{
	struct path p = *path, root;
	char *at = buf + size;
	bool deleted, unreachable = false;

	if (!path->dentry || !path->mnt || size < 2) {
		*ret_err = -ENOENT;
		return NULL;
	}
	if (root_in) {
		root = *root_in;
		path_get(&root);
	} else {
		fs_paths(&root, NULL);
	}
	*--at = 0;
	deleted = dentry_unhashed(p.dentry);
	*ret_err = -ENAMETOOLONG;
	if (deleted) {
		static const char mark[] = " (deleted)";

		if ((size_t)(at - buf) < sizeof(mark))
			goto fail;
		at -= sizeof(mark) - 1;
		memcpy(at, mark, sizeof(mark) - 1);
	}
	spin_lock(&mount_lock);
	spin_lock(&dcache_lock);
	if (path_equal(&p, &root) || (p.dentry == p.mnt->root && !p.mnt->parent)) {
		*--at = '/';
		unreachable = !path_equal(&p, &root) && root.mnt != p.mnt && p.mnt->ns;
	} else {
		while (!path_equal(&p, &root)) {
			if (p.dentry == p.mnt->root) {
				if (!p.mnt->parent) {
					unreachable = p.mnt->ns;
					break;
				}
				p = (struct path){ p.mnt->parent, p.mnt->point };
				continue;
			}
			if (p.dentry->parent == p.dentry) {
				unreachable = true;
				break;
			}
			if ((size_t)(at - buf) < (size_t)p.dentry->name_size + 1) {
				spin_unlock(&dcache_lock);
				spin_unlock(&mount_lock);
				goto fail;
			}
			at -= p.dentry->name_size;
			memcpy(at, p.dentry->name, p.dentry->name_size);
			*--at = '/';
			p.dentry = p.dentry->parent;
		}
		if (*at != '/') {
			if (at == buf) {
				spin_unlock(&dcache_lock);
				spin_unlock(&mount_lock);
				goto fail;
			}
			*--at = '/';
		}
	}
	spin_unlock(&dcache_lock);
	spin_unlock(&mount_lock);
	if (unreachable) {
		static const char mark[] = "(unreachable)";

		if ((size_t)(at - buf) < sizeof(mark))
			goto fail;
		at -= sizeof(mark) - 1;
		memcpy(at, mark, sizeof(mark) - 1);
	}
	path_put(&root);
	*ret_err = 0;
	return at;
fail:
	path_put(&root);
	return NULL;
}
