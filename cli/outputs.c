/* outputs.c - the options -o, -f and the files they name. See cli.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"

#define NOTE_BYTES_MAX (1024 * 1024)

enum {
	KEY_ANNOTATE = 0x100,
	KEY_ICICLE,
	KEY_TITLE,
	KEY_NO_SCRIPT,
	KEY_NOTE,
	KEY_NO_DEMANGLE,
	KEY_NO_INLINE,
	KEY_NO_SYMBOLS,
	KEY_SYMFS,
	KEY_DEBUG_DIR
};

static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "Output:", 30},
	{"output", 'o', "FILE", 0,
	 "Write to FILE; its extension chooses the format (.svg .html .folded .txt .ftap .pb.gz "
	 ".speedscope.json .firefox.json .trace.json .perf.txt). Give it several times for several "
	 "files; - is folded text on standard output",
	 30},
	{"format", 'f', "FORMAT", 0,
	 "Write in FORMAT, whatever the extension: svg, html, folded, txt, ftap, pprof, "
	 "speedscope, firefox, chrome or perf",
	 30},
	{"annotate", KEY_ANNOTATE, NULL, 0,
	 "Folded text: mark kernel, inlined and JIT frames by _[k], _[i], _[j]", 30},
	{"icicle", KEY_ICICLE, NULL, 0, "Picture: root on top", 30},
	{"note", KEY_NOTE, "FILE", 0, "Page: Markdown to stand above the picture", 30},
	{"no-script", KEY_NO_SCRIPT, NULL, 0,
	 "Picture: without the script and the data that it draws from", 30},
	{"title", KEY_TITLE, "TEXT", 0, "Picture: the line at its head", 30},
	{"no-demangle", KEY_NO_DEMANGLE, NULL, 0,
	 "Keep C++, Rust and D names as the linker sees them", 30},
	{"no-symbols", KEY_NO_SYMBOLS, NULL, 0, "Archive (.ftap): leave the names out", 30},
	{"symfs", KEY_SYMFS, "DIR", 0, "Look for files in DIR first, as if it were /", 30},
	{"debug-dir", KEY_DEBUG_DIR, "DIR", 0,
	 "Look for debug files in DIR, then in /usr/lib/debug", 30},
	{"no-inline", KEY_NO_INLINE, NULL, 0, "Leave calls out that the compiler inlined", 30},
	{0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ft_outputs *outputs = state->input;

	switch (key) {
	case 'o':
		if (!*arg)
			argp_error(state, "-o needs the name of a file, or - for standard output");
		if (outputs->count == FT_OUTPUTS_MAX)
			argp_error(state, "at most %d outputs", FT_OUTPUTS_MAX);
		outputs->paths[outputs->count++] = arg;
		return 0;
	case 'f':
		outputs->format = arg;
		return 0;
	case KEY_ANNOTATE:
		outputs->opts.annotate = true;
		return 0;
	case KEY_ICICLE:
		outputs->opts.icicle = true;
		return 0;
	case KEY_NOTE:
		outputs->note = arg;
		return 0;
	case KEY_NO_SCRIPT:
		outputs->opts.no_script = true;
		return 0;
	case KEY_TITLE:
		outputs->opts.title = arg;
		return 0;
	case KEY_NO_DEMANGLE:
		outputs->symbols.no_demangle = true;
		return 0;
	case KEY_NO_INLINE:
		outputs->symbols.no_inline = true;
		return 0;
	case KEY_NO_SYMBOLS:
		outputs->no_symbols = true;
		return 0;
	case KEY_SYMFS:
		outputs->symbols.symfs = arg;
		return 0;
	case KEY_DEBUG_DIR:
		outputs->symbols.debug_dir = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp ft_outputs_argp = {.options = options, .parser = parse};

static int read_note(const char *path, char **text, size_t *len, struct ft_err *err)
{
	int code = ft_file_read(path, NOTE_BYTES_MAX, text, len);

	if (code == -EFBIG)
		return ft_err_set(err, code, "the note %s has more than %d KiB; shorten it", path,
				  NOTE_BYTES_MAX / 1024);
	if (code)
		return ft_err_set(err, code, "cannot read the note %s: %s", path, strerror(-code));
	return 0;
}

/* A note that cannot be read, or that no output takes, is found before a long recording. */
static int check_note(const struct ft_outputs *outputs, struct ft_err *err)
{
	char *text;
	size_t len;
	int code;

	if (!outputs->note)
		return 0;
	for (u32 i = 0; i < outputs->count; i++) {
		if (strcmp(outputs->writers[i]->name, "html"))
			continue;
		code = read_note(outputs->note, &text, &len, err);
		if (!code)
			free(text);
		return code;
	}
	return ft_err_set(err, -EINVAL,
			  "--note stands in a page, and no output is one; add -o NAME.html");
}

int ft_outputs_prepare(struct ft_outputs *outputs, const char *default_path, struct ft_err *err)
{
	if (!outputs->count)
		outputs->paths[outputs->count++] = default_path;
	for (u32 i = 0; i < outputs->count; i++) {
		struct ft_out *out;
		int code = ft_writer_find(outputs->paths[i], outputs->format, &outputs->writers[i],
					  err);

		if (!code)
			code = ft_out_open(outputs->paths[i], &out, err);
		if (code)
			return code;
		ft_out_close(out);
	}
	return check_note(outputs, err);
}

bool ft_outputs_is_archive(const struct ft_outputs *outputs, u32 i)
{
	return !strcmp(outputs->writers[i]->name, "ftap");
}

static int write_one(const struct ft_outputs *outputs, u32 i, const struct ft_write_opts *opts,
		     const struct ft_profile *profile, struct ft_err *err)
{
	struct ft_out *out;
	int code = ft_out_open(outputs->paths[i], &out, err);

	if (code)
		return code;
	if (outputs->archive && ft_outputs_is_archive(outputs, i))
		code = ft_archive_write(outputs->archive, out);
	else
		code = outputs->writers[i]->write(profile, opts, out);
	if (code)
		ft_err_set(err, code, "cannot write %s: %s", outputs->paths[i], strerror(-code));
	else
		code = ft_out_commit(out, err);
	ft_out_close(out);
	return code;
}

int ft_outputs_write(const struct ft_outputs *outputs, const struct ft_profile *profile,
		     struct ft_err *err)
{
	struct ft_write_opts opts = outputs->opts;
	char *notes = NULL;
	int result = 0;

	/* Without its note a page is written all the same; the error is said at the end. */
	if (outputs->note)
		result = read_note(outputs->note, &notes, &opts.notes_len, err);
	opts.notes = notes;
	for (u32 i = 0; i < outputs->count; i++) {
		struct ft_err one = {0};
		int code = write_one(outputs, i, &opts, profile, &one);

		if (!code && strcmp(outputs->paths[i], "-"))
			ft_cli_say("wrote %s", outputs->paths[i]);
		if (code && !result) {
			result = code;
			*err = one;
		} else if (code) {
			ft_cli_fail(FT_EXIT_FAILED, &one);
		}
	}
	free(notes);
	return result;
}
