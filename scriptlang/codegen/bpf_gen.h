/*
 * bpf_gen.h - what the files that make BPF programs share; private to scriptlang/bpf_*.c.
 *
 * Registers of the machine: r6 to r9 hold registers of the IR, r0 to r5 live within one operation.
 * What finds no register lives on the stack; strings that are too large for it, in scratch memory
 * (a slot), which the handler claims at its start.
 */
#ifndef FT_SCRIPTLANG_BPF_GEN_H
#define FT_SCRIPTLANG_BPF_GEN_H

#include "scriptlang/codegen/bpf.h"
#include "scriptlang/codegen/bpf_asm.h"
#include "scriptlang/kernel/abi.h"

#define FT_GEN_OPEN 1	     /* a block that is being followed */
#define FT_GEN_DONE 2	     /* followed */
#define FT_GEN_MADE 3	     /* has its instructions */
#define FT_GEN_TEMP_SMALL 16 /* bytes that functions and target variables may use */

enum ft_home_kind {
	FT_HOME_NONE,  /* nobody reads it */
	FT_HOME_FIXED, /* it has one value, known beforehand: op */
	FT_HOME_REG,
	FT_HOME_STACK, /* at r10 + off */
	FT_HOME_SLOT,  /* at the slot + off */
};

struct ft_home {
	enum ft_home_kind kind;
	u8 reg;
	s32 off;
	const struct ft_ir_op *op; /* FIXED: NUMBER or TEXT */
};

/* A place in memory: a register of the machine and an offset. */
struct ft_memory {
	u8 base;
	s32 off;
};

struct ft_gen_stub {
	const struct ft_ir_op *op;
	u32 label, catch; /* catch: block, or NONE */
};

struct ft_gen {
	struct ft_compile *compile;
	const struct ft_ir_program *program;
	const struct ft_ir *ir;
	const struct ft_bpf_maps *maps;
	struct ft_bpf_code code;
	enum ft_bpf_kind kind;
	struct ft_home *homes; /* by register of the IR */
	u32 *labels;	       /* by block */
	u32 *reads;	       /* by register of the IR: operations that read it */
	u32 end, skip, out, fails;
	struct ft_liveness live;
	struct ft_gen_stub *stubs;
	u32 stub_count;
	u32 block; /* at hand */
	u8 *seen;  /* by block: 0, or it belongs to this program: FT_GEN_OPEN, FT_GEN_DONE */
	struct ft_gen_way {
		u32 from, to;
	} * backs; /* ways that close a loop */
	u32 back_count;
	s32 fault_off;
	s32 who_off; /* on the stack: process and thread, if has_who */
	bool has_who;
	/* sleeps: it may wait for memory that is not resident (bpf_user.c) */
	bool needs_slot, claims, sleeps;
	bool writes;
	bool goes_back;			  /* there is a loop */
	bool by_calls, in_body;		  /* bpf_rounds.c */
	bool reads_context, reads_failed; /* what the beginning stored */
	bool *heads;			  /* BY_CALLS, by block: a loop may begin there */
	u32 *head_list, head_count, dispatch;
	s32 context_off, slot_off, actions_off, failed_off; /* on the stack */
	u32 context_stored, failed_stored;		    /* instructions at the beginning */
	struct ft_home temp;				    /* for keys and values */
	u32 temp_bytes, stack_bytes, slot_bytes;
	struct ft_gen_shared *shared; /* bpf_shared.c */
	u32 shared_count;
	struct ft_gen_front *fronts; /* bpf_front.c */
	u32 front_count;
	const struct ft_ir_op *next;   /* the operation behind the one at hand, or NULL */
	bool skip_next;		       /* it is done already */
	bool hoisting;		       /* what fails is 0 */
	u32 fault;		       /* label: what is asked about could not be read */
	const struct ft_ir_op *action; /* the last one that there was */
};

/* The machine register that holds a number: its own, or scratch, which is loaded. */
u8 ft_gen_get(struct ft_gen *g, u32 reg, u8 scratch);
/* Gives a register the value in a machine register. */
void ft_gen_set(struct ft_gen *g, u32 reg, u8 from);
/* Whether a number is known beforehand, and fits into an instruction. */
bool ft_gen_fixed(const struct ft_gen *g, u32 reg, s32 *number);

/* Where memory of a home is; a slot's address is loaded into base. */
struct ft_memory ft_gen_memory(struct ft_gen *g, const struct ft_home *home, u8 base);
/* The temporary memory, from an offset on. */
struct ft_memory ft_gen_temp(struct ft_gen *g, u32 off, u8 base);
/* dst = the address of memory. */
void ft_gen_address(struct ft_gen *g, u8 dst, struct ft_memory m);

/* Where the operation goes when it fails: to its block's catch, or to the end with an error. */
u32 ft_gen_failure(struct ft_gen *g, const struct ft_ir_op *op);

/* dst = what the program was called with. */
void ft_gen_context(struct ft_gen *g, u8 dst);
/* dst = the number of the operation that failed last, and was caught; the head of a record. */
void ft_gen_failed(struct ft_gen *g, u8 dst);

/* Gives a register a number. */
void ft_gen_number(struct ft_gen *g, u32 reg, s64 number);
/* The verifier knows no more what is in a machine register, where there are loops. Uses r1. */
void ft_gen_forget(struct ft_gen *g, u8 reg);

/* ---- bpf_frame.c ---- */
/* Whether the script runs, the event is one of its own, memory; r1 = the context. */
void ft_gen_begin(struct ft_gen *g);
/* Leaves out of the beginning what turned out to be needless. */
void ft_gen_trim_begin(struct ft_gen *g);
/* What operations do that fail. */
void ft_gen_stubs(struct ft_gen *g);
void ft_gen_end(struct ft_gen *g);

/* ---- bpf_user.c ---- */

/* Leaves out events of processes that a point in user space does not mean. */
void ft_gen_user_guard(struct ft_gen *g);
/* Leaves out events of a tracepoint that process.begin and its kin do not mean. */
void ft_gen_life_guard(struct ft_gen *g);
/*
 * r3 = run-time address minus address as linked of the program that the current task runs, whose
 * code begins there as linked; on to none where it runs another one.
 */
void ft_gen_program(struct ft_gen *g, u64 inode, s64 first_code, u32 none);
/* Whether a handler's program is one that may sleep. */
bool ft_gen_may_sleep(const struct ft_gen *g);
/*
 * Calls a helper that reads user memory: r1 the room, r2 its bytes, r3 the address, r0 as the
 * helper has it. A program that may sleep brings in what is not resident, and tries again.
 */
void ft_gen_read_user(struct ft_gen *g, s32 helper);
/* pp() and ppfunc() where a program has several places. */
void ft_gen_place_text(struct ft_gen *g, const struct ft_ir_op *op);

/* ---- bpf_text.c ---- */
/* Copies a string into memory of so many bytes, padded with zeros. Uses r0 to r5 but keep. */
void ft_gen_text_to(struct ft_gen *g, u32 reg, struct ft_memory to, u32 bytes);
/* Copies memory into a register's home: from bytes long. */
void ft_gen_text_from(struct ft_gen *g, u32 reg, struct ft_memory from, u32 bytes);
/* The text of a TEXT operation. */
void ft_gen_text(struct ft_gen *g, const struct ft_ir_op *op, struct ft_memory to, u32 bytes);
/* Goes to the label when a string does not fit into so many bytes. */
void ft_gen_longer(struct ft_gen *g, u32 reg, u32 bytes, u32 label);
void ft_gen_zero(struct ft_gen *g, struct ft_memory m, u32 bytes);
void ft_gen_same(struct ft_gen *g, const struct ft_ir_op *op);
u32 ft_gen_bytes(const struct ft_gen *g, u32 reg);
/* The word of a text at an offset. */
u64 ft_gen_word(const struct ft_ir_op *op, u32 off);

/* ---- bpf_arith.c ---- */
/* dst = a op b: addition and its kin, bits, shifts. */
void ft_gen_binary(struct ft_gen *g, const struct ft_ir_op *op);
/* Division and its rest, with signs; by 0 it fails. */
void ft_gen_division(struct ft_gen *g, const struct ft_ir_op *op);

/* ---- bpf_format.c ---- */
void ft_gen_format(struct ft_gen *g, const struct ft_ir_op *op);

/* ---- bpf_strings.c ---- */
/* r0 = bytes of a string that is copied to r1, which has room for all of it. */
void ft_gen_copy(struct ft_gen *g, u32 reg);
/* r0 = the length of what a helper says it has written, with its NUL, or has failed to. */
void ft_gen_len(struct ft_bpf_code *c);
/* Ends a string that had more room while it was made than it has bytes. */
void ft_gen_cut(struct ft_gen *g, u32 reg);
/* r2 = a length and 1 for its NUL, at most the room; goes to nothing unless it is positive. */
void ft_gen_limit(struct ft_gen *g, u32 reg, u32 room, u32 nothing);
void ft_gen_concat(struct ft_gen *g, const struct ft_ir_op *op);
void ft_gen_order(struct ft_gen *g, const struct ft_ir_op *op);
void ft_gen_strlen(struct ft_gen *g, const struct ft_ir_op *op);
void ft_gen_substr(struct ft_gen *g, const struct ft_ir_op *op);
void ft_gen_isinstr(struct ft_gen *g, const struct ft_ir_op *op);

/* ---- bpf_vars.c ---- */
void ft_gen_var(struct ft_gen *g, const struct ft_ir_op *op);
/* Temporary bytes that it needs. */
u32 ft_gen_var_temp(const struct ft_ir_op *op);
/* Where an element's value is. */
#define FT_GEN_VALUE_OFF ((s32)sizeof(struct ft_element_head))
u32 ft_gen_key_bytes(const struct ft_var *v);
/* Whether somebody reads that of the statistics. */
bool ft_gen_is_asked(const struct ft_var *v, enum ft_stat_op stat);

/*
 * The smallest and largest value of the statistics there take in low and high, as far as somebody
 * reads them; where the register count is 0 they are these. Overwrites count.
 */
void ft_gen_extremes(struct ft_bpf_code *c, const struct ft_var *v, struct ft_memory stats, u8 low,
		     u8 high, u8 count);
/* Makes the key in memory. absent: where to go with a part that no key can have. */
void ft_gen_key(struct ft_gen *g, const struct ft_ir_op *op, u32 absent);
/* Where that is. Uses base. */
struct ft_memory ft_gen_key_memory(struct ft_gen *g, const struct ft_ir_op *op, u8 base);
/* The order of a new element into memory. Uses r0 and r1. */
void ft_gen_order_of(struct ft_gen *g, struct ft_memory m);
/* Feeds the statistics at r0 with r4. */
void ft_gen_feed_value(struct ft_gen *g, const struct ft_var *v);

/* ---- bpf_front.c ---- */
/*
 * An operation whose key is in temporary memory: in front of its array, if that has a front and its
 * key is the one that was used last; then on at done. Else to what follows.
 */
void ft_gen_front(struct ft_gen *g, const struct ft_ir_op *op, u32 done);
/* The subprograms that change keys, behind the program's end. */
void ft_gen_fronts(struct ft_gen *g);

/* ---- bpf_shared.c ---- */
/* Notes what the handler does so often to an array that one subprogram does it for all. */
void ft_gen_choose_shared(struct ft_gen *g);
/* Calls the subprogram that does an operation; false: there is none. */
bool ft_gen_call_shared(struct ft_gen *g, const struct ft_ir_op *op);
/* The subprograms, behind the program's end. */
void ft_gen_shared(struct ft_gen *g);

/* ---- bpf_rounds.c: where loops are calls ---- */

/* Finds the blocks that loops may begin with. 0 or -ENOMEM. */
int ft_gen_find_heads(struct ft_gen *g);
/* Whether a register of the IR is needed in the next round, too. */
bool ft_gen_outlasts(const struct ft_gen *g, u32 reg);
/* The end of the program itself, and the beginning of the function that it calls. */
void ft_gen_rounds_begin(struct ft_gen *g, bool resumes);
/* Goes on with a block in the next round. */
void ft_gen_round_back(struct ft_gen *g, u32 block);
/* Ends the function where a part of that number goes on behind a stack. */
void ft_gen_round_split(struct ft_gen *g, u32 part);
/* The end of the function. */
void ft_gen_rounds_end(struct ft_gen *g);

/* ---- bpf_record.c ---- */
/* Sends a site's record; the values that only the kernel can find out with it. */
void ft_gen_record(struct ft_gen *g, const struct ft_ir_site *site);
/* An empty record that wakes user space. */
void ft_gen_wake(struct ft_gen *g);
/* Counts an error, and sends the record of one, whose head is at failed_off. */
void ft_gen_error(struct ft_gen *g);
/* Adds 1 to a word of the session. */
void ft_gen_count(struct ft_gen *g, u32 session_off);

/* ---- bpf_builtins.c ---- */
void ft_gen_builtin(struct ft_gen *g, const struct ft_ir_op *op);

/* ---- bpf_stack.c ---- */
/* Whether a program ends here, and another one goes on behind it. */
bool ft_gen_is_split(const struct ft_ir_op *op);
/* Asks for a stack, which ends the program. */
void ft_gen_stack(struct ft_gen *g, const struct ft_ir_op *op);
/* The beginning of a program that goes on behind op. */
void ft_gen_resume(struct ft_gen *g, const struct ft_ir_op *op);

/* ---- bpf_syscalls.c ---- */
/* Whether the arguments of the tracepoint have types, so that registers are read without a call. */
bool ft_gen_is_typed(const struct ft_gen *g);
/* Leaves out system calls that a handler of all of them does not mean. */
void ft_gen_call_guard(struct ft_gen *g);
/* r0 = an argument of the system call, from 0. Needs FT_GEN_TEMP_SMALL of temporary memory. */
void ft_gen_syscall_arg(struct ft_gen *g, u32 arg);

/* ---- bpf_target.c ---- */
/* r3 = a word of the context; the same. */
void ft_gen_context_word(struct ft_gen *g, u32 word);
void ft_gen_target(struct ft_gen *g, const struct ft_ir_op *op);
/* Writes to a target variable. */
void ft_gen_poke(struct ft_gen *g, const struct ft_ir_op *op);

/* ---- bpf_homes.c ---- */
/* Gives every register a home, and finds out what is alive where. 0 or a negative errno. */
int ft_gen_homes(struct ft_gen *g);

#endif
