#!/usr/bin/env bash
# What compilers make, from C and C++, in many forms: flametap symbolize answers as eu-addr2line and
# llvm-symbolizer do. FT_COMPARE_COUNT: addresses a file (300); FT_COMPARE_ALSO: more files.
# needs: gcc g++ clang dwz eu-addr2line llvm-symbolizer python3
set -eu

cat >many.cc <<'END'
#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>
namespace {
template <int N> struct item {
	int number = N;
	std::string text = std::to_string(N);
	bool operator<(const item &o) const { return number < o.number || text < o.text; }
};
template <int N> long work(int n)
{
	std::map<item<N>, std::vector<item<N + 1>>> map;
	for (int i = 0; i < n; i++)
		map[{i % 7, "x"}].push_back({i, "y"});
	std::function<long(long)> add = [&](long k) { return k + (long)map.size(); };
	long sum = 0;
	for (auto &[key, list] : map) {
		std::sort(list.begin(), list.end());
		sum += std::accumulate(list.begin(), list.end(), 0L,
			[](long s, const auto &v) { return s + v.number; });
	}
	return add(sum);
}
}
long many(int n)
{
	try {
		return work<1>(n) + work<2>(n) + work<3>(n);
	} catch (const std::exception &e) {
		return e.what()[0];
	}
}
int main(int argc, char **) { return many(argc * 100) == 42; }
END
c() {
	local name=$1 compiler=$2

	shift 2
	"$compiler" -D_GNU_SOURCE -I"$FT_SOURCE" -shared -fPIC "$@" -o "$name" "$FT_SOURCE"/base/*.c "$FT_SOURCE"/profile/*.c
	files+=("$name")
}
cxx() {
	local name=$1 compiler=$2

	shift 2
	"$compiler" -std=c++17 "$@" -o "$name" many.cc
	files+=("$name")
}
files=()
c c-gcc-O0-5 gcc -O0 -gdwarf-5
c c-gcc-O2-4 gcc -O2 -gdwarf-4
c c-gcc-O3-5 gcc -O3 -gdwarf-5 -gz=zlib
c c-gcc-lto gcc -O2 -g -flto
c c-clang-O2-5 clang -O2 -gdwarf-5
cxx cc-gcc-O2-5 g++ -O2 -gdwarf-5
cxx cc-gcc-O3-4 g++ -O3 -gdwarf-4 -ffunction-sections -Wl,--gc-sections
cxx cc-clang-O2-4 clang++ -O2 -gdwarf-4
cxx cc-clang-O1-5 clang++ -O1 -gdwarf-5
cxx cc-gcc-split g++ -O2 -gdwarf-5 -gsplit-dwarf
cxx cc-gcc-split-4 g++ -O2 -gdwarf-4 -gsplit-dwarf
# Names as Rust's compilers make them, of both kinds.
cat >rust.c <<'END'
static inline __attribute__((always_inline)) long step(long n) __asm__("_RINvNvC3std3mem8align_ofjdECs1234_7mycrate");
static inline __attribute__((always_inline)) long step(long n) { return n * 7 + (n >> 3); }
__attribute__((noinline)) long old(long n) __asm__("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE");
__attribute__((noinline)) long new(long n) __asm__("_RNvMs_NtCs1234_7mycrate3fooNtB4_3Bar6method");
long old(long n) { long sum = 0; for (long i = 0; i < n; i++) sum += step(i); return sum; }
long new(long n) { long sum = old(n); for (long i = 0; i < n; i++) sum ^= step(sum); return sum; }
int main(int argc, char **argv) { return (int)new(argc + !argv); }
END
gcc -O2 -g -o rust-like rust.c
files+=(rust-like)
# dwz: partial units in the file; and a supplementary file for two.
cp cc-gcc-O3-4 cc-dwz
dwz cc-dwz
cp cc-gcc-O3-4 cc-alt
cp c-gcc-O2-4 c-alt
dwz -m "$PWD/common.debug" cc-alt c-alt
files+=(cc-dwz c-alt cc-alt)
# shellcheck disable=SC2086 # several files
python3 "$FT_SOURCE/tests/compare_symbols.py" -n "${FT_COMPARE_COUNT:-300}" "${files[@]}" ${FT_COMPARE_ALSO:-}
