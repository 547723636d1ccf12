/*
 * user_elsewhere.c - addresses of variables that are in no frame: globals, and variables of
 * threads, of the file that is probed, of the program at hand, and of libraries that it calls.
 */
#include <errno.h>
#include <linux/bpf.h>

#include <dwarf.h>

#include "scriptlang/user/user_anchor.h"
#include "scriptlang/user/user_dwarf.h"
#include "scriptlang/user/user_location.h"
#include "scriptlang/user/user_tls.h"

static struct ft_target_step program_step(const struct ft_user_file *file)
{
	return (struct ft_target_step){.kind = FT_STEP_PROGRAM,
				       .bytes = (u32)file->inode,
				       .access = (u32)(file->inode >> 32),
				       .number = (s64)ft_user_first_code(file)};
}

/* Of the kernel nothing need be asked when it runs. */
static int emit_kernel_address(struct ft_user_resolver *r, u64 addr)
{
	const struct ft_elf_section *each =
		ft_elf_section(r->file->elf, SHT_PROGBITS, ".data..percpu");

	/* What is not kept, and what each CPU has, is at no address: -1 and a little. */
	if (r->file->kernel_module && addr + (1u << 24) < addr)
		return ft_user_say(r, "it is no longer there, or a variable of each CPU");
	if (!r->file->kernel_module && each && addr >= each->addr &&
	    addr - each->addr < each->bytes)
		return ft_user_say(r, "it is a variable of each CPU, which this version does not "
				      "find");
	return ft_user_number(r, (s64)(ft_user_from_dwarf(r->file, addr) + r->file->slide));
}

static int emit_own_address(struct ft_user_resolver *r, u64 addr)
{
	int code = 0;

	if (r->file->in_kernel)
		return emit_kernel_address(r, addr);
	code = ft_user_number(r, (s64)ft_user_from_dwarf(r->file, addr));

	/* At a return, only Linux 6.6 and later tell which function it was. */
	if (!code && (!r->site || (r->probe->at_return && !r->probe->is_library)))
		return ft_user_step(r, program_step(r->file));
	/* Run-time minus as linked: the same for all of the file. */
	return code ? code
		    : ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_BIAS,
							      .number = (s64)r->site->addr});
}

/* The place of the probe, if it tells where a library is that is not its own file. */
static const struct ft_user_probe *anchor_of(const struct ft_user_resolver *r,
					     struct ft_user_anchor *anchor)
{
	const struct ft_user_probe *at = r->probe ? r->probe : r->around;

	if (r->site || !at || at->site_count != 1 || at->sites[0].file->in_kernel ||
	    r->file->in_kernel || at->sites[0].file->inode == r->file->inode ||
	    ft_user_is_program(r->file) || !ft_user_anchor_find(at->sites[0].file, r->file, anchor))
		return NULL;
	return at;
}

/* Pushes the library's run-time addresses minus those as linked; checks that it is that library. */
static int push_library(struct ft_user_resolver *r, const struct ft_user_probe *at,
			const struct ft_user_anchor *anchor)
{
	const struct ft_user_site *site = &at->sites[0];
	struct ft_target_step bias = {.kind = FT_STEP_BIAS, .number = (s64)site->addr};
	int code = ft_user_number(r, (s64)anchor->slot);

	/* As in emit_own_address. */
	if (!code)
		code = ft_user_step(r, at->at_return && !at->is_library ? program_step(site->file)
									: bias);
	if (!code)
		code = ft_user_load(r, 8);
	if (!code)
		code = ft_user_add(r, (s64)(0 - anchor->function));
	if (!code)
		code = ft_user_pick(r, 0);
	if (!code)
		code = ft_user_add(r, (s64)anchor->check);
	if (!code)
		code = ft_user_load(r, 8);
	if (!code)
		code = ft_user_number(r, (s64)anchor->expected);
	if (!code)
		code = ft_user_binary(r, BPF_SUB);
	return code ? code : ft_user_simple(r, FT_STEP_ZERO);
}

int ft_user_emit_address(struct ft_user_resolver *r, u64 addr)
{
	struct ft_user_anchor anchor;
	const struct ft_user_probe *at = anchor_of(r, &anchor);

	if (at) {
		int pushed = push_library(r, at, &anchor);

		return pushed ? pushed : ft_user_add(r, (s64)ft_user_from_dwarf(r->file, addr));
	}
	return emit_own_address(r, addr);
}

/* By the words of the file that is probed, which uses the variable by its name. 1: not so. */
static int emit_needed_thread(struct ft_user_resolver *r)
{
	const struct ft_user_probe *at = r->probe ? r->probe : r->around;
	const char *name = dwarf_diename(&r->variable);
	struct ft_target_step step = {.kind = FT_STEP_THREAD};
	struct ft_user_tls tls;
	int code = 0;

	if (r->site || !at || at->site_count != 1 || at->sites[0].file->in_kernel || !name ||
	    (at->at_return && !at->is_library) ||
	    !ft_user_tls_needed(at->sites[0].file, name, &tls))
		return 1;
	if (tls.kind != FT_USER_TLS_MODULE) { /* the word is of the variable itself */
		code = ft_user_simple(r, FT_STEP_DROP);
		code = code ? code : ft_user_number(r, 0);
	}
	step.op = (u8)tls.kind;
	step.number = (s64)(tls.slot - at->sites[0].addr);
	return code ? code : ft_user_step(r, step);
}

/* The offset on top is that of a thread's variable. */
int ft_user_emit_thread(struct ft_user_resolver *r)
{
	struct ft_target_step step = {.kind = FT_STEP_THREAD};
	struct ft_user_anchor anchor;
	const struct ft_user_probe *at;
	struct ft_user_tls tls;
	int code = ft_user_tls_find(r->file, &tls);

	if (code == -ENOTSUP)
		return ft_user_say(r, "it is a variable of each thread (TLS), which this version "
				      "finds on x86-64 only");
	if (code)
		return ft_user_say(r,
				   "it is a variable of each thread (TLS), and %.80s does not tell "
				   "where: it has no R_X86_64_DTPMOD64, TPOFF64 or TLSDESC",
				   r->file->shown);
	at = tls.kind != FT_USER_TLS_PROGRAM ? anchor_of(r, &anchor) : NULL;
	if (tls.kind != FT_USER_TLS_PROGRAM && !at && r->depth == 1) {
		code = emit_needed_thread(r);
		if (code != 1)
			return code;
	}
	if (tls.kind != FT_USER_TLS_PROGRAM && !r->site && !at)
		return ft_user_say(r,
				   "it is a variable of each thread (TLS) in a library: it can "
				   "be had where %.60s itself is probed, or what calls it",
				   r->file->shown);
	if (r->depth < 1 || r->depth > 2)
		return ft_user_say(r, "its location expression is damaged");
	step.op = (u8)tls.kind;
	if (r->site)
		step.number = (s64)(tls.slot - r->site->addr);
	code = ft_user_add(r, tls.add);
	if (at) {
		code = code ? code : push_library(r, at, &anchor);
		code = code ? code : ft_user_add(r, (s64)tls.slot);
		step.bytes = 1;
		return code ? code : ft_user_step(r, step);
	}
	/* Only in the program that has it. */
	if (!code && !r->site)
		code = ft_user_number(r, 0);
	if (!code && !r->site)
		code = ft_user_step(r, program_step(r->file));
	if (!code && !r->site)
		code = ft_user_simple(r, FT_STEP_DROP);
	return code ? code : ft_user_step(r, step);
}
