#!/usr/bin/env bash
# tidy.sh - clang-tidy over every source the build compiles; the checks are in .clang-tidy.
. "$(dirname "$0")/lib.sh"
need clang-tidy python3

if [ ! -e "$build/compile_commands.json" ]; then
	report "no compile_commands.json in $build; run ./dev test"
	finish "clang-tidy"
fi

# The files of the build that belong to the checkout: not generated ones.
mapfile -t files < <(python3 - "$build/compile_commands.json" "$root" <<'END'
import json, os, sys
root = os.path.realpath(sys.argv[2]) + "/"
names = {os.path.realpath(entry["file"]) for entry in json.load(open(sys.argv[1]))}
print("\n".join(sorted(n[len(root):] for n in names if n.startswith(root) and "/generated/" not in n)))
END
)
[ -n "${files[0]:-}" ] || report "no sources in $build/compile_commands.json"

# tidy OPTION... : the files named on standard input. The commands are gcc's: clang does not know all its warnings, and
# need not repeat the others.
tidy() {
	xargs -r -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build" \
		--extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-everything "$@" 2>&1
}

# Programs of tests and benchmarks live for moments: the analyzer, which takes most of the time, need not follow their
# paths. What it finds inside generated headers (bpftool's skeletons) is left out, notes included.
text=$({
	printf '%s\n' "${files[@]}" | grep -vE '^(tests|bench)/' | tidy
	printf '%s\n' "${files[@]}" | grep -E '^(tests|bench)/' | tidy '--checks=-clang-analyzer-*'
} | grep -vE '^[0-9]+ warnings? (and [0-9]+ errors? )?generated\.$|^Suppressed |^Use -header-filter|^[0-9]+ warnings? treated as errors?|^$' |
	awk '/: (error|warning): / { generated = /\/generated\// } !generated')
[ -z "$text" ] || report "$text"
finish "clang-tidy (${#files[@]} files)"
