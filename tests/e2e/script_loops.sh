#!/usr/bin/env bash
# Loops in handlers of the kernel, around stacks and between them, both ways: as this kernel ends them, and as those before
# 6.9 do.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >loops.stp <<'END'
global stacks, turns, words
probe process.function("inner") {
	for (i = 0; i < 3; i++) {
		for (k = 0; k < 5; k++) {
			if (k == 1) continue
			n += k
			if (k == 3) break
		}
		stack = ubacktrace()
		stacks[stack, i] <<< n
	}
	while (n < 100) n += 7
	turns[n]++
	word = "a"
	while (strlen(word) < 9) word = word . "b"
	try { word = word . user_string(0) } catch { for (k = 0; k < 4; k++) caught += k }
	words[word, caught]++
}
probe end {
	foreach ([stack, i+] in stacks)
		printf("%d %d %d %d\n", i, @count(stacks[stack, i]), @sum(stacks[stack, i]), stack != "")
	foreach (n in turns) println(n, " ", turns[n])
	foreach ([word, caught] in words) println(word, " ", caught, " ", words[word, caught])
}
END
for backend in '' '--backend=kernel-by-calls'; do
	tap 0 run ${backend:+"$backend"} -c "$FT_PROGRAMS/userfuncs 10" loops.stp | grep -v '^[0-9]*$' >out
	# Two callers, ten calls each.
	printf '%s\n' '0 10 50 1' '0 10 50 1' '1 10 100 1' '1 10 100 1' '2 10 150 1' '2 10 150 1' '106 20' 'abbbbbbbb 6 20' |
		diff - out || fail "loops $backend"
done
