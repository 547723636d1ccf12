/*
 * returns.c - functions that must have no return probe; see returns.h.
 *
 * The kernel puts the address of code of its own in the place of a function's return address. A
 * function that keeps its return address for later (setjmp) keeps the wrong one: when it is jumped
 * to, the kernel has nothing to return to any more, and sends SIGILL, or returns to the last call
 * there was, for ever. What walks the stack to find a handler (the unwinder of C++, which
 * pthread_exit() uses, too) finds no function at that address, and ends the program.
 *
 * So functions that do either are left out. An exception may also pass functions that are probed
 * with good reason; nobody can know, but whether a file's functions have handlers or destructors at
 * all: then it refers to the routine that finds them (__gxx_personality_v0).
 */
#include <elf.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/sema/returns.h"
#include "scriptlang/user/user_file.h"

static bool is_harmful(const char *name)
{
	static const char *const names[] = {
		"setjmp",
		"_setjmp",
		"__setjmp",
		"sigsetjmp",
		"__sigsetjmp",
		"getcontext",
		"__getcontext",
		"swapcontext",
		"__swapcontext",
		"pthread_exit",
		"__pthread_exit",
		"__pthread_unwind",
		"__pthread_unwind_next",
		"_Unwind_*",
		"__cxa_throw",
		"__cxa_rethrow",
		"__cxa_bad_cast",
		"__cxa_bad_typeid",
		"__cxa_throw_bad_array*",
		"_ZSt[0-9]*__throw_*",
		"_ZSt17rethrow_exception*",
		"_ZNSt15__exception_ptr*",
		"std::__throw_*",
		"std::rethrow_exception*",
	};

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++)
		if (!fnmatch(names[i], name, 0))
			return true;
	return false;
}

/* Whether a file refers to the routine that finds handlers of exceptions. */
static bool has_handlers(const struct ft_user_file *file)
{
	static const char routine[] = "__gxx_personality_v0";
	const struct ft_elf_section *symbols = ft_elf_section(file->elf, SHT_DYNSYM, NULL);
	const struct ft_elf_section *strings =
		symbols ? ft_elf_linked(file->elf, symbols, SHT_STRTAB) : NULL;
	struct ft_elf_table *table;
	struct ft_elf_symbol symbol;
	char name[sizeof(routine) + 1];
	const void *entry;
	bool has = false;

	table = strings ? malloc(sizeof(*table)) : NULL;
	if (!table)
		return false;
	ft_elf_table_init(table, file->elf, symbols->offset, symbols->bytes,
			  ft_elf_symbol_bytes(file->elf), FT_ELF_SYMBOLS_MAX);
	while (!has && (entry = ft_elf_table_next(table))) {
		ft_elf_symbol_decode(file->elf, entry, &symbol);
		ft_elf_string(file->elf, strings, symbol.name, name, sizeof(name));
		has = !strcmp(name, routine);
	}
	free(table);
	return has;
}

bool ft_returns_spare(struct ft_returns *returns, struct ft_compile *compile,
		      struct ft_point *point, struct ft_span at)
{
	const struct ft_user_probe *probe = point->user;
	struct ft_user_probe *rest;
	u32 count = 0;

	if (!probe || !probe->at_return || probe->in_kernel) {
		returns->any_left = true;
		return true;
	}
	rest = FT_ARENA_NEW(compile->arena, struct ft_user_probe);
	if (!rest)
		return true;
	*rest = *probe;
	for (u32 i = 0; i < probe->site_count; i++) {
		if (is_harmful(probe->sites[i].name))
			returns->spared = probe->sites[i].name;
		else
			rest->sites[count++] = probe->sites[i];
	}
	rest->site_count = count;
	point->user = rest;
	if (!count)
		return false;
	returns->any_left = true;
	if (rest->sites[0].file != returns->seen && has_handlers(rest->sites[0].file))
		ft_diag_add(&compile->diags, FT_DIAG_WARNING, "exceptions", at,
			    "%s handles C++ exceptions: one that passes a function with a return "
			    "probe ends the program",
			    rest->sites[0].file->shown);
	returns->seen = rest->sites[0].file;
	return true;
}
