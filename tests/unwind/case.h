/*
 * case.h - a stack of a real program as a text file: registers, the memory that its walk reads, and
 * for each frame the place in its file and the rule that holds there. What a file holds is checked
 * when it is read: it may have been edited. Its form: docs/howto/add-an-unwind-case.md.
 */
#ifndef FT_TESTS_UNWIND_CASE_H
#define FT_TESTS_UNWIND_CASE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unwind/walk.h"

#define CASE_FRAMES_MAX 256
#define CASE_WORDS_MAX 4096
#define CASE_MAPS_MAX 64
#define CASE_NAME_MAX 64
#define CASE_BYTES_MAX 16384 /* of the file */

struct case_map {
	u64 start, end, offset;
	char name[CASE_NAME_MAX]; /* base name of the file */
};

struct case_frame {
	u64 offset; /* in the file */
	char name[CASE_NAME_MAX];
	enum walk_found found;
	struct ft_cfi_rule rule; /* if found is RULE */
};

struct unwind_case {
	char about[200];
	u64 pc, regs[16];
	struct case_map maps[CASE_MAPS_MAX];
	u32 map_count;
	struct {
		u64 addr, value;
	} words[CASE_WORDS_MAX];
	u32 word_count;
	struct case_frame frames[CASE_FRAMES_MAX];
	u32 frame_count;
	enum ft_end end;
};

/* In the order of the enums; both sides of the text use them. */
static const char *const case_cfas[] = {"none", "reg",	    "deref", "indexed",
					"plt",	"sigframe", "bad"};
static const char *const case_kinds[] = {"same", "cfa", "at", "lost", "in", "is-cfa", "root"};
static const char *const case_ends[FT_END_COUNT] = {
	"root", "depth",   "no-table",	"bad-rule",  "fault",
	"jit",	"no-room", "not-ready", "broken-fp", "leaf-only",
};
static const char *const case_found[] = {"rule", "none", "jit", "unknown"};

static inline const struct case_map *case_map_of(const struct unwind_case *c, u64 addr)
{
	for (u32 i = 0; i < c->map_count; i++)
		if (addr >= c->maps[i].start && addr < c->maps[i].end)
			return &c->maps[i];
	return NULL;
}

static inline void case_write_frame(FILE *f, const struct case_frame *frame)
{
	const struct ft_cfi_rule *r = &frame->rule;

	fprintf(f, "frame %s+0x%" PRIx64, frame->name, frame->offset);
	if (frame->found != WALK_RULE)
		fprintf(f, " %s\n", case_found[frame->found]);
	else
		fprintf(f, " rule cfa=%s:%u:%d:%d:%u fp=%s:%u:%d bx=%s:%d ra=%s:%u:%d signal=%u\n",
			case_cfas[r->cfa_kind], r->cfa_reg, r->cfa_offset, r->cfa_add, r->cfa_index,
			case_kinds[r->fp_kind], r->fp_reg, r->fp_words, case_kinds[r->bx_kind],
			r->bx_words, case_kinds[r->ra_kind], r->ra_reg, r->ra_words, r->signal);
}

static inline void case_write(FILE *f, const struct unwind_case *c)
{
	fprintf(f, "about %s\npc %" PRIx64 "\n", c->about, c->pc);
	for (u32 i = 0; i < 16; i++)
		fprintf(f, "reg %u %" PRIx64 "\n", i, c->regs[i]);
	for (u32 i = 0; i < c->map_count; i++)
		fprintf(f, "map %" PRIx64 " %" PRIx64 " %" PRIx64 " %s\n", c->maps[i].start,
			c->maps[i].end, c->maps[i].offset, c->maps[i].name);
	for (u32 i = 0; i < c->word_count; i++) {
		bool follows =
			i && c->words[i].addr == c->words[i - 1].addr + 8 && c->words[i].addr % 32;

		if (follows)
			fprintf(f, " %" PRIx64, c->words[i].value);
		else
			fprintf(f, "%sstack %" PRIx64 " %" PRIx64, i ? "\n" : "", c->words[i].addr,
				c->words[i].value);
	}
	fprintf(f, "\n");
	for (u32 i = 0; i < c->frame_count; i++)
		case_write_frame(f, &c->frames[i]);
	fprintf(f, "end %s\n", case_ends[c->end]);
}

/* The number of a name in a list; -1 if it is none of them. */
static inline int case_name(const char *name, const char *const *names, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return (int)i;
	return -1;
}

static inline bool case_parse_rule(const char *text, struct ft_cfi_rule *r)
{
	char cfa[12], fp[12], bx[12], ra[12];
	int offset, add, fp_words, bx_words, ra_words;
	unsigned reg, index, fp_reg, ra_reg, signal, kinds[4];

	if (sscanf(text,
		   "cfa=%11[^:]:%u:%d:%d:%u fp=%11[^:]:%u:%d bx=%11[^:]:%d ra=%11[^:]:%u:%d "
		   "signal=%u",
		   cfa, &reg, &offset, &add, &index, fp, &fp_reg, &fp_words, bx, &bx_words, ra,
		   &ra_reg, &ra_words, &signal) != 14)
		return false;
	kinds[0] = (unsigned)case_name(cfa, case_cfas, FT_ARRAY_LEN(case_cfas));
	kinds[1] = (unsigned)case_name(fp, case_kinds, FT_ARRAY_LEN(case_kinds));
	kinds[2] = (unsigned)case_name(bx, case_kinds, 4);
	kinds[3] = (unsigned)case_name(ra, case_kinds, FT_ARRAY_LEN(case_kinds));
	for (u32 i = 0; i < 4; i++)
		if (kinds[i] > 7)
			return false;
	*r = (struct ft_cfi_rule){
		.cfa_kind = kinds[0] & 7,
		.cfa_reg = reg & 31,
		.cfa_offset = offset,
		.cfa_add = (s16)add,
		.cfa_index = index & 15,
		.fp_kind = kinds[1] & 7,
		.fp_reg = fp_reg & 31,
		.fp_words = (s16)fp_words,
		.bx_kind = kinds[2] & 3,
		.bx_words = (s16)bx_words,
		.ra_kind = kinds[3] & 7,
		.ra_reg = ra_reg & 31,
		.ra_words = (s16)ra_words,
		.signal = signal & 1,
	};
	return true;
}

static inline bool case_parse_frame(const char *text, struct unwind_case *c)
{
	struct case_frame *frame = &c->frames[c->frame_count];
	char name[CASE_NAME_MAX], found[12];
	int at = 0, number;

	if (c->frame_count == CASE_FRAMES_MAX ||
	    sscanf(text, "%63[^+]+0x%" SCNx64 " %11s %n", name, &frame->offset, found, &at) != 3)
		return false;
	number = case_name(found, case_found, FT_ARRAY_LEN(case_found));
	if (number < 0 || (number == WALK_RULE && !case_parse_rule(text + at, &frame->rule)))
		return false;
	frame->found = (enum walk_found)number;
	memcpy(frame->name, name, sizeof(name));
	c->frame_count++;
	return true;
}

static inline bool case_parse_stack(const char *text, struct unwind_case *c)
{
	u64 addr, value;
	int used;

	if (sscanf(text, "%" SCNx64 "%n", &addr, &used) != 1)
		return false;
	for (text += used; sscanf(text, "%" SCNx64 "%n", &value, &used) == 1; text += used) {
		if (c->word_count == CASE_WORDS_MAX)
			return false;
		c->words[c->word_count].addr = addr;
		c->words[c->word_count++].value = value;
		addr += 8;
	}
	return true;
}

static inline bool case_parse_line(char *line, struct unwind_case *c, bool *ended)
{
	struct case_map *m = &c->maps[c->map_count];
	unsigned reg;
	u64 value;
	int end;

	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "about ", 6)) {
		snprintf(c->about, sizeof(c->about), "%.190s", line + 6);
		return true;
	}
	if (sscanf(line, "pc %" SCNx64, &c->pc) == 1)
		return true;
	if (sscanf(line, "reg %u %" SCNx64, &reg, &value) == 2 && reg < 16) {
		c->regs[reg] = value;
		return true;
	}
	if (!strncmp(line, "map ", 4)) {
		c->map_count++;
		return c->map_count < CASE_MAPS_MAX &&
		       sscanf(line, "map %" SCNx64 " %" SCNx64 " %" SCNx64 " %63s", &m->start,
			      &m->end, &m->offset, m->name) == 4;
	}
	if (!strncmp(line, "stack ", 6))
		return case_parse_stack(line + 6, c);
	if (!strncmp(line, "frame ", 6))
		return case_parse_frame(line + 6, c);
	if (strncmp(line, "end ", 4) != 0)
		return false;
	end = case_name(line + 4, case_ends, FT_END_COUNT);
	c->end = end < 0 ? FT_END_COUNT : (enum ft_end)end;
	*ended = true;
	return end >= 0;
}

/* Reads a case. Says on standard output what is wrong with it. */
static inline bool case_read(const char *path, struct unwind_case *c)
{
	char line[512];
	bool ended = false, good = true;
	FILE *f = fopen(path, "re");
	u32 number = 0;

	memset(c, 0, sizeof(*c));
	while (f && good && fgets(line, sizeof(line), f)) {
		number++;
		good = !ended && case_parse_line(line, c, &ended);
		if (!good)
			printf("%s:%u: cannot be read\n", path, number);
	}
	good = good && f && ended && c->frame_count;
	if (!f || (good && ftell(f) > CASE_BYTES_MAX)) {
		printf("%s: %s\n", path, f ? "too large" : "cannot be opened");
		good = false;
	}
	if (f)
		fclose(f);
	return good;
}

/* Memory and rules of a case for walk_stack, whose context it is. */
static inline bool case_memory(void *context, u64 addr, u64 *word)
{
	const struct unwind_case *c = context;

	for (u32 i = 0; i < c->word_count; i++)
		if (c->words[i].addr == addr) {
			*word = c->words[i].value;
			return true;
		}
	return false;
}

static inline enum walk_found case_rule(void *context, u64 addr, struct ft_cfi_rule *rule)
{
	const struct unwind_case *c = context;
	const struct case_map *m = case_map_of(c, addr);

	if (!m)
		return WALK_UNKNOWN;
	for (u32 i = 0; i < c->frame_count; i++)
		if (c->frames[i].offset == addr - m->start + m->offset &&
		    !strcmp(c->frames[i].name, m->name)) {
			*rule = c->frames[i].rule;
			return c->frames[i].found;
		}
	/* Code that the walk should not have come to. */
	return WALK_NONE;
}

/* Walks a case and compares. Says on standard output what differs. */
static inline bool case_replay(const char *path, struct unwind_case *c)
{
	static struct walk walk;
	u32 differ = 0;

	walk.read = case_memory;
	walk.find = case_rule;
	walk.context = c;
	walk_stack(&walk, c->pc, c->regs);
	for (u32 i = 0; i < walk.count && i < c->frame_count && differ < 3; i++) {
		const struct case_map *m = case_map_of(c, walk.frames[i]);
		u64 offset = m ? walk.frames[i] - m->start + m->offset : walk.frames[i];

		if (m && offset == c->frames[i].offset && !strcmp(m->name, c->frames[i].name))
			continue;
		printf("%s: frame %u is %s+0x%" PRIx64 " and should be %s+0x%" PRIx64 "\n", path, i,
		       m ? m->name : "?", offset, c->frames[i].name, c->frames[i].offset);
		differ++;
	}
	if (walk.count != c->frame_count)
		printf("%s: %u frames; there should be %u\n", path, walk.count, c->frame_count);
	if (walk.end != c->end)
		printf("%s: ends for the reason %s; it should be %s\n", path, case_ends[walk.end],
		       case_ends[c->end]);
	return !differ && walk.count == c->frame_count && walk.end == c->end;
}

#endif
