/* table_cache.c - see table_cache.h. */
#include "sampler/table_cache.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "base/alloc.h"
#include "base/out.h"

#define CACHE_BYTES_MAX (256u << 20)
#define HEAD_BYTES 4096
#define SUFFIX ".table"
#define NAME_BYTES (2 * FT_BUILD_ID_MAX + 32)
#define FRESH_S (24 * 3600) /* a use is noted at most that often */

struct ft_table_cache {
	int folder_fd;
	u64 bytes_max;
	uid_t user;
	bool stored;
	u8 maker[FT_TABLE_MAKER_BYTES];
};

/* Our own build-id: a table made by another version is made anew. */
static int note_maker(struct dl_phdr_info *info, size_t size, void *maker)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const char *at = (const char *)info->dlpi_addr + p->p_vaddr;
		const char *end = at + p->p_memsz;

		while (p->p_type == PT_NOTE && (size_t)(end - at) > sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *note = (const void *)at;
			const char *name = at + sizeof(*note);
			const char *id = name + ((note->n_namesz + 3) & ~3u);
			u32 len = note->n_descsz;

			if (note->n_type == NT_GNU_BUILD_ID && !strcmp(name, ELF_NOTE_GNU))
				memcpy(maker, id,
				       len < FT_TABLE_MAKER_BYTES ? len : FT_TABLE_MAKER_BYTES);
			at = id + ((len + 3) & ~3u);
		}
	}
	return 1; /* the program itself comes first */
}

/* Opens the last part of a path as a folder that only we can write to. */
static int open_folder(const char *path, uid_t user)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) || st.st_uid != user || st.st_mode & (S_IWGRP | S_IWOTH))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct ft_table_cache *ft_table_cache_open(const char *folder, u64 bytes_max)
{
	struct ft_table_cache *cache;
	uid_t user = geteuid();
	int fd;

	mkdir(folder, 0700);
	fd = open_folder(folder, user);
	if (fd < 0)
		return NULL;
	cache = ft_alloc(sizeof(*cache));
	cache->folder_fd = fd;
	cache->bytes_max = bytes_max;
	cache->user = user;
	memcpy(cache->maker, FT_VERSION,
	       sizeof(FT_VERSION) < sizeof(cache->maker) ? sizeof(FT_VERSION)
							 : sizeof(cache->maker));
	dl_iterate_phdr(note_maker, cache->maker);
	return cache;
}

/*
 * The home folder. Under sudo $HOME may be another user's, who could then play tricks on us.
 */
static const char *home(uid_t user)
{
	const char *path = secure_getenv("HOME");
	const struct passwd *pw;
	struct stat st;

	if (path && path[0] == '/' && stat(path, &st) == 0 && st.st_uid == user)
		return path;
	pw = getpwuid(user);
	return pw ? pw->pw_dir : NULL;
}

struct ft_table_cache *ft_table_cache_open_home(void)
{
	const char *own = secure_getenv("FLAMETAP_CACHE"), *xdg = secure_getenv("XDG_CACHE_HOME");
	char path[PATH_MAX];
	const char *base;
	int n;

	if (own)
		return own[0] == '/' ? ft_table_cache_open(own, CACHE_BYTES_MAX) : NULL;
	if (xdg && xdg[0] == '/') {
		n = snprintf(path, sizeof(path), "%s", xdg);
	} else {
		base = home(geteuid());
		n = base ? snprintf(path, sizeof(path), "%s/.cache", base) : -1;
	}
	if (n < 0 || (size_t)n + sizeof("/flametap") > sizeof(path))
		return NULL;
	mkdir(path, 0700);
	memcpy(path + n, "/flametap", sizeof("/flametap"));
	return ft_table_cache_open(path, CACHE_BYTES_MAX);
}

/* Says whose table it is and how its file is called. False: it cannot be kept. */
static bool identify(const struct ft_table_cache *cache, const struct ft_module *module,
		     struct ft_table_key *key, char name[NAME_BYTES])
{
	u8 head[HEAD_BYTES];
	struct stat st;
	ssize_t n;
	int at = 0;

	if (!cache || module->fd < 0 || !module->build_id_len || fstat(module->fd, &st))
		return false;
	n = pread(module->fd, head, sizeof(head), 0);
	if (n <= 0)
		return false;
	memset(key, 0, sizeof(*key));
	key->file_bytes = (u64)st.st_size;
	key->file_head = (u32)crc32_z(0, head, (size_t)n);
	key->build_id_len = module->build_id_len;
	memcpy(key->build_id, module->build_id, module->build_id_len);
	memcpy(key->maker, cache->maker, sizeof(key->maker));
	for (u32 i = 0; i < module->build_id_len; i++)
		at += snprintf(name + at, NAME_BYTES - (size_t)at, "%02x", module->build_id[i]);
	if (st.st_uid != 0 && st.st_uid != cache->user)
		at += snprintf(name + at, NAME_BYTES - (size_t)at, "-%u", st.st_uid);
	snprintf(name + at, NAME_BYTES - (size_t)at, "%s", SUFFIX);
	return true;
}

/* Reads a whole file into a block from malloc. */
static int read_block(int fd, size_t bytes, void **block)
{
	char *data = ft_try_alloc_large(bytes);
	size_t done = 0;

	while (data && done < bytes) {
		ssize_t n = read(fd, data + done, bytes - done);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	if (done < bytes || !data) {
		free(data);
		return data ? -EIO : -ENOMEM;
	}
	*block = data;
	return 0;
}

/* Whether an open file is ours alone. */
static bool is_sound(const struct ft_table_cache *cache, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == cache->user &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH)) && st->st_nlink == 1 &&
	       st->st_size <= FT_TABLE_IMAGE_BYTES_MAX;
}

int ft_table_cache_load(struct ft_table_cache *cache, const struct ft_module *module,
			struct ft_table_image *image)
{
	char name[NAME_BYTES];
	struct ft_table_key key;
	struct stat st;
	void *block;
	int fd, code;

	if (!identify(cache, module, &key, name))
		return -ENOENT;
	/* O_NONBLOCK: a FIFO of that name must not make us wait. */
	fd = openat(cache->folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		code = -errno;
		if (code == -ELOOP)
			unlinkat(cache->folder_fd, name, 0);
		return code;
	}
	code = fstat(fd, &st) ? -errno : is_sound(cache, &st) ? 0 : -EPERM;
	if (!code)
		code = read_block(fd, (size_t)st.st_size, &block);
	if (!code) {
		code = ft_table_image_take(block, (size_t)st.st_size, &key, image);
		if (code)
			free(block);
	}
	if (!code && time(NULL) - st.st_mtime > FRESH_S)
		futimens(fd, NULL); /* the least recently used ones are removed first */
	close(fd);
	if (code == -EPERM || code == -EBADMSG || code == -ESTALE)
		unlinkat(cache->folder_fd, name, 0);
	return code;
}

void ft_table_cache_store(struct ft_table_cache *cache, const struct ft_module *module,
			  struct ft_table_image *image)
{
	char name[NAME_BYTES], path[NAME_BYTES + 32];
	struct ft_err err = {0};
	struct ft_table_key key;
	struct ft_out *out;
	struct stat st;

	if (!identify(cache, module, &key, name) || image->header->bytes > cache->bytes_max / 4)
		return;
	/* Something that is no file would be written to, and not replaced. */
	if (fstatat(cache->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (!S_ISREG(st.st_mode) || !is_sound(cache, &st)) && unlinkat(cache->folder_fd, name, 0))
		return;
	/* Below the folder that was checked, whatever its path leads to by now. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", cache->folder_fd, name);
	if (ft_out_open(path, &out, &err))
		return;
	ft_table_image_seal(image, &key);
	ft_out_bytes(out, image->header, image->header->bytes);
	/* With a lenient umask the file would be of no use. */
	if (ft_out_commit(out, &err) == 0)
		fchmodat(cache->folder_fd, name, 0600, 0);
	ft_out_close(out);
	__atomic_store_n(&cache->stored, true, __ATOMIC_RELAXED);
}

/* One of our files, as far as the name says. Of others we keep our hands off. */
static bool is_ours(const char *name)
{
	const char *dot = strchr(name[0] == '.' ? name + 1 : name, '.');
	const char *p = name[0] == '.' ? name + 1 : name;

	while (isxdigit((unsigned char)*p))
		p++;
	if (*p == '-')
		for (p++; isdigit((unsigned char)*p); p++)
			;
	if (p != dot || p - name < 2 || strncmp(dot, SUFFIX, strlen(SUFFIX)))
		return false;
	p = dot + strlen(SUFFIX);
	/* ".NAME.PID.tmp" is what a killed run leaves where files need names to be written. */
	if (name[0] != '.')
		return !*p;
	if (*p++ != '.')
		return false;
	while (isdigit((unsigned char)*p))
		p++;
	return !strcmp(p, ".tmp");
}

struct old_file {
	char name[NAME_BYTES + 32];
	s64 when_s;
	u64 bytes;
};

static int compare_age(const void *a, const void *b)
{
	const struct old_file *x = a, *y = b;

	return (x->when_s > y->when_s) - (x->when_s < y->when_s);
}

/* Lists our files. Their number, or a negative errno. */
static ssize_t list_files(DIR *dir, struct old_file **files, u64 *total)
{
	size_t count = 0, cap = 0;
	const struct dirent *entry;
	struct stat st;

	while ((entry = readdir(dir))) {
		struct old_file *f;

		if (!is_ours(entry->d_name) || strlen(entry->d_name) >= sizeof(f->name) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		if (FT_GROW(files, &cap, count + 1))
			return -ENOMEM;
		f = &(*files)[count++];
		memcpy(f->name, entry->d_name, strlen(entry->d_name) + 1);
		f->when_s = st.st_mtime;
		f->bytes = (u64)st.st_size;
		*total += f->bytes;
	}
	return (ssize_t)count;
}

/* Makes room, a quarter more than needed, so that the next runs have nothing to do. */
static void trim(struct ft_table_cache *cache)
{
	int fd = openat(cache->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct old_file *files = NULL;
	u64 total = 0;
	ssize_t count;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	count = list_files(dir, &files, &total);
	if (count > 0 && total > cache->bytes_max) {
		qsort(files, (size_t)count, sizeof(*files), compare_age);
		for (ssize_t i = 0; i < count && total > cache->bytes_max / 4 * 3; i++)
			if (unlinkat(cache->folder_fd, files[i].name, 0) == 0)
				total -= files[i].bytes;
	}
	free(files);
	closedir(dir);
}

void ft_table_cache_close(struct ft_table_cache *cache)
{
	if (!cache)
		return;
	if (cache->stored)
		trim(cache);
	close(cache->folder_fd);
	free(cache);
}
