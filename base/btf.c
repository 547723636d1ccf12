/* btf.c - see btf.h. */
#include "base/btf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define BTF_MAX_BYTES (256 * 1024 * 1024)
#define TYPE_BYTES_USUAL 20 /* of a kernel's types, on average a little more */

/* A structure that is looked for, by its name. */
struct wanted {
	const char *name;
	const struct btf_type *type; /* the first one of that name; NULL: not found */
};

/*
 * What is known so far. Types are of different lengths, and nothing says where they begin: they are
 * met one after the other, no further than somebody asks. What is wanted comes early.
 */
struct view {
	const char *types, *strings;
	u32 types_len, strings_len;
	u32 at; /* where the next type begins */
	bool damaged;
	u32 *offset_of; /* type id -> offset in types; of those met */
	u32 type_count;
	size_t cap;
	struct wanted *wanted;
	u32 wanted_count, missing;
};

/* Bytes of a type's description; 0 for a kind this reader does not know. */
static u32 type_bytes(const struct btf_type *t)
{
	u32 vlen = BTF_INFO_VLEN(t->info), extra;

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		extra = 4;
		break;
	case BTF_KIND_ARRAY:
		extra = sizeof(struct btf_array);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		extra = vlen * (u32)sizeof(struct btf_member);
		break;
	case BTF_KIND_ENUM:
		extra = vlen * (u32)sizeof(struct btf_enum);
		break;
	case BTF_KIND_FUNC_PROTO:
		extra = vlen * (u32)sizeof(struct btf_param);
		break;
	case BTF_KIND_DATASEC:
		extra = vlen * (u32)sizeof(struct btf_var_secinfo);
		break;
	case BTF_KIND_ENUM64:
		extra = vlen * 12; /* struct btf_enum64, since Linux 6.0 */
		break;
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		extra = 0;
		break;
	default:
		return 0;
	}
	return (u32)sizeof(*t) + extra;
}

static bool is_composite(const struct btf_type *t)
{
	u32 kind = t ? BTF_INFO_KIND(t->info) : 0;

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static const char *name_at(const struct view *view, u32 offset)
{
	return offset < view->strings_len ? view->strings + offset : "";
}

static void note_wanted(struct view *view, const struct btf_type *t)
{
	const char *name = name_at(view, t->name_off);

	for (u32 i = 0; i < view->wanted_count; i++) {
		struct wanted *w = &view->wanted[i];

		if (!w->type && !strcmp(w->name, name)) {
			w->type = t;
			view->missing--;
		}
	}
}

/* Meets the next type. False: there is none, or (damaged is set) it cannot be understood. */
static bool scan(struct view *view)
{
	const struct btf_type *t = (const void *)(view->types + view->at);
	u32 left = view->types_len - view->at, bytes;

	if (!left || view->damaged)
		return false;
	bytes = left < sizeof(*t) ? 0 : type_bytes(t);
	if (!bytes || bytes > left ||
	    FT_GROW_RAW(&view->offset_of, &view->cap, (size_t)view->type_count + 1)) {
		view->damaged = true;
		return false;
	}
	view->offset_of[view->type_count++] = view->at;
	if (is_composite(t))
		note_wanted(view, t);
	view->at += bytes;
	return true;
}

/* Finds the structures that are wanted. */
static int view_init(struct view *view, const char *data, size_t len)
{
	const struct btf_header *h = (const void *)data;

	if (len < sizeof(*h) || h->magic != BTF_MAGIC || h->version != BTF_VERSION ||
	    h->hdr_len < sizeof(*h) || (u64)h->hdr_len + h->type_off + h->type_len > len ||
	    (u64)h->hdr_len + h->str_off + h->str_len > len || h->str_len == 0 ||
	    (h->hdr_len + h->type_off) % sizeof(u32))
		return -EINVAL;
	view->types = data + h->hdr_len + h->type_off;
	view->types_len = h->type_len;
	view->strings = data + h->hdr_len + h->str_off;
	view->strings_len = h->str_len;
	if (view->strings[h->str_len - 1])
		return -EINVAL;
	view->type_count = 1; /* id 0 is void */
	if (FT_GROW_RAW(&view->offset_of, &view->cap, view->types_len / TYPE_BYTES_USUAL + 1))
		return -ENOMEM;
	while (view->missing && scan(view))
		;
	return view->damaged ? -EINVAL : 0;
}

static const struct btf_type *type_at(struct view *view, u32 id)
{
	while (id >= view->type_count && scan(view))
		;
	return id && id < view->type_count ? (const void *)(view->types + view->offset_of[id])
					   : NULL;
}

/* Follows typedefs and qualifiers. */
static const struct btf_type *type_strip(struct view *view, u32 id)
{
	const struct btf_type *t = type_at(view, id);

	for (int i = 0; t && i < 32; i++) {
		u32 kind = BTF_INFO_KIND(t->info);

		if (kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_CONST &&
		    kind != BTF_KIND_VOLATILE && kind != BTF_KIND_TYPE_TAG)
			return t;
		t = type_at(view, t->type);
	}
	return NULL;
}

/* Bit offset of a member, also within anonymous members; -1 if there is none. */
static s64 member_bits(struct view *view, const struct btf_type *t, const char *name, int depth)
{
	const struct btf_member *m = (const void *)(t + 1);

	for (u32 i = 0; i < BTF_INFO_VLEN(t->info); i++, m++) {
		u32 bits = BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset;
		const char *member = name_at(view, m->name_off);
		const struct btf_type *inner;
		s64 within;

		if (!strcmp(member, name))
			return bits;
		if (*member || depth == 0)
			continue;
		inner = type_strip(view, m->type);
		if (!is_composite(inner))
			continue;
		within = member_bits(view, inner, name, depth - 1);
		if (within >= 0)
			return bits + within;
	}
	return -1;
}

static int find_field(struct view *view, const struct btf_type *t, const struct ft_btf_field *field,
		      struct ft_err *err)
{
	s64 bits;

	if (!t)
		return ft_err_set(err, -ENOENT, "this kernel's BTF has no struct %s", field->type);
	if (!field->field) {
		*field->offset = t->size;
		return 0;
	}
	bits = member_bits(view, t, field->field, 4);
	if (bits < 0)
		return ft_err_set(err, -ENOENT, "this kernel's struct %s has no member %s",
				  field->type, field->field);
	*field->offset = (u32)(bits / 8);
	if (field->bit)
		*field->bit = (u32)(bits % 8);
	return 0;
}

/*
 * The file's bytes: mapped where the kernel can (since Linux 6.16), else read at once into
 * anonymous memory.
 */
static int load(const char *path, char **data, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	struct stat st;
	char *map;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_size <= 0 || st.st_size > BTF_MAX_BYTES) {
		close(fd);
		return -EINVAL;
	}
	*len = (size_t)st.st_size;
	map = mmap(NULL, *len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED) {
		map = mmap(NULL, *len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		while (map != MAP_FAILED && have < *len) {
			ssize_t n = read(fd, map + have, *len - have);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				break;
			have += (size_t)n;
		}
	}
	close(fd);
	if (map == MAP_FAILED)
		return -ENOMEM;
	*data = map;
	return 0;
}

static int no_file(const char *path, int code, struct ft_err *err)
{
	return ft_err_set(
		err, code,
		"cannot read %s: %s; a kernel built with CONFIG_DEBUG_INFO_BTF=y is needed "
		"(most distributions since 2021)",
		path, strerror(-code));
}

/* The structures of the fields, each once; those of one stand together as a rule. */
static u32 list_wanted(const struct ft_btf_field *fields, u32 count, struct wanted *wanted)
{
	u32 n = 0;

	for (u32 i = 0; i < count; i++)
		if (!i || strcmp(fields[i].type, fields[i - 1].type))
			wanted[n++] = (struct wanted){.name = fields[i].type};
	return n;
}

int ft_btf_find(const char *path, const struct ft_btf_field *fields, u32 count, struct ft_err *err)
{
	struct wanted *wanted = ft_try_alloc(count, sizeof(*wanted)), *next = wanted;
	struct view view = {.wanted = wanted};
	char *data = NULL;
	size_t len = 0;
	int code = wanted ? load(path, &data, &len) : -ENOMEM;

	if (code) {
		free(wanted);
		return no_file(path, code, err);
	}
	view.wanted_count = view.missing = list_wanted(fields, count, wanted);
	code = view_init(&view, data, len);
	for (u32 i = 0; i < count && !code; i++) {
		if (i && strcmp(fields[i].type, next->name))
			next++;
		code = find_field(&view, next->type, &fields[i], err);
	}
	code = view.damaged ? -EINVAL : code;
	if (code == -EINVAL || code == -ENOMEM)
		ft_err_set(err, code, "%s is not BTF as this version knows it", path);
	free(wanted);
	free(view.offset_of);
	munmap(data, len);
	return code;
}

/* The type that was met last, if it is one of those. */
static u32 note_typedef(const struct view *view, const char *const *names, u32 *ids, u32 count)
{
	u32 id = view->type_count - 1, found = 0;
	const struct btf_type *t = (const void *)(view->types + view->offset_of[id]);

	for (u32 i = 0; BTF_INFO_KIND(t->info) == BTF_KIND_TYPEDEF && i < count; i++)
		if (!ids[i] && !strcmp(names[i], name_at(view, t->name_off))) {
			ids[i] = id;
			found++;
		}
	return found;
}

int ft_btf_typedefs(const char *path, const char *const *names, u32 *ids, u32 count,
		    struct ft_err *err)
{
	struct view view = {.missing = 0};
	u32 found = 0;
	char *data = NULL;
	size_t len = 0;
	int code = load(path, &data, &len);

	if (code)
		return no_file(path, code, err);
	memset(ids, 0, count * sizeof(*ids));
	code = view_init(&view, data, len);
	while (!code && found < count && scan(&view))
		found += note_typedef(&view, names, ids, count);
	if (code || view.damaged)
		code = ft_err_set(err, code ? code : -EINVAL,
				  "%s is not BTF as this version knows it", path);
	for (u32 i = 0; i < count && !code; i++)
		if (!ids[i])
			code = ft_err_set(err, -ENOENT, "this kernel's BTF has no typedef %s",
					  names[i]);
	free(view.offset_of);
	munmap(data, len);
	return code;
}
