/* segments.c - see segments.h. */
#include "profile/segments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map64.h"

/* The first module of the profile that is this file, and one; 0: there is none. */
static u32 find(const struct ft_profile *profile, const struct ft_module *module)
{
	for (u32 i = 0; i < profile->module_count; i++) {
		const struct ft_profile_module *m = &profile->modules[i];

		if (m->build_id_len == module->build_id_len &&
		    !memcmp(m->build_id, module->build_id, m->build_id_len) &&
		    !strcmp(ft_strtab_str(profile->strings, m->path), module->path))
			return i + 1;
	}
	return 0;
}

/* What to add to offsets in a mapping that begins at offset. */
static u64 shift_at(const struct ft_module *module, u64 offset)
{
	const struct ft_elf_shift *best = NULL;

	for (u32 i = 0; i < module->shift_count; i++) {
		const struct ft_elf_shift *s = &module->shifts[i];

		if (s->offset <= offset && (!best || s->offset > best->offset))
			best = s;
	}
	return best ? best->shift : 0;
}

static int note(struct ft_profile *profile, u32 index, const struct ft_mapped *mapped, u64 shift)
{
	struct ft_profile_module module = profile->modules[index];
	bool first = !module.limit;

	module.start = mapped->offset + shift;
	module.limit = module.start + (mapped->end - mapped->start);
	module.offset = mapped->offset;
	if (!first)
		return ft_profile_module(profile, &module);
	profile->modules[index] = module;
	return 0;
}

int ft_segments_note(struct ft_profile *profile, const struct ft_raw *raw)
{
	u32 *index_of = ft_try_alloc((size_t)raw->module_count + 1, sizeof(*index_of));
	struct ft_map64 seen = {0}; /* pairs of a module and an offset */
	int code = index_of ? 0 : -ENOMEM;

	for (u32 i = 0; !code && i < raw->module_count; i++)
		if (raw->modules[i].kind == FT_MODULE_FILE)
			index_of[i] = find(profile, &raw->modules[i]);
	for (u32 i = 0; !code && i < raw->mapped_count; i++) {
		const struct ft_mapped *m = &raw->mapped[i];
		u64 *place;

		/* Archives may come from anywhere. */
		if (m->kind != FT_MAPPED_FILE || m->module >= raw->module_count ||
		    !index_of[m->module] || m->end <= m->start || m->offset >> 44)
			continue;
		place = ft_map64_at(&seen, (u64)index_of[m->module] << 32 | m->offset >> 12);
		if (!place)
			code = -ENOMEM;
		else if (!*place)
			code = note(profile, index_of[m->module] - 1, m,
				    shift_at(&raw->modules[m->module], m->offset));
		if (place)
			*place = 1;
	}
	ft_map64_fini(&seen);
	free(index_of);
	return code;
}
