/*
 * pprof.c - see pprof.h.
 *
 * The tables of a profile.proto may come in any order, so the message is read twice: first the
 * tables (strings, functions, locations, mappings), then the samples. Ids are any numbers; they are
 * found through maps.
 */
#include "profile/pprof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/map64.h"
#include "profile/bytes.h"

#define PLAIN_BYTES_MAX (2048u << 20)
#define VALUES_MAX 16

/* Numbers of fields in profile.proto. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_DURATION = 10,
	PROFILE_DEFAULT_TYPE = 14,
	VALUE_TYPE_TYPE = 1,
	VALUE_TYPE_UNIT = 2,
	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_STR = 2,
	LABEL_NUM = 3,
	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_LIMIT = 3,
	MAPPING_OFFSET = 4,
	MAPPING_FILE = 5,
	MAPPING_BUILD_ID = 6,
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	LINE_LINE = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_FILE = 4,
};

/* A field of a message: a number, or bytes. */
struct field {
	u32 number, wire;
	u64 value;
	struct ft_cursor bytes;
};

struct function {
	u32 name, file; /* string ids in the profile */
};

struct place {
	u32 frame, file, line;
};

struct location {
	u32 first, count; /* in places, innermost first */
	u64 address;
};

struct reader {
	struct ft_profile *profile;
	u32 *strings; /* from their numbers */
	size_t string_cap;
	u32 string_count;
	struct ft_map64 function_of, location_of, mapping_of; /* by id: an index and one */
	struct ft_map64 base_of; /* by a mapping's id: what makes addresses offsets, and one */
	struct function *functions;
	size_t function_cap;
	u32 function_count;
	struct location *locations;
	size_t location_cap;
	u32 location_count;
	struct place *places;
	size_t place_cap;
	u32 place_count;
	u64 types[VALUES_MAX][2]; /* strings of type and unit */
	u32 type_count, value;	  /* value: which one counts */
	u64 default_type;
	u64 samples;
	int code;
	bool bad;
};

/* ---- the wire format ---- */

static bool next_field(struct reader *r, struct ft_cursor *c, struct field *f)
{
	u64 key, len;

	if (c->at == c->end || r->bad || r->code)
		return false;
	key = ft_cursor_number(c);
	*f = (struct field){.number = (u32)(key >> 3), .wire = key & 7};
	switch (f->wire) {
	case 0:
		f->value = ft_cursor_number(c);
		break;
	case 1:
		ft_cursor_take(c, 8);
		break;
	case 2:
		len = ft_cursor_number(c);
		f->bytes.at = len <= (u64)(c->end - c->at) ? ft_cursor_take(c, (size_t)len) : NULL;
		if (f->bytes.at)
			f->bytes.end = f->bytes.at + len;
		else
			c->bad = true;
		break;
	case 5:
		ft_cursor_take(c, 4);
		break;
	default:
		c->bad = true;
	}
	r->bad |= c->bad;
	return !c->bad;
}

/* The next number of a repeated field, packed or not. */
static bool next_number(struct reader *r, struct field *f, u64 *number)
{
	if (f->wire == 0) {
		f->wire = 1;
		*number = f->value;
		return true;
	}
	if (f->wire != 2 || f->bytes.at == f->bytes.end)
		return false;
	*number = ft_cursor_number(&f->bytes);
	r->bad |= f->bytes.bad;
	return !f->bytes.bad;
}

/* Notes an index under an id. */
static void note_id(struct reader *r, struct ft_map64 *map, u64 id, u64 index)
{
	u64 *value = id ? ft_map64_at(map, id) : NULL;

	if (value)
		*value = index + 1;
	else
		r->code = id ? -ENOMEM : r->code;
	r->bad |= !id;
}

static u32 string_of(struct reader *r, u64 number)
{
	if (number < r->string_count)
		return r->strings[number];
	r->bad = true;
	return 0;
}

/* ---- tables ---- */

static void read_string(struct reader *r, const struct field *f)
{
	u32 id = ft_strtab_add(r->profile->strings, (const char *)f->bytes.at,
			       (size_t)(f->bytes.end - f->bytes.at));

	if (id == FT_STR_NONE ||
	    FT_GROW_RAW(&r->strings, &r->string_cap, (size_t)r->string_count + 1))
		r->code = -ENOMEM;
	else
		r->strings[r->string_count++] = id;
}

static void read_type(struct reader *r, struct ft_cursor c)
{
	u64 type[2] = {0};
	struct field f;

	while (next_field(r, &c, &f)) {
		if (f.number == VALUE_TYPE_TYPE)
			type[0] = f.value;
		else if (f.number == VALUE_TYPE_UNIT)
			type[1] = f.value;
	}
	if (r->type_count < VALUES_MAX)
		memcpy(r->types[r->type_count++], type, sizeof(type));
}

/* Hexadecimal digits, or something that is no build-id of ours and is left out. */
static void read_build_id(const char *hex, struct ft_profile_module *module)
{
	size_t len = strlen(hex);
	char two[3] = "";

	if (len % 2 || len > (size_t)2 * FT_BUILD_ID_MAX ||
	    strspn(hex, "0123456789abcdefABCDEF") != len)
		return;
	for (size_t i = 0; i < len / 2; i++) {
		memcpy(two, hex + 2 * i, 2);
		module->build_id[i] = (u8)strtoul(two, NULL, 16);
	}
	module->build_id_len = (u8)(len / 2);
}

static void read_mapping(struct reader *r, struct ft_cursor c)
{
	struct ft_profile_module module = {0};
	u64 id = 0, file = 0, build_id = 0;
	const char *text, *slash;
	struct field f;
	bool is_file;
	u32 name;

	while (next_field(r, &c, &f)) {
		if (f.number == MAPPING_ID)
			id = f.value;
		else if (f.number == MAPPING_FILE)
			file = f.value;
		else if (f.number == MAPPING_START)
			module.start = f.value;
		else if (f.number == MAPPING_LIMIT)
			module.limit = f.value;
		else if (f.number == MAPPING_OFFSET)
			module.offset = f.value;
		else if (f.number == MAPPING_BUILD_ID)
			build_id = f.value;
	}
	text = ft_strtab_str(r->profile->strings, string_of(r, file));
	is_file = *text != '[';
	slash = is_file ? strrchr(text, '/') : NULL;
	text = ft_strdup(slash ? slash + 1 : text); /* the table may move */
	name = ft_strtab_add(r->profile->strings, text, strlen(text));
	free((char *)text);
	if (name == FT_STR_NONE) {
		r->code = -ENOMEM;
		return;
	}
	note_id(r, &r->mapping_of, id, name);
	note_id(r, &r->base_of, id, is_file ? module.offset - module.start : 0);
	module.name = name;
	module.path = string_of(r, file);
	read_build_id(ft_strtab_str(r->profile->strings, string_of(r, build_id)), &module);
	/* One that begins at 0 is none: addresses are offsets. */
	if (!is_file || !module.start || module.limit <= module.start)
		module.start = module.limit = module.offset = 0;
	if ((module.build_id_len || module.limit) && !r->bad &&
	    ft_profile_module(r->profile, &module))
		r->code = -ENOMEM;
}

static void read_function(struct reader *r, struct ft_cursor c)
{
	struct function function = {0};
	u64 id = 0;
	struct field f;

	while (next_field(r, &c, &f)) {
		if (f.number == FUNCTION_ID)
			id = f.value;
		else if (f.number == FUNCTION_NAME)
			function.name = string_of(r, f.value);
		else if (f.number == FUNCTION_FILE)
			function.file = string_of(r, f.value);
	}
	if (FT_GROW_RAW(&r->functions, &r->function_cap, (size_t)r->function_count + 1)) {
		r->code = -ENOMEM;
		return;
	}
	r->functions[r->function_count] = function;
	note_id(r, &r->function_of, id, r->function_count++);
}

static void add_place(struct reader *r, const struct function *function, u32 module, u32 line)
{
	const char *text = ft_strtab_str(r->profile->strings, function->name);
	struct ft_frame frame = {.name = function->name, .module = module};

	frame.kind = *text == '['	  ? FT_FRAME_UNKNOWN
		     : strstr(text, "::") ? FT_FRAME_CXX
					  : FT_FRAME_USER;
	if (!strncmp(ft_strtab_str(r->profile->strings, module), "[kernel", 7))
		frame.kind = FT_FRAME_KERNEL;
	if (FT_GROW_RAW(&r->places, &r->place_cap, (size_t)r->place_count + 1)) {
		r->code = -ENOMEM;
		return;
	}
	r->places[r->place_count].frame = ft_profile_frame(r->profile, &frame);
	r->places[r->place_count].file = function->file;
	r->places[r->place_count].line = line;
	if (r->places[r->place_count++].frame == UINT32_MAX)
		r->code = -ENOMEM;
}

static void read_line(struct reader *r, struct ft_cursor c, u32 module)
{
	const u64 *found;
	u64 id = 0, line = 0;
	struct field f;

	while (next_field(r, &c, &f)) {
		if (f.number == LINE_FUNCTION)
			id = f.value;
		else if (f.number == LINE_LINE)
			line = f.value;
	}
	found = id ? ft_map64_find(&r->function_of, id) : NULL;
	r->bad |= !found;
	if (found)
		add_place(r, &r->functions[*found - 1], module, line > UINT32_MAX ? 0 : (u32)line);
}

/* All lines but the outermost, which comes last, were inlined. */
static int mark_inlined(struct reader *r, const struct location *l)
{
	for (u32 i = l->first; i + 1 < l->first + l->count; i++) {
		struct ft_frame frame = r->profile->frames[r->places[i].frame];

		frame.inlined = true;
		r->places[i].frame = ft_profile_frame(r->profile, &frame);
		if (r->places[i].frame == UINT32_MAX)
			return -ENOMEM;
	}
	return 0;
}

static void name_address(struct reader *r, u64 address, u32 module)
{
	const char *file = ft_strtab_str(r->profile->strings, module);
	struct function unknown = {0};
	char text[400];
	int len;

	len = snprintf(text, sizeof(text), "[%.300s%s0x%llx]", *file ? file : "", *file ? "+" : "",
		       (unsigned long long)address);
	unknown.name = ft_strtab_add(r->profile->strings, text, (size_t)len);
	if (unknown.name == FT_STR_NONE)
		r->code = -ENOMEM;
	else
		add_place(r, &unknown, module, 0);
}

static void read_location(struct reader *r, struct ft_cursor c)
{
	struct location location = {.first = r->place_count};
	struct ft_cursor again = c;
	u64 id = 0, address = 0, mapping = 0;
	const u64 *found;
	u32 module = 0;
	struct field f;

	while (next_field(r, &c, &f)) {
		if (f.number == LOCATION_ID)
			id = f.value;
		else if (f.number == LOCATION_MAPPING)
			mapping = f.value;
		else if (f.number == LOCATION_ADDRESS)
			address = f.value;
	}
	found = mapping ? ft_map64_find(&r->mapping_of, mapping) : NULL;
	if (found)
		module = (u32)(*found - 1);
	while (next_field(r, &again, &f))
		if (f.number == LOCATION_LINE && f.wire == 2)
			read_line(r, f.bytes, module);
	if (r->place_count == location.first && !r->bad)
		name_address(r, address, module);
	location.count = r->place_count - location.first;
	found = mapping ? ft_map64_find(&r->base_of, mapping) : NULL;
	location.address = address && found ? address + *found - 1 : address;
	if (r->code || r->bad)
		return;
	if (mark_inlined(r, &location) ||
	    FT_GROW_RAW(&r->locations, &r->location_cap, (size_t)r->location_count + 1)) {
		r->code = -ENOMEM;
		return;
	}
	r->locations[r->location_count] = location;
	note_id(r, &r->location_of, id, r->location_count++);
}

/* ---- samples ---- */

struct sample {
	u64 *ids; /* innermost first */
	size_t cap;
	u32 count;
	u64 value;
	u32 comm, thread, pid;
};

/* Whose it is, which our own writer puts on each sample. */
static void read_label(struct reader *r, struct ft_cursor c, struct sample *s)
{
	u64 key = 0, text = 0, number = 0;
	const char *word;
	struct field f;

	while (next_field(r, &c, &f)) {
		if (f.number == LABEL_KEY)
			key = f.value;
		else if (f.number == LABEL_STR)
			text = f.value;
		else if (f.number == LABEL_NUM)
			number = f.value;
	}
	if (r->bad)
		return;
	word = ft_strtab_str(r->profile->strings, string_of(r, key));
	if (!strcmp(word, "comm") && !s->comm)
		s->comm = string_of(r, text);
	else if (!strcmp(word, "thread") && !s->thread)
		s->thread = string_of(r, text);
	else if (!strcmp(word, "pid") && number <= UINT32_MAX)
		s->pid = (u32)number;
}

static u32 push(struct reader *r, u32 node, u32 frame)
{
	if (node == FT_TREE_NONE || frame == UINT32_MAX)
		return FT_TREE_NONE;
	return ft_tree_child(r->profile->tree, node, frame);
}

/* Adds the frames of a location below a node, outermost first. */
static u32 push_location(struct reader *r, u32 node, u64 id, u64 weight)
{
	const u64 *found = id ? ft_map64_find(&r->location_of, id) : NULL;
	const struct location *l;

	if (!found) {
		r->bad = true;
		return node;
	}
	l = &r->locations[*found - 1];
	for (u32 i = l->count; i-- > 0 && node != FT_TREE_NONE;) {
		const struct place *p = &r->places[l->first + i];

		node = push(r, node, p->frame);
		if (node != FT_TREE_NONE &&
		    (ft_places_add(&r->profile->places, node, p->file, p->line, weight) ||
		     ft_origins_address(&r->profile->origins, node, l->address)))
			return FT_TREE_NONE;
	}
	return node;
}

/* A process or thread below a node, if the sample has it. */
static u32 push_who(struct reader *r, u32 node, u32 name, enum ft_frame_kind kind)
{
	struct ft_frame frame = {.name = name, .kind = (u8)kind};

	return name ? push(r, node, ft_profile_frame(r->profile, &frame)) : node;
}

static void read_sample(struct reader *r, struct ft_cursor c, struct sample *s)
{
	u32 values = 0, node = FT_TREE_ROOT;
	struct field f;
	u64 number;

	s->count = s->comm = s->thread = s->pid = 0;
	s->value = 0;
	while (next_field(r, &c, &f)) {
		while (f.number == SAMPLE_LOCATION && next_number(r, &f, &number)) {
			if (FT_GROW_RAW(&s->ids, &s->cap, (size_t)s->count + 1))
				r->code = -ENOMEM;
			else
				s->ids[s->count++] = number;
		}
		while (f.number == SAMPLE_VALUE && next_number(r, &f, &number))
			s->value = values++ == r->value ? number : s->value;
		if (f.number == SAMPLE_LABEL && f.wire == 2)
			read_label(r, f.bytes, s);
	}
	if (r->bad || r->code || (!s->count && !s->comm) || s->value >> 63)
		return;
	node = push_who(r, node, s->comm, FT_FRAME_PROCESS);
	if (node != FT_TREE_NONE)
		node = push_who(r, node, s->thread, FT_FRAME_THREAD);
	for (u32 i = s->count; i-- > 0 && node != FT_TREE_NONE && !r->bad;)
		node = push_location(r, node, s->ids[i], s->value);
	if (node == FT_TREE_NONE ||
	    ft_origins_owner(&r->profile->origins, node, s->pid, s->value)) {
		r->code = -ENOMEM;
		return;
	}
	ft_tree_add(r->profile->tree, node, s->value);
	r->samples++;
}

/* ---- the whole ---- */

/* One pass over the message: the tables of that step, which use those of the steps before. */
static void read_tables(struct reader *r, struct ft_cursor c, u32 step)
{
	static const u8 step_of[] = {
		[PROFILE_STRING] = 1,	[PROFILE_SAMPLE_TYPE] = 2,  [PROFILE_MAPPING] = 2,
		[PROFILE_FUNCTION] = 2, [PROFILE_DEFAULT_TYPE] = 2, [PROFILE_LOCATION] = 3,
	};
	struct field f;

	while (next_field(r, &c, &f)) {
		if (f.number >= FT_ARRAY_LEN(step_of) || step_of[f.number] != step)
			continue;
		if (f.number == PROFILE_DEFAULT_TYPE)
			r->default_type = f.value;
		if (f.wire != 2)
			continue;
		if (f.number == PROFILE_STRING)
			read_string(r, &f);
		else if (f.number == PROFILE_SAMPLE_TYPE)
			read_type(r, f.bytes);
		else if (f.number == PROFILE_MAPPING)
			read_mapping(r, f.bytes);
		else if (f.number == PROFILE_FUNCTION)
			read_function(r, f.bytes);
		else if (f.number == PROFILE_LOCATION)
			read_location(r, f.bytes);
	}
}

static void choose_value(struct reader *r)
{
	const char *unit;

	r->value = r->type_count ? r->type_count - 1 : 0;
	for (u32 i = 0; r->default_type && i < r->type_count; i++)
		if (r->types[i][0] == r->default_type)
			r->value = i;
	if (!r->type_count)
		return;
	unit = ft_strtab_str(r->profile->strings, string_of(r, r->types[r->value][1]));
	r->profile->unit = !strcmp(unit, "nanoseconds")	   ? FT_UNIT_NANOSECONDS
			   : !strcmp(unit, "microseconds") ? FT_UNIT_MICROSECONDS
			   : !strcmp(unit, "bytes")	   ? FT_UNIT_BYTES
			   : !strcmp(unit, "count")	   ? FT_UNIT_SAMPLES
							   : FT_UNIT_UNITS;
}

/* Decompresses gzip. *plain is for the caller to free. */
static int inflate_all(const void *data, size_t len, struct ft_bytes *plain)
{
	z_stream z = {.next_in = (Bytef *)data, .avail_in = (uInt)len};
	int status = Z_OK;

	if (len > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return -ENOMEM;
	while (status == Z_OK && plain->len < PLAIN_BYTES_MAX) {
		u8 *to = ft_bytes_room(plain, 256 * 1024);

		if (!to)
			break;
		z.next_out = to;
		z.avail_out = 256 * 1024;
		status = inflate(&z, Z_NO_FLUSH);
		plain->len -= z.avail_out;
	}
	inflateEnd(&z);
	return plain->failed ? -ENOMEM : status == Z_STREAM_END ? 0 : -EINVAL;
}

static void reader_fini(struct reader *r)
{
	ft_map64_fini(&r->function_of);
	ft_map64_fini(&r->location_of);
	ft_map64_fini(&r->mapping_of);
	ft_map64_fini(&r->base_of);
	free(r->strings);
	free(r->functions);
	free(r->locations);
	free(r->places);
}

int ft_pprof_read(const void *data, size_t len, const char *name, struct ft_profile *profile,
		  struct ft_err *err)
{
	struct reader r = {.profile = profile};
	struct ft_cursor c = {.at = data, .end = (const u8 *)data + len};
	struct ft_bytes plain = {0};
	struct sample sample = {0};
	struct field f;

	if (len > 2 && c.at[0] == 0x1f && c.at[1] == 0x8b) {
		r.code = inflate_all(data, len, &plain);
		c = (struct ft_cursor){.at = plain.data, .end = plain.data + plain.len};
		r.bad = r.code == -EINVAL;
	}
	for (u32 step = 1; step <= 3; step++)
		read_tables(&r, c, step);
	if (!r.code && !r.bad)
		choose_value(&r);
	while (next_field(&r, &c, &f))
		if (f.number == PROFILE_SAMPLE && f.wire == 2)
			read_sample(&r, f.bytes, &sample);
	ft_places_finish(&profile->places);
	ft_origins_finish(&profile->origins);
	free(sample.ids);
	reader_fini(&r);
	ft_bytes_fini(&plain);
	if (r.code == -ENOMEM)
		return ft_err_set(err, -ENOMEM, "not enough memory to read %s", name);
	if (r.bad)
		return ft_err_set(err, -EINVAL, "%s is not a pprof profile, or damaged", name);
	return r.samples ? 0 : ft_err_set(err, -EINVAL, "%s holds no samples", name);
}
