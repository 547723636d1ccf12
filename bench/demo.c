/*
 * demo.c - a program worth a first look: what ./dev flame profiles.
 *
 * A text indexer in an endless loop: makes text, splits it into words, counts them in a hash table,
 * ranks them by a merge sort, packs the text by searching for repeats, and writes the result to a
 * file in memory. So its flame graph has several broad phases, recursion, library code and the
 * kernel. Ends by a signal, or by itself after a minute should nobody send one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define TEXT_BYTES (256 * 1024)
#define TABLE_SLOTS (32 * 1024)
#define WORD_BYTES 16
#define LIFE_SECONDS 60

/* Phases stay frames of their own, whatever the compiler would make of them. */
#define PHASE __attribute__((noinline))

struct word {
	char text[WORD_BYTES];
	uint32_t count;
};

struct job {
	uint64_t random;
	char text[TEXT_BYTES];
	struct word table[TABLE_SLOTS];
	struct word *ranked[TABLE_SLOTS], *spare[TABLE_SLOTS];
	size_t ranked_len;
	char packed[TEXT_BYTES * 2];
	size_t packed_len;
	uint32_t last_seen[TABLE_SLOTS]; /* position + 1 of the last text with that hash */
	int file;
};

static PHASE uint32_t next_random(struct job *job)
{
	job->random ^= job->random << 13;
	job->random ^= job->random >> 7;
	job->random ^= job->random << 17;
	return (uint32_t)(job->random >> 32);
}

/* Syllables nest, so that the stack of this phase has different depths. */
static PHASE size_t make_syllables(struct job *job, char *to, size_t room)
{
	static const char consonants[] = "bdfgklmnprst", vowels[] = "aeiou";
	uint32_t dice = next_random(job);

	if (room < 3)
		return 0;
	to[0] = consonants[dice % (sizeof(consonants) - 1)];
	to[1] = vowels[(dice >> 8) % (sizeof(vowels) - 1)];
	if ((dice >> 16) % 3 == 0)
		return 2;
	return 2 + make_syllables(job, to + 2, room - 2);
}

static PHASE void make_text(struct job *job)
{
	size_t at = 0;

	while (at + WORD_BYTES < TEXT_BYTES) {
		at += make_syllables(job, job->text + at, WORD_BYTES - 4);
		job->text[at++] = ' ';
	}
	memset(job->text + at, 0, TEXT_BYTES - at);
}

static PHASE uint32_t hash_bytes(const char *text, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	return hash ^ hash >> 15;
}

/* The C library's strcmp is one nameless box where its debug symbols are not installed. */
static PHASE int compare_text(const char *a, const char *b, size_t limit)
{
	for (size_t i = 0; i < limit; i++) {
		if (a[i] != b[i] || !a[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
	}
	return 0;
}

static PHASE void count_word(struct job *job, const char *text, size_t len)
{
	uint32_t slot = hash_bytes(text, len) % TABLE_SLOTS;

	for (uint32_t tries = 0; tries < TABLE_SLOTS; tries++) {
		struct word *word = &job->table[(slot + tries) % TABLE_SLOTS];

		if (!word->count)
			memcpy(word->text, text, len);
		else if (compare_text(word->text, text, len) != 0 || word->text[len])
			continue;
		word->count++;
		return;
	}
}

static PHASE void index_text(struct job *job)
{
	const char *word = job->text, *end;

	memset(job->table, 0, sizeof(job->table));
	while ((end = strchr(word, ' '))) {
		count_word(job, word, (size_t)(end - word));
		word = end + 1;
	}
}

static PHASE int compare_words(const struct word *left, const struct word *right)
{
	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return compare_text(left->text, right->text, WORD_BYTES);
}

static PHASE void merge(struct word **to, struct word **left, size_t left_len, struct word **right,
			size_t right_len)
{
	while (left_len && right_len) {
		if (compare_words(*left, *right) <= 0) {
			*to++ = *left++;
			left_len--;
		} else {
			*to++ = *right++;
			right_len--;
		}
	}
	memcpy(to, left_len ? left : right, (left_len + right_len) * sizeof(*to));
}

/* The C library's qsort would do, but the depth of this recursion is something to look at. */
static PHASE void sort_words(struct word **words, struct word **spare, size_t len)
{
	size_t half = len / 2;

	if (len < 2)
		return;
	sort_words(words, spare, half);
	sort_words(words + half, spare + half, len - half);
	memcpy(spare, words, len * sizeof(*words));
	merge(words, spare, half, spare + half, len - half);
}

static PHASE void rank_words(struct job *job)
{
	job->ranked_len = 0;
	for (size_t i = 0; i < TABLE_SLOTS; i++) {
		if (job->table[i].count)
			job->ranked[job->ranked_len++] = &job->table[i];
	}
	sort_words(job->ranked, job->spare, job->ranked_len);
}

static PHASE size_t match_length(const char *a, const char *b, size_t limit)
{
	size_t len = 0;

	while (len < limit && a[len] == b[len])
		len++;
	return len;
}

/* Repeats become (distance, length), the rest stays: the idea of every LZ77 packer. */
static PHASE void pack_text(struct job *job)
{
	memset(job->last_seen, 0, sizeof(job->last_seen));
	job->packed_len = 0;
	for (size_t at = 0, len; at + 64 < TEXT_BYTES; at += len) {
		uint32_t *seen = &job->last_seen[hash_bytes(job->text + at, 4) % TABLE_SLOTS];
		size_t before = *seen;

		*seen = (uint32_t)at + 1;
		len = before ? match_length(job->text + at, job->text + before - 1, 64) : 0;
		if (len < 4) {
			job->packed[job->packed_len++] = job->text[at];
			len = 1;
			continue;
		}
		memcpy(job->packed + job->packed_len, &before, 3);
		job->packed[job->packed_len + 3] = (char)len;
		job->packed_len += 4;
	}
}

static PHASE void save(struct job *job)
{
	for (int copies = 0; copies < 16; copies++) {
		if (pwrite(job->file, job->packed, job->packed_len, 0) < 0 ||
		    ftruncate(job->file, 0))
			exit(1);
	}
}

int main(void)
{
	int file = memfd_create("packed", MFD_CLOEXEC);
	time_t end = time(NULL) + LIFE_SECONDS;
	struct job *job;

	if (file < 0)
		return 1;
	job = calloc(1, sizeof(*job));
	if (!job)
		return 1;
	job->random = 88172645463325252u;
	job->file = file;
	while (time(NULL) < end) {
		make_text(job);
		index_text(job);
		rank_words(job);
		pack_text(job);
		save(job);
	}
	free(job);
	return 0;
}
