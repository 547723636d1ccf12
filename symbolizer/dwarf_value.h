/*
 * dwarf_value.h - the value of a variable as text. Private to this folder.
 */
#ifndef FT_SYMBOLIZER_DWARF_VALUE_H
#define FT_SYMBOLIZER_DWARF_VALUE_H

#include "base/out.h"
#include "symbolizer/dwarf_place.h"

/*
 * Writes the value of a variable of a type into a memory output, on one line: structures in braces,
 * text in quotes, both cut where they are long. type may be NULL: unknown.
 */
void dwarf_value_write(struct ft_out *out, Dwarf_Die *type, const struct dwarf_place *place,
		       const struct ft_machine *machine);

/* Writes an attribute DW_AT_const_value of that type. */
void dwarf_value_constant(struct ft_out *out, Dwarf_Die *type, Dwarf_Attribute *value,
			  const struct ft_machine *machine);

#endif
