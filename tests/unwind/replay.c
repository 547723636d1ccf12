/*
 * replay.c - walks stored stacks by the step function of the unwinder and compares every frame, and
 * the reason for the end, with what the case says.
 *
 * usage: replay CASE.txt...
 *
 * Exit status 1: one of them differs or cannot be read.
 */
#include "tests/unwind/case.h"

int main(int argc, char **argv)
{
	static struct unwind_case c;
	int failed = argc < 2;

	for (int i = 1; i < argc; i++) {
		if (!case_read(argv[i], &c) || !case_replay(argv[i], &c)) {
			printf("%s: FAILED (%s)\n", argv[i], c.about);
			failed = 1;
		}
	}
	printf("%d cases\n", argc - 1);
	return failed;
}
