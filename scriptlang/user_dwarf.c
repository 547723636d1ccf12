/* user_dwarf.c - see user_dwarf.h. */
#include "scriptlang/user_dwarf.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

u64 ft_user_to_dwarf(const struct ft_user_file *file, u64 addr)
{
	return addr + file->elf_bias - file->bias;
}

u64 ft_user_from_dwarf(const struct ft_user_file *file, u64 addr)
{
	return addr + file->bias - file->elf_bias;
}

bool ft_user_unit_at(struct ft_user_file *file, u64 addr, Dwarf_Die *unit)
{
	Dwarf *dwarf = ft_user_file_dwarf(file);
	u64 at = ft_user_to_dwarf(file, addr);
	Dwarf_CU *cu = NULL;

	if (!dwarf)
		return false;
	if (dwarf_addrdie(dwarf, at, unit))
		return true;
	/* Not all compilers make a table of addresses. */
	while (!dwarf_get_units(dwarf, cu, &cu, NULL, NULL, unit, NULL))
		if (dwarf_haspc(unit, at) > 0)
			return true;
	return false;
}

int ft_user_scopes(struct ft_user_file *file, u64 addr, Dwarf_Die **scopes)
{
	Dwarf_Die unit;
	int count;

	*scopes = NULL;
	if (!ft_user_unit_at(file, addr, &unit))
		return 0;
	count = dwarf_getscopes(&unit, ft_user_to_dwarf(file, addr), scopes);
	return count > 0 ? count : 0;
}

static bool find_whole(const Dwarf_Die *scopes, int count, Dwarf_Die *function)
{
	for (int i = 0; i < count; i++) {
		Dwarf_Die die = scopes[i];

		if (dwarf_tag(&die) == DW_TAG_subprogram) {
			*function = die;
			return true;
		}
	}
	return false;
}

/* Around an inlined call libdw gives where it was written; here it is where it runs. */
bool ft_user_function_at(struct ft_user_file *file, u64 addr, Dwarf_Die *function)
{
	Dwarf_Die *scopes;
	int count = ft_user_scopes(file, addr, &scopes);
	Dwarf_Die *around = NULL;
	bool found = false, inlined = false;

	for (int i = 0; i < count && !inlined; i++)
		if (dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine) {
			int outer = dwarf_getscopes_die(&scopes[i], &around);

			inlined = true;
			found = outer > 0 && find_whole(around, outer, function);
			if (outer > 0)
				free(around);
		}
	if (!inlined)
		found = find_whole(scopes, count, function);
	free(scopes);
	return found;
}

const char *ft_user_declared(const Dwarf_Die *function, int *line)
{
	Dwarf_Die copy = *function;

	*line = 0;
	if (dwarf_decl_line(&copy, line))
		*line = 0;
	return dwarf_decl_file(&copy);
}

/* Whether a parameter lies in the frame all the time: nothing was optimized. */
static bool lies_in_frame(Dwarf_Die *parameter)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t count;

	if (!dwarf_attr_integrate(parameter, DW_AT_location, &attr))
		return false;
	if (dwarf_whatform(&attr) != DW_FORM_exprloc && dwarf_whatform(&attr) != DW_FORM_block1)
		return false;
	return !dwarf_getlocation(&attr, &ops, &count) && count && ops[0].atom == DW_OP_fbreg;
}

u64 ft_user_prologue_end(struct ft_user_file *file, u64 function)
{
	Dwarf_Die die, child;
	Dwarf_Addr *places = NULL;
	bool moves = false;
	u64 end = function;
	int count;

	if (!ft_user_function_at(file, function, &die) || dwarf_child(&die, &child))
		return function;
	do {
		moves |= dwarf_tag(&child) == DW_TAG_formal_parameter && lies_in_frame(&child);
	} while (!moves && dwarf_siblingof(&child, &child) == 0);
	if (!moves)
		return function;
	count = dwarf_entry_breakpoints(&die, &places);
	if (count > 0)
		end = ft_user_from_dwarf(file, places[0]);
	free(places);
	return end;
}

bool ft_user_entry_pc(Dwarf_Die *function, Dwarf_Addr *entry)
{
	Dwarf_Addr base, end;

	return !dwarf_entrypc(function, entry) || dwarf_ranges(function, 0, &base, entry, &end) > 0;
}
