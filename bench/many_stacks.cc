/*
 * many_stacks.cc - a target for benchmarks with ever new stacks: random walks through some hundred
 * functions that end in system calls made by the C and the C++ library.
 *
 *   many_stacks WALKS
 *
 * Does so many walks (the same ones in every run), says "done", and goes on with more of the same,
 * slowly. Ends by a signal, or by itself after ten minutes should nobody send one.
 */
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <fcntl.h>
#include <unistd.h>

namespace walks
{

constexpr unsigned functions = 400;
constexpr int depth_min = 12;

struct walk {
	uint64_t dice;
	int file;
	std::ofstream *stream;
};

struct request {
	int kind;
	std::string text;
};

template <unsigned N> struct handler {
	static long serve(walk &w, int depth, const request &r);
};

using function = long (*)(walk &, int, const request &);

template <unsigned... N>
constexpr std::array<function, sizeof...(N)> make_table(std::integer_sequence<unsigned, N...>)
{
	return {handler<N>::serve...};
}

static uint64_t roll(walk &w)
{
	w.dice ^= w.dice << 13;
	w.dice ^= w.dice >> 7;
	w.dice ^= w.dice << 17;
	return w.dice >> 16;
}

/* The system calls at the end of a walk, by way of different library functions. */
static __attribute__((noinline)) long leaf(walk &w, const request &r)
{
	char byte = 0;

	switch (roll(w) % 4) {
	case 0:
		return write(w.file, r.text.data(), r.text.size());
	case 1:
		return pread(w.file, &byte, 1, 0);
	case 2:
		w.stream->write(r.text.data(), 1).flush();
		return 0;
	default:
		return lseek(w.file, 0, SEEK_CUR);
	}
}

static long call(walk &w, int depth, const request &r);

template <unsigned N>
__attribute__((noinline)) long handler<N>::serve(walk &w, int depth, const request &r)
{
	/* Not a tail call, and no two functions alike, so that the compiler keeps them all. */
	return call(w, depth, r) + static_cast<long>(N);
}

static constexpr auto table = make_table(std::make_integer_sequence<unsigned, functions>());

static inline __attribute__((always_inline)) long call(walk &w, int depth, const request &r)
{
	if (depth == 0)
		return leaf(w, r);
	return table[roll(w) % functions](w, depth - 1, r);
}

} // namespace walks

int main(int argc, char **argv)
{
	long count = argc == 2 ? std::atol(argv[1]) : 0, sum = 0;
	walks::request request{1, "x"};
	walks::walk w{88172645463325252u, open("/dev/null", O_RDWR | O_CLOEXEC), nullptr};
	std::ofstream stream("/dev/null");

	if (count <= 0 || w.file < 0 || !stream) {
		std::fprintf(stderr, "usage: many_stacks WALKS\n");
		return 2;
	}
	w.stream = &stream;
	alarm(600);
	std::getc(stdin); /* until the profiler is there */
	for (long i = 0; i < count; i++)
		sum += walks::call(w, walks::depth_min + static_cast<int>(walks::roll(w) % 16),
				   request);
	std::puts("done");
	std::fflush(stdout);
	for (;;) {
		sum += walks::call(w, walks::depth_min, request);
		usleep(10000);
	}
	return sum != 0;
}
