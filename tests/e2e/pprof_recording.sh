#!/usr/bin/env bash
# needs: kernel go
# pprof_recording.sh - go tool pprof finds addresses, process ids and the program in the export of a recording, and
# the export survives being read, filtered and written again.
. "$FT_SOURCE/tests/e2e/lib.bash"
export HOME=$PWD

pprof() {
	go tool pprof "$@" 2>/dev/null
}

# address FUNCTION FILE - of its location.
address() {
	pprof -raw "$2" | awk -v name="$1" '$2 ~ /^0x/ && $3 ~ /^M=/ && $4 == name { print $2; exit }'
}

tap 0 cpu -F 499 --user-only -o rec.ftap -o rec.pb.gz -o rec.folded -- "$FT_PROGRAMS/forker" 20
pprof -top rec.pb.gz >top
grep -q '^File: forker$' top || fail "the program is not the first mapping: $(head -1 top)"

# share PROGRAM PROFILE - per cent of the samples of child_spin that pprof finds in its code by their addresses.
share() {
	pprof -disasm child_spin "$1" "$2" | awk '
		/^Total:/ { all = $2 }
		$3 ~ /^[0-9a-f]+:$/ && $1 != "." { sum += $1 }
		END { print all ? int(100 * sum / all) : 0 }'
}

# Addresses are those of the symbols: in a program that lies anywhere, in one that does not, where code begins elsewhere
# in memory than in the file, and in a library.
[ "$(share "$FT_PROGRAMS/forker" rec.pb.gz)" -ge 80 ] || fail "pprof does not find child_spin by its address"
"$FT_CC" -O1 -g -no-pie -o fixed "$FT_SOURCE/tests/programs/forker.c"
"$FT_CC" -O1 -g -pie -fPIE -Wl,-z,separate-code,--section-start=.text=0x1234000 -o moved \
	"$FT_SOURCE/tests/programs/forker.c"
printf 'void child_spin(void);\nint main(void)\n{\n\tfor (int i = 0; i < 4; i++)\n\t\tchild_spin();\n}\n' >main.c
sed '/^int main/,$d; s/CLOCK_PROCESS_CPUTIME_ID/CLOCK_MONOTONIC/; s/20000000/20000/' "$FT_SOURCE/tests/programs/forker.c" \
	>spin.c
sed -i 's/while (used.*/while (sink % 100000000);/' spin.c
"$FT_CC" -O1 -g -shared -fPIC -o libspin.so spin.c
"$FT_CC" -O1 -o loader main.c ./libspin.so
for case in fixed:fixed moved:moved loader:libspin.so; do
	program=${case%:*} file=${case#*:}
	tap 0 cpu -F 499 --user-only -o "$program.pb.gz" -o "$program.ftap" -- "./$program" 10
	[ "$(share "$file" "$program.pb.gz")" -ge 80 ] || fail "pprof does not find child_spin in $file by its address"
	pprof -list child_spin "$program.pb.gz" >list
	grep -q 'sink++' list || fail "pprof does not list the lines of child_spin in $file"
	tap 0 report -q "$program.ftap" -o again.pb.gz
	pprof -raw "$program.pb.gz" | grep -v ^Duration >first
	pprof -raw again.pb.gz | grep -v ^Duration >second
	cmp first second || fail "read from an archive, the profile is another"
done

# Each child of 20 ms was sampled under its own id; all weight is somebody's.
pprof -tags rec.pb.gz >tags
[ "$(sed -n '/pid: Total/,/^$/p' tags | grep -c '%')" -ge 10 ] || fail "process ids are missing: $(cat tags)"
# pprof leaves out what has no frame: a sample within execve.
total=$(awk '/;/ { sum += $NF } END { print sum }' rec.folded)
grep -q " pid: Total $total.0" tags || fail "ids are of another weight than $total: $(grep pid: tags)"

raw() {
	pprof -raw "$1" | grep -v ^Duration
}

tap 0 report -q rec.pb.gz -o again.pb.gz -o again.folded
cmp rec.folded again.folded || fail "read again, the stacks are others"
raw rec.pb.gz >first
raw again.pb.gz >second
cmp first second || fail "read and written again, the profile is another"

# An archive that is made of it has all that, too.
tap 0 report -q rec.pb.gz -o named.ftap
tap 0 report -q named.ftap -o again.pb.gz
raw again.pb.gz >second
cmp first second || fail "by way of an archive of names, the profile is another"

tap 0 report -q rec.ftap --focus '^child_spin$' --min-percent 1 -o part.pb.gz
[ "$(address child_spin part.pb.gz)" = "$(address child_spin rec.pb.gz)" ] || fail "a filter loses addresses"
pprof -raw part.pb.gz | grep -q 'child_spin .*forker\.c:[1-9]' || fail "a filter loses source lines"
pprof -tags part.pb.gz | grep -q ' pid: Total' || fail "a filter loses process ids"

tap 0 cpu -F 499 --user-only --per-thread -o threads.pb.gz -o threads.folded -- "$FT_PROGRAMS/forker" 3
tap 0 report -q threads.pb.gz -o again.folded
cmp threads.folded again.folded || fail "threads are lost"
