/*
 * test_x86.c - instructions: what single ones do, and the lengths of all in large programs of this
 * machine beside what objdump says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/x86.h"

#define UNUSED __attribute__((unused))
#define INSNS_MAX 150000 /* of one file */

#define RAX 1u
#define RBX 8u
#define RBP 32u

static void assert_is(const char *bytes, size_t len, enum ft_x86_kind kind, u32 writes, bool faults,
		      s64 target)
{
	struct ft_x86 insn;

	assert_true(ft_x86_decode((const u8 *)bytes, len, &insn));
	assert_int_equal(insn.len, len);
	assert_int_equal(insn.kind, kind);
	if (kind == FT_X86_PLAIN) {
		assert_int_equal(insn.writes, writes);
		assert_int_equal(insn.faults, faults);
	}
	if (kind == FT_X86_JUMP || kind == FT_X86_JUMP_IF || kind == FT_X86_CALL)
		assert_int_equal(insn.target, target);
	for (size_t cut = 0; cut < len; cut++)
		assert_false(ft_x86_decode((const u8 *)bytes, cut, &insn));
}

#define IS(BYTES, KIND, WRITES, FAULTS, TARGET) \
	assert_is(BYTES, sizeof(BYTES) - 1, FT_X86_##KIND, WRITES, FAULTS, TARGET)

static void test_what_they_do(void **state UNUSED)
{
	IS("\xf3\x0f\x1e\xfa", NOP, 0, false, 0);
	IS("\x55", PUSH, 0, false, 0);
	IS("\x41\x57", PUSH, 0, false, 0);
	IS("\x0f\x1f\x44\x00\x00", NOP, 0, false, 0);
	IS("\x48\x89\xf8", PLAIN, RAX, false, 0);	     /* mov %rdi,%rax */
	IS("\x48\x8b\xc7", PLAIN, RAX, false, 0);	     /* the same, the other way */
	IS("\x4c\x89\xc7", PLAIN, FT_X86_RDI, false, 0);     /* mov %r8,%rdi */
	IS("\x49\x89\xf9", PLAIN, FT_X86_R9, false, 0);	     /* mov %rdi,%r9 */
	IS("\x31\xd2", PLAIN, FT_X86_RDX, false, 0);	     /* xor %edx,%edx */
	IS("\x40\xb7\x01", PLAIN, FT_X86_RDI, false, 0);     /* mov $1,%dil */
	IS("\xb7\x01", PLAIN, FT_X86_RDI | RBX, false, 0);   /* mov $1,%bh */
	IS("\x48\x85\xff", PLAIN, 0, false, 0);		     /* test %rdi,%rdi */
	IS("\x48\x83\xfe\x03", PLAIN, 0, false, 0);	     /* cmp $3,%rsi */
	IS("\x48\x83\xec\x08", PLAIN, FT_X86_RSP, false, 0); /* sub $8,%rsp */
	IS("\x48\x8d\x47\x10", PLAIN, RAX, false, 0);	     /* lea 16(%rdi),%rax */
	IS("\x48\x8b\x47\x10", PLAIN, RAX, true, 0);	     /* mov 16(%rdi),%rax */
	IS("\x48\x8b\x44\x24\x08", PLAIN, RAX, false, 0);    /* mov 8(%rsp),%rax */
	IS("\x48\x8b\x04\xfc", PLAIN, RAX, true, 0);	     /* mov (%rsp,%rdi,8),%rax */
	IS("\x49\x8b\x04\x24", PLAIN, RAX, true, 0);	     /* mov (%r12),%rax */
	IS("\x64\x48\x8b\x04\x25\x28\x00\x00\x00", PLAIN, RAX, false, 0); /* mov %fs:40,%rax */
	IS("\x8b\x05\x11\x22\x33\x44", PLAIN, RAX, false, 0);		  /* mov ...(%rip),%eax */
	IS("\x80\x3f\x00", PLAIN, 0, true, 0);				  /* cmpb $0,(%rdi) */
	IS("\x0f\xb6\x2f", PLAIN, RBP, true, 0);			  /* movzbl (%rdi),%ebp */
	IS("\x0f\x94\xc0", PLAIN, RAX, false, 0);			  /* sete %al */
	IS("\x89\x07", OTHER, 0, false, 0);				  /* mov %eax,(%rdi) */
	IS("\x87\xc7", OTHER, 0, false, 0);				  /* xchg %eax,%edi */
	IS("\x5f", OTHER, 0, false, 0);					  /* pop %rdi */
	IS("\xc9", OTHER, 0, false, 0);					  /* leave */
	IS("\x48\xf7\xe6", OTHER, 0, false, 0);				  /* mul %rsi */
	IS("\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", PLAIN, RAX, false, 0);
	IS("\x66\xb8\x01\x02", PLAIN, RAX, false, 0);
	IS("\x74\xfe", JUMP_IF, 0, false, 0);
	IS("\x0f\x85\x00\x01\x00\x00", JUMP_IF, 0, false, 262);
	IS("\xe3\x10", JUMP_IF, 0, false, 18);
	IS("\xeb\x10", JUMP, 0, false, 18);
	IS("\xe9\xfb\xff\xff\xff", JUMP, 0, false, 0);
	IS("\xe8\x00\x00\x00\x00", CALL, 0, false, 5);
	IS("\xff\xe0", INDIRECT, 0, false, 0);
	IS("\x3e\xff\x24\xc5\x00\x00\x00\x00", INDIRECT, 0, false, 0);
	IS("\xff\xd0", OTHER, 0, false, 0); /* call *%rax */
	IS("\xc3", END, 0, false, 0);
	IS("\x0f\x0b", END, 0, false, 0);
	IS("\xc5\xf8\x77", OTHER, 0, false, 0);		    /* vzeroupper */
	IS("\x62\xf1\x7c\x48\x28\x07", OTHER, 0, false, 0); /* vmovaps (%rdi),%zmm0 */
}

static void test_what_is_none(void **state UNUSED)
{
	static const char prefixes[] = "\x66\x66\x66\x66\x66\x66\x66\x66"
				       "\x66\x66\x66\x66\x66\x66\x66\x90";
	static const char *const none[] = {"\x06", "\x66\xe8\x00\x00\x00\x00", "\x0f\x04",
					   prefixes};
	struct ft_x86 insn;

	for (size_t i = 0; i < FT_ARRAY_LEN(none); i++)
		assert_false(ft_x86_decode((const u8 *)none[i], 16, &insn));
}

/* The bytes of a line of objdump: "  1220:\t48 85 ff \ttest %rdi,%rdi"; what stands behind them. */
static const char *parse(char *line, u8 *bytes, size_t *len)
{
	char *tab = strchr(line, '\t'), *end = tab ? strchr(tab + 1, '\t') : NULL;

	*len = 0;
	if (!end || *line != ' ')
		return NULL;
	for (char *at = tab + 1, *next; at < end && *len < 16; at = next) {
		bytes[*len] = (u8)strtoul(at, &next, 16);
		if (next == at || next > end)
			break;
		++*len;
	}
	return end + 1;
}

static bool is_end(const char *text)
{
	static const char *const ends[] = {"ret",  "lret",     "iret",	  "ud",	   "hlt",
					   "int3", "repz ret", "bnd ret", "cs ret"};

	for (size_t i = 0; i < FT_ARRAY_LEN(ends); i++)
		if (!strncmp(text, ends[i], strlen(ends[i])))
			return true;
	return false;
}

static u32 check_file(const char *path)
{
	char command[600], *line = NULL;
	size_t cap = 0, len;
	u32 count = 0;
	FILE *from;

	snprintf(command, sizeof(command), "objdump -d -w --insn-width=16 %s 2>/dev/null", path);
	from = popen(command, "r"); /* NOLINT(cert-env33-c): the paths are those below */
	assert_non_null(from);
	while (count < INSNS_MAX && getline(&line, &cap, from) > 0) {
		u8 bytes[40] = {0};
		const char *text = parse(line, bytes, &len);
		struct ft_x86 insn;

		if (!text || !len || strstr(text, "(bad)"))
			continue;
		count++;
		if (len > 1 && bytes[0] == 0x9b) /* fwait is shown with what follows */
			continue;
		if (!ft_x86_decode(bytes, sizeof(bytes), &insn) || insn.len != len)
			fail_msg("%s: %zu bytes, not %u: %s", path, len, insn.len, line);
		if ((insn.kind == FT_X86_JUMP_IF) !=
		    ((*text == 'j' && strncmp(text, "jmp", 3) != 0) || !strncmp(text, "loop", 4)))
			fail_msg("%s: a jump with a condition, or none: %s", path, line);
		if (insn.kind == FT_X86_END && !is_end(text))
			fail_msg("%s: no end: %s", path, line);
	}
	free(line);
	pclose(from);
	return count;
}

static void test_lengths(void **state UNUSED)
{
	static const char *const paths[] = {"/lib/x86_64-linux-gnu/libc.so.6",
					    "/lib64/libc.so.6",
					    "/lib/x86_64-linux-gnu/libm.so.6",
					    "/usr/bin/python3",
					    "/usr/bin/gdb",
					    "/usr/lib/gcc/x86_64-linux-gnu/12/cc1"};
	u32 count = 0;

	for (size_t i = 0; i < FT_ARRAY_LEN(paths); i++)
		if (!access(paths[i], R_OK))
			count += check_file(paths[i]);
	if (!count) {
		puts("SKIP: needs objdump, and programs of x86-64");
		skip();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_they_do),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
