/*
 * stacks.h - the stacks of a running script: taken by the sampler in the kernel, known there by
 * number, and text or names in user space.
 *
 * In the kernel a stack is a reference (struct ft_stack_ref), which moves and is compared like any
 * string. In user space it is text ("0x401234 0x401000 "), whole however long it is.
 */
#ifndef FT_SCRIPTLANG_STACKS_H
#define FT_SCRIPTLANG_STACKS_H

#include "base/err.h"
#include "base/out.h"
#include "profile/profile.h"
#include "profile/stack_call.h"
#include "sampler/sampler.h"
#include "scriptlang/user/user_names.h"

/* What stands for a stack in a string of the kernel's. No text begins with this byte. */
#define FT_STACK_REF_MARK 1
struct ft_stack_ref {
	u8 mark;
	u8 kinds; /* FT_STACK_KERNEL, FT_STACK_USER */
	u8 unused[6];
	u64 number;
};
_Static_assert(sizeof(struct ft_stack_ref) == 16, "reference has holes");

struct ft_stacks;

/*
 * Loads the programs that take stacks. pid: the target process, 0: any. Errors name the cause and
 * the remedy.
 */
int ft_stacks_open(u32 pid, bool in_user, bool at_functions, struct ft_stacks **stacks,
		   struct ft_err *err);
void ft_stacks_close(struct ft_stacks *stacks); /* accepts NULL */

/* Maps for programs that ask for stacks; see ft_recording_calls. */
void ft_stacks_calls(const struct ft_stacks *stacks, struct ft_recording_calls *calls);

int ft_stacks_service(struct ft_stacks *stacks, struct ft_err *err);

/* No more stacks are taken; those there are stay. */
int ft_stacks_stop(struct ft_stacks *stacks, struct ft_err *err);

/* The text of a stack; "" for one that was lost. Lives as long as stacks. */
const char *ft_stacks_text(struct ft_stacks *stacks, u64 number, u32 *len);

/* The number of the first stack of that text, and of what kinds it is; 0: it is none. */
u64 ft_stacks_number(const struct ft_stacks *stacks, const char *text, u32 len, u8 *kinds);

/*
 * Names an address of a process by what the recording knows of its mappings, also when it has just
 * ended. False: nothing was mapped there.
 */
bool ft_stacks_name(struct ft_stacks *stacks, u32 pid, u64 addr, struct ft_user_name *found);

/* How a stack is printed. */
enum ft_stack_form {
	FT_STACK_LINES,	 /* print_ustack, sprint_ustack: " 0xA : sym+0xOFF/0xSIZE [module]" */
	FT_STACK_PATHS,	 /* print_ubacktrace: the same with the module's path */
	FT_STACK_SOURCE, /* print_ubacktrace_fileline: the same with the line of the source */
	FT_STACK_SPRINT, /* sprint_ubacktrace: "sym+0xOFF [module]" */
	FT_STACK_BRIEF,	 /* print_ubacktrace_brief: "sym+0xOFF" */
};

/* Prints the stack of a text. What is none of ours is printed as addresses. */
void ft_stacks_print(struct ft_stacks *stacks, const char *text, u32 len, enum ft_stack_form form,
		     struct ft_out *out);

/*
 * The text of a stack from the frame on where the event was: in front of it are those of the
 * tracepoint and of programs there. Part of text.
 */
const char *ft_stacks_event(struct ft_stacks *stacks, const char *text, u32 len);

/*
 * Gives the stack of a text weight in the profile that ft_stacks_profile makes. roots: names of
 * frames below it, outermost first. 0, -ENOENT: it is no stack, or -ENOMEM.
 */
int ft_stacks_weigh(struct ft_stacks *stacks, const char *text, u32 len, const char *const *roots,
		    u32 root_count, u64 weight);

/* All that was weighed, with names. The caller's. */
int ft_stacks_profile(struct ft_stacks *stacks, struct ft_profile **profile, struct ft_err *err);

#endif
