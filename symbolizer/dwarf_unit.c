/*
 * dwarf_unit.c - see dwarf_unit.h.
 *
 * One pass over the DIEs that can hold functions; types, variables and calls are stepped over, and
 * functions without addresses (declarations, abstract instances, what the linker discarded) with
 * all that is in them. A function that is hit has another pass, over what was inlined in it. Every
 * range becomes a piece as deep as its call is nested; flattened, they answer by one binary search.
 * Names and files are read when they are first asked for.
 */
#include "symbolizer/dwarf_unit.h"

#include <dwarf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

#define NESTING_MAX 400	       /* of DIEs with code; also bounds our own stack */
#define NODES_MAX (16u << 20)  /* of a unit */
#define PIECES_MAX (64u << 20) /* of a unit */
#define RANGES_MAX (1u << 20)  /* of a DIE */

/* A walk over the DIEs of a unit for its functions, or over those of a function for its calls. */
struct walk {
	const struct dwarf_common *common;
	struct dwarf_unit *unit;	 /* whose functions are looked for; or NULL */
	struct dwarf_function *function; /* whose calls are looked for; or NULL */
	size_t cap;			 /* of its nodes; of the unit's functions */
	struct ft_piece *pieces;
	size_t piece_cap;
	u32 piece_count;
};

static int walk_children(struct walk *walk, Dwarf_Die *parent, u32 node, u32 depth, u32 nesting);

static u32 number_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &value) || value > UINT32_MAX)
		return 0;
	return (u32)value;
}

/* Adds the ranges of a DIE. *any: whether there were any in the text. 0 or -ENOMEM. */
static int ranges_add(struct walk *walk, Dwarf_Die *die, u32 node, u32 depth, bool *any)
{
	Dwarf_Addr base = 0, low, high;
	ptrdiff_t at = 0;

	*any = false;
	for (u32 i = 0; i < RANGES_MAX && (at = dwarf_ranges(die, at, &base, &low, &high)) > 0;
	     i++) {
		if (low >= high || low < walk->common->text_low || high > walk->common->text_high)
			continue;
		if (walk->piece_count == PIECES_MAX)
			return 0;
		if (FT_GROW_RAW(&walk->pieces, &walk->piece_cap, (size_t)walk->piece_count + 1))
			return -ENOMEM;
		walk->pieces[walk->piece_count++] = (struct ft_piece){low, high, depth, node};
		*any = true;
	}
	return 0;
}

/* A function, if it has code. What is inlined in it waits until it is hit. */
static int walk_function(struct walk *walk, Dwarf_Die *die, u32 depth, u32 nesting)
{
	struct dwarf_unit *unit = walk->unit;
	u32 function;
	bool any;
	int code;

	if (!unit || unit->function_count == NODES_MAX)
		return 0;
	function = unit->function_count;
	code = ranges_add(walk, die, function, depth, &any);
	if (code || !any)
		return code;
	if (FT_GROW(&unit->functions, &walk->cap, (size_t)function + 1))
		return -ENOMEM;
	unit->functions[unit->function_count++].die = dwarf_dieoffset(die);
	return walk_children(walk, die, function, depth + 1, nesting + 1);
}

/* An inlined call: a node of its own, if it has code. */
static int walk_call(struct walk *walk, Dwarf_Die *die, u32 parent, u32 depth, u32 nesting)
{
	struct dwarf_function *f = walk->function;
	u32 node;
	bool any;
	int code;

	if (!f || f->node_count == NODES_MAX)
		return 0;
	node = f->node_count;
	code = ranges_add(walk, die, node, depth, &any);
	if (code || !any)
		return code;
	if (FT_GROW(&f->nodes, &walk->cap, (size_t)node + 1))
		return -ENOMEM;
	f->nodes[node] = (struct dwarf_node){
		.die = dwarf_dieoffset(die),
		.parent = parent,
		.call_file = number_of(die, DW_AT_call_file),
		.call_line = number_of(die, DW_AT_call_line),
		.call_column = number_of(die, DW_AT_call_column),
	};
	f->node_count++;
	return walk_children(walk, die, node, depth + 1, nesting + 1);
}

static int walk_die(struct walk *walk, Dwarf_Die *die, u32 node, u32 depth, u32 nesting)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
	case DW_TAG_entry_point:
		return walk_function(walk, die, depth, nesting);
	case DW_TAG_inlined_subroutine:
		return walk_call(walk, die, node, depth, nesting);
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_with_stmt:
	case DW_TAG_namespace:
	case DW_TAG_module:
		return walk_children(walk, die, node, depth, nesting + 1);
	default:
		return 0;
	}
}

static int walk_children(struct walk *walk, Dwarf_Die *parent, u32 node, u32 depth, u32 nesting)
{
	Dwarf_Off offset;
	Dwarf_Die die;
	int code;

	if (nesting > NESTING_MAX || dwarf_child(parent, &die))
		return 0;
	do {
		offset = dwarf_dieoffset(&die);
		code = walk_die(walk, &die, node, depth, nesting);
		/* A sibling before its elder is damage, and would be a circle. */
	} while (!code && !dwarf_siblingof(&die, &die) && dwarf_dieoffset(&die) > offset);
	return code;
}

static bool is_c(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_Mips_Assembler:
		return true;
	default:
		return false;
	}
}

static const char *text_of(Dwarf_Die *die, unsigned int name, unsigned int other)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) || dwarf_attr(die, other, &attr)
		       ? dwarf_formstring(&attr)
		       : NULL;
}

/* The file that a skeleton names, where the caller looks for it. 0, -ENODATA or -ENOMEM. */
static int find_file(struct dwarf_unit *unit, const struct dwarf_elsewhere *elsewhere)
{
	const char *name = text_of(&unit->die, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
	const char *folder = text_of(&unit->die, DW_AT_comp_dir, DW_AT_comp_dir);
	char *path = NULL;
	int fd, code;

	if (!name || (*name != '/' && (!folder || *folder != '/')))
		return -ENODATA;
	if (asprintf(&path, "%s%s%s", *name == '/' ? "" : folder, *name == '/' ? "" : "/", name) <
	    0)
		return -ENOMEM;
	fd = elsewhere->open_unit(elsewhere->context, path);
	free(path);
	if (fd < 0)
		return -ENODATA;
	code = dwarf_package_file(fd, &unit->die, &unit->split);
	close(fd);
	return code;
}

/* A skeleton's functions are elsewhere: in a file of their own, or in a package. 0 or -ENOMEM. */
static int find_code(struct dwarf_unit *unit, const struct dwarf_elsewhere *elsewhere)
{
	Dwarf_Die skeleton, split;
	uint8_t type;
	int code;

	unit->code = unit->die;
	if (dwarf_cu_info(unit->die.cu, NULL, &type, &skeleton, &split, NULL, NULL, NULL) ||
	    type != DW_UT_skeleton)
		return 0;
	if (dwarf_tag(&split) != DW_TAG_invalid) {
		unit->code = split;
		return 0;
	}
	code = elsewhere->package ? dwarf_package_unit(elsewhere->package, &unit->die, &unit->split)
				  : -ENODATA;
	if (code == -ENODATA && elsewhere->open_unit)
		code = find_file(unit, elsewhere);
	if (!code)
		unit->code = unit->split->unit;
	return code == -ENOMEM ? code : 0;
}

int dwarf_unit_read(struct dwarf_unit *unit, struct dwarf_common *common)
{
	struct walk walk = {.common = common, .unit = unit};
	int code;

	if (unit->is_read)
		return 0;
	unit->is_read = true;
	unit->common = common;
	code = find_code(unit, &common->elsewhere);
	if (!code)
		code = dwarf_lines_open(&common->lines, &unit->die, common->text_low,
					common->text_high, &unit->lines);
	if (code)
		return code;
	common->senseless |= !unit->lines && dwarf_hasattr(&unit->die, DW_AT_stmt_list);
	unit->is_c = is_c(&unit->code);
	code = walk_children(&walk, &unit->code, FT_PIECE_NONE, 0, 0);
	if (!code)
		code = ft_pieces_flatten(walk.pieces, walk.piece_count, &unit->segments,
					 &unit->segment_count);
	free(walk.pieces);
	return code;
}

/* Reads the calls that were inlined in a function, once. 0 or -ENOMEM. */
static int function_read(struct dwarf_unit *unit, struct dwarf_function *function)
{
	struct walk walk = {.common = unit->common, .function = function, .cap = 1};
	Dwarf_Die die;
	bool any;
	int code = 0;

	if (function->nodes)
		return 0;
	function->nodes = ft_try_alloc(1, sizeof(*function->nodes));
	if (!function->nodes)
		return -ENOMEM;
	function->nodes[function->node_count++] =
		(struct dwarf_node){.die = function->die, .parent = FT_PIECE_NONE};
	if (dwarf_offdie(dwarf_cu_getdwarf(unit->code.cu), function->die, &die)) {
		code = ranges_add(&walk, &die, 0, 0, &any);
		if (!code)
			code = walk_children(&walk, &die, 0, 1, 1);
	}
	if (!code)
		code = ft_pieces_flatten(walk.pieces, walk.piece_count, &function->segments,
					 &function->segment_count);
	free(walk.pieces);
	return code;
}

struct dwarf_function *dwarf_unit_function(struct dwarf_unit *unit, u64 addr, u32 *id)
{
	u32 at = ft_segments_find(unit->segments, unit->segment_count, addr);
	struct dwarf_function *function = at == FT_PIECE_NONE ? NULL : &unit->functions[at];

	if (!function || function_read(unit, function))
		return NULL;
	*id = ft_segments_find(function->segments, function->segment_count, addr);
	return *id == FT_PIECE_NONE ? NULL : function;
}

void dwarf_unit_fini(struct dwarf_unit *unit)
{
	for (u32 i = 0; i < unit->function_count; i++) {
		free(unit->functions[i].nodes);
		free(unit->functions[i].segments);
	}
	free(unit->functions);
	free(unit->segments);
	dwarf_lines_free(unit->lines);
	if (unit->split)
		dwarf_image_fini(&unit->split->image);
	free(unit->split);
}

/* The name of a function as the linker has it, from the DIE or the ones that it refers to. */
static const char *symbol_read(struct dwarf_unit *unit, struct dwarf_node *node)
{
	Dwarf_Attribute attr;
	const char *symbol = NULL;
	Dwarf_Die die;

	if (!dwarf_offdie(dwarf_cu_getdwarf(unit->code.cu), node->die, &die))
		return NULL;
	if (dwarf_attr_integrate(&die, DW_AT_linkage_name, &attr) ||
	    dwarf_attr_integrate(&die, DW_AT_MIPS_linkage_name, &attr))
		symbol = dwarf_formstring(&attr);
	if (!symbol) {
		symbol = dwarf_diename(&die);
		node->plain = !unit->is_c;
	}
	return symbol && *symbol ? symbol : NULL;
}

/* Of a split unit the files are in its own table, if it has one. */
static const char *file_name(struct dwarf_unit *unit, u32 file)
{
	if (unit->split ? !unit->split->has_files : unit->code.cu == unit->die.cu)
		return dwarf_lines_file(unit->lines, file);
	if (!unit->files && dwarf_getsrcfiles(unit->split ? &unit->split->files : &unit->code,
					      &unit->files, &unit->file_count)) {
		unit->files = NULL;
		return NULL;
	}
	return file < unit->file_count ? dwarf_filesrc(unit->files, file, NULL, NULL) : NULL;
}

u32 dwarf_unit_find(struct dwarf_unit *unit, u64 addr,
		    struct ft_dwarf_frame frames[FT_DWARF_FRAMES_MAX])
{
	struct dwarf_line row = {NULL, 0, 0};
	u32 id = FT_PIECE_NONE, count = 0;
	struct dwarf_function *function = dwarf_unit_function(unit, addr, &id);

	dwarf_lines_find(unit->lines, addr, &row);
	while (function && id != FT_PIECE_NONE && count < FT_DWARF_FRAMES_MAX) {
		struct dwarf_node *node = &function->nodes[id];

		if (!node->named) {
			node->symbol = symbol_read(unit, node);
			node->named = true;
		}
		frames[count++] = (struct ft_dwarf_frame){
			.symbol = node->symbol,
			.file = row.file,
			.line = row.line,
			.column = row.column,
			.inlined = node->parent != FT_PIECE_NONE,
			.plain = node->plain,
			.memo = &node->memo,
		};
		if (node->parent != FT_PIECE_NONE)
			row = (struct dwarf_line){file_name(unit, node->call_file), node->call_line,
						  node->call_column};
		id = node->parent;
	}
	if (!count && row.file)
		frames[count++] = (struct ft_dwarf_frame){
			.file = row.file, .line = row.line, .column = row.column};
	return count;
}
