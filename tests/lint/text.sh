#!/usr/bin/env bash
# text.sh - what no compiler looks at: promises left open, paths of one machine, line ends, sizes.
#
# Data that a test compares byte for byte (goldens, fuzz inputs) may hold anything.
. "$(dirname "$0")/lib.sh"

mapfile -t files < <(source_files '*' |
	grep -vE '^tests/golden/[^/]+/[^/]+/(in|out)\.|^tests/fuzz/corpus/|\.(png|gz|xz|zst|bin|elf)$|^LICENSE$')
[ ${#files[@]} -gt 0 ] || report "no files found in $root"

# search PATTERN WHAT: every match is a violation. The patterns are written so that they do not match
# themselves.
search() {
	local hit

	while IFS= read -r hit; do
		report "${hit:0:160}: $2"
	done < <(grep -nHIE -e "$1" "${files[@]}")
}

search '(^|[^[:alnum:]_])(TO[D]O|FIX[M]E|X[X]X)([^[:alnum:]_]|$)' "an open promise; do it, or file it elsewhere"
search '[[:blank:]]+$' "blanks at the end of the line"
search $'\r''$' "a carriage return at the end of the line"
search '(^|[^[:alnum:]_.])/(work|root|home/[a-z]+|Users|mnt|old_root)/' "a path of one machine"
# The path of this very checkout, where it is long enough not to be a common word.
if [ ${#root} -gt 8 ]; then
	while IFS= read -r hit; do
		report "${hit:0:160}: the path of this checkout"
	done < <(grep -nHIF -e "$root" "${files[@]}")
fi

for file in "${files[@]}"; do
	[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file" | tr -d '\n')" ] ||
		report "$file: the last line has no end"
	case $file in
	*.c | *.h | *.js | *.css | *.py | *.sh | *.cmake | dev)
		lines=$(wc -l <"$file")
		[ "$lines" -lt 800 ] || report "$file: $lines lines; split it by subject below 800"
		;;
	esac
done

# Columns of C and its headers, a tab being 8. An address that cannot be broken may stick out.
mapfile -t c_files < <(printf '%s\n' "${files[@]}" | grep -E '\.[ch]$')
if [ ${#c_files[@]} -gt 0 ]; then
	while IFS= read -r hit; do
		report "$hit"
	done < <(awk '{
		width = 0
		if ($0 ~ /:\/\//)
			next
		for (i = 1; i <= length($0); i++)
			width += substr($0, i, 1) == "\t" ? 8 - width % 8 : 1
		if (width > 100)
			printf "%s:%d: %d columns; 100 is the limit\n", FILENAME, FNR, width
	}' "${c_files[@]}")
fi
finish "text (${#files[@]} files)"
