/* kept.c - names that come with a profile from where it was recorded, and those to go with it. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "profile/kept.h"
#include "symbolizer/source.h"

/* A string of one table in another; FT_STR_NONE when memory is exhausted. */
static u32 string_copy(struct ft_strtab *to, const struct ft_strtab *from, u32 id)
{
	return ft_strtab_add(to, ft_strtab_str(from, id), ft_strtab_len(from, id));
}

static int take_call(struct ft_sym *sym, const struct ft_kept *kept,
		     const struct ft_kept_frame *frame)
{
	struct ft_strtab *strings = sym->profile->strings;
	struct ft_call call = {.line = frame->line, .kind = frame->kind};

	call.name = string_copy(strings, kept->strings, frame->name);
	call.file = string_copy(strings, kept->strings, frame->file);
	if (call.name == FT_STR_NONE || call.file == FT_STR_NONE ||
	    FT_GROW_RAW(&sym->calls, &sym->call_cap, (size_t)sym->call_count + 1))
		return -ENOMEM;
	sym->calls[sym->call_count++] = call;
	return 0;
}

static int take(struct ft_sym *sym, const struct ft_kept *kept, struct ft_want *want)
{
	const struct ft_kept_place *place = &kept->places[want->location];
	struct ft_strtab *strings = sym->profile->strings;
	bool inlined = !sym->opts || !sym->opts->no_inline;

	want->name = string_copy(strings, kept->strings, place->function.name);
	want->module = string_copy(strings, kept->strings, place->module);
	want->file = string_copy(strings, kept->strings, place->function.file);
	if (want->name == FT_STR_NONE || want->module == FT_STR_NONE || want->file == FT_STR_NONE)
		return -ENOMEM;
	want->line = place->function.line;
	want->kind = place->function.kind;
	want->named = place->named;
	want->first = sym->call_count;
	want->inlined = inlined ? place->calls : 0;
	for (u32 i = 0; i < want->inlined; i++)
		if (take_call(sym, kept, &kept->calls[place->first + i]))
			return -ENOMEM;
	return 0;
}

int ft_kept_take(struct ft_sym *sym, struct ft_group *group, bool *done)
{
	const struct ft_kept *kept = sym->raw->kept;

	for (u32 i = 0; i < group->count; i++)
		if (!kept || group->wants[i].location >= kept->count ||
		    !kept->places[group->wants[i].location].known)
			return 0;
	*done = true;
	for (u32 i = 0; i < group->count; i++)
		if (take(sym, kept, &group->wants[i]))
			return -ENOMEM;
	return 0;
}

static int note_frame(const struct ft_strtab *strings, struct ft_kept *keep, u32 name, u32 file,
		      struct ft_kept_frame *frame)
{
	frame->name = string_copy(keep->strings, strings, name);
	frame->file = string_copy(keep->strings, strings, file);
	return frame->name == FT_STR_NONE || frame->file == FT_STR_NONE ? -ENOMEM : 0;
}

int ft_kept_note(const struct ft_sym *sym, const struct ft_want *want, struct ft_kept *keep)
{
	const struct ft_strtab *strings = sym->profile->strings;
	struct ft_kept_place place = {
		.function = {.line = want->line, .kind = want->kind},
		.module = string_copy(keep->strings, strings, want->module),
		.first = keep->call_count,
		.calls = want->inlined,
		.known = true,
		.named = want->named,
	};

	if (place.module == FT_STR_NONE ||
	    note_frame(strings, keep, want->name, want->file, &place.function) ||
	    ft_kept_reserve(keep, sym->raw->location_count))
		return -ENOMEM;
	for (u32 i = 0; i < want->inlined; i++) {
		const struct ft_call *call = &sym->calls[want->first + i];
		struct ft_kept_frame frame = {.line = call->line, .kind = call->kind};

		if (note_frame(strings, keep, call->name, call->file, &frame) ||
		    FT_GROW_RAW(&keep->calls, &keep->call_cap, (size_t)keep->call_count + 1))
			return -ENOMEM;
		keep->calls[keep->call_count++] = frame;
	}
	keep->places[want->location] = place;
	return 0;
}
