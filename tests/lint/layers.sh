#!/usr/bin/env bash
# layers.sh - who may include whom (docs/ARCHITECTURE.md), and what only cli/ may do.
. "$(dirname "$0")/lib.sh"

# The folders each folder may include. What is not listed (tests, bench) may include everything.
declare -A allowed=(
	[base]="base"
	[profile]="base profile"
	[sampler]="base profile sampler"
	[symbolizer]="base profile symbolizer"
	[output]="base profile output"
	[scriptlang]="base profile sampler symbolizer scriptlang"
	[cli]="base profile sampler symbolizer output scriptlang cli"
)
# Headers made by the build, and the folders that may see them.
declare -A generated=([bpf]="sampler scriptlang" [embed]="output scriptlang" [tables]=sampler)
# What is compiled for the kernel side as well: contracts, and the step of the unwinder.
both_sides="sampler/wire.h sampler/abi.h sampler/unwind.h sampler/unwind_state.h profile/quality.h profile/stack_call.h"
# At this level and above only the header named after the folder is public.
closed_folders=" sampler symbolizer output scriptlang cli "

# check_include FILE LINE HEADER
check_include() {
	local file=$1 where="$1:$2" header=$3 from=${1%%/*} to=${3%%/*}

	if [[ $file == */bpf/* ]]; then
		[[ $header == "$from"/bpf/* || " $both_sides " == *" $header "* ]] ||
			report "$where: \"$header\": the kernel side includes only $from/bpf/ and $both_sides"
		return
	fi
	if [[ -n ${generated[$to]:-} ]]; then
		[[ " ${generated[$to]} " == *" $from "* ]] ||
			report "$where: \"$header\": only ${generated[$to]// /\/ and }/ may include it"
		return
	fi
	if [[ ! -f $header ]]; then
		# A test may have a header of its own beside it.
		[[ $file == tests/* && -f ${file%/*}/$header ]] ||
			report "$where: \"$header\": no such file; includes are relative to the root of the checkout"
		return
	fi
	[[ $header != */bpf/* ]] ||
		report "$where: \"$header\": share it with the kernel side through $to/wire.h"
	[[ -n ${allowed[$from]:-} ]] || return 0
	if [[ " ${allowed[$from]} " != *" $to "* ]]; then
		report "$where: $from/ may not include $to/ (it may: ${allowed[$from]})"
	elif [[ $from != "$to" && $closed_folders == *" $to "* && $header != "$to/$to.h" ]]; then
		report "$where: \"$header\" is private to $to/; include \"$to/$to.h\""
	elif [[ $from != "$to" && $header == *_private.h ]]; then
		report "$where: \"$header\" is private to $to/"
	fi
}

mapfile -t sources < <(source_files '*.c' '*.h')
[ ${#sources[@]} -gt 0 ] || report "no sources found in $root"

while IFS=: read -r file line header; do
	check_include "$file" "$line" "$header"
done < <(grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "${sources[@]}" |
	sed -E 's/^([^:]*:[0-9]+:)[^"]*"([^"]*)".*/\1\2/')

while IFS=: read -r file line text; do
	report "$file:$line: our own headers are included with quotes: $text"
done < <(grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<(base|profile|sampler|symbolizer|output|scriptlang|cli)/' \
	"${sources[@]}")

# Below cli/ nothing prints and nothing ends the process; the kernel side has no such functions.
mapfile -t below < <(printf '%s\n' "${sources[@]}" |
	grep -E '^(base|profile|sampler|symbolizer|output|scriptlang)/' | grep -vE '^(sampler|scriptlang)/bpf/')
while IFS=: read -r file line text; do
	report "$file:$line: only cli/ prints and picks the exit status: $text"
done < <(grep -nHE '(^|[^[:alnum:]_.>])(printf|vprintf|puts|putchar|perror|exit|errx?|warnx?) ?\(|[^[:alnum:]_](stdout|stderr)[^[:alnum:]_]' \
	"${below[@]}" /dev/null | grep -vE '^[^:]*:[0-9]+:[[:space:]]*(/\*|\*|//)')

finish "layers"
