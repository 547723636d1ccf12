/*
 * dwarf_call.c - what a function passed to one that it called: DW_TAG_call_site (DWARF 5, section
 * 3.4) and its GNU predecessor.
 *
 * Optimized code seldom keeps parameters; but the caller often can still tell what it passed, from
 * its own variables and from registers that calls preserve.
 */
#include <dwarf.h>

#include "symbolizer/dwarf_place.h"
#include "symbolizer/dwarf_unit.h"

#define NESTING_MAX 100

/* Finds the call that returns to an address, in a DIE and what is in it. */
static bool call_find(Dwarf_Die *parent, u64 returns_to, u32 nesting, Dwarf_Die *call)
{
	Dwarf_Off offset;
	Dwarf_Die die;

	if (nesting > NESTING_MAX || dwarf_child(parent, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);
		Dwarf_Attribute attr;
		Dwarf_Addr addr;

		offset = dwarf_dieoffset(&die);
		if (tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site) {
			if (dwarf_attr(&die,
				       tag == DW_TAG_call_site ? DW_AT_call_return_pc
							       : DW_AT_low_pc,
				       &attr) &&
			    !dwarf_formaddr(&attr, &addr) && addr == returns_to) {
				*call = die;
				return true;
			}
		} else if ((tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine) &&
			   call_find(&die, returns_to, nesting + 1, call)) {
			return true;
		}
	} while (!dwarf_siblingof(&die, &die) && dwarf_dieoffset(&die) > offset);
	return false;
}

/* The symbol of what is called, or NULL: a pointer. */
static const char *callee_of(Dwarf_Die *call)
{
	Dwarf_Attribute attr;
	Dwarf_Die origin;
	const char *symbol;

	if ((!dwarf_attr(call, DW_AT_call_origin, &attr) &&
	     !dwarf_attr(call, DW_AT_abstract_origin, &attr)) ||
	    !dwarf_formref_die(&attr, &origin))
		return NULL;
	symbol = dwarf_attr_integrate(&origin, DW_AT_linkage_name, &attr) ? dwarf_formstring(&attr)
									  : NULL;
	return symbol ? symbol : dwarf_diename(&origin);
}

/* The parameter that is passed in a register. */
static bool parameter_find(Dwarf_Die *call, u32 reg, Dwarf_Die *die)
{
	if (dwarf_child(call, die))
		return false;
	do {
		Dwarf_Attribute attr;
		Dwarf_Op *ops;
		size_t count;

		if ((dwarf_tag(die) == DW_TAG_call_site_parameter ||
		     dwarf_tag(die) == DW_TAG_GNU_call_site_parameter) &&
		    dwarf_attr(die, DW_AT_location, &attr) &&
		    !dwarf_getlocation(&attr, &ops, &count) && count == 1 &&
		    (ops[0].atom == DW_OP_regx ? ops[0].number == reg
					       : ops[0].atom == DW_OP_reg0 + reg))
			return true;
	} while (!dwarf_siblingof(die, die));
	return false;
}

bool dwarf_unit_call_value(struct dwarf_unit *unit, u64 addr, u32 reg,
			   const struct ft_machine *machine, const char **callee, u64 *value)
{
	u32 id;
	const struct dwarf_function *function = dwarf_unit_function(unit, addr, &id);
	struct dwarf_frame frame = {.machine = machine, .addr = addr};
	struct dwarf_place place;
	Dwarf_Die call, parameter;
	Dwarf_Attribute attr;
	u64 bad;

	if (!function || reg > DW_OP_reg31 - DW_OP_reg0 ||
	    !dwarf_offdie(dwarf_cu_getdwarf(unit->code.cu), function->die, &frame.function) ||
	    !call_find(&frame.function, addr + 1, 0, &call))
		return false;
	*callee = callee_of(&call);
	if (!*callee || !parameter_find(&call, reg, &parameter) ||
	    (!dwarf_attr(&parameter, DW_AT_call_value, &attr) &&
	     !dwarf_attr(&parameter, DW_AT_GNU_call_site_value, &attr)))
		return false;
	dwarf_place_find(&frame, &attr, &place);
	/* An expression that ends with a value on the stack is that value, not its place. */
	if (place.count == 1 && place.parts[0].kind == DWARF_PLACE_MEMORY) {
		*value = place.parts[0].number;
		return true;
	}
	return place.count == 1 && dwarf_place_read(&place, machine, 0, value, sizeof(*value),
						    &bad) == DWARF_PLACE_MEMORY;
}
