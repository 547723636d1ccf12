/*
 * dwarf_unit.h - one compilation unit of a file's debug information. Private to dwarf.c.
 */
#ifndef FT_SYMBOLIZER_DWARF_UNIT_H
#define FT_SYMBOLIZER_DWARF_UNIT_H

#include <elfutils/libdw.h>

#include "symbolizer/dwarf.h"
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

struct dwarf_unit {
	Dwarf_Die die;	/* the unit, or the skeleton of a split one; has the lines */
	Dwarf_Die code; /* the same, or the split unit; has the functions */
	bool is_read;
	bool is_c; /* or assembler: names are linkage names */
	struct dwarf_node *nodes;
	u32 node_count;
	struct ft_segment *segments; /* owners are indices of nodes */
	u32 segment_count;
	struct dwarf_split *split; /* of a package, or NULL; owned */
	Dwarf_Files *files;	   /* that call_file counts in */
	size_t file_count;
};

/*
 * Reads the functions of a unit whose die is set, once. elsewhere: where split units are that libdw
 * does not find. Code outside [text_low, text_high) was
 * discarded by the linker. Damage costs what comes after it. 0 or -ENOMEM.
 */
int dwarf_unit_read(struct dwarf_unit *unit, const struct dwarf_elsewhere *elsewhere, u64 text_low,
		    u64 text_high);
void dwarf_unit_fini(struct dwarf_unit *unit);

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
