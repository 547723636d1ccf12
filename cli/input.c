/*
 * input.c - reads a profile of any format. See input.h.
 *
 * What a file is shows in its first bytes, never in its name: .ftap archives, perf.data, gzip
 * (pprof), and otherwise text, of perf script or folded.
 */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "profile/folded.h"
#include "profile/perfscript.h"
#include "profile/pprof.h"
#include "profile/segments.h"

#define LOOK_BYTES 65536

struct source {
	const char *path, *name;
	const struct ft_select *select;
	const struct ft_symbolize_opts *opts;
	int fd;
	void *data; /* mapped; NULL until it is needed */
	size_t len;
};

/* Makes a pipe into something that can be looked at twice. */
static int settle(struct source *s, struct ft_err *err)
{
	char buffer[65536];
	int copy;
	ssize_t n;

	if (lseek(s->fd, 0, SEEK_CUR) >= 0)
		return 0;
	copy = memfd_create("flametap-input", MFD_CLOEXEC);
	if (copy < 0)
		return ft_err_set(err, -errno, "cannot make room for %s: %s", s->name,
				  strerror(errno));
	while ((n = read(s->fd, buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write(copy, buffer, (size_t)n) != n) {
			ft_err_set(err, -errno, "cannot read %s: %s", s->name, strerror(errno));
			close(copy);
			return -EIO;
		}
	}
	lseek(copy, 0, SEEK_SET);
	if (s->fd != STDIN_FILENO)
		close(s->fd);
	s->fd = copy;
	return 0;
}

static int source_open(struct source *s, struct ft_err *err)
{
	bool standard = !strcmp(s->path, "-");

	s->name = standard ? "standard input" : s->path;
	s->fd = standard ? STDIN_FILENO : open(s->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return ft_err_set(err, -errno, "cannot read %s: %s", s->path, strerror(errno));
	return settle(s, err);
}

static int source_map(struct source *s, struct ft_err *err)
{
	struct stat st;

	if (fstat(s->fd, &st))
		return ft_err_set(err, -errno, "cannot read %s: %s", s->name, strerror(errno));
	s->len = (size_t)st.st_size;
	s->data = s->len ? mmap(NULL, s->len, PROT_READ, MAP_PRIVATE, s->fd, 0) : NULL;
	if (s->data == MAP_FAILED) {
		s->data = NULL;
		return ft_err_set(err, -errno, "cannot read %s: %s", s->name, strerror(errno));
	}
	return 0;
}

static void source_close(struct source *s)
{
	if (s->data)
		munmap(s->data, s->len);
	if (s->fd > STDIN_FILENO)
		close(s->fd);
}

/* Formats that hold stacks and weights alone. */
static int check_plain(const struct source *s, const char *format, struct ft_err *err)
{
	if (ft_select_is_empty(s->select))
		return 0;
	return ft_err_set(err, -EINVAL,
			  "%s is %s, which holds no ids and times: --pid, --tid, --from, --to and "
			  "--by are for .ftap archives and perf's recordings",
			  s->name, format);
}

static int read_folded(struct source *s, struct ft_input *input, struct ft_err *err)
{
	struct ft_folded_stats stats = {0};
	int code = check_plain(s, "folded text", err);

	if (!code)
		code = ft_folded_read(s->fd, s->name, input->profile, &stats, err);
	if (code || !stats.bad_lines)
		return code;
	input->partial = true;
	ft_cli_say("%llu of %llu lines were left out, the first is line %llu: no weight at its "
		   "end, or no frame",
		   (unsigned long long)stats.bad_lines, (unsigned long long)stats.lines,
		   (unsigned long long)stats.first_bad_line);
	return 0;
}

static int read_perfscript(struct source *s, struct ft_input *input, struct ft_err *err)
{
	struct ft_perfscript_stats stats = {0};
	int code = source_map(s, err);

	if (!code)
		code = ft_perfscript_read(s->data, s->len, s->name, s->select, input->profile,
					  &stats, err);
	if (code || !stats.bad_lines)
		return code;
	input->partial = true;
	ft_cli_say("%llu lines of %s were left out: neither samples nor their frames",
		   (unsigned long long)stats.bad_lines, s->name);
	return 0;
}

static int read_pprof(struct source *s, struct ft_input *input, struct ft_err *err)
{
	int code = check_plain(s, "a pprof profile", err);

	if (!code)
		code = source_map(s, err);
	return code ? code : ft_pprof_read(s->data, s->len, s->name, input->profile, err);
}

/* perf.data means what perf says it means. */
static int read_perfdata(struct source *s, struct ft_input *input, struct ft_err *err)
{
	char fd_path[40];
	int out = memfd_create("flametap-perf-script", MFD_CLOEXEC), status;
	pid_t pid;

	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", s->fd);
	pid = out < 0 ? -1 : fork();
	if (pid == 0) {
		int in = dup(s->fd); /* without close-on-exec */

		snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", in);
		dup2(out, STDOUT_FILENO);
		execlp("perf", "perf", "script", "-F", "+pid", "--force", "-i", fd_path,
		       (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		ft_err_set(err, -errno, "cannot start perf script: %s", strerror(errno));
	} else if (status) {
		ft_err_set(err, -EIO,
			   WEXITSTATUS(status) == 127
				   ? "%s is a recording of perf, which is not installed: apt-get "
				     "install linux-perf"
				   : "perf script could not read %s",
			   s->name);
	} else {
		source_close(s);
		*s = (struct source){s->path, s->name, s->select, s->opts, out, NULL, 0};
		return read_perfscript(s, input, err);
	}
	if (out >= 0)
		close(out);
	return err->code;
}

/* ---- archives ---- */

static void say_missing(const struct source *s, struct ft_input *input)
{
	const struct ft_archive *a = &input->archive;

	if (a->skipped)
		ft_cli_say("%s holds %u parts that a later flametap wrote; they were skipped",
			   s->name, a->skipped);
	if (a->whole)
		return;
	input->partial = true;
	if (a->bytes_read == a->bytes)
		ft_cli_say("%s ends early: the recording was killed or is going on. What is there "
			   "covers its first %.1f s; names are looked up now",
			   s->name,
			   a->rounds.count
				   ? (double)a->rounds.list[a->rounds.count - 1].until_ns / 1e9
				   : 0.0);
	else
		ft_cli_say("%s is cut or damaged: %llu of its %llu bytes could be read, which "
			   "cover its first %.1f s; the rest is missing",
			   s->name, (unsigned long long)a->bytes_read, (unsigned long long)a->bytes,
			   a->rounds.count
				   ? (double)a->rounds.list[a->rounds.count - 1].until_ns / 1e9
				   : 0.0);
}

/* Addresses of another machine's kernel, or of one that ran before, mean nothing here. */
static bool is_elsewhere(const struct ft_archive *a)
{
	const char *recorded = ft_facts_get(&a->facts, "boot");
	char *boot;
	size_t len;
	bool same;

	if (!recorded || ft_file_read("/proc/sys/kernel/random/boot_id", 64, &boot, &len))
		return true;
	boot[strcspn(boot, "\n")] = '\0';
	same = !strcmp(boot, recorded);
	free(boot);
	return !same;
}

static int resolve_archive(struct source *s, struct ft_input *input, struct ft_err *err)
{
	struct ft_symbolize_opts opts = *s->opts;
	const char *title = ft_facts_get(&input->archive.facts, "title");
	struct ft_symbolize_notes notes = {0};
	struct ft_raw *raw = input->archive.raw;
	int code;

	raw->elsewhere = is_elsewhere(&input->archive);
	for (u32 i = 0; raw->elsewhere && i < raw->module_count; i++)
		raw->modules[i].pid = 0; /* other processes have these ids now */
	opts.rounds = input->archive.rounds.count > 1 ? &input->archive.rounds : NULL;
	code = ft_select_raw(&input->archive, s->select, err);
	opts.keep = raw->kept ? NULL : ft_kept_new();
	if (!code)
		code = ft_symbolize(raw, &opts, &notes, &input->profile, err);
	if (!code && ft_segments_note(input->profile, raw))
		code = ft_err_set(err, -ENOMEM, "out of memory");
	if (code) {
		ft_kept_free(opts.keep);
		return code;
	}
	if (title)
		input->profile->title = strdup(title);
	if (!raw->kept && raw->elsewhere)
		ft_cli_say("%s holds no names, and was recorded on another machine or before its "
			   "last start: kernel functions stay without names",
			   s->name);
	if (!raw->kept)
		raw->kept = opts.keep; /* an archive written from this one has them */
	if (notes.files_missing)
		ft_cli_say("%u files could not be read for symbols, the first: %s",
			   notes.files_missing, notes.first_missing);
	if (notes.files_damaged)
		ft_cli_say("%u files are damaged (cut off, or their contents make no sense): what "
			   "was lost has no names; the first: %s",
			   notes.files_damaged, notes.first_senseless);
	if (notes.files_replaced)
		ft_cli_say("%u files are not the ones that ran (another build-id), so their "
			   "symbols were not used; the first: %s",
			   notes.files_replaced, notes.first_replaced);
	return 0;
}

static int read_archive(struct source *s, struct ft_input *input, struct ft_err *err)
{
	int code = source_map(s, err);

	if (code)
		return code;
	ft_profile_free(input->profile);
	input->profile = NULL;
	code = ft_archive_read(s->data, s->len, s->name, &input->archive, err);
	if (code)
		return code;
	input->from_archive = true;
	say_missing(s, input);
	if (input->archive.raw)
		return resolve_archive(s, input, err);
	input->profile = input->archive.profile;
	input->archive.profile = NULL;
	if (input->archive.rounds.count > 1 && input->profile) {
		input->profile->rounds = input->archive.rounds;
		input->archive.rounds = (struct ft_rounds){0};
	}
	return ft_select_is_empty(s->select) ? 0
					     : ft_select_profile(input->profile, s->select, err);
}

int ft_input_read(const char *path, const struct ft_select *select,
		  const struct ft_symbolize_opts *opts, struct ft_input *input, struct ft_err *err)
{
	struct source s = {.path = path, .select = select, .opts = opts, .fd = -1};
	char look[LOOK_BYTES];
	ssize_t len = 0;
	int code;

	*input = (struct ft_input){.profile = ft_profile_new()};
	if (!input->profile)
		return ft_err_set(err, -ENOMEM, "out of memory");
	code = source_open(&s, err);
	if (!code) {
		len = pread(s.fd, look, sizeof(look), 0);
		if (len < 0)
			code = ft_err_set(err, -errno, "cannot read %s: %s", s.name,
					  strerror(errno));
	}
	if (code)
		goto out;
	if (ft_archive_is(look, (size_t)len))
		code = read_archive(&s, input, err);
	else if (len >= 8 && (!memcmp(look, "PERFILE2", 8) || !memcmp(look, "2ELIFREP", 8)))
		code = read_perfdata(&s, input, err);
	else if (len >= 2 && (u8)look[0] == 0x1f && (u8)look[1] == 0x8b)
		code = read_pprof(&s, input, err);
	else if (ft_perfscript_is(look, (size_t)len))
		code = read_perfscript(&s, input, err);
	else
		code = read_folded(&s, input, err);
out:
	source_close(&s);
	return code;
}

void ft_input_fini(struct ft_input *input)
{
	ft_profile_free(input->profile);
	ft_archive_fini(&input->archive);
	input->profile = NULL;
}
