/* shape.c - see shape.h: types of the kernel. */
#include "scriptlang/sema/shape.h"

#include <bpf/btf.h>
#include <string.h>

#include "scriptlang/user/user_type.h"

static const struct btf_type *strip(const struct ft_compile *compile, s32 id)
{
	const struct btf_type *t = btf__type_by_id(compile->btf, (u32)id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t)))
		t = btf__type_by_id(compile->btf, t->type);
	return t;
}

static bool is_char(const struct ft_compile *compile, const struct btf_type *t)
{
	const char *name = btf__name_by_offset(compile->btf, t->name_off);

	return name && !strcmp(name, "char");
}

void ft_shape_of(struct ft_compile *compile, s32 id, struct ft_shape *shape)
{
	const struct btf_type *t;

	*shape = (struct ft_shape){.kind = FT_SHAPE_OTHER};
	if (id >= FT_USER_TYPE) {
		ft_user_shape_of(compile, id, shape);
		return;
	}
	t = id && compile->btf ? strip(compile, id) : NULL;
	if (!t)
		return;
	if (btf_is_ptr(t)) {
		shape->kind = FT_SHAPE_POINTER;
		shape->inner = (s32)t->type;
	} else if (btf_is_composite(t)) {
		shape->kind = FT_SHAPE_STRUCTURE;
		shape->is_union = btf_is_union(t);
	} else if (btf_is_func_proto(t)) {
		shape->is_function = true;
	} else if (btf_is_array(t)) {
		shape->kind = FT_SHAPE_ARRAY;
		shape->inner = (s32)btf_array(t)->type;
		shape->counts[0] = btf_array(t)->nelems;
		shape->dimensions = 1;
	} else if (btf_is_int(t) && t->size <= 8) {
		shape->kind = FT_SHAPE_NUMBER;
		shape->is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
		shape->is_char = is_char(compile, t);
		shape->char_bytes = 1;
	} else if (btf_is_any_enum(t)) {
		shape->kind = FT_SHAPE_ENUM;
	}
}

bool ft_shape_member(struct ft_compile *compile, s32 id, u32 number, struct ft_shape_member *member)
{
	const struct btf_type *t;
	const struct btf_member *m;

	if (id >= FT_USER_TYPE)
		return ft_user_shape_member(compile, id, number, member);
	t = strip(compile, id);
	if (!t || !btf_is_composite(t) || number >= btf_vlen(t))
		return false;
	m = btf_members(t) + number;
	*member = (struct ft_shape_member){.name = btf__name_by_offset(compile->btf, m->name_off),
					   .type = (s32)m->type};
	if (member->name && !*member->name)
		member->name = NULL;
	return true;
}
