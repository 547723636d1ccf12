#!/usr/bin/env bash
# headers.sh - every header compiles alone, without a warning: what it needs, it includes.
. "$(dirname "$0")/lib.sh"
need gcc clang

# check_header HEADER: compiles a file that holds only its inclusion, twice over (include guard).
check_header() {
	local header=$1 flags=(-fsyntax-only -Wall -Wextra -Wundef -Werror -x c -)
	local arch=x86

	[[ $(uname -m) == x86_64 ]] || arch=arm64
	if [[ $header == sampler/bpf/* ]]; then
		# Helpers that this one header defines for others are unused here.
		set -- clang -target bpf -mcpu=v3 -ffreestanding -std=gnu11 "-D__TARGET_ARCH_$arch" "-I$root" \
			-idirafter "/usr/include/$(uname -m)-linux-gnu" -Wno-unused-function
	else
		set -- gcc "${c_flags[@]}"
	fi
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
		"$@" "${flags[@]}" 2>&1 || printf '^ %s does not compile alone\n' "$header"
}

mapfile -t headers < <(source_files '*.h')
[ ${#headers[@]} -gt 0 ] || report "no headers found in $root"
for header in "${headers[@]}"; do
	text=$(check_header "$header")
	[ -z "$text" ] || report "$text"
done
finish "headers"
