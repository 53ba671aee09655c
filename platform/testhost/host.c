/* SPDX-License-Identifier: Apache-2.0 */
/* host.c: the host of the fake machine: a read-only directory with one
 * executable per program, two output streams, an empty input. */
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <boot.h>
#include <hostcall.h>
#include "platform/testhost/testhost.h"

#define ROOT 1ul
#define NODE(i) (0x100ul + (i))
#define IMAGE_SIZE 4096ul

/* -- the directory -- */
static bool program_of(uint64_t node, unsigned *ret)
{
	*ret = (unsigned)(node - NODE(0));
	return node >= NODE(0) && *ret < testhost_program_count;
}

int hc_getattr(uint64_t node, struct hc_attr *a)
{
	unsigned i;

	if (testhost_fails())
		return -EIO;
	if (node != ROOT && !program_of(node, &i))
		return -ESTALE;
	*a = (struct hc_attr){ .dev = 1, .ino = node, .nlink = 1, .blksize = 4096, .size = node == ROOT ? 0 : IMAGE_SIZE,
			       .blocks = 8, .mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0755 };
	return 0;
}

int hc_lookup(uint64_t dir, const char *name, size_t n, uint64_t *ret_node, struct hc_attr *ret_attr)
{
	if (dir != ROOT)
		return -ENOTDIR;
	for (unsigned i = 0; i < testhost_program_count; i++)
		if (strlen(testhost_programs[i].name) == n && !memcmp(testhost_programs[i].name, name, n)) {
			*ret_node = NODE(i);
			return hc_getattr(NODE(i), ret_attr);
		}
	return -ENOENT;
}

int hc_open(uint64_t node, uint32_t flags, uint64_t *ret_file)
{
	unsigned i;

	if (testhost_fails())
		return -EMFILE;
	if (!program_of(node, &i) || flags & HC_OPEN_WRITE)
		return -EROFS;
	*ret_file = node;
	return 0;
}

int hc_file_read(uint64_t file, uint64_t off, void *buf, size_t n, size_t *ret_n)
{
	union { struct { Elf64_Ehdr e; Elf64_Phdr p; } h; uint8_t bytes[IMAGE_SIZE]; } f = { 0 };
	unsigned i;

	if (testhost_fails())
		return -EIO;
	if (!program_of(file, &i))
		return -EBADF;
	memcpy(f.h.e.e_ident, "\177ELF\2\1\1", 7);
	f.h.e.e_type = ET_EXEC;
	f.h.e.e_machine = EM_X86_64;
	f.h.e.e_version = 1;
	f.h.e.e_entry = U_PROGRAMS + 16ul * i;
	f.h.e.e_phoff = sizeof f.h.e;
	f.h.e.e_ehsize = sizeof f.h.e;
	f.h.e.e_phentsize = sizeof f.h.p;
	f.h.e.e_phnum = 1;
	f.h.p = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = U_BASE, .p_filesz = IMAGE_SIZE,
			      .p_memsz = IMAGE_SIZE, .p_align = 4096 };
	*ret_n = off >= IMAGE_SIZE ? 0 : MIN(n, IMAGE_SIZE - off);
	memcpy(buf, f.bytes + MIN(off, IMAGE_SIZE), *ret_n);
	return 0;
}

int hc_file_getattr(uint64_t file, struct hc_attr *ret_attr) { return hc_getattr(file, ret_attr); }
void hc_file_close(uint64_t file) { (void)file; }
void hc_forget(uint64_t node, bool lazily) { (void)node; (void)lazily; }

int hc_readdir(uint64_t dir, uint64_t cookie, void *buf, size_t size, size_t *ret_size, bool *ret_end)
{
	uint8_t *p = buf;

	if (dir != ROOT)
		return -ENOTDIR;
	for (; cookie < testhost_program_count; cookie++) {
		const char *name = testhost_programs[cookie].name;
		struct hc_dirent e = { .ino = NODE(cookie), .next_cookie = cookie + 1, .name_size = (uint16_t)strlen(name), .type = 8 };
		size_t n = align_up(sizeof e + e.name_size, 8);

		if (n > size)
			break;
		memset(p, 0, n);
		memcpy(p, &e, sizeof e);
		memcpy(p + sizeof e, name, e.name_size);
		p += n;
		size -= n;
	}
	*ret_size = (size_t)(p - (uint8_t *)buf);
	*ret_end = cookie == testhost_program_count;
	return 0;
}

/* A host that lies: each time in another way.  The framing is the platform's to
 * check (platform/process/hc_node.c), so here it may be wrong as well. */
static void lie(struct hc_fetched *e)
{
	static unsigned count;

	switch (__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED) % 8) {
	case 0: e->data_size = ~0u; break;
	case 1: e->attr.mode = 0xffffffff; break;
	case 2: e->flags = HC_FETCHED_LIST; e->attr.mode = S_IFDIR; break;
	case 3: e->err = 77; break;
	case 4: e->attr.mode = S_IFDIR; e->node = 0; break;
	case 5: e->attr.size = ~0ull; break;
	case 6: e->attr.size = 3; break;
	default: e->attr.ino ^= 1; e->data_size /= 2;
	}
}

/* Contents come as the gofer sends them: all are small. */
int hc_fetch(uint64_t dir, const char *names, size_t names_size, uint32_t flags, uint16_t files_ahead,
	     uint16_t dirs_ahead, void *buf, size_t size, size_t *ret_size, uint64_t *ret_file)
{
	struct hc_fetched e;
	size_t room = size;
	uint8_t *p = buf;

	(void)dirs_ahead;
	if (testhost_fails())
		return -EIO;
	*ret_file = 0;
	for (size_t at = 0; at < names_size && room >= sizeof e; at += strlen(names + at) + 1) {
		bool first = !at;
		size_t n = 0;
		uint64_t node;

		if (!names[at]) {
			memcpy(&dir, names + at + 1, sizeof dir);
			at += 1 + sizeof dir;
		}

		e = (struct hc_fetched){ 0 };
		e.err = hc_lookup(dir, names + at, strlen(names + at), &node, &e.attr);
		room -= sizeof e;
		if (!e.err && first && flags & HC_FETCH_FILE && !hc_open(node, HC_OPEN_READ, ret_file)) {
			e.flags = HC_FETCHED_FILE;
			e.node = node;
		} else if (!e.err && room >= IMAGE_SIZE && ((first && flags & HC_FETCH_OPEN) || files_ahead) &&
			   !hc_file_read(node, 0, p + sizeof e, IMAGE_SIZE, &n)) {
			files_ahead -= !(first && flags & HC_FETCH_OPEN);
			e.flags = HC_FETCHED_DATA;
			e.data_size = IMAGE_SIZE;
		}
		if (testhost_fails())
			lie(&e);
		memcpy(p, &e, sizeof e);
		p += sizeof e + n;
		room -= n;
	}
	*ret_size = size - room;
	return 0;
}

int hc_statfs(uint64_t node, struct hc_statfs *ret)
{
	(void)node;
	*ret = (struct hc_statfs){ .bsize = 4096, .namelen = 255 };
	return 0;
}

/* -- what a read-only directory refuses -- */
int hc_setattr(uint64_t n, uint32_t m, const struct hc_attr *a, struct hc_attr *r) { (void)n; (void)m; (void)a; (void)r; return -EROFS; }
int hc_readlink(uint64_t n, char *b, size_t s, size_t *r) { (void)n; (void)b; (void)s; (void)r; return -EINVAL; }
int hc_create(uint64_t d, const char *n, size_t s, uint32_t m, uint32_t u, uint32_t g, uint32_t f, uint64_t *rn, struct hc_attr *ra, uint64_t *rf)
{ (void)d; (void)n; (void)s; (void)m; (void)u; (void)g; (void)f; (void)rn; (void)ra; (void)rf; return -EROFS; }
int hc_mkdir(uint64_t d, const char *n, size_t s, uint32_t m, uint32_t u, uint32_t g, uint64_t *rn, struct hc_attr *ra)
{ (void)d; (void)n; (void)s; (void)m; (void)u; (void)g; (void)rn; (void)ra; return -EROFS; }
int hc_mknod(uint64_t d, const char *n, size_t s, uint32_t m, uint32_t u, uint32_t g, uint64_t *rn, struct hc_attr *ra)
{ (void)d; (void)n; (void)s; (void)m; (void)u; (void)g; (void)rn; (void)ra; return -EROFS; }
int hc_symlink(uint64_t d, const char *n, size_t s, const char *t, size_t ts, uint32_t u, uint32_t g, uint64_t *rn, struct hc_attr *ra)
{ (void)d; (void)n; (void)s; (void)t; (void)ts; (void)u; (void)g; (void)rn; (void)ra; return -EROFS; }
int hc_link(uint64_t n, uint64_t d, const char *m, size_t s) { (void)n; (void)d; (void)m; (void)s; return -EROFS; }
int hc_unlink(uint64_t d, const char *n, size_t s, bool is) { (void)d; (void)n; (void)s; (void)is; return -EROFS; }
int hc_rename(uint64_t a, const char *n, size_t s, uint64_t b, const char *m, size_t t, uint32_t f)
{ (void)a; (void)n; (void)s; (void)b; (void)m; (void)t; (void)f; return -EROFS; }
int hc_getxattr(uint64_t n, const char *m, void *b, size_t s, size_t *r) { (void)n; (void)m; (void)b; (void)s; (void)r; return -ENODATA; }
int hc_setxattr(uint64_t n, const char *m, const void *b, size_t s, uint32_t f) { (void)n; (void)m; (void)b; (void)s; (void)f; return -EROFS; }
int hc_listxattr(uint64_t n, void *b, size_t s, size_t *r) { (void)n; (void)b; (void)s; *r = 0; return 0; }
int hc_file_write(uint64_t f, uint64_t o, const void *b, size_t n, size_t *r) { (void)f; (void)o; (void)b; (void)n; (void)r; return -EBADF; }
int hc_file_truncate(uint64_t f, uint64_t s) { (void)f; (void)s; return -EBADF; }
int hc_file_allocate(uint64_t f, uint32_t m, uint64_t o, uint64_t n) { (void)f; (void)m; (void)o; (void)n; return -EBADF; }
int hc_file_sync(uint64_t f, bool d) { (void)f; (void)d; return 0; }
int hc_file_seek(uint64_t f, uint64_t o, bool d, uint64_t *r) { (void)f; (void)o; (void)d; (void)r; return -ENXIO; }

/* -- streams -- */
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;

int hc_stream_read(uint32_t s, void *b, size_t n, size_t *r) { (void)s; (void)b; (void)n; *r = 0; return 0; }

int hc_stream_write(uint32_t s, const void *b, size_t n, size_t *r)
{
	(void)s;
	pthread_mutex_lock(&out_lock);
	*r = MIN(n, testhost.out_size - testhost.out_used);
	memcpy(testhost.out + testhost.out_used, b, *r);
	testhost.out_used += *r;
	*r = n;
	pthread_mutex_unlock(&out_lock);
	return 0;
}

/* The lock stays: other CPUs may be writing still. */
void testhost_out_end(void)
{
	pthread_mutex_lock(&out_lock);
	fwrite(testhost.out, 1, testhost.out_used, stdout);
}

uint32_t hc_stream_poll(uint32_t s, uint32_t arm) { (void)arm; return s ? HC_POLL_OUT : HC_POLL_IN | HC_POLL_HUP; }
int hc_stream_seek(uint32_t s, int64_t o, int w, uint64_t *r) { (void)s; (void)o; (void)w; (void)r; return -ESPIPE; }
int hc_stream_getattr(uint32_t s, struct hc_attr *a) { (void)s; *a = (struct hc_attr){ .mode = S_IFIFO | 0600, .nlink = 1 }; return 0; }
int hc_tty_size(uint16_t *r, uint16_t *c) { (void)r; (void)c; return -ENOTTY; }

/* -- boot -- */
void testhost_boot(const char *name)
{
	static const struct boot_mount mounts[] = {
		{ .kind = BOOT_MOUNT_TMPFS, .target = "/", .size = 64ul << 20 },
		{ .kind = BOOT_MOUNT_HOST, .target = "/bin", .readonly = true, .hc_root = ROOT },
		{ .kind = BOOT_MOUNT_PROC, .target = "/proc" },
		{ .kind = BOOT_MOUNT_SYSFS, .target = "/sys" },
		{ .kind = BOOT_MOUNT_DEV, .target = "/dev" },
		{ .kind = BOOT_MOUNT_TMPFS, .target = "/tmp", .size = 16ul << 20, .mode = 01777 },
	};
	static char path[64];
	static const char *argv[] = { path, NULL }, *envp[] = { "PATH=/bin", NULL };
	static struct boot_params bp = {
		.version = BOOT_VERSION, .argv = argv, .envp = envp, .cwd = "/tmp", .hostname = "testhost",
		.mounts = mounts, .mount_count = ARRAY_SIZE(mounts), .nofile_limit = 256, .build_id = "testhost",
		.stdio = { BOOT_STDIO_NULL, BOOT_STDIO_STREAM, BOOT_STDIO_STREAM },
	};

	strcpy(path, "/bin/");
	strncat(path, name, sizeof path - 6);
	bp.cpu_count = testhost.cpus;
	bp.dense_cpus = (testhost.cpus + 1) / 2;
	testhost_cpu_begin();
	kernel_main(&bp);
}
