/*
 * archive.h - the .ftap file: a whole profile, and what is needed to name its addresses anywhere.
 *
 * docs/archive.md specifies the bytes. An archive holds either a raw profile (places in files, with
 * or without the names that were found for them) or a resolved one (what was read from a foreign
 * format). It is written in one piece (ft_archive_write), or section by section while a recording
 * goes on (ft_journal), so that what a killed recording leaves can be read.
 */
#ifndef FT_PROFILE_ARCHIVE_H
#define FT_PROFILE_ARCHIVE_H

#include "base/out.h"
#include "profile/raw.h"
#include "profile/rounds.h"

/* What is known about a recording beside its numbers: "host", "kernel", "command". */
#define FT_FACTS_MAX 32

struct ft_fact {
	char *name, *text; /* owned */
};

struct ft_facts {
	struct ft_fact list[FT_FACTS_MAX];
	u32 count;
};

void ft_facts_fini(struct ft_facts *facts);
/* Sets a fact; beyond FT_FACTS_MAX it is left out. text may be NULL: nothing is done. */
void ft_facts_set(struct ft_facts *facts, const char *name, const char *text);
/* Borrowed; NULL where it is not known. */
const char *ft_facts_get(const struct ft_facts *facts, const char *name);

/* What an archive is made of. All borrowed. */
struct ft_archive_content {
	const struct ft_facts *facts;
	const struct ft_raw *raw;	  /* or NULL */
	const struct ft_kept *kept;	  /* names for raw; or NULL */
	const struct ft_profile *profile; /* where raw is NULL */
	const struct ft_rounds *rounds;	  /* how the weights came about in time; or NULL */
};

/* Writes a whole archive. 0 or -ENOMEM; other errors are out's. */
int ft_archive_write(const struct ft_archive_content *content, struct ft_out *out);

struct ft_archive {
	struct ft_facts facts;
	struct ft_raw *raw;	    /* or NULL; kept holds the names */
	struct ft_profile *profile; /* or NULL */
	struct ft_rounds rounds;    /* as they were recorded: of a whole archive without, one */
	bool whole;		    /* the end is there */
	u32 skipped;		    /* sections that a newer version wrote */
	u64 bytes, bytes_read;	    /* of the file, and up to where it could be read */
};

/* Whether these first bytes of a file are those of an archive. */
bool ft_archive_is(const void *data, size_t len);

/*
 * Reads an archive. A file that is cut off or damaged is read up to there: *archive says so. name
 * is for messages. Errors: not an archive, of a later major version, nothing readable in it, no
 * memory. Call ft_archive_fini in every case.
 */
int ft_archive_read(const void *data, size_t len, const char *name, struct ft_archive *archive,
		    struct ft_err *err);
void ft_archive_fini(struct ft_archive *archive);

/*
 * An archive that grows with a recording. What was written survives the end of this process; a
 * whole archive takes its place in the end.
 */
struct ft_journal;

/* Begins a file, which replaces what is there. */
int ft_journal_open(const char *path, const struct ft_facts *facts, struct ft_journal **journal,
		    struct ft_err *err);
/*
 * Writes what came to raw since the last time, with its counters. quality: as of now. Of
 * rounds the last one is written; those before may have been cleared.
 */
int ft_journal_write(struct ft_journal *journal, const struct ft_raw *raw,
		     const struct ft_quality *quality, const struct ft_rounds *rounds,
		     struct ft_err *err);
/* Closes it; the file stays. Accepts NULL. */
void ft_journal_close(struct ft_journal *journal);

#endif
