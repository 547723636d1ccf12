/* user_dwarf.c - see user_dwarf.h. */
#include "scriptlang/user_dwarf.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#define NESTING_MAX 16 /* of types and namespaces with functions in them */

u64 ft_user_to_dwarf(const struct ft_user_file *file, u64 addr)
{
	return addr + file->elf_bias - file->bias;
}

u64 ft_user_from_dwarf(const struct ft_user_file *file, u64 addr)
{
	return addr + file->bias - file->elf_bias;
}

/* ---- tables of code ---- */

/* Code of a unit or function. */
struct range {
	u64 low, high;
	Dwarf_Off die;
};

struct ft_user_ranges {
	struct ft_user_ranges *next;
	Dwarf_Off unit;	     /* whose functions these are */
	struct range *items; /* in the order of addresses */
	u32 count;
};

static void add_ranges(struct ft_user_file *file, struct ft_user_ranges *ranges, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		struct range *slot =
			low < high ? FT_ARENA_PUSH(file->arena, &ranges->items, &ranges->count)
				   : NULL;

		if (slot)
			*slot = (struct range){low, high, dwarf_dieoffset(die)};
	}
}

static int by_low(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return a->low < b->low ? -1 : a->low > b->low;
}

static void sort_ranges(struct ft_user_ranges *ranges)
{
	if (ranges->count)
		qsort(ranges->items, ranges->count, sizeof(*ranges->items), by_low);
}

static const struct range *find_range(const struct ft_user_ranges *ranges, u64 at)
{
	u32 low = 0, high = ranges->count;

	while (low < high) { /* those that begin at or before it */
		u32 middle = (low + high) / 2;

		if (ranges->items[middle].low <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low && at < ranges->items[low - 1].high ? &ranges->items[low - 1] : NULL;
}

/* Not all compilers make a table of addresses of a unit. */
static const struct ft_user_ranges *all_units(struct ft_user_file *file)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;

	if (file->units)
		return file->units;
	file->units = FT_ARENA_NEW(file->arena, struct ft_user_ranges);
	while (file->units && !dwarf_get_units(file->dwarf, cu, &cu, NULL, NULL, &unit, NULL))
		add_ranges(file, file->units, &unit);
	if (file->units)
		sort_ranges(file->units);
	return file->units;
}

bool ft_user_unit_at(struct ft_user_file *file, u64 addr, Dwarf_Die *unit)
{
	Dwarf *dwarf = ft_user_file_dwarf(file);
	u64 at = ft_user_to_dwarf(file, addr);
	const struct ft_user_ranges *units;
	const struct range *range;

	if (!dwarf)
		return false;
	if (dwarf_addrdie(dwarf, at, unit))
		return true;
	units = all_units(file);
	range = units ? find_range(units, at) : NULL;
	return range && dwarf_offdie(dwarf, range->die, unit);
}

static void add_functions(struct ft_user_file *file, struct ft_user_ranges *ranges,
			  Dwarf_Die *parent, u32 depth)
{
	Dwarf_Die child;

	if (depth > NESTING_MAX || dwarf_child(parent, &child))
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_subprogram:
			add_ranges(file, ranges, &child);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
			add_functions(file, ranges, &child, depth + 1);
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
}

/* The functions of a unit, of which there are tables for those that were asked last. */
static const struct ft_user_ranges *functions_of(struct ft_user_file *file, Dwarf_Die *unit)
{
	struct ft_user_ranges **at = &file->functions, *found;

	while (*at && (*at)->unit != dwarf_dieoffset(unit))
		at = &(*at)->next;
	found = *at;
	if (found) {
		*at = found->next; /* to the front */
	} else {
		found = FT_ARENA_NEW(file->arena, struct ft_user_ranges);
		if (!found)
			return NULL;
		found->unit = dwarf_dieoffset(unit);
		add_functions(file, found, unit, 0);
		sort_ranges(found);
	}
	found->next = file->functions;
	file->functions = found;
	return found;
}

/* ---- what is around an address ---- */

/* The function at an address in a unit. */
static bool function_in(struct ft_user_file *file, Dwarf_Die *unit, u64 at, Dwarf_Die *function)
{
	const struct ft_user_ranges *functions = functions_of(file, unit);
	const struct range *range = functions ? find_range(functions, at) : NULL;

	return range && dwarf_offdie(file->dwarf, range->die, function);
}

int ft_user_scopes(struct ft_user_file *file, u64 addr, Dwarf_Die **scopes)
{
	Dwarf_Die unit, function, *more;
	u64 at = ft_user_to_dwarf(file, addr);
	int count;

	*scopes = NULL;
	if (!ft_user_unit_at(file, addr, &unit))
		return 0;
	count = dwarf_getscopes(&unit, at, scopes);
	if (count > 1)
		return count;
	/* libdw does not look into namespaces and types, where other compilers leave functions. */
	if (count <= 0)
		*scopes = NULL;
	if (!function_in(file, &unit, at, &function))
		return count > 0 ? count : 0;
	free(*scopes);
	*scopes = NULL;
	count = dwarf_getscopes(&function, at, scopes); /* 0: no block, it itself */
	if (count < 0)
		*scopes = NULL;
	count = count > 0 ? count : 0;
	more = realloc(*scopes, ((size_t)count + 2) * sizeof(*more));
	if (!more) {
		free(*scopes);
		*scopes = NULL;
		return 0;
	}
	if (!count)
		more[count++] = function;
	more[count++] = unit;
	*scopes = more;
	return count;
}

bool ft_user_function_at(struct ft_user_file *file, u64 addr, Dwarf_Die *function)
{
	Dwarf_Die unit;

	return ft_user_unit_at(file, addr, &unit) &&
	       function_in(file, &unit, ft_user_to_dwarf(file, addr), function);
}

/* File 0 of DWARF 5, which libdw takes for none. */
static const char *first_file(Dwarf_Die *function)
{
	Dwarf_Attribute attr;
	Dwarf_Word number;
	Dwarf_Files *files;
	Dwarf_Half version;
	Dwarf_Die unit;
	size_t count;

	if (dwarf_formudata(dwarf_attr_integrate(function, DW_AT_decl_file, &attr), &number) ||
	    number || !dwarf_cu_die(attr.cu, &unit, &version, NULL, NULL, NULL, NULL, NULL) ||
	    version < 5 || dwarf_getsrcfiles(&unit, &files, &count))
		return NULL;
	return dwarf_filesrc(files, 0, NULL, NULL);
}

const char *ft_user_declared(const Dwarf_Die *function, int *line)
{
	Dwarf_Die copy = *function;
	const char *file;

	*line = 0;
	if (dwarf_decl_line(&copy, line))
		*line = 0;
	file = dwarf_decl_file(&copy);
	return file ? file : first_file(&copy);
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
	bool moves = false, stays = false;
	u64 end = function;
	int count;

	if (!ft_user_function_at(file, function, &die) || dwarf_child(&die, &child))
		return function;
	/* Those that were passed on the stack lie there in optimized functions, too. */
	do {
		if (dwarf_tag(&child) != DW_TAG_formal_parameter)
			continue;
		if (lies_in_frame(&child))
			moves = true;
		else
			stays = true;
	} while (!stays && dwarf_siblingof(&child, &child) == 0);
	if (!moves || stays)
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
