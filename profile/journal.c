/*
 * journal.c - the archive that grows with a recording. See archive.h.
 *
 * One write() for each round: what the kernel has taken over survives this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "profile/archive_private.h"

struct ft_journal {
	int fd;
	char *path;
	struct ft_archive_marks marks;
};

static int flush(struct ft_journal *journal, struct ft_bytes *file, struct ft_err *err)
{
	int code = file->failed ? -ENOMEM : 0;

	for (size_t done = 0; !code && done < file->len;) {
		ssize_t n = write(journal->fd, file->data + done, file->len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			code = -errno;
	}
	ft_bytes_fini(file);
	return code ? ft_err_set(err, code,
				 "cannot write %s: %s; free some space or choose another place "
				 "with -o",
				 journal->path, strerror(-code))
		    : 0;
}

int ft_journal_open(const char *path, const struct ft_facts *facts, struct ft_journal **journal,
		    struct ft_err *err)
{
	struct ft_journal *j = ft_alloc(sizeof(*j));
	struct ft_bytes file = {0};
	int code;

	j->path = ft_strdup(path);
	j->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (j->fd < 0) {
		code = ft_err_set(err, -errno, "cannot write %s: %s; choose another place with -o",
				  path, strerror(errno));
	} else {
		ft_archive_put_start(&file, facts, &j->marks);
		code = flush(j, &file, err);
	}
	if (code)
		ft_journal_close(j);
	else
		*journal = j;
	return code;
}

int ft_journal_write(struct ft_journal *journal, const struct ft_raw *raw,
		     const struct ft_quality *quality, const struct ft_rounds *rounds,
		     struct ft_err *err)
{
	struct ft_bytes file = {0};

	journal->marks.rounds = rounds->count ? rounds->count - 1 : 0;
	ft_archive_put_raw(&file, raw, quality, rounds, &journal->marks);
	return flush(journal, &file, err);
}

void ft_journal_close(struct ft_journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	free(journal->path);
	free(journal);
}
