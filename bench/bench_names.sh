#!/usr/bin/env bash
# Names and inlined calls of 100,000 and more random addresses, beside eu-addr2line -fi and llvm-symbolizer -i.
#
# The files of tests/e2e/symbolize_peers.sh (C and C++ by gcc and clang, -O0 to -O3, LTO, DWARF 4 and 5, split, dwz,
# names of Rust), flametap itself, and of Debian's those that have debug information here: libc6-dbg, libstdc++6-12-dbg.
# FT_COMPARE_COUNT: addresses a file (10,000). Fails below 99.9 % of where the two agree, of any file.
set -eu

for command in gcc g++ clang dwz eu-addr2line llvm-symbolizer python3; do
	command -v "$command" >/dev/null || {
		printf 'needs %s\n' "$command"
		exit 77
	}
done
also=("$FLAMETAP")
lib=/usr/lib/$(gcc -print-multiarch)
for file in "$lib"/debug/libstdc++.so.6 "$lib"/libc.so.6 "$lib"/libm.so.6 "$lib"/libstdc++.so.6 "$lib"/libcrypto.so.3; do
	[ -e "$file" ] && also+=("$file") || printf '(no %s here)\n' "$file"
done
export FT_COMPARE_COUNT=${FT_COMPARE_COUNT:-10000} FT_COMPARE_ALSO="${also[*]}"
bash "$FT_SOURCE/tests/e2e/symbolize_peers.sh"
