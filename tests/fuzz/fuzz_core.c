/*
 * fuzz_core.c - arbitrary bytes as a core file, whose threads are walked.
 *
 * Beyond not crashing: every thread has a frame, and mappings are sorted and not empty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/sampler.h"

#define INPUT_MAX (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = size <= INPUT_MAX ? memfd_create("input", MFD_CLOEXEC) : -1;
	struct ft_backtrace bt;
	char path[32];

	if (fd < 0)
		return 0;
	if (write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* Files that it names are looked for where there are none. */
	if (ft_backtrace_core(path, "/proc/self/fdinfo", &bt, NULL) == 0) {
		u64 word, before = 0;

		for (u32 i = 0; i < bt.thread_count; i++) {
			if (!bt.threads[i].frame_count)
				abort();
			ft_backtrace_read(&bt, &bt.threads[i], bt.threads[i].frames[0].regs[7],
					  &word, sizeof(word));
		}
		for (u32 i = 0; i < bt.process.map_count; i++) {
			if (bt.process.maps[i].start < before ||
			    bt.process.maps[i].start >= bt.process.maps[i].end)
				abort();
			before = bt.process.maps[i].start;
		}
		ft_backtrace_free(&bt);
	}
	close(fd);
	return 0;
}
