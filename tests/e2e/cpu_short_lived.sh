#!/usr/bin/env bash
# needs: kernel
# cpu_short_lived.sh - processes that live 20 ms and are gone at the end keep their symbols, even if their file is gone.
. "$FT_SOURCE/tests/e2e/lib.bash"

cp "$FT_PROGRAMS/brief" vanishing
tap 0 cpu -F 999 -o brief.folded -- sh -c "$FT_PROGRAMS/forker 20 $PWD/vanishing; rm vanishing"
[ ! -e vanishing ] || fail "the file should be gone"
# How much of the 20 ms goes into exec and the dynamic linker is the machine's affair: what counts is frames without names.
named=$(weight '^vanishing;.*main;brief_spin' brief.folded)
unnamed=$(weight '^vanishing.*;\[' brief.folded)
all=$(weight '^vanishing;' brief.folded)
[ "$named" -ge 50 ] || fail "only $named of $all samples of the short-lived processes are in their function"
[ "$unnamed" -le $((all / 50)) ] || fail "$unnamed of $all samples have frames without a name"

# A file that only the process can see: another mount namespace.
if unshare -m true 2>/dev/null; then
	mkdir inner
	cp "$FT_PROGRAMS/shares" hidden
	# shellcheck disable=SC2016 # expanded by the inner shell
	start unshare -m sh -c 'mount -t tmpfs none inner && cp hidden inner/program && rm hidden && exec inner/program'
	until [ "$(readlink "/proc/$pid/exe")" = "$PWD/inner/program" ]; do sleep 0.02; done
	tap 0 cpu -p "$pid" -F 499 -d 1 -o inner.folded
	stop "$pid"
	[ "$(weight '^program;.*main;path_sixty;spin' inner.folded)" -gt 0 ] ||
		fail "no names in another mount namespace"
else
	echo "note: no mount namespaces here; that part was left out"
fi
