/*
 * cfi_frames.h - what the files of the CFI reader share; private to sampler/cfi*.c.
 *
 * The way of the data: cfi_section.c finds and reads sections, and cfi_crt.c makes one;
 * cfi_frames.c lists their functions (FDEs) and parses what those have in common (CIEs);
 * cfi_exec.c runs the instructions of one function, with cfi_expr.c for expressions; each change
 * of rule goes to cfi_rows.c, which numbers rules and merges rows. cfi.c calls them in this order.
 */
#ifndef FT_SAMPLER_CFI_FRAMES_H
#define FT_SAMPLER_CFI_FRAMES_H

#include "sampler/cfi.h"
#include "sampler/cfi_bytes.h"

typedef int16_t cfi_words;

/* The registers that matter on a machine; CFI_NO_REG: it has none such. */
#define CFI_NO_REG 0xff
struct cfi_machine {
	u16 elf_machine;
	u8 fp, bx, sp;
	u8 eh_data;	/* passes an exception to its handler, and no call saves it */
	u8 reg_max;	/* the highest register that may be the base of an address */
	bool ra_in_reg; /* calls leave the return address in a register */
	bool has_ra_state;
};

/* ---- sections ---- */

/*
 * What is kept of one file, at most: bytes of a section, CIEs, functions, and rows. The largest
 * programs there are (browsers, machine learning) have a tenth of it. What is beyond counts as
 * damaged.
 */
#define CFI_SECTION_MAX (128u << 20)
#define CFI_CIES_MAX (256u << 10)
#define CFI_FDES_MAX (4u << 20)
#define CFI_ROWS_MAX (16u << 20)

struct cfi_section {
	u8 *data; /* owned; NULL: there is none */
	u32 bytes;
	u64 addr;    /* as linked */
	bool is_eh;  /* form of .eh_frame, else of .debug_frame */
	bool is_cut; /* its end is not known: it ends at a zero word */
};

/*
 * Finds and reads .eh_frame or .debug_frame. 0, also when there is none; -EIO or another errno;
 * -ENOMEM.
 */
int cfi_section_eh(struct ft_elf *elf, struct cfi_section *section);
int cfi_section_debug(struct ft_elf *elf, struct cfi_section *section);

/*
 * Makes a section in the form of .debug_frame for the code of crti.o and crtbegin.o (cfi_crt.c). 0
 * or -ENOMEM.
 */
int cfi_section_crt(struct ft_elf *elf, struct cfi_section *section);

/*
 * The contents of a compressed section: SHF_COMPRESSED, or .zdebug_ as old tools wrote it (is_old).
 * out->data is NULL when they are damaged. 0 or -ENOMEM.
 */
int cfi_inflate(const u8 *data, size_t bytes, bool is_old, struct cfi_section *out);

/*
 * Inflates exactly size bytes by ELFCOMPRESS_x. 0, -EBADMSG (damaged, unknown method) or -ENOMEM.
 */
int cfi_inflate_bytes(u32 method, const u8 *data, size_t bytes, u8 *out, size_t size);

/* ---- functions ---- */

#define CFI_IS_REG 7 /* of sp alone: equal to register + 8 * words */

/* A rule while it is being put together. */
struct cfi_state {
	struct ft_cfi_rule rule;
	/* Where the file says that sp is: ft_cfi_kind or CFI_IS_REG. SAME: it is the CFA. */
	u8 sp_kind;
	u8 sp_reg;
	cfi_words sp_words;
	bool cfa_is_expr;
	bool saves_eh_data; /* the machine's register of that name */
	u64 cfa_reg; /* as said last, also when the CFA is an expression now */
	s64 cfa_offset;
};

struct cfi_cie {
	u32 at; /* offset in its section */
	bool bad;
	bool is_signal, has_z;
	u8 fde_encoding;
	u8 ra;	     /* register that stands for the return address */
	u32 tracked; /* bit per register that matters */
	u64 code_align;
	s64 data_align;
	struct cfi_state initial;
};

struct cfi_fde {
	u64 start; /* address as linked */
	u32 bytes;
	u32 cie : 30, section : 2; /* indices */
	u32 code_at, code_bytes;   /* instructions: offset in the section, length */
};

/* Where functions come from; the earlier ones win. */
enum { CFI_SECTION_EH, CFI_SECTION_DEBUG, CFI_SECTION_CRT, CFI_SECTION_COUNT };

struct cfi_frames {
	const struct cfi_machine *machine;
	struct cfi_section sections[CFI_SECTION_COUNT];
	struct cfi_cie *cies;
	size_t cie_count, cie_cap;
	struct cfi_fde *fdes;
	size_t fde_count, fde_cap;
	struct ft_cfi_stats *stats;
};

/* Appends the functions of a section in the order of the section. 0 or -ENOMEM. */
int cfi_frames_read(struct cfi_frames *frames, const struct ft_elf *elf, u32 index);

/* Sorts functions from index first on by start; equal ones keep their order. 0 or -ENOMEM. */
int cfi_frames_sort(struct cfi_frames *frames, size_t first);

void cfi_frames_fini(struct cfi_frames *frames);

/* ---- rows ---- */

struct cfi_rows {
	struct ft_cfi_table *table;
	size_t row_cap, rule_cap;
	u16 *slots; /* hash table of rule numbers, 0 is free */
	size_t slot_count;
	u32 from; /* rows before this pc are moved there: another function has what is before */
};

int cfi_rows_init(struct cfi_rows *rows, struct ft_cfi_table *table, size_t row_guess);
void cfi_rows_fini(struct cfi_rows *rows); /* leaves the table */

/* Makes room for that many rows. 0, -ENOSPC (beyond CFI_ROWS_MAX) or -ENOMEM. */
int cfi_rows_reserve(struct cfi_rows *rows, size_t count);

/* Appends a row with one of the rules that every table has. Room must be reserved. */
void cfi_rows_add_fixed(struct cfi_rows *rows, u32 pc, u16 rule);

/*
 * Appends a row. Room must be reserved. pc is not below that of the row before, or equal to it:
 * then it replaces it.
 */
void cfi_rows_add(struct cfi_rows *rows, u32 pc, const struct cfi_state *state);

/* ---- instructions ---- */

/* Runs the initial instructions of a CIE: fills cie->initial. False: they are damaged. */
bool cfi_exec_cie(const struct cfi_machine *machine, struct cfi_cie *cie, struct cfi_bytes *code);

/*
 * Runs the instructions of a function that covers [start, end) (bytes from the table's base) and
 * adds its rows. here is the address of the first instruction. What is damaged becomes rows of rule
 * BAD from there to the function's end.
 */
void cfi_exec_fde(const struct cfi_frames *frames, const struct cfi_fde *fde,
		  struct cfi_rows *rows);

/* ---- expressions ---- */

enum cfi_expr_kind {
	CFI_EXPR_OTHER,	  /* nothing that a rule can say */
	CFI_EXPR_REG,	  /* reg + offset */
	CFI_EXPR_CFA,	  /* CFA + offset */
	CFI_EXPR_MEM,	  /* *(reg + offset) + add */
	CFI_EXPR_INDEXED, /* *(reg + 8 * index + offset) + add */
	CFI_EXPR_PLT,	  /* reg + offset + ((pc & 15) >= add) * 8 */
};

struct cfi_expr {
	enum cfi_expr_kind kind;
	u8 reg, index;
	s64 offset, add;
};

/*
 * Understands an expression; cfa_first: the CFA is on its stack, as for those that say where a
 * register is.
 */
struct cfi_expr cfi_expr_parse(const u8 *data, size_t len, bool cfa_first);

#endif
