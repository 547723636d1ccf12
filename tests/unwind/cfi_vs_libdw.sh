#!/usr/bin/env bash
# cfi_vs_libdw.sh - every row of the unwind tables of some hundred system files, against libdw.
# needs: find python3
set -u

: "${FT_UNWIND:?the folder of the programs made from tests/unwind}"
# shellcheck source=tests/unwind/files.sh
. "$FT_SOURCE/tests/unwind/files.sh"

files=()
system_files 240
"$FT_UNWIND/cfi_vs_libdw" "${files[@]}"
