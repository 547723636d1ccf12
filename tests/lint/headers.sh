#!/usr/bin/env bash
# headers.sh - every header compiles alone, without a warning: what it needs, it includes.
. "$(dirname "$0")/lib.sh"
need gcc clang

# check_header HEADER: compiles a file that holds only its inclusion, twice over (include guard).
check_header() {
	local header=$1 flags=(-fsyntax-only -Wall -Wextra -Wundef -Werror -x c -)
	local arch=x86

	[[ $(uname -m) == x86_64 ]] || arch=arm64
	if [[ $header == */bpf/* ]]; then
		# Helpers that this one header defines for others are unused here.
		set -- clang -target bpf -mcpu=v3 -ffreestanding -std=gnu11 "-D__TARGET_ARCH_$arch" "-I$root" \
			-idirafter "/usr/include/$(uname -m)-linux-gnu" -Wno-unused-function
	else
		set -- gcc "${c_flags[@]}"
	fi
	# unwind.h is a template: whoever includes it defines how a word of the stack is read.
	[[ $header != sampler/unwind.h ]] ||
		printf '#include "sampler/unwind_state.h"\nbool unwind_read(struct ft_unwind *u, u64 at, u64 *word);\n' >"$prelude"
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" | cat "$prelude" - |
		"$@" "${flags[@]}" 2>&1 || printf '^ %s does not compile alone\n' "$header"
}

prelude=$(mktemp)
trap 'rm -f "$prelude"' EXIT
mapfile -t headers < <(source_files '*.h')
[ ${#headers[@]} -gt 0 ] || report "no headers found in $root"
for header in "${headers[@]}"; do
	: >"$prelude"
	text=$(check_header "$header")
	[ -z "$text" ] || report "$text"
done
finish "headers"
