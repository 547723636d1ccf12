/*
 * dwarf_unit.h - one compilation unit of a file's debug information. Private to dwarf.c.
 */
#ifndef FT_SYMBOLIZER_DWARF_UNIT_H
#define FT_SYMBOLIZER_DWARF_UNIT_H

#include <elfutils/libdw.h>

#include "symbolizer/dwarf.h"
#include "symbolizer/dwarf_lines.h"
#include "symbolizer/dwarf_package.h"
#include "symbolizer/pieces.h"

/* A function, or a call that was inlined. */
struct dwarf_node {
	Dwarf_Off die;	    /* in .debug_info of the unit's file; read when first asked for */
	const char *symbol; /* once named */
	u32 parent;	    /* what this was inlined into; FT_PIECE_NONE for a function */
	u32 call_file, call_line, call_column;
	u32 memo;
	bool named, plain;
};

/* A function with the calls that were inlined in it, which are read when it is hit. */
struct dwarf_function {
	Dwarf_Off die;		     /* in .debug_info of the unit's file */
	struct dwarf_node *nodes;    /* the function itself, then the calls; NULL: not read yet */
	struct ft_segment *segments; /* owners are indices of nodes */
	u32 node_count, segment_count;
};

/* What the units of a file share. */
struct dwarf_common {
	struct dwarf_elsewhere elsewhere; /* split units that libdw does not find */
	struct dwarf_line_data lines;
	u64 text_low, text_high; /* code outside was discarded by the linker */
	bool senseless;		 /* a part of what was read is damaged */
};

struct dwarf_unit {
	Dwarf_Die die;	/* the unit, or the skeleton of a split one; has the lines */
	Dwarf_Die code; /* the same, or the split unit; has the functions */
	struct dwarf_common *common;
	bool is_read;
	bool is_c; /* or assembler: names are linkage names */
	struct dwarf_function *functions;
	u32 function_count;
	struct ft_segment *segments; /* owners are indices of functions */
	u32 segment_count;
	struct dwarf_lines *lines; /* NULL: none */
	struct dwarf_split *split; /* of a package, or NULL; owned */
	Dwarf_Files *files;	   /* that call_file counts in, of a split unit */
	size_t file_count;
};

/*
 * Reads where the functions of a unit are whose die is set, once. Damage costs what comes after it.
 * 0 or -ENOMEM.
 */
int dwarf_unit_read(struct dwarf_unit *unit, struct dwarf_common *common);
void dwarf_unit_fini(struct dwarf_unit *unit);

/*
 * The function around an address in a unit that was read, and its innermost call there through *id,
 * an index into its nodes. NULL: there is none, or memory is exhausted.
 */
struct dwarf_function *dwarf_unit_function(struct dwarf_unit *unit, u64 addr, u32 *id);

/* ft_dwarf_find in a unit that was read. */
u32 dwarf_unit_find(struct dwarf_unit *unit, u64 addr,
		    struct ft_dwarf_frame frames[FT_DWARF_FRAMES_MAX]);

/* ft_dwarf_variables in a unit that was read: dwarf_vars.c. */
bool dwarf_unit_variables(struct dwarf_unit *unit, u64 addr, u32 depth,
			  const struct ft_machine *machine, ft_variable_fn fn, void *context);

/* ft_dwarf_call_value in a unit that was read: dwarf_call.c. */
bool dwarf_unit_call_value(struct dwarf_unit *unit, u64 addr, u32 reg,
			   const struct ft_machine *machine, const char **callee, u64 *value);

#endif
