/*
 * cfi.c - what building unwind tables costs, for bench_cfi.sh.
 *
 * "cfi files FILE..." builds the table of each file ten times and prints the least CPU time and
 * what the table is like. "cfi all THREADS" builds the tables of all files named on standard input
 * once, on that many threads, and prints the sum: the time from the opening of a file to its packed
 * rows, and the rules that are different over all files.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sampler/cfi.h"

#define ROUNDS 10
#define FILES_MAX 100000
#define THREADS_MAX 64

struct sum {
	u64 files, without, section_bytes, source_rows, rows, bad_rows, packed_bytes, damaged,
		overlapping, outside;
	u64 text_bytes, kinds[8], bx_rows;
	struct ft_cfi_rule *rules;
	size_t rule_count, rule_cap;
	u64 rule_most;
};

struct run {
	char **paths;
	size_t count;
	atomic_size_t next;
};

static double clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* From the file to packed rows. 0 or a negative errno. */
static int build(const char *path, struct ft_cfi_table *table, double *ms)
{
	double start = clock_ms(CLOCK_THREAD_CPUTIME_ID); /* others may use this machine too */
	int fd = open(path, O_RDONLY | O_CLOEXEC), code;
	struct ft_elf *elf = NULL;
	u32 *index;
	u16 *packed;

	if (fd < 0)
		return -2;
	code = ft_elf_open(fd, &elf);
	if (!code)
		code = ft_cfi_build(elf, table, NULL);
	if (!code) {
		index = ft_try_alloc_large(ft_cfi_index_count(table) * sizeof(*index));
		packed = ft_try_alloc_large(table->packed_count * sizeof(*packed));
		if (!index || !packed)
			abort();
		ft_cfi_pack(table, 0, index, packed);
		free(packed);
		free(index);
	}
	ft_elf_close(elf);
	close(fd);
	*ms = clock_ms(CLOCK_THREAD_CPUTIME_ID) - start;
	return code;
}

static u64 packed_bytes(const struct ft_cfi_table *table)
{
	/* The rules of all files are kept once; a file has their numbers, two bytes each. */
	return 4 * (u64)ft_cfi_index_count(table) +
	       2 * (u64)(table->packed_count + table->rule_count);
}

/* Rows that are there only because bx is followed. */
static u64 bx_rows(const struct ft_cfi_table *table)
{
	struct ft_cfi_rule before = {.cfa_kind = FT_CFI_CFA_BAD};
	u64 count = 0;

	for (u32 i = 0; i < table->row_count; i++) {
		struct ft_cfi_rule rule = table->rules[table->row_rules[i]];

		rule.bx_kind = 0;
		rule.bx_words = 0;
		count += i && !memcmp(&before, &rule, sizeof(rule));
		before = rule;
	}
	return count;
}

static void sum_add(struct sum *sum, const struct ft_cfi_table *table)
{
	sum->files++;
	sum->section_bytes += table->stats.section_bytes;
	sum->source_rows += table->stats.source_rows;
	sum->rows += table->row_count;
	sum->bad_rows += table->stats.bad_rows;
	sum->damaged += table->stats.fdes_damaged;
	sum->overlapping += table->stats.fdes_overlapping;
	sum->outside += table->stats.fdes_outside;
	sum->packed_bytes += packed_bytes(table);
	sum->text_bytes += table->span;
	for (u32 i = 0; i < table->row_count; i++)
		sum->kinds[table->rules[table->row_rules[i]].cfa_kind]++;
	sum->bx_rows += bx_rows(table);
	if (table->rule_count > sum->rule_most)
		sum->rule_most = table->rule_count;
	if (FT_GROW(&sum->rules, &sum->rule_cap, sum->rule_count + table->rule_count))
		abort();
	memcpy(sum->rules + sum->rule_count, table->rules, table->rule_count * sizeof(*sum->rules));
	sum->rule_count += table->rule_count;
}

static int compare_rules(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ft_cfi_rule));
}

static size_t distinct_rules(struct sum *sum)
{
	size_t count = 0;

	qsort(sum->rules, sum->rule_count, sizeof(*sum->rules), compare_rules);
	for (size_t i = 0; i < sum->rule_count; i++)
		count += !i || compare_rules(&sum->rules[i - 1], &sum->rules[i]);
	return count;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_table(const struct sum *sum, double ms)
{
	double bytes = (double)sum->section_bytes;

	printf("%9.0f KB  %8.2f ms  %6.0f MB/s  %9llu rows  %5.1f rows/KB, %5.1f before merging  "
	       "%.2fx packed"
	       "  %.1f%% rows for bx  %llu bad\n",
	       bytes / 1024, ms, bytes / ms / 1e3, (unsigned long long)sum->rows,
	       (double)sum->rows / bytes * 1024, (double)sum->source_rows / bytes * 1024,
	       (double)sum->packed_bytes / bytes, 100.0 * (double)sum->bx_rows / (double)sum->rows,
	       (unsigned long long)sum->bad_rows);
}

static int bench_file(const char *path)
{
	struct ft_cfi_table table;
	struct sum sum = {.files = 0};
	double ms[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		int code = build(path, &table, &ms[i]);

		if (code) {
			fprintf(stderr, "%s: %s\n", path, strerror(-code));
			return 1;
		}
		if (!i)
			sum_add(&sum, &table);
		ft_cfi_fini(&table);
	}
	qsort(ms, ROUNDS, sizeof(*ms), compare_doubles);
	printf("%-12.12s", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	print_table(&sum, ms[0]);
	free(sum.rules);
	return 0;
}

static void *thread_main(void *arg)
{
	struct run *run = arg;
	size_t i;

	while ((i = atomic_fetch_add(&run->next, 1)) < run->count) {
		struct ft_cfi_table table;
		double ms;

		if (!build(run->paths[i], &table, &ms))
			ft_cfi_fini(&table);
	}
	return NULL;
}

static int bench_all(unsigned int threads)
{
	static const char *const names[] = {"none", "reg",	"deref", "indexed",
					    "plt",  "sigframe", "bad",	 "?"};
	struct run run = {.paths = ft_alloc(FILES_MAX * sizeof(char *))};
	struct sum sum = {.files = 0};
	pthread_t ids[THREADS_MAX];
	char line[4096];
	double start, ms;

	while (run.count < FILES_MAX && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		run.paths[run.count++] = ft_strdup(line);
	}
	for (size_t i = 0; i < run.count; i++) { /* once before: statistics, and the page cache */
		struct ft_cfi_table table;

		if (build(run.paths[i], &table, &ms)) {
			sum.without++;
			continue;
		}
		sum_add(&sum, &table);
		ft_cfi_fini(&table);
	}
	start = clock_ms(CLOCK_MONOTONIC);
	for (unsigned int i = 0; i < threads; i++) {
		if (pthread_create(&ids[i], NULL, thread_main, &run))
			abort();
	}
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	ms = clock_ms(CLOCK_MONOTONIC) - start;
	printf("%llu files (%llu more without a table), %u threads:\n",
	       (unsigned long long)sum.files, (unsigned long long)sum.without, threads);
	print_table(&sum, ms);
	printf("different rules: %zu (most in one file: %llu); functions damaged %llu, overlapping "
	       "%llu, outside %llu\n"
	       "rows by kind of CFA:",
	       distinct_rules(&sum), (unsigned long long)sum.rule_most,
	       (unsigned long long)sum.damaged, (unsigned long long)sum.overlapping,
	       (unsigned long long)sum.outside);
	for (size_t i = 0; i < FT_ARRAY_LEN(names); i++) {
		if (sum.kinds[i])
			printf(" %s %llu", names[i], (unsigned long long)sum.kinds[i]);
	}
	printf("\n");
	for (size_t i = 0; i < run.count; i++)
		free(run.paths[i]);
	free(run.paths);
	free(sum.rules);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc > 2 && !strcmp(argv[1], "files")) {
		for (int i = 2; i < argc; i++)
			failed |= bench_file(argv[i]);
		return failed;
	}
	if (argc == 3 && !strcmp(argv[1], "all") && atoi(argv[2]) > 0 &&
	    atoi(argv[2]) <= THREADS_MAX)
		return bench_all((unsigned int)atoi(argv[2]));
	fprintf(stderr, "usage: %s files FILE... | all THREADS <LIST\n", argv[0]);
	return 2;
}
