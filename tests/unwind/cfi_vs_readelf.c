/*
 * cfi_vs_readelf.c - compares a table of sampler/cfi.h with what readelf prints about the same
 * file.
 *
 *     readelf -W --debug-dump=frames-interp FILE | cfi_vs_readelf FILE
 *
 * A second opinion beside libdw: readelf shares no code with it, prints .eh_frame and .debug_frame
 * whole, and says the rules as text. It prints "exp" for expressions, and "u" for a register that
 * is undefined as well as for one of which nothing is said; what they are is for cfi_vs_libdw to
 * check. Every row is compared at its first and last address.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/cfi.h"

#define COLUMNS_MAX 48
#define DIFFERENCES_SHOWN 20

static const char *const x86_names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
					"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

/* One printed row, and the columns that matter; "" where there is none. */
struct row {
	u64 pc;
	char cfa[40], rbp[40], rsp[40], ra[40];
};

struct compare {
	const char *path;
	struct ft_cfi_table table;
	char columns[COLUMNS_MAX][8]; /* names, as the header of an FDE says */
	size_t column_count;
	struct row initial[4096]; /* of CIEs: an FDE without rows has its CIE's */
	u64 initial_at[4096];
	size_t initial_count;
	u64 start, end; /* of the FDE; end is 0 in a CIE */
	bool in_debug_frame;
	struct row row; /* waits for the next one, which ends it */
	bool has_row;
	u64 rows, overlaps, sp_other, bad, differences;
};

/* What readelf prints for a CFA of register + offset. */
static void cfa_text(const struct ft_cfi_rule *r, char *out, size_t cap)
{
	if (r->cfa_kind == FT_CFI_CFA_REG && r->cfa_reg < FT_ARRAY_LEN(x86_names))
		snprintf(out, cap, "%s%+d", x86_names[r->cfa_reg], r->cfa_offset);
	else
		snprintf(out, cap, "exp");
}

static void kind_text(u8 kind, u8 reg, int words, char *out, size_t cap)
{
	switch (kind) {
	case FT_CFI_AT_CFA:
		snprintf(out, cap, "c%+d", words * 8);
		break;
	case FT_CFI_IS_CFA:
		snprintf(out, cap, "v%+d", words * 8);
		break;
	case FT_CFI_AT_REG:
		snprintf(out, cap, "exp");
		break;
	case FT_CFI_IN_REG:
		snprintf(out, cap, "%s", x86_names[reg & 15]);
		break;
	default:
		snprintf(out, cap, "u");
	}
}

/* "r2 (rcx)" is the register rcx; "s" and nothing at all are "u" too. */
static const char *plain(const char *text)
{
	static const char *const unsaid[] = {"", "s"};
	const char *name = strchr(text, '(');

	for (size_t i = 0; i < FT_ARRAY_LEN(unsaid); i++) {
		if (!strcmp(text, unsaid[i]))
			return "u";
	}
	return name ? name + 1 : text;
}

static void compare_text(struct compare *c, u64 addr, const char *what, const char *theirs,
			 const char *ours)
{
	if (!strncmp(plain(theirs), ours, strlen(ours)))
		return;
	if (c->differences++ < DIFFERENCES_SHOWN)
		printf("DIFFERENCE %s %#llx: %s: readelf \"%s\", ours \"%s\"\n", c->path,
		       (unsigned long long)addr, what, theirs, ours);
}

static void compare_at(struct compare *c, u64 addr)
{
	const struct ft_cfi_rule *r = ft_cfi_find(&c->table, addr);
	const struct row *row = &c->row;
	char ours[40];

	c->rows++;
	if (r->cfa_kind == FT_CFI_CFA_BAD) {
		c->bad++;
		return;
	}
	/* longjmp and its like: the caller's sp is not the CFA, and ours takes the sp. */
	if (row->rsp[0] && strcmp(plain(row->rsp), "u") && strcmp(row->rsp, "exp")) {
		c->sp_other++;
		return;
	}
	/* vexp: GHC says sp as a value, and has no more than that to say. */
	if (!strcmp(row->rsp, "vexp")) {
		c->sp_other++;
		return;
	}
	cfa_text(r, ours, sizeof(ours));
	compare_text(c, addr, "CFA", row->cfa, ours);
	kind_text(r->fp_kind, r->fp_reg, r->fp_words, ours, sizeof(ours));
	compare_text(c, addr, "rbp", row->rbp, ours);
	kind_text(r->ra_kind, r->ra_reg, r->ra_words, ours, sizeof(ours));
	compare_text(c, addr, "ra", row->ra, ours);
}

/* The row that waits holds up to end. */
static void row_end(struct compare *c, u64 end)
{
	if (c->has_row && c->end && end > c->row.pc && c->row.pc < c->end) {
		compare_at(c, c->row.pc);
		compare_at(c, (end < c->end ? end : c->end) - 1);
	}
	c->has_row = false;
}

static void entry_end(struct compare *c)
{
	if (!c->end && c->has_row && c->initial_count < FT_ARRAY_LEN(c->initial))
		c->initial[c->initial_count++] = c->row;
	row_end(c, c->end);
	c->column_count = 0;
}

/* "00000018 ... FDE cie=00000000 pc=START..END" or "00000000 ... CIE ..." */
static void parse_entry(struct compare *c, const char *line)
{
	const char *fde = strstr(line, " FDE cie="), *pc = strstr(line, " pc=");
	unsigned long long cie, start, end;

	entry_end(c);
	c->end = 0;
	if (!fde || !pc) {
		if (c->initial_count < FT_ARRAY_LEN(c->initial))
			c->initial_at[c->initial_count] = strtoull(line, NULL, 16);
		return;
	}
	if (sscanf(fde, " FDE cie=%llx pc=%llx..%llx", &cie, &start, &end) != 3 || end <= start)
		return;
	c->start = start;
	c->end = end;
	for (size_t i = c->initial_count; i-- > 0;) {
		if (c->initial_at[i] != cie)
			continue;
		c->row = c->initial[i];
		c->row.pc = start;
		c->has_row = true;
		break;
	}
}

/* The next cell: a word, and a word in parentheses behind it. */
static char *next_cell(char **line)
{
	char *cell = *line + strspn(*line, " \n"), *end = cell + strcspn(cell, " \n");

	if (!*cell)
		return NULL;
	if (end[0] == ' ' && end[1] == '(')
		end += strcspn(end, ")") + 1;
	*line = *end ? end + 1 : end;
	*end = '\0';
	return cell;
}

static void parse_columns(struct compare *c, char *line)
{
	char *cell;

	c->column_count = 0;
	while (c->column_count < COLUMNS_MAX && (cell = next_cell(&line)))
		snprintf(c->columns[c->column_count++], sizeof(c->columns[0]), "%s", cell);
}

static void parse_row(struct compare *c, char *line)
{
	struct row row = {.pc = strtoull(line, &line, 16)};
	char *cell;

	for (size_t i = 1; i < c->column_count && (cell = next_cell(&line)); i++) {
		char *into = !strcmp(c->columns[i], "CFA")   ? row.cfa
			     : !strcmp(c->columns[i], "rbp") ? row.rbp
			     : !strcmp(c->columns[i], "rsp") ? row.rsp
			     : !strcmp(c->columns[i], "ra")  ? row.ra
							     : NULL;

		if (into)
			snprintf(into, sizeof(row.cfa), "%s", cell);
	}
	row_end(c, row.pc);
	c->row = row;
	c->has_row = true;
}

static void compare_output(struct compare *c, FILE *in)
{
	char line[4096];

	while (fgets(line, sizeof(line), in)) {
		if (!strncmp(line, "Contents of the ", 16)) {
			entry_end(c);
			c->end = 0;
			c->initial_count = 0;
		} else if (strstr(line, " FDE ") || strstr(line, " CIE ")) {
			parse_entry(c, line);
		} else if (strstr(line, "LOC ")) {
			parse_columns(c, line);
			c->has_row = false;
		} else if (c->column_count && strspn(line, "0123456789abcdef") == 16) {
			parse_row(c, line);
		}
	}
	entry_end(c);
}

static int table_build(const char *path, struct ft_cfi_table *table)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), code;
	struct ft_elf *elf = NULL;

	if (fd < 0)
		return -1;
	code = ft_elf_open(fd, &elf);
	if (!code)
		code = ft_cfi_build(elf, table, NULL);
	ft_elf_close(elf);
	close(fd);
	return code;
}

int main(int argc, char **argv)
{
	static struct compare c;
	int code;

	if (argc != 2) {
		fprintf(stderr, "usage: readelf -W --debug-dump=frames-interp FILE | %s FILE\n",
			argv[0]);
		return 2;
	}
	c.path = argv[1];
	code = table_build(c.path, &c.table);
	if (code) {
		fprintf(stderr, "%s: %s\n", c.path, strerror(-code));
		return 2;
	}
	compare_output(&c, stdin);
	printf("%llu rows, %llu differences, sp is not the CFA %llu, expression beyond rules "
	       "%llu\n",
	       (unsigned long long)c.rows, (unsigned long long)c.differences,
	       (unsigned long long)c.sp_other, (unsigned long long)c.bad);
	ft_cfi_fini(&c.table);
	return c.differences || !c.rows;
}
