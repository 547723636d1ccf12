/*
 * dwarf_unit.c - see dwarf_unit.h.
 *
 * One pass over the DIEs that can hold code; types, variables and call sites are stepped over, and
 * functions without addresses (declarations, abstract instances, what the linker discarded) with
 * all that is in them. Every range becomes a piece as deep as its call is nested; flattened, they
 * answer by one binary search. Names and files are read when they are first asked for.
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

struct walk {
	struct dwarf_unit *unit;
	size_t node_cap;
	struct ft_piece *pieces;
	size_t piece_cap;
	u32 piece_count;
	u64 text_low, text_high;
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
		if (low >= high || low < walk->text_low || high > walk->text_high)
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

/* A function or an inlined call: a node of its own, if it has code. */
static int walk_function(struct walk *walk, Dwarf_Die *die, u32 parent, u32 depth, u32 nesting)
{
	struct dwarf_unit *unit = walk->unit;
	bool inlined = parent != FT_PIECE_NONE && dwarf_tag(die) == DW_TAG_inlined_subroutine;
	u32 node = unit->node_count;
	bool any;
	int code;

	if (node == NODES_MAX)
		return 0;
	code = ranges_add(walk, die, node, depth, &any);
	if (code || !any)
		return code;
	if (FT_GROW(&unit->nodes, &walk->node_cap, (size_t)node + 1))
		return -ENOMEM;
	unit->nodes[node] = (struct dwarf_node){
		.die = dwarf_dieoffset(die),
		.parent = inlined ? parent : FT_PIECE_NONE,
		.call_file = inlined ? number_of(die, DW_AT_call_file) : 0,
		.call_line = inlined ? number_of(die, DW_AT_call_line) : 0,
		.call_column = inlined ? number_of(die, DW_AT_call_column) : 0,
	};
	unit->node_count++;
	return walk_children(walk, die, node, depth + 1, nesting + 1);
}

static int walk_die(struct walk *walk, Dwarf_Die *die, u32 node, u32 depth, u32 nesting)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
	case DW_TAG_inlined_subroutine:
	case DW_TAG_entry_point:
		return walk_function(walk, die, node, depth, nesting);
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

int dwarf_unit_read(struct dwarf_unit *unit, const struct dwarf_elsewhere *elsewhere, u64 text_low,
		    u64 text_high)
{
	struct walk walk = {.unit = unit, .text_low = text_low, .text_high = text_high};
	int code;

	if (unit->is_read)
		return 0;
	unit->is_read = true;
	code = find_code(unit, elsewhere);
	if (code)
		return code;
	unit->is_c = is_c(&unit->code);
	code = walk_children(&walk, &unit->code, FT_PIECE_NONE, 0, 0);
	if (!code)
		code = ft_pieces_flatten(walk.pieces, walk.piece_count, &unit->segments,
					 &unit->segment_count);
	free(walk.pieces);
	return code;
}

void dwarf_unit_fini(struct dwarf_unit *unit)
{
	free(unit->nodes);
	free(unit->segments);
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

static const char *file_name(struct dwarf_unit *unit, u32 file)
{
	Dwarf_Die *with_files = &unit->code;

	if (unit->split)
		with_files = unit->split->has_files ? &unit->split->files : &unit->die;
	if (!unit->files && dwarf_getsrcfiles(with_files, &unit->files, &unit->file_count)) {
		unit->files = NULL;
		return NULL;
	}
	return file < unit->file_count ? dwarf_filesrc(unit->files, file, NULL, NULL) : NULL;
}

static void row_place(Dwarf_Line *row, u32 *line, u32 *column)
{
	int number;

	if (!dwarf_lineno(row, &number) && number > 0)
		*line = (u32)number;
	if (!dwarf_linecol(row, &number) && number > 0)
		*column = (u32)number;
}

u32 dwarf_unit_find(struct dwarf_unit *unit, u64 addr,
		    struct ft_dwarf_frame frames[FT_DWARF_FRAMES_MAX])
{
	u32 id = ft_segments_find(unit->segments, unit->segment_count, addr), count = 0;
	Dwarf_Line *row = dwarf_getsrc_die(&unit->die, addr);
	const char *file = row ? dwarf_linesrc(row, NULL, NULL) : NULL;
	u32 line = 0, column = 0;

	if (row)
		row_place(row, &line, &column);
	while (id != FT_PIECE_NONE && count < FT_DWARF_FRAMES_MAX) {
		struct dwarf_node *node = &unit->nodes[id];

		if (!node->named) {
			node->symbol = symbol_read(unit, node);
			node->named = true;
		}
		frames[count++] = (struct ft_dwarf_frame){
			.symbol = node->symbol,
			.file = file,
			.line = line,
			.column = column,
			.inlined = node->parent != FT_PIECE_NONE,
			.plain = node->plain,
			.memo = &node->memo,
		};
		if (node->parent != FT_PIECE_NONE) {
			file = file_name(unit, node->call_file);
			line = node->call_line;
			column = node->call_column;
		}
		id = node->parent;
	}
	if (!count && file)
		frames[count++] =
			(struct ft_dwarf_frame){.file = file, .line = line, .column = column};
	return count;
}
