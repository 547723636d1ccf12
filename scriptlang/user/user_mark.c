/*
 * user_mark.c - see user_mark.h.
 *
 * A note has its arguments as the assembler saw them, "SIZE@OPERAND" each, a negative size for what
 * is signed (SystemTap wiki, UserSpaceProbeImplementation). Operands of x86-64 are those of AT&T
 * syntax: $5, %eax, -8(%rbp), sym+4(%rip), 8(%rax,%rcx,4), (,%rcx,8); of aarch64: 5, x0, [sp, 16],
 * [x1, x2].
 */
#include "scriptlang/user/user_mark.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "scriptlang/codegen/bpf_registers.h"

#define OPERAND_BYTES 160

struct operand {
	char text[OPERAND_BYTES]; /* without its size */
	u32 size;
	bool is_signed;
};

/* The end of an argument: a blank that is in no brackets. */
static const char *end_of(const char *at)
{
	u32 depth = 0;

	for (; *at; at++) {
		depth += *at == '(' || *at == '[';
		if ((*at == ')' || *at == ']') && depth)
			depth--;
		if (!depth && isspace((u8)*at))
			break;
	}
	return at;
}

static const char *skip_blanks(const char *at)
{
	while (isspace((u8)*at))
		at++;
	return at;
}

u32 ft_user_mark_args(const char *arguments)
{
	u32 count = 0;

	for (const char *at = skip_blanks(arguments); *at; at = skip_blanks(end_of(at)))
		count++;
	return count;
}

static bool cut_operand(const char *arguments, u32 number, struct operand *operand)
{
	const char *at = skip_blanks(arguments), *sign, *end;
	size_t len;
	long size;

	while (--number && *at)
		at = skip_blanks(end_of(at));
	end = end_of(at);
	if (at == end)
		return false;
	*operand = (struct operand){.size = 8};
	sign = memchr(at, '@', (size_t)(end - at));
	if (sign) {
		size = strtol(at, NULL,
			      10); /* an "f" behind it: floating point, of which it is the bits */
		operand->is_signed = size < 0;
		operand->size = (u32)labs(size);
		if (operand->size != 1 && operand->size != 2 && operand->size != 4)
			operand->size = 8;
		at = sign + 1;
	}
	len = (size_t)(end - at);
	if (len >= sizeof(operand->text))
		return false;
	memcpy(operand->text, at, len);
	operand->text[len] = '\0';
	return len > 0;
}

static int bad(struct ft_user_resolver *r, const struct operand *operand)
{
	return ft_user_say(r, "this version cannot read the operand '%.100s'", operand->text);
}

static int push_register(struct ft_user_resolver *r, const char *name, struct ft_register *found)
{
	if (!ft_register_find(name, found))
		return ft_user_say(r, "programs of the kernel cannot read the register '%.60s'",
				   name);
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_WORD, .bytes = found->word});
}

static int push_number(struct ft_user_resolver *r, s64 number)
{
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_NUMBER, .number = number});
}

static int binary(struct ft_user_resolver *r, u8 op)
{
	return ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_BINARY, .op = op});
}

static int add(struct ft_user_resolver *r, s64 number)
{
	int code = number ? push_number(r, number) : 0;

	return code || !number ? code : binary(r, BPF_ADD);
}

static int in_register(struct ft_user_resolver *r, const char *name)
{
	struct ft_register found;
	int code = push_register(r, name, &found);

	r->state = FT_USER_VALUE;
	if (code || !found.shift)
		return code;
	code = push_number(r, found.shift);
	return code ? code : binary(r, BPF_RSH);
}

static int constant(struct ft_user_resolver *r, const struct operand *operand, const char *text)
{
	char *end;
	s64 number;

	errno = 0;
	number = *text == '-' ? strtoll(text, &end, 0) : (s64)strtoull(text, &end, 0);
	if (errno || end == text || *end)
		return bad(r, operand);
	r->state = FT_USER_VALUE;
	return push_number(r, number);
}

/* "a,b" between brackets: cut into parts without blanks. How many. */
static u32 split(char *text, char *parts[3])
{
	u32 count = 0;

	for (char *at = text; at && count < 3;) {
		char *comma = strchr(at, ','), *last;

		if (comma)
			*comma = '\0';
		while (isspace((u8)*at))
			at++;
		last = at + strlen(at);
		while (last > at && isspace((u8)last[-1]))
			*--last = '\0';
		parts[count++] = at;
		at = comma ? comma + 1 : NULL;
	}
	return count;
}

/* "sym+8" or "8+sym": the address of a variable, as linked. */
static int push_symbol(struct ft_user_resolver *r, const struct operand *operand, const char *text,
		       size_t len)
{
	s64 more = 0;
	char *end, symbol[OPERAND_BYTES];
	size_t name, before;
	u64 addr;
	int code;

	if (isdigit((u8)*text) || *text == '-') {
		more = strtoll(text, &end, 0);
		before = (size_t)(end - text) + 1;
		if (*end != '+' || before >= len)
			return bad(r, operand);
		text += before;
		len -= before;
	}
	name = strcspn(text, "+-");
	if (name > len)
		name = len;
	memcpy(symbol, text, name);
	symbol[name] = '\0';
	if (name < len) {
		more += strtoll(text + name, &end, 0);
		if (end != text + len)
			return bad(r, operand);
	}
	if (!ft_user_file_variable(r->file, symbol, &addr))
		return ft_user_say(r, "the symbol '%.80s' of the operand is not in %.60s", symbol,
				   r->file->shown);
	code = push_number(r, (s64)addr + more);
	return code ? code
		    : ft_user_step(r, (struct ft_target_step){.kind = FT_STEP_BIAS,
							      .number = (s64)r->site->addr});
}

/* disp(base,index,scale) */
static int in_memory(struct ft_user_resolver *r, const struct operand *operand)
{
	char inner[OPERAND_BYTES], *parts[3] = {NULL}, *end;
	const char *text = operand->text, *open = strchr(text, '(');
	size_t len = open ? (size_t)(open - text) : strlen(text);
	struct ft_register found;
	s64 disp = 0;
	u32 count = 0;
	int code = 0;

	r->state = FT_USER_MEMORY;
	if (open) {
		memcpy(inner, open + 1, strlen(open + 1) + 1);
		end = strchr(inner, ')');
		if (!end || end[1])
			return bad(r, operand);
		*end = '\0';
		count = split(inner, parts);
	}
	if (count == 1 && !strcmp(parts[0], "%rip"))
		return push_symbol(r, operand, text, len);
	if (len) {
		disp = strtoll(text, &end, 0);
		if (end != text + len)
			return bad(r, operand);
	}
	if (count && *parts[0]) {
		code = push_register(r, parts[0], &found);
		code = code ? code : add(r, disp);
	} else {
		code = push_number(r, disp);
	}
	if (code || count < 2)
		return code;
	code = push_register(r, parts[1], &found);
	if (!code && count == 3)
		code = push_number(r, strtoll(parts[2], NULL, 0));
	if (!code && count == 3)
		code = binary(r, BPF_MUL);
	return code ? code : binary(r, BPF_ADD);
}

/* aarch64: [x0], [sp, 16], [x1, x2] */
static int in_brackets(struct ft_user_resolver *r, const struct operand *operand)
{
	char inner[OPERAND_BYTES], *parts[3] = {NULL}, *end;
	struct ft_register found;
	u32 count;
	int code;

	memcpy(inner, operand->text + 1, strlen(operand->text + 1) + 1);
	end = strchr(inner, ']');
	if (!end || end[1])
		return bad(r, operand);
	*end = '\0';
	count = split(inner, parts);
	r->state = FT_USER_MEMORY;
	code = count ? push_register(r, parts[0], &found) : bad(r, operand);
	if (code || count < 2)
		return code;
	if (!isalpha((u8)*parts[1]))
		return add(r, strtoll(parts[1] + (*parts[1] == '#'), NULL, 0));
	code = push_register(r, parts[1], &found);
	return code ? code : binary(r, BPF_ADD);
}

/* %xmm0, %ymm0, %zmm0, %st, %mm0; v0, d0, s0, q0 are of aarch64. */
static bool is_vector(const char *text)
{
	static const char *const names[] = {"%xmm", "%ymm", "%zmm", "%st", "%mm"};

	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++)
		if (!strncmp(text, names[i], strlen(names[i])))
			return true;
	return strchr("vdsq", *text) && isdigit((u8)text[1]);
}

int ft_user_mark_arg(struct ft_user_resolver *r, u32 number)
{
	const char *text;
	struct operand operand;

	if (!number || !cut_operand(r->site->arguments, number, &operand))
		return ft_user_say(r, "unable to find local '$arg%u': this probe has %u arguments",
				   number, ft_user_mark_args(r->site->arguments));
	text = operand.text;
	r->target->word = FT_TARGET_STEPS;
	r->target->size = operand.size;
	r->target->is_signed = operand.is_signed;
	if (is_vector(text))
		return ft_user_say_vector(r);
	if (r->file->elf->machine != EM_X86_64 && r->file->elf->machine != EM_AARCH64)
		return ft_user_say(r, "this version does not know the operands of that machine");
	if (*text == '$' || *text == '#')
		return constant(r, &operand, text + 1);
	if (*text == '%')
		return in_register(r, text);
	if (*text == '[')
		return in_brackets(r, &operand);
	if (r->file->elf->machine == EM_X86_64)
		return in_memory(r, &operand);
	return isalpha((u8)*text) ? in_register(r, text) : constant(r, &operand, text);
}
