/*
 * dwarf_vars.c - the parameters and local variables of a function, or of a call that was inlined.
 *
 * The chain of calls at an address is known (dwarf_unit.h); a call's DIE has the parameters, and
 * blocks that hold the address have variables of their own. What a DIE does not say of itself, its
 * abstract origin says.
 */
#include <dwarf.h>
#include <string.h>

#include "base/out.h"
#include "symbolizer/dwarf_unit.h"
#include "symbolizer/dwarf_value.h"

#define BLOCKS_MAX 100	   /* in one another */
#define VARIABLES_MAX 1000 /* of a function */
#define TOLD_MAX 64	   /* names that are remembered */

struct vars {
	struct dwarf_frame frame;
	ft_variable_fn fn;
	void *context;
	u32 count;
	const char *told[TOLD_MAX];
};

/*
 * In the call, a parameter may still be in the register that it came in; which the called function
 * has used since. Where it is behind the call counts then, if that is known.
 */
static void find_place(struct dwarf_frame *frame, Dwarf_Attribute *attr, struct dwarf_place *place)
{
	struct dwarf_place behind;
	u64 bad;
	u8 byte;

	dwarf_place_find(frame, attr, place);
	if (!frame->machine->is_caller ||
	    dwarf_place_read(place, frame->machine, 0, &byte, 1, &bad) != DWARF_PLACE_UNSAVED ||
	    bad)
		return;
	frame->addr++;
	dwarf_place_find(frame, attr, &behind);
	frame->addr--;
	if (dwarf_place_read(&behind, frame->machine, 0, &byte, 1, &bad) == DWARF_PLACE_MEMORY)
		*place = behind;
}

static void tell(struct vars *vars, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	Dwarf_Attribute attr;
	Dwarf_Die type, *known = NULL;
	struct dwarf_place place = {.count = 0};
	struct ft_out *out;
	size_t len;

	if (!name || !*name || vars->count == VARIABLES_MAX ||
	    dwarf_hasattr(die, DW_AT_declaration))
		return;
	if (vars->count < TOLD_MAX)
		vars->told[vars->count] = name;
	vars->count++;
	out = ft_out_new_memory();
	if (dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, &type))
		known = &type;
	if (dwarf_attr_integrate(die, DW_AT_location, &attr)) {
		find_place(&vars->frame, &attr, &place);
		dwarf_value_write(out, known, &place, vars->frame.machine);
	} else if (dwarf_attr_integrate(die, DW_AT_const_value, &attr)) {
		dwarf_value_constant(out, known, &attr, vars->frame.machine);
	} else {
		dwarf_value_write(out, known, &place, vars->frame.machine);
	}
	ft_out_char(out, '\0');
	vars->fn(vars->context, name, ft_out_memory(out, &len),
		 dwarf_tag(die) == DW_TAG_formal_parameter);
	ft_out_close(out);
}

/* Those of one kind in a DIE, and then in the blocks in it around the address. */
static void walk(struct vars *vars, Dwarf_Die *parent, int tag, u32 depth)
{
	Dwarf_Off offset;
	Dwarf_Die die;

	if (dwarf_child(parent, &die))
		return;
	do {
		offset = dwarf_dieoffset(&die);
		if (dwarf_tag(&die) == tag)
			tell(vars, &die);
	} while (!dwarf_siblingof(&die, &die) && dwarf_dieoffset(&die) > offset);
	if (tag == DW_TAG_formal_parameter || depth == BLOCKS_MAX || dwarf_child(parent, &die))
		return;
	do {
		int kind = dwarf_tag(&die);

		offset = dwarf_dieoffset(&die);
		if ((kind == DW_TAG_lexical_block || kind == DW_TAG_try_block ||
		     kind == DW_TAG_catch_block) &&
		    dwarf_haspc(&die, vars->frame.addr) > 0)
			walk(vars, &die, tag, depth + 1);
	} while (!dwarf_siblingof(&die, &die) && dwarf_dieoffset(&die) > offset);
}

static bool was_told(const struct vars *vars, const char *name)
{
	for (u32 i = 0; i < vars->count && i < TOLD_MAX; i++)
		if (!strcmp(vars->told[i], name))
			return true;
	return false;
}

/*
 * Static variables, of which there is one for all copies of a function: gcc describes them in the
 * abstract function alone.
 */
static void walk_statics(struct vars *vars, Dwarf_Die *function)
{
	Dwarf_Attribute attr;
	Dwarf_Die origin, die;
	Dwarf_Off offset;

	if (!dwarf_attr(function, DW_AT_abstract_origin, &attr) ||
	    !dwarf_formref_die(&attr, &origin) || dwarf_child(&origin, &die))
		return;
	do {
		const char *name = dwarf_diename(&die);

		offset = dwarf_dieoffset(&die);
		if (dwarf_tag(&die) == DW_TAG_variable && dwarf_hasattr(&die, DW_AT_location) &&
		    name && !was_told(vars, name))
			tell(vars, &die);
	} while (!dwarf_siblingof(&die, &die) && dwarf_dieoffset(&die) > offset);
}

bool dwarf_unit_variables(struct dwarf_unit *unit, u64 addr, u32 depth,
			  const struct ft_machine *machine, ft_variable_fn fn, void *context)
{
	u32 id = FT_PIECE_NONE;
	const struct dwarf_function *function = dwarf_unit_function(unit, addr, &id);
	struct vars vars = {
		.frame = {.machine = machine, .addr = addr}, .fn = fn, .context = context};
	Dwarf *dwarf = dwarf_cu_getdwarf(unit->code.cu);
	Dwarf_Die die;

	while (function && id != FT_PIECE_NONE && depth--)
		id = function->nodes[id].parent;
	if (!function || id == FT_PIECE_NONE ||
	    !dwarf_offdie(dwarf, function->die, &vars.frame.function) ||
	    !dwarf_offdie(dwarf, function->nodes[id].die, &die))
		return false;
	walk(&vars, &die, DW_TAG_formal_parameter, 0);
	walk(&vars, &die, DW_TAG_variable, 0);
	walk_statics(&vars, &die);
	return true;
}
