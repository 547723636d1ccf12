/*
 * module_types.c - see module_types.h.
 *
 * A module's types refer to those of the kernel by number, and its own begin where the kernel's end
 * (split BTF: Documentation/bpf/btf.rst in the kernel's source); so do those of every other module.
 * What is known as a whole is one such split BTF: of a further module the types are appended, and
 * their numbers and places of names moved behind what is there. It becomes a new BTF each time; the
 * one before is kept, since names point into it.
 */
#include "scriptlang/sema/module_types.h"

#include <bpf/btf.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"

#define MODULES "/sys/kernel/btf"

struct ft_module_types {
	struct ft_module_types *before;
	struct btf *btf;    /* what was known then; owned */
	const char *module; /* that was added to it; in the arena */
};

/* How far numbers and names of a module move. */
struct move {
	u32 first_type, types; /* of its own; by how many */
	u32 first_name, name_bytes;
};

bool ft_module_has_types(const char *module)
{
	char path[sizeof(MODULES) + 100];

	return !strchr(module, '/') && strcmp(module, "vmlinux") != 0 &&
	       snprintf(path, sizeof(path), MODULES "/%s", module) < (int)sizeof(path) &&
	       !access(path, R_OK);
}

static bool is_added(const struct ft_compile *compile, const char *module)
{
	for (const struct ft_module_types *m = compile->module_types; m; m = m->before)
		if (!strcmp(m->module, module))
			return true;
	return false;
}

static void move_type(const struct move *move, u32 *id)
{
	if (*id >= move->first_type)
		*id += move->types;
}

static void move_name(const struct move *move, u32 *offset)
{
	if (*offset >= move->first_name)
		*offset += move->name_bytes;
}

/* Moves what a type refers to. What follows it; NULL: this is none that is known. */
static void *move_one(const struct move *move, struct btf_type *t)
{
	u32 count = btf_vlen(t);
	void *behind = t + 1;

	move_name(move, &t->name_off);
	if (btf_is_ptr(t) || btf_is_mod(t) || btf_is_typedef(t) || btf_is_func(t) ||
	    btf_is_func_proto(t) || btf_is_var(t) || btf_is_decl_tag(t) || btf_is_type_tag(t))
		move_type(move, &t->type);
	switch (btf_kind(t)) {
	case BTF_KIND_ARRAY:
		move_type(move, &btf_array(t)->type);
		move_type(move, &btf_array(t)->index_type);
		return btf_array(t) + 1;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (u32 i = 0; i < count; i++) {
			move_name(move, &btf_members(t)[i].name_off);
			move_type(move, &btf_members(t)[i].type);
		}
		return btf_members(t) + count;
	case BTF_KIND_ENUM:
		for (u32 i = 0; i < count; i++)
			move_name(move, &btf_enum(t)[i].name_off);
		return btf_enum(t) + count;
	case BTF_KIND_ENUM64:
		for (u32 i = 0; i < count; i++)
			move_name(move, &btf_enum64(t)[i].name_off);
		return btf_enum64(t) + count;
	case BTF_KIND_FUNC_PROTO:
		for (u32 i = 0; i < count; i++) {
			move_name(move, &btf_params(t)[i].name_off);
			move_type(move, &btf_params(t)[i].type);
		}
		return btf_params(t) + count;
	case BTF_KIND_DATASEC:
		for (u32 i = 0; i < count; i++)
			move_type(move, &btf_var_secinfos(t)[i].type);
		return btf_var_secinfos(t) + count;
	case BTF_KIND_INT:
		return (u32 *)behind + 1;
	case BTF_KIND_VAR:
		return btf_var(t) + 1;
	case BTF_KIND_DECL_TAG:
		return btf_decl_tag(t) + 1;
	default:
		return btf_kind(t) <= BTF_KIND_ENUM64 ? behind : NULL;
	}
}

static const struct btf_header *header_of(const struct btf *btf)
{
	u32 size;

	return btf__raw_data(btf, &size);
}

/* libbpf 1.1 exports no function that takes a split BTF out of memory. */
static struct btf *parse(const void *data, size_t size, const struct btf *kernel)
{
	int file = memfd_create("types", MFD_CLOEXEC);
	struct btf *btf = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (file >= 0 && write(file, data, size) == (ssize_t)size)
		btf = btf__parse_raw_split(path, (struct btf *)kernel);
	if (file >= 0)
		close(file);
	return btf;
}

/* Both as one BTF on the kernel's; NULL: there is no memory, or a type that is not known. */
static struct btf *join(const struct btf *kernel, const struct btf *known, const struct btf *more)
{
	const struct btf_header *base = header_of(kernel), *a = header_of(known),
				*b = header_of(more);
	struct btf_header *whole;
	struct btf *joined = NULL;
	struct move move;
	char *types, *names, *end;
	size_t size;

	if (!base || !a || !b)
		return NULL;
	move = (struct move){.first_type = btf__type_cnt(kernel),
			     .types = btf__type_cnt(known) - btf__type_cnt(kernel),
			     .first_name = base->str_len,
			     .name_bytes = a->str_len};
	/* the loader of such data wants types at multiples of 4 bytes, which their sizes are */
	size = sizeof(*whole) + (size_t)a->type_len + b->type_len + a->str_len + b->str_len;
	whole = calloc(1, size);
	if (!whole)
		return NULL;
	*whole = (struct btf_header){.magic = a->magic,
				     .version = a->version,
				     .hdr_len = sizeof(*whole),
				     .type_len = a->type_len + b->type_len,
				     .str_off = a->type_len + b->type_len,
				     .str_len = a->str_len + b->str_len};
	types = (char *)(whole + 1);
	names = types + whole->str_off;
	memcpy(types, (const char *)a + a->hdr_len + a->type_off, a->type_len);
	memcpy(types + a->type_len, (const char *)b + b->hdr_len + b->type_off, b->type_len);
	memcpy(names, (const char *)a + a->hdr_len + a->str_off, a->str_len);
	memcpy(names + a->str_len, (const char *)b + b->hdr_len + b->str_off, b->str_len);
	end = types + whole->type_len;
	types += a->type_len;
	/* libbpf has checked that they end where the types do */
	while (types && types < end)
		types = move_one(&move, (struct btf_type *)types);
	if (types)
		joined = parse(whole, size, kernel);
	free(whole);
	return joined;
}

/* What the types of one module are read on: the kernel's alone. */
static struct btf *kernel_types(const struct ft_compile *compile)
{
	return compile->btf_base ? compile->btf_base : compile->btf;
}

/* Adds the types of a module to what is known. Owns own. */
static bool take(struct ft_compile *compile, struct btf *own, const char *module)
{
	struct ft_module_types *m = FT_ARENA_NEW(compile->arena, struct ft_module_types);
	const char *name = ft_arena_copy(compile->arena, module, strlen(module));
	struct btf *whole = own;

	if (compile->module_types) {
		whole = join(compile->btf_base, compile->btf, own);
		btf__free(own);
	}
	if (!m || !name || !whole) {
		btf__free(whole);
		return false;
	}
	*m = (struct ft_module_types){.before = compile->module_types, .module = name};
	if (compile->module_types)
		m->btf = compile->btf;
	else
		compile->btf_base = compile->btf;
	compile->btf = whole;
	compile->module_types = m;
	return true;
}

void ft_module_add_types(struct ft_compile *compile, const char *module)
{
	struct btf *own;

	if (!compile->btf || !ft_module_has_types(module) || is_added(compile, module))
		return;
	own = btf__load_module_btf(module, kernel_types(compile));
	if (own)
		take(compile, own, module);
}

/* Whether a module has a type of its own of that name. */
static bool has_own(const struct ft_compile *compile, const struct btf *own, const char *type)
{
	for (u32 id = btf__type_cnt(kernel_types(compile)); id < btf__type_cnt(own); id++) {
		const char *name = btf__name_by_offset(own, btf__type_by_id(own, id)->name_off);

		if (name && !strcmp(name, type))
			return true;
	}
	return false;
}

bool ft_module_add_types_of_event(struct ft_compile *compile, const char *event)
{
	DIR *modules = compile->btf ? opendir(MODULES) : NULL;
	const struct dirent *entry;
	char type[160];
	bool found = false;

	snprintf(type, sizeof(type), "btf_trace_%s", event);
	while (modules && !found && (entry = readdir(modules))) {
		const char *name = entry->d_name;
		struct btf *own;

		if (name[0] == '.' || !ft_module_has_types(name) || is_added(compile, name))
			continue;
		own = btf__load_module_btf(name, kernel_types(compile));
		if (own && has_own(compile, own, type))
			found = take(compile, own, name);
		else
			btf__free(own);
	}
	if (modules)
		closedir(modules);
	return found;
}

/* ---- by name ---- */

#define KEPT_BITS 10

struct ft_type_names {
	struct {
		const char *name; /* in the arena; NULL: nothing is here */
		u32 kind;
		s32 id;
		const struct btf *btf; /* that it was looked for in */
	} kept[1u << KEPT_BITS];
};

s32 ft_types_find(struct ft_compile *compile, const char *name, u32 kind)
{
	u64 hash = ft_hash_word(ft_hash_bytes(name, strlen(name)) ^ kind);
	struct ft_type_names *names = compile->type_names;
	u32 at = (u32)(hash >> (64 - KEPT_BITS));
	s32 id;

	if (!compile->btf)
		return 0;
	if (!names)
		names = compile->type_names = FT_ARENA_NEW(compile->arena, struct ft_type_names);
	/* what is not there may have come with another module */
	if (names && names->kept[at].name && names->kept[at].kind == kind &&
	    !strcmp(names->kept[at].name, name) &&
	    (names->kept[at].id || names->kept[at].btf == compile->btf))
		return names->kept[at].id;
	id = btf__find_by_name_kind(compile->btf, name, kind);
	if (id < 0)
		id = 0;
	if (names) {
		names->kept[at].name = ft_arena_copy(compile->arena, name, strlen(name));
		names->kept[at].kind = kind;
		names->kept[at].id = id;
		names->kept[at].btf = compile->btf;
	}
	return id;
}

static bool has_enumerator(const struct btf *btf, const struct btf_type *t, const char *name,
			   s64 *value)
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		u32 at = btf_is_enum(t) ? btf_enum(t)[i].name_off : btf_enum64(t)[i].name_off;
		const char *one = btf__name_by_offset(btf, at);

		if (!one || strcmp(one, name) != 0)
			continue;
		if (!btf_is_enum(t))
			*value = (s64)btf_enum64_value(&btf_enum64(t)[i]);
		else
			*value = btf_kflag(t) ? btf_enum(t)[i].val : (s64)(u32)btf_enum(t)[i].val;
		return true;
	}
	return false;
}

bool ft_types_enumerator(const struct ft_compile *compile, const char *name, s64 *value)
{
	for (u32 id = 1; compile->btf && id < btf__type_cnt(compile->btf); id++) {
		const struct btf_type *t = btf__type_by_id(compile->btf, id);

		if (btf_is_any_enum(t) && has_enumerator(compile->btf, t, name, value))
			return true;
	}
	return false;
}

void ft_module_types_free(struct ft_compile *compile)
{
	for (struct ft_module_types *m = compile->module_types; m; m = m->before)
		btf__free(m->btf);
	compile->module_types = NULL;
}
