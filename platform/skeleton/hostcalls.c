/* SPDX-License-Identifier: Apache-2.0 */
/* hostcalls.c: the skeleton's half of hostcall.h: a machine without a host.
 *
 * A port sends each of these over its own channel and validates what comes
 * back before it returns; see platform/process/ for one that does. */
#include <hostcall.h>
#include <linux_abi/errno.h>

int hc_lookup(uint64_t dir, const char *name, size_t name_size, uint64_t *ret_node, struct hc_attr *ret_attr)
{ (void)dir; (void)name; (void)name_size; (void)ret_node; (void)ret_attr; return -ENOSYS; }
int hc_getattr(uint64_t node, struct hc_attr *ret_attr)
{ (void)node; (void)ret_attr; return -ENOSYS; }
int hc_setattr(uint64_t node, uint32_t mask, const struct hc_attr *attr, struct hc_attr *ret_attr)
{ (void)node; (void)mask; (void)attr; (void)ret_attr; return -ENOSYS; }
int hc_readlink(uint64_t node, char *buf, size_t size, size_t *ret_size)
{ (void)node; (void)buf; (void)size; (void)ret_size; return -ENOSYS; }
int hc_readdir(uint64_t dir, uint64_t cookie, void *buf, size_t size, size_t *ret_size, bool *ret_end)
{ (void)dir; (void)cookie; (void)buf; (void)size; (void)ret_size; (void)ret_end; return -ENOSYS; }
int hc_fetch(uint64_t dir, const char *names, size_t names_size, uint32_t flags, uint16_t files_ahead, uint16_t dirs_ahead, void *buf, size_t size, size_t *ret_size, uint64_t *ret_file)
{ (void)dir; (void)names; (void)names_size; (void)flags; (void)files_ahead; (void)dirs_ahead; (void)buf; (void)size; (void)ret_size; (void)ret_file; return -ENOSYS; }
int hc_open(uint64_t node, uint32_t flags, uint64_t *ret_file)
{ (void)node; (void)flags; (void)ret_file; return -ENOSYS; }
int hc_create(uint64_t dir, const char *name, size_t name_size, uint32_t mode, uint32_t uid, uint32_t gid, uint32_t open_flags, uint64_t *ret_node, struct hc_attr *ret_attr, uint64_t *ret_file)
{ (void)dir; (void)name; (void)name_size; (void)mode; (void)uid; (void)gid; (void)open_flags; (void)ret_node; (void)ret_attr; (void)ret_file; return -ENOSYS; }
int hc_mkdir(uint64_t dir, const char *name, size_t name_size, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t *ret_node, struct hc_attr *ret_attr)
{ (void)dir; (void)name; (void)name_size; (void)mode; (void)uid; (void)gid; (void)ret_node; (void)ret_attr; return -ENOSYS; }
int hc_mknod(uint64_t dir, const char *name, size_t name_size, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t *ret_node, struct hc_attr *ret_attr)
{ (void)dir; (void)name; (void)name_size; (void)mode; (void)uid; (void)gid; (void)ret_node; (void)ret_attr; return -ENOSYS; }
int hc_symlink(uint64_t dir, const char *name, size_t name_size, const char *target, size_t target_size, uint32_t uid, uint32_t gid, uint64_t *ret_node, struct hc_attr *ret_attr)
{ (void)dir; (void)name; (void)name_size; (void)target; (void)target_size; (void)uid; (void)gid; (void)ret_node; (void)ret_attr; return -ENOSYS; }
int hc_link(uint64_t node, uint64_t dir, const char *name, size_t name_size)
{ (void)node; (void)dir; (void)name; (void)name_size; return -ENOSYS; }
int hc_unlink(uint64_t dir, const char *name, size_t name_size, bool is_dir)
{ (void)dir; (void)name; (void)name_size; (void)is_dir; return -ENOSYS; }
int hc_rename(uint64_t olddir, const char *oldname, size_t oldname_size, uint64_t newdir, const char *newname, size_t newname_size, uint32_t flags)
{ (void)olddir; (void)oldname; (void)oldname_size; (void)newdir; (void)newname; (void)newname_size; (void)flags; return -ENOSYS; }
int hc_statfs(uint64_t node, struct hc_statfs *ret)
{ (void)node; (void)ret; return -ENOSYS; }
int hc_getxattr(uint64_t node, const char *name, void *buf, size_t size, size_t *ret_size)
{ (void)node; (void)name; (void)buf; (void)size; (void)ret_size; return -ENOSYS; }
int hc_setxattr(uint64_t node, const char *name, const void *value, size_t size, uint32_t flags)
{ (void)node; (void)name; (void)value; (void)size; (void)flags; return -ENOSYS; }
int hc_listxattr(uint64_t node, void *buf, size_t size, size_t *ret_size)
{ (void)node; (void)buf; (void)size; (void)ret_size; return -ENOSYS; }
void hc_forget(uint64_t node, bool lazily)
{ (void)node; (void)lazily; }
int hc_file_read(uint64_t file, uint64_t off, void *buf, size_t n, size_t *ret_n)
{ (void)file; (void)off; (void)buf; (void)n; (void)ret_n; return -ENOSYS; }
int hc_file_write(uint64_t file, uint64_t off, const void *buf, size_t n, size_t *ret_n)
{ (void)file; (void)off; (void)buf; (void)n; (void)ret_n; return -ENOSYS; }
int hc_file_getattr(uint64_t file, struct hc_attr *ret_attr)
{ (void)file; (void)ret_attr; return -ENOSYS; }
int hc_file_truncate(uint64_t file, uint64_t size)
{ (void)file; (void)size; return -ENOSYS; }
int hc_file_allocate(uint64_t file, uint32_t mode, uint64_t off, uint64_t n)
{ (void)file; (void)mode; (void)off; (void)n; return -ENOSYS; }
int hc_file_sync(uint64_t file, bool data_only)
{ (void)file; (void)data_only; return -ENOSYS; }
int hc_file_seek(uint64_t file, uint64_t off, bool data, uint64_t *ret)
{ (void)file; (void)off; (void)data; (void)ret; return -ENOSYS; }
void hc_file_close(uint64_t file)
{ (void)file; }
int hc_stream_read(uint32_t stream, void *buf, size_t n, size_t *ret_n)
{ (void)stream; (void)buf; (void)n; (void)ret_n; return -ENOSYS; }
int hc_stream_write(uint32_t stream, const void *buf, size_t n, size_t *ret_n)
{ (void)stream; (void)buf; (void)n; (void)ret_n; return -ENOSYS; }
uint32_t hc_stream_poll(uint32_t stream, uint32_t arm)
{ (void)stream; (void)arm; return HC_POLL_ERR; }
int hc_stream_seek(uint32_t stream, int64_t off, int whence, uint64_t *ret)
{ (void)stream; (void)off; (void)whence; (void)ret; return -ENOSYS; }
int hc_stream_getattr(uint32_t stream, struct hc_attr *ret_attr)
{ (void)stream; (void)ret_attr; return -ENOSYS; }
int hc_tty_size(uint16_t *ret_rows, uint16_t *ret_cols)
{ (void)ret_rows; (void)ret_cols; return -ENOSYS; }
