#!/usr/bin/env bash
# Writers keep what they write: their memory grows with the output. Of one profile the output is small, of another, with
# as many frames at least, large: because stacks are deep (each is written whole), or because names are long.
# needs: python3
set -eu

"$FT_CC" -O1 -o peak "$FT_SOURCE/bench/peak.c"
python3 - <<'END'
def chain(path, depth):
    names = [f"f{i}" for i in range(depth)]
    with open(path, "w", encoding="ascii") as out:
        for i in range(1, depth + 1):
            out.write(";".join(names[:i]) + " 3\n")


def wide(path, width):
    with open(path, "w", encoding="ascii") as out:
        for i in range(10000):
            out.write(";".join(str(i * (n + 7) % (11 + 4 * n)).rjust(width, "n") for n in range(8)) + " 5\n")


chain("deep.small", 200)
chain("deep.large", 2000)
wide("wide.small", 8)
wide("wide.large", 200)
END

# peak_kbytes INPUT FORMAT
peak_kbytes() {
	local _ kbytes status

	./peak peak.txt "$FLAMETAP" report -q "$1.ftap" -f "$2" -o "$1.out" 2>/dev/null
	read -r _ kbytes status <peak.txt
	[ "$status" = 0 ]
	echo "$kbytes"
}

# check KIND FORMAT...: the output must be larger by 4 MB at least, the memory by a quarter of that at most.
check() {
	local kind=$1 format small large bytes

	shift
	for format; do
		small=$(peak_kbytes "$kind.small" "$format")
		large=$(peak_kbytes "$kind.large" "$format")
		bytes=$(($(stat -c %s "$kind.large.out") - $(stat -c %s "$kind.small.out")))
		echo "$kind, $format: $((bytes / 1000)) KB more written with $((large - small)) KB more memory"
		[ $bytes -ge 4000000 ]
		[ $(((large - small) * 4096)) -le $bytes ]
	done
}

# In these a name is there once; they, too, are no larger in memory than their profile.
check_compact() {
	local format small large

	for format; do
		small=$(peak_kbytes wide.small "$format")
		large=$(peak_kbytes wide.large "$format")
		echo "wide, $format: $((large - small)) KB more memory"
		[ $((large - small)) -le 2000 ]
	done
}

for input in deep.small deep.large wide.small wide.large; do
	"$FLAMETAP" report -q $input -o $input.ftap
done
check deep folded speedscope perf
check wide folded trace
check_compact svg html pprof firefox
