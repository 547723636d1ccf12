#!/usr/bin/env bash
# flametap stack --locals and --core: what debug information knows of variables, from a living process and a dead one,
# as gdb has it.
# needs: gcc python3
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

# begin PROGRAM - starts it, waits for its first line; its id in $pid.
begin() {
	rm -f ready
	start "$1" waits >ready
	while ! grep -qs ready ready; do sleep 0.02; done
	# Blocked in pause.
	until grep -q pause "/proc/$pid/wchan" "/proc/$pid/stack" 2>/dev/null || [ "$(awk '$1 == "State:" { print $2 }' "/proc/$pid/status")" = S ]; do
		sleep 0.02
	done
}

# shows FILE REGEX - a line of it matches.
shows() {
	grep -qE -- "$2" "$1" || { cat "$1"; fail "$1 does not show $2"; }
}

cat >compare.py <<'END'
"""compare.py OURS GDB LEAST: variables of the functions of variables.c; LEAST of ours must have values that gdb has, too."""
import re, sys

def variables(path):
    found, function = {}, None
    for line in open(path, errors="replace"):
        frame = re.match(r"#\d+ +(?:0x[0-9a-f]+ in )?(\w+) \((.*)\) (?:at|from)", line)
        if line.startswith("#"):
            function = frame and frame[1] in ("step", "inner", "outer", "main") and frame[1]
            for name, value in re.findall(r"(\w+)=(?:\w+@entry=)?([^,]+?)(?:, |$)", frame[2] if frame else ""):
                if function:
                    found[function, name] = value
        local = re.match(r" {8}(\w+) = (.*)$", line)
        # gdb also lists variables of the abstract function that was inlined, behind those that count.
        if local and function and "<" in found.get((function, local[1]), "<"):
            found[function, local[1]] = local[2]
    return {key: re.sub(r'(\\000)+"$', '"', value) for key, value in found.items()}

ours, gdb = variables(sys.argv[1]), variables(sys.argv[2])
known = {key: value for key, value in ours.items() if "<" not in value}
wrong = [(key, value, gdb.get(key)) for key, value in known.items() if gdb.get(key) != value]
for key, value, other in wrong:
    print(key, "ours:", value, "gdb:", other)
missing = [key for key, value in gdb.items() if "<" not in value and key not in known]
print(*(f"{function}: {name} is {ours.get((function, name))}" for function, name in missing), sep="; ")
print(len(known), "of", len([v for v in gdb.values() if "<" not in v]), "that gdb knows")
sys.exit(bool(wrong) or len(known) < int(sys.argv[3]))
END

# against_gdb OURS LEAST GDB-ARGUMENT... - compares what flametap has shown.
against_gdb() {
	local ours=$1 least=$2

	shift 2
	command -v gdb >/dev/null || return 0
	gdb -batch -nx -ex 'set style enabled off' -ex 'set print repeats 0' -ex 'bt full' "$@" >gdb.txt 2>/dev/null || :
	grep -q '^#1' gdb.txt || { echo "(gdb shows no stack)"; return 0; }
	python3 compare.py "$ours" gdb.txt "$least" || { cat "$ours" gdb.txt; fail "gdb has other variables"; }
}

# look PROGRAM LEAST - its variables in living.txt, compared with gdb's.
look() {
	begin "./$1"
	tap 0 stack --locals "$pid" >living.txt
	against_gdb living.txt "$2" -p "$pid"
	tap 0 stack "$pid" >without.txt
	! grep -qE '=|^  ' without.txt || fail "variables without --locals"
	stop "$pid"
}

source=$FT_SOURCE/tests/programs/variables.c
gcc -O0 -g -gdwarf-5 -o plain "$source" || exit 1
look plain 18
shows living.txt 'inner \(all=0x[0-9a-f]+, number=123456789012, letter=113 .q., yes=true, real=1.25, why=0x[0-9a-f]+ "waits"\) at .*variables.c:[0-9]+$'
shows living.txt '^#[0-9]+ +step \(.*by=106.*\) at .* \(inlined\)$'
shows living.txt '^        text = "hello\\tworld"$'
shows living.txt '^        grid = \{\{1, 2, 3\}, \{4, 5, 6\}\}$'
shows living.txt '^        block = 106$'
shows living.txt '^        all = \{at = \{x = 1, y = -2\}, name = 0x[0-9a-f]+ "a \\"name\\"", low = 5, high = 100, negative = -3, color = BLUE, weight = 2.5, list = \{1, 2, 3, 4\}, u = \{i = 77, f = [^}]*\}, next = 0x[0-9a-f]+\}$'
shows living.txt 'main \(argc=2, argv=0x[0-9a-f]+\)'
# Bit fields of DWARF 3 are described otherwise; optimized code has variables in registers, in parts, nowhere.
gcc -O1 -g -gdwarf-3 -gstrict-dwarf -o old "$source" && look old 5
gcc -O2 -g -gdwarf-4 -o faster "$source" && look faster 8
if command -v clang >/dev/null; then
	clang -O0 -g -o clang0 "$source" && look clang0 18
	clang -O1 -g -gdwarf-5 -o clang1 "$source" && look clang1 8
fi
# Without debug information there are none, and stacks as ever.
strip -o stripped plain
begin ./stripped
tap 0 stack --locals "$pid" >stripped.txt
! grep -q 'letter' stripped.txt || fail "variables from nowhere"
stop "$pid"

# ---- vector registers, of the innermost function ----
if [ "$(uname -m)" = x86_64 ]; then
	gcc -O2 -g -o floats "$FT_SOURCE/tests/programs/floats.c" || exit 1
	rm -f ready
	start ./floats >ready
	while ! grep -qs ready ready; do sleep 0.02; done
	tap 0 stack --locals "$pid" >floats.txt
	shows floats.txt 'turn \(.*weight=2.5' && shows floats.txt 'turn \(.*ratio=0.75'
	shows floats.txt '^        sum = 3.5$'
	stop "$pid"
fi

# ---- core files ----
# The kernel's, where it writes them into the folder; else gdb's, of a living process.
ulimit -c unlimited 2>/dev/null
rm -f core core.*
./plain crash >/dev/null 2>&1
[ -e core ] || mv core.* core 2>/dev/null
if [ -e core ]; then
	tap 0 stack --locals --core core >dead.txt
	says 'ended by a signal: Segmentation fault'
	shows dead.txt '^#0 +step \(.*why=0x[0-9a-f]+ "crash".*\)'
	shows dead.txt 'outer \(count=2, words=0x[0-9a-f]+\)'
	shows dead.txt '^        all = \{at = \{x = 1, y = -2\}, name = 0x[0-9a-f]+ "a'
	shows dead.txt ' main \(argc=2'
	shows dead.txt ' _start \(\)'
	! grep -q 'cut here' dead.txt || fail "the stack in a core is cut"
	against_gdb dead.txt 18 plain core
	if [ -e floats ]; then
		mv core first && ./floats crash >/dev/null 2>&1
		[ -e core ] || mv core.* core
		tap 0 stack --locals --core core >floats.txt
		shows floats.txt 'turn \(.*weight=2.5' && shows floats.txt 'turn \(.*ratio=0.75'
		shows floats.txt '^        sum = 4.5$'
		mv first core
	fi
	# The program that has its name now is another one: no names, rather than wrong ones.
	mv plain aside
	gcc -O2 -g -o plain "$source"
	tap 0 stack --locals --core core >other.txt 2>log || :
	! grep -q 'inner (' other.txt || fail "names from another program"
	# Where the files are in another folder.
	mkdir -p "root$PWD" && cp aside "root$PWD/plain"
	tap 0 stack --locals --symfs "$PWD/root" --core core >moved.txt
	cmp dead.txt moved.txt || fail "--symfs"
	mv aside plain
	# Cut, and damaged: never more than names and values are lost.
	bytes=$(stat -c %s core)
	for part in 0 10 64 200 1000 4096 20000 $((bytes / 2)) $((bytes - 1)); do
		head -c "$part" core >shorter
		"$FLAMETAP" stack --locals --core shorter >cut.txt 2>cut.log
		if [ $? -gt 1 ] || grep -q Sanitizer cut.log; then fail "a core cut after $part bytes: $(cat cut.log)"; fi
	done
	for round in $(seq 15); do
		cp core bad
		for at in 1 2 3 4 5; do
			printf '%b' "\\x$(printf %02x $((round * 37 + at * 91 & 255)))" |
				dd of=bad bs=1 seek=$((round * 97 + at * 613)) conv=notrunc status=none
		done
		timeout 20 "$FLAMETAP" stack --locals --core bad >bad.txt 2>bad.log
		if [ $? -gt 1 ] || grep -q Sanitizer bad.log; then fail "a damaged core, round $round: $(cat bad.log)"; fi
	done
else
	echo "(the kernel writes no core files here: /proc/sys/kernel/core_pattern)"
fi
if command -v gcore >/dev/null; then
	begin ./plain
	gcore -o gdbs "$pid" >/dev/null 2>&1 || :
	tap 0 stack --locals "$pid" >living.txt
	if [ -e "gdbs.$pid" ]; then
		tap 0 stack --locals --core "gdbs.$pid" >dead.txt
		chain() { grep -E '^#' "$1" | grep -v '<kernel>' | sed -E 's/^#[0-9]+ +//'; }
		[ "$(chain living.txt)" = "$(chain dead.txt)" ] || { diff <(chain living.txt) <(chain dead.txt); fail "a core that gdb wrote"; }
	fi
	stop "$pid"
fi
tap 1 stack --core plain >/dev/null
says 'is no core file'
tap 1 stack --core missing >/dev/null
says 'cannot read missing'
tap 2 stack --core core 1 >/dev/null
exit 0
