/* user_dwarf.c - see user_dwarf.h. */
#include "scriptlang/user/user_dwarf.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 256 /* of a function, within each other */
#define NESTING_MAX 16 /* of types and namespaces with functions in them */

u64 ft_user_to_dwarf(const struct ft_user_file *file, u64 addr)
{
	return addr + file->elf_bias - file->bias;
}

u64 ft_user_from_dwarf(const struct ft_user_file *file, u64 addr)
{
	return addr + file->bias - file->elf_bias;
}

/* A sibling before its elder is damage, and would be a circle. */
bool ft_user_next(Dwarf_Die *entry)
{
	Dwarf_Off offset = dwarf_dieoffset(entry);

	return !dwarf_siblingof(entry, entry) && dwarf_dieoffset(entry) > offset;
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
	} while (ft_user_next(&child));
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

/* A block, or a call that was inlined, of an entry that has an address. */
static bool find_block(Dwarf_Die *around, u64 at, Dwarf_Die *block)
{
	if (dwarf_child(around, block))
		return false;
	do {
		switch (dwarf_tag(block)) {
		case DW_TAG_lexical_block:
		case DW_TAG_inlined_subroutine:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
		case DW_TAG_with_stmt:
			if (dwarf_haspc(block, at) > 0)
				return true;
			break;
		default:
			break;
		}
	} while (ft_user_next(block));
	return false;
}

/* The entry of those in another one that is at an offset, or around it. */
static bool find_entry(Dwarf_Die *around, Dwarf_Off offset, Dwarf_Die *entry)
{
	Dwarf_Die next;

	if (dwarf_child(around, &next))
		return false;
	do {
		*entry = next;
	} while (ft_user_next(&next) && dwarf_dieoffset(&next) <= offset);
	return dwarf_dieoffset(entry) <= offset;
}

int ft_user_around(const Dwarf_Die *die, Dwarf_Die **scopes)
{
	Dwarf_Die copy = *die, chain[BLOCKS_MAX];
	Dwarf_Off offset = dwarf_dieoffset(&copy);
	int depth = 1;

	*scopes = NULL;
	if (!dwarf_diecu(&copy, &chain[0], NULL, NULL))
		return 0;
	while (dwarf_dieoffset(&chain[depth - 1]) != offset) {
		if (depth == BLOCKS_MAX || !find_entry(&chain[depth - 1], offset, &chain[depth]))
			return 0;
		depth++;
	}
	*scopes = malloc((size_t)depth * sizeof(**scopes));
	for (int i = 0; *scopes && i < depth; i++)
		(*scopes)[i] = chain[depth - 1 - i];
	return *scopes ? depth : 0;
}

/*
 * Behind a call that was inlined: what is around the function that was called, where it is
 * described. The first entry of them is that function itself, which is left out.
 */
static int scopes_behind(Dwarf_Die *call, Dwarf_Die **scopes)
{
	Dwarf_Attribute attr;
	Dwarf_Die origin;

	*scopes = NULL;
	return dwarf_formref_die(dwarf_attr(call, DW_AT_abstract_origin, &attr), &origin)
		       ? ft_user_around(&origin, scopes)
		       : 0;
}

/*
 * As dwarf_getscopes, which goes through the whole unit each time, and does not look into
 * namespaces and types, where some compilers leave functions.
 */
int ft_user_scopes(struct ft_user_file *file, u64 addr, Dwarf_Die **scopes)
{
	u64 at = ft_user_to_dwarf(file, addr);
	Dwarf_Die unit, chain[BLOCKS_MAX], *behind = NULL;
	int depth = 0, call = -1, more = 1, count = 0;

	*scopes = NULL;
	if (!ft_user_unit_at(file, addr, &unit))
		return 0;
	if (function_in(file, &unit, at, &chain[0]))
		for (depth = 1;
		     depth < BLOCKS_MAX && find_block(&chain[depth - 1], at, &chain[depth]);
		     depth++)
			if (dwarf_tag(&chain[depth]) == DW_TAG_inlined_subroutine)
				call = depth;
	if (call >= 0)
		more = scopes_behind(&chain[call], &behind);
	*scopes = malloc(((size_t)depth + (size_t)more + 1) * sizeof(**scopes));
	for (int i = depth - 1; *scopes && i >= (call >= 0 ? call : 0); i--)
		(*scopes)[count++] = chain[i];
	for (int i = 1; *scopes && i < more; i++)
		(*scopes)[count++] = behind[i];
	if (*scopes && call < 0)
		(*scopes)[count++] = unit;
	free(behind);
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
