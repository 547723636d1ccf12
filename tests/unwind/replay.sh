#!/usr/bin/env bash
# replay.sh - the stored stacks are walked as they say; and copies with one thing broken are refused.
# needs: sed
# shellcheck disable=SC2016 # perl, node and sed have dollars of their own
set -u

: "${FT_UNWIND:?the folder of the programs made from tests/unwind}"
cases=$FT_SOURCE/tests/unwind/cases
failed=0

"$FT_UNWIND/replay" "$cases"/*/case.txt || failed=1

# broken CASE WHAT SED-COMMAND: the copy that the command makes must differ, and must be refused.
broken() {
	sed -E "$3" "$cases/$1/case.txt" >broken.txt
	if cmp -s "$cases/$1/case.txt" broken.txt; then
		printf '%s, %s: nothing to break\n' "$1" "$2"
		failed=1
	elif "$FT_UNWIND/replay" broken.txt >said.txt; then
		printf '%s, %s: not refused\n' "$1" "$2"
		failed=1
	fi
}

for folder in "$cases"/*/; do
	name=$(basename "$folder")
	broken "$name" 'another end' 's/^end root$/end fault/'
	broken "$name" 'another innermost place' '0,/^frame/s/^(frame [^+]+[+]0x)/\11/'
	broken "$name" 'a mapping moved' 's/^(map [0-9a-f]+ [0-9a-f]+) ([0-9a-f]+) /\1 1\2 /'
	broken "$name" 'a line that is none' '$a frame'
	[[ $(grep -c ^frame "$folder/case.txt") -gt 1 ]] || continue
	broken "$name" 'no memory' '/^stack /d'
	broken "$name" 'a frame missing' '0,/^frame/{/^frame/d}'
	# Where the innermost frame does not depend on the frame pointer.
	[[ $(grep -m 1 ^frame "$folder/case.txt") != *' cfa=reg:7:'* ]] ||
		broken "$name" 'another stack pointer' 's/^reg 7 (.*)[08]$/reg 7 \14/'
done
broken perl 'another CFA' '0,/cfa=reg:7:/s/cfa=reg:7:([0-9]+)/cfa=reg:7:1\1/'
broken signal 'a signal frame like any other' 's/cfa=sigframe:7:[0-9]+:/cfa=reg:7:8:/'
broken altstack 'a pc after a signal taken for a return address' 's/cfa=sigframe(.*)signal=1/cfa=deref\1signal=0/'
broken realign 'a CFA that is not read from memory' 's/cfa=deref:/cfa=reg:/'
broken plt-stub 'a stub that has pushed nothing' 's/cfa=plt:7:8:[0-9]+:/cfa=reg:7:0:0:/'
broken vfork 'a return address in another register' 's/ra=in:[0-9]+:/ra=in:1:/'
broken lazy-binding 'a CFA from another register' 's/cfa=reg:3:/cfa=reg:1:/'
broken alloca 'no frame pointer kept' 's/fp=cfa:0:-2/fp=lost:0:0/'
exit "$failed"
