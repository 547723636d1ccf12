/*
 * files.c - see files.h.
 *
 * The protocol is that of linux/fuse.h, without a library: requests are read from /dev/fuse, each
 * is answered at once. A file's text is made when it is opened and lives with that opening, so
 * readers do not disturb each other. Requests come from the kernel, names in them from anybody.
 */
#include "scriptlang/runtime/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"

#define WRITE_BYTES_MAX (64u << 10)
/* of a request: its heads, and what is written */
#define REQUEST_BYTES (WRITE_BYTES_MAX + 4096)
#define ATTRIBUTES_SECONDS 1

struct node {
	char *path; /* "" is the root; owned */
	u32 parent; /* index */
	bool is_folder, reads, writes;
	u32 mode;
};

/* A file that somebody has open. */
struct opening {
	bool used;
	char *text; /* owned */
	size_t len;
};

struct ft_files {
	struct ft_files_use use;
	struct node *nodes; /* inode number minus 1: the first is the root */
	size_t node_count, node_cap;
	struct opening *openings;
	size_t opening_count, opening_cap;
	char *request; /* REQUEST_BYTES */
	char where[512];
	bool mounted, made_folder;
	int fd;
};

int ft_files_new(const struct ft_files_use *use, struct ft_files **files)
{
	struct ft_files *f = ft_alloc(sizeof(*f));

	f->use = *use;
	f->fd = -1;
	f->request = malloc(REQUEST_BYTES);
	if (!f->request || FT_GROW(&f->nodes, &f->node_cap, 1)) {
		ft_files_close(f);
		return -ENOMEM;
	}
	f->nodes[f->node_count++] =
		(struct node){.path = ft_strdup(""), .is_folder = true, .mode = 0555};
	*files = f;
	return 0;
}

static struct node *find(const struct ft_files *f, const char *path, size_t len)
{
	for (size_t i = 0; i < f->node_count; i++)
		if (!strncmp(f->nodes[i].path, path, len) && !f->nodes[i].path[len])
			return &f->nodes[i];
	return NULL;
}

static int add_node(struct ft_files *f, const char *path, size_t len, u32 parent)
{
	char *copy = strndup(path, len);

	if (!copy || FT_GROW(&f->nodes, &f->node_cap, f->node_count + 1)) {
		free(copy);
		return -ENOMEM;
	}
	f->nodes[f->node_count++] = (struct node){.path = copy, .parent = parent};
	return 0;
}

int ft_files_add(struct ft_files *f, const char *path, bool reads, bool writes, u32 mode)
{
	u32 parent = 0;
	size_t len = 0;
	struct node *node = NULL;

	do {
		size_t part = strcspn(path + len + (len > 0), "/");
		bool is_last;

		len += part + (len > 0);
		is_last = !path[len];
		node = find(f, path, len);
		if (node && node->is_folder == is_last)
			return -EEXIST;
		if (!node && add_node(f, path, len, parent))
			return -ENOMEM;
		node = find(f, path, len);
		node->is_folder = !is_last;
		parent = (u32)(node - f->nodes);
		if (!is_last)
			node->mode = 0555;
	} while (path[len]);
	node->reads |= reads;
	node->writes |= writes;
	node->mode |= mode;
	return 0;
}

/* What is left of one that was killed goes first. */
static int make_folder(struct ft_files *f, struct ft_err *err)
{
	if (mkdir(FT_FILES_ROOT, 0755) && errno != EEXIST)
		return ft_err_set(err, -errno, "cannot make %s: %s", FT_FILES_ROOT,
				  strerror(errno));
	if (mkdir(f->where, 0755)) {
		if (errno != EEXIST)
			return ft_err_set(err, -errno, "cannot make %s: %s", f->where,
					  strerror(errno));
		if (!access(f->where, F_OK))
			return ft_err_set(err, -EEXIST,
					  "%s is there already: another script of that name runs; "
					  "choose one by -m",
					  f->where);
		umount2(f->where, MNT_DETACH);
	}
	f->made_folder = true;
	return 0;
}

int ft_files_mount(struct ft_files *f, const char *name, struct ft_err *err)
{
	char opts[128];
	int code;

	snprintf(f->where, sizeof(f->where), "%s/%s", FT_FILES_ROOT, name);
	f->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0)
		return ft_err_set(
			err, -errno,
			"files of a script are a FUSE file system: cannot open /dev/fuse: "
			"%s",
			strerror(errno));
	code = make_folder(f, err);
	if (code)
		return code;
	snprintf(opts, sizeof(opts),
		 "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other,default_permissions",
		 f->fd, geteuid(), getegid());
	if (mount("flametap", f->where, "fuse.flametap", MS_NOSUID | MS_NODEV | MS_NOEXEC, opts))
		return ft_err_set(err, -errno, "cannot mount the script's files at %s: %s%s",
				  f->where, strerror(errno),
				  errno == EPERM ? "; that wants CAP_SYS_ADMIN" : "");
	f->mounted = true;
	return 0;
}

int ft_files_fd(const struct ft_files *f)
{
	return f->fd;
}

void ft_files_close(struct ft_files *f)
{
	if (!f)
		return;
	if (f->mounted)
		umount2(f->where, MNT_DETACH);
	if (f->fd >= 0)
		close(f->fd);
	if (f->made_folder)
		rmdir(f->where);
	for (size_t i = 0; i < f->node_count; i++)
		free(f->nodes[i].path);
	for (size_t i = 0; i < f->opening_count; i++)
		free(f->openings[i].text);
	free(f->nodes);
	free(f->openings);
	free(f->request);
	free(f);
}

/* ---- answers ---- */

/* error: 0, or a negative errno. Who went away meanwhile gets none. */
static void answer(const struct ft_files *f, const struct fuse_in_header *in, int error,
		   const void *data, size_t len)
{
	struct fuse_out_header head = {
		.len = (u32)(sizeof(head) + len), .error = error, .unique = in->unique};
	struct iovec parts[] = {{.iov_base = &head, .iov_len = sizeof(head)},
				{.iov_base = (void *)data, .iov_len = len}};
	ssize_t written = writev(f->fd, parts, len ? 2 : 1);

	(void)written;
}

static void fill_attributes(const struct ft_files *f, const struct node *node,
			    struct fuse_attr *attr)
{
	*attr = (struct fuse_attr){.ino = (u64)(node - f->nodes) + 1,
				   .mode = node->mode | (node->is_folder ? S_IFDIR : S_IFREG),
				   .nlink = node->is_folder ? 2 : 1,
				   .uid = geteuid(),
				   .gid = getegid(),
				   .blksize = 4096};
}

static const char *last_name(const struct node *node)
{
	const char *slash = strrchr(node->path, '/');

	return slash ? slash + 1 : node->path;
}

static void look_up(const struct ft_files *f, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = {.entry_valid = ATTRIBUTES_SECONDS,
				     .attr_valid = ATTRIBUTES_SECONDS};

	for (size_t i = 1; i < f->node_count; i++) {
		const struct node *node = &f->nodes[i];

		if (node->parent + 1 != in->nodeid || strcmp(last_name(node), name) != 0)
			continue;
		out.nodeid = i + 1;
		fill_attributes(f, node, &out.attr);
		answer(f, in, 0, &out, sizeof(out));
		return;
	}
	answer(f, in, -ENOENT, NULL, 0);
}

static void get_attributes(const struct ft_files *f, const struct fuse_in_header *in,
			   const struct node *node)
{
	struct fuse_attr_out out = {.attr_valid = ATTRIBUTES_SECONDS};

	fill_attributes(f, node, &out.attr);
	answer(f, in, 0, &out, sizeof(out));
}

static void open_file(struct ft_files *f, const struct fuse_in_header *in, const struct node *node,
		      u32 flags)
{
	struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};
	u32 access = flags & O_ACCMODE;
	struct opening *opening;

	if ((access != O_WRONLY && !node->reads) || (access != O_RDONLY && !node->writes)) {
		answer(f, in, -EACCES, NULL, 0);
		return;
	}
	while (out.fh < f->opening_count && f->openings[out.fh].used)
		out.fh++;
	if (out.fh == f->opening_count &&
	    FT_GROW(&f->openings, &f->opening_cap, f->opening_count + 1)) {
		answer(f, in, -ENOMEM, NULL, 0);
		return;
	}
	opening = &f->openings[out.fh];
	if (out.fh == f->opening_count)
		f->opening_count++;
	*opening = (struct opening){.used = true};
	if (access != O_WRONLY)
		opening->text = f->use.read(f->use.context, node->path, &opening->len);
	answer(f, in, 0, &out, sizeof(out));
}

static struct opening *opening_of(const struct ft_files *f, u64 number)
{
	return number < f->opening_count && f->openings[number].used ? &f->openings[number] : NULL;
}

static void read_file(const struct ft_files *f, const struct fuse_in_header *in,
		      const struct fuse_read_in *want)
{
	const struct opening *opening = opening_of(f, want->fh);
	size_t left;

	if (!opening || want->offset >= opening->len) {
		answer(f, in, opening ? 0 : -EBADF, NULL, 0);
		return;
	}
	left = opening->len - want->offset;
	answer(f, in, 0, opening->text + want->offset, left < want->size ? left : want->size);
}

static void write_file(const struct ft_files *f, const struct fuse_in_header *in,
		       const struct node *node, const struct fuse_write_in *want, size_t room)
{
	struct fuse_write_out out = {.size = want->size};
	char *text = (char *)(want + 1), kept;

	if (want->size > room) {
		answer(f, in, -EINVAL, NULL, 0);
		return;
	}
	kept = text[want->size];
	text[want->size] = '\0';
	f->use.write(f->use.context, node->path, text, want->size);
	text[want->size] = kept;
	answer(f, in, 0, &out, sizeof(out));
}

static void release_file(const struct ft_files *f, const struct fuse_in_header *in, u64 number)
{
	struct opening *opening = opening_of(f, number);

	if (opening) {
		free(opening->text);
		*opening = (struct opening){0};
	}
	answer(f, in, 0, NULL, 0);
}

/* The entries from a number on: ".", "..", and what lies within. */
static void read_folder(const struct ft_files *f, const struct fuse_in_header *in,
			const struct node *folder, const struct fuse_read_in *want)
{
	u32 self = (u32)(folder - f->nodes);
	char *data = ft_try_alloc(want->size < WRITE_BYTES_MAX ? want->size : WRITE_BYTES_MAX, 1);
	size_t most = want->size < WRITE_BYTES_MAX ? want->size : WRITE_BYTES_MAX, len = 0;
	u64 number = 0;

	for (size_t i = 0; data && i < f->node_count + 2; i++) {
		const struct node *node = i < 2 ? folder : &f->nodes[i - 2];
		const char *name = i == 0 ? "." : i == 1 ? ".." : last_name(node);
		struct fuse_dirent head = {.namelen = (u32)strlen(name)};
		size_t bytes = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + head.namelen);

		if (i >= 2 && (i == 2 || node->parent != self))
			continue;
		if (number++ < want->offset)
			continue;
		if (len + bytes > most)
			break;
		head.ino = (u64)(node - f->nodes) + 1;
		head.off = number;
		head.type = (node->is_folder ? S_IFDIR : S_IFREG) >> 12;
		memcpy(data + len, &head, FUSE_NAME_OFFSET);
		memcpy(data + len + FUSE_NAME_OFFSET, name, head.namelen);
		len += bytes;
	}
	answer(f, in, data ? 0 : -ENOMEM, data, len);
	free(data);
}

static void begin(const struct ft_files *f, const struct fuse_in_header *in,
		  const struct fuse_init_in *want)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = want->max_readahead,
		.max_write = WRITE_BYTES_MAX,
		.time_gran = 1,
	};

	answer(f, in, want->major < 7 ? -EPROTO : 0, &out, sizeof(out));
}

/* Bytes that a kind of request has behind its head, at least; 0: it is not answered here. */
static size_t wanted_bytes(u32 opcode)
{
	switch (opcode) {
	case FUSE_INIT:
		return 16; /* later versions have more */
	case FUSE_OPEN:
		return sizeof(struct fuse_open_in);
	case FUSE_READ:
	case FUSE_READDIR:
		return sizeof(struct fuse_read_in);
	case FUSE_WRITE:
		return sizeof(struct fuse_write_in);
	case FUSE_RELEASE:
		return sizeof(struct fuse_release_in);
	default:
		return 0;
	}
}

static void serve_one(struct ft_files *f, const struct fuse_in_header *in, size_t len)
{
	const void *data = in + 1;
	const struct node *node =
		in->nodeid && in->nodeid <= f->node_count ? &f->nodes[in->nodeid - 1] : NULL;
	struct fuse_open_out folder = {0};
	struct fuse_statfs_out space = {.st = {.bsize = 4096, .namelen = 255}};

	if (in->opcode == FUSE_INIT && len - sizeof(*in) >= wanted_bytes(FUSE_INIT)) {
		begin(f, in, data);
		return;
	}
	if (len - sizeof(*in) < wanted_bytes(in->opcode) || !node) {
		if (in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET &&
		    in->opcode != FUSE_INTERRUPT && in->opcode != FUSE_DESTROY)
			answer(f, in, -ENOENT, NULL, 0);
		return;
	}
	switch (in->opcode) {
	case FUSE_LOOKUP:
		look_up(f, in, data);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR: /* "echo x > file" cuts it before */
		get_attributes(f, in, node);
		break;
	case FUSE_OPEN:
		open_file(f, in, node, ((const struct fuse_open_in *)data)->flags);
		break;
	case FUSE_READ:
		read_file(f, in, data);
		break;
	case FUSE_WRITE:
		write_file(f, in, node, data, len - sizeof(*in) - sizeof(struct fuse_write_in));
		break;
	case FUSE_RELEASE:
		release_file(f, in, ((const struct fuse_release_in *)data)->fh);
		break;
	case FUSE_OPENDIR:
		answer(f, in, 0, &folder, sizeof(folder));
		break;
	case FUSE_READDIR:
		read_folder(f, in, node, data);
		break;
	case FUSE_STATFS:
		answer(f, in, 0, &space, sizeof(space));
		break;
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_RELEASEDIR:
		answer(f, in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
	case FUSE_DESTROY:
		break;
	default:
		answer(f, in, -ENOSYS, NULL, 0);
	}
}

void ft_files_serve(struct ft_files *f)
{
	for (;;) {
		/* The byte behind it is for the NUL of what is written. */
		ssize_t len = read(f->fd, f->request, REQUEST_BYTES - 1);

		if (len < 0 && (errno == EINTR || errno == ENOENT))
			continue;
		if (len < (ssize_t)sizeof(struct fuse_in_header))
			return;
		f->request[len] = '\0';
		serve_one(f, (const struct fuse_in_header *)f->request, (size_t)len);
	}
}
