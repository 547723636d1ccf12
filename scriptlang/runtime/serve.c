/* serve.c - see serve.h. */
#include "scriptlang/runtime/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "scriptlang/runtime/files.h"

#define LINE_BYTES_MAX 4096 /* of standard input; longer lines come in pieces */

struct ft_serve {
	struct ft_interp *x;
	struct ft_serve_use use;
	struct ft_files *files; /* NULL: no procfs probes */
	bool input, input_ended;
	char line[LINE_BYTES_MAX];
	size_t line_len;
};

static const struct ft_point *point_of(const struct ft_ir *h)
{
	return h->handler->point;
}

static bool is_procfs(const struct ft_ir *h)
{
	return !strcmp(point_of(h)->parts[0].name, "procfs");
}

/* What a file is called when nobody says. */
static const char *path_of(const struct ft_point *point)
{
	return point->parts[0].arg ? point->parts[0].arg->text : "command";
}

static const struct ft_point_part *part_of(const struct ft_point *point, const char *name)
{
	for (u32 i = 1; i < point->part_count; i++)
		if (!strcmp(point->parts[i].name, name))
			return &point->parts[i];
	return NULL;
}

/* ---- files ---- */

/* Runs the handlers of a file, one after the other; each has $value as the one before left it. */
static void run_of_file(struct ft_serve *s, const char *path, const char *what)
{
	const struct ft_ir_program *program = s->x->program;

	for (u32 i = 0; i < program->program->handler_count; i++) {
		const struct ft_ir *h = program->handlers[i];
		const struct ft_point_part *size;

		if (!is_procfs(h) || strcmp(path_of(point_of(h)), path) != 0 ||
		    !part_of(point_of(h), what))
			continue;
		size = part_of(point_of(h), "maxsize");
		s->x->file_bytes = size ? (size_t)size->arg->number : s->x->limits.string_bytes - 1;
		s->use.run(s->use.context, h);
	}
}

static char *make_text(void *context, const char *path, size_t *len)
{
	struct ft_serve *s = context;
	char *copy;

	s->x->file = ft_out_new_memory();
	run_of_file(s, path, "read");
	copy = (char *)ft_out_memory(s->x->file, len);
	copy = *len ? memcpy(ft_alloc(*len), copy, *len) : NULL;
	ft_out_close(s->x->file);
	s->x->file = NULL;
	return copy;
}

/* What is longer than a string comes in pieces. */
static void take_text(void *context, const char *path, char *text, size_t len)
{
	struct ft_serve *s = context;
	size_t most = s->x->limits.string_bytes - 1;

	do {
		size_t some = len < most ? len : most;

		s->x->file = ft_out_new_memory();
		ft_out_bytes(s->x->file, text, some);
		run_of_file(s, path, "write");
		ft_out_close(s->x->file);
		s->x->file = NULL;
		text += some;
		len -= some;
	} while (len);
}

static int add_file(struct ft_serve *s, const struct ft_point *point, struct ft_err *err)
{
	const struct ft_point_part *umask = part_of(point, "umask");
	bool reads = part_of(point, "read") != NULL;
	u32 mode = reads ? 0444 : 0222;
	int code;

	/* Without a mask the owner alone is let in. */
	mode &= umask ? ~(u32)umask->arg->number : 0700;
	code = ft_files_add(s->files, path_of(point), reads, !reads, mode & 0777);
	return code == -EEXIST
		       ? ft_err_set(err, code, "procfs(\"%s\") is a file and a folder at once",
				    path_of(point))
	       : code ? ft_err_set(err, code, "out of memory")
		      : 0;
}

static int open_files(struct ft_serve *s, struct ft_err *err)
{
	const struct ft_files_use use = {.read = make_text, .write = take_text, .context = s};
	const struct ft_ir_program *program = s->x->program;
	char name[64];

	for (u32 i = 0; i < program->program->handler_count; i++) {
		const struct ft_ir *h = program->handlers[i];

		if (!is_procfs(h))
			continue;
		if (!s->files && ft_files_new(&use, &s->files))
			return ft_err_set(err, -ENOMEM, "out of memory");
		if (add_file(s, point_of(h), err))
			return err->code;
	}
	if (!s->files)
		return 0;
	snprintf(name, sizeof(name), "stap_%d", getpid());
	if (ft_files_mount(s->files, s->x->module_name ? s->x->module_name : name, err))
		return err->code;
	ft_out_printf(s->x->messages, "The script's files are in %s/%s.\n", FT_FILES_ROOT,
		      s->x->module_name ? s->x->module_name : name);
	return 0;
}

/* ---- standard input ---- */

static bool is_input(const struct ft_ir *h, const char *what)
{
	return !strcmp(point_of(h)->parts[0].name, "input") &&
	       !strcmp(point_of(h)->parts[1].name, what);
}

static bool has_input(const struct ft_ir_program *program)
{
	for (u32 i = 0; i < program->program->handler_count; i++)
		if (!strcmp(point_of(program->handlers[i])->parts[0].name, "input"))
			return true;
	return false;
}

static void run_of_input(struct ft_serve *s, const char *what, const char *text, size_t len)
{
	const struct ft_ir_program *program = s->x->program;

	for (u32 i = 0; i < program->program->handler_count; i++) {
		if (!is_input(program->handlers[i], what))
			continue;
		s->x->file = ft_out_new_memory();
		ft_out_bytes(s->x->file, text, len);
		s->use.run(s->use.context, program->handlers[i]);
		ft_out_close(s->x->file);
		s->x->file = NULL;
	}
}

static void take_input(struct ft_serve *s)
{
	char bytes[1024];
	ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	s->input_ended = count <= 0;
	for (ssize_t i = 0; i < count; i++) {
		run_of_input(s, "__char", &bytes[i], 1);
		s->line[s->line_len++] = bytes[i];
		if (bytes[i] != '\n' && s->line_len < sizeof(s->line))
			continue;
		run_of_input(s, "__line", s->line, s->line_len);
		s->line_len = 0;
	}
	if (s->input_ended && s->line_len) {
		run_of_input(s, "__line", s->line, s->line_len);
		s->line_len = 0;
	}
}

/* ---- both ---- */

int ft_serve_open(struct ft_interp *x, const struct ft_serve_use *use, struct ft_serve **serve,
		  struct ft_err *err)
{
	struct ft_serve *s = ft_alloc(sizeof(*s));
	int code;

	*s = (struct ft_serve){.x = x, .use = *use, .input = has_input(x->program)};
	code = open_files(s, err);
	if (code || (!s->files && !s->input)) {
		ft_serve_close(s);
		return code;
	}
	*serve = s;
	return 0;
}

int ft_serve_files_fd(const struct ft_serve *s)
{
	return s && s->files ? ft_files_fd(s->files) : -1;
}

int ft_serve_input_fd(const struct ft_serve *s)
{
	return s && s->input && !s->input_ended ? STDIN_FILENO : -1;
}

void ft_serve_step(struct ft_serve *s)
{
	struct pollfd polled = {.fd = ft_serve_input_fd(s), .events = POLLIN};

	if (s && s->files)
		ft_files_serve(s->files);
	if (polled.fd >= 0 && poll(&polled, 1, 0) > 0)
		take_input(s);
}

void ft_serve_close(struct ft_serve *s)
{
	if (!s)
		return;
	ft_files_close(s->files);
	free(s);
}
