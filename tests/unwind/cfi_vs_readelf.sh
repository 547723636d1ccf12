#!/usr/bin/env bash
# cfi_vs_readelf.sh - every row of the unwind tables of some hundred system files, against binutils' readelf.
# needs: find python3 readelf
set -u

: "${FT_UNWIND:?the folder of the programs made from tests/unwind}"
# shellcheck source=tests/unwind/files.sh
. "$FT_SOURCE/tests/unwind/files.sh"

files=()
system_files 240
compared=0
failed=0
for file in "${files[@]}"; do
	readelf -W --debug-dump=frames-interp "$file" >frames.txt 2>/dev/null
	# Not every file has unwind information.
	grep -q ' FDE ' frames.txt || continue
	if "$FT_UNWIND/cfi_vs_readelf" "$file" <frames.txt >result.txt 2>&1; then
		compared=$((compared + 1))
	else
		cat result.txt
		failed=$((failed + 1))
	fi
done
printf '%d files compared, %d with differences\n' "$((compared + failed))" "$failed"
((failed == 0 && compared >= 200))
