/*
 * replay.c - runs a fuzz target over stored inputs, without a fuzzer.
 *
 * Links with any tests/fuzz/fuzz_NAME.c in place of libFuzzer's main. Arguments are files and
 * folders of inputs; every file is given to the target once, in a heap block of exactly its size,
 * so that a sanitizer sees a read past its end. No input at all is a failure: an empty corpus must
 * not pass for a tested parser.
 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/types.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

/* The whole file in a block of its size (one byte for an empty file). NULL: errno says why. */
static u8 *read_input(const char *path, size_t len)
{
	FILE *file = fopen(path, "rb");
	u8 *data;

	if (!file)
		return NULL;
	data = malloc(len ? len : 1);
	if (data && fread(data, 1, len, file) != len) {
		free(data);
		data = NULL;
		errno = EIO;
	}
	fclose(file);
	return data;
}

static int replay_input(const char *path, size_t len)
{
	u8 *data = read_input(path, len);

	if (!data) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	/* Said before the run: after a crash the last line names the input. */
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int inputs = 0, failures = 0;
	FTSENT *entry;
	FTS *walk;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE|FOLDER...\n", argv[0]);
		return 2;
	}
	walk = fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!walk) {
		perror(argv[0]);
		return 1;
	}
	while ((entry = fts_read(walk))) {
		if (entry->fts_info != FTS_F)
			continue;
		inputs++;
		if (replay_input(entry->fts_path, (size_t)entry->fts_statp->st_size))
			failures++;
	}
	fts_close(walk);
	printf("%u inputs, %u unreadable\n", inputs, failures);
	if (!inputs)
		fprintf(stderr, "no input found: put at least one into %s\n", argv[1]);
	return inputs && !failures ? 0 : 1;
}
