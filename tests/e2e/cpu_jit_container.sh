#!/usr/bin/env bash
# Code made at run time inside other mount, PID and user namespaces keeps its name, also when the process has ended.
# needs: kernel unshare mount
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

unshare -m -p -f true 2>/dev/null || { echo "SKIP: needs mount and PID namespaces"; exit 77; }

# Its /tmp is a file system of its own that goes with the last process in it, so the program lies elsewhere.
away=$(mktemp -d -p /var/tmp) || fail "no folder beside /tmp"
trap 'rm -rf "$away"' EXIT
cp "$FT_PROGRAMS/jitcode" "$away"
inside='mount -t tmpfs tmpfs /tmp && exec "$@"'
tap 0 cpu -o out.folded -- unshare -m -p -f sh -c "$inside" sh "$away/jitcode" 1000 >/dev/null
[ "$(weight 'made at run time' out.folded)" -gt 30 ] || fail "in a mount namespace: $(cat out.folded)"
[ "$(weight 'stale name' out.folded)" = 0 ] || fail "an earlier line counts"

if unshare -U -r true 2>/dev/null; then
	tap 0 cpu -o out.folded -- unshare -U -r -m -p -f sh -c "$inside" sh "$away/jitcode" 1000 >/dev/null
	[ "$(weight 'made at run time' out.folded)" -gt 30 ] || fail "in a user namespace: $(cat out.folded)"
fi

# A living one, by its outer id.
mkfifo gate
unshare -m -p -f sh -c "$inside" sh "$away/jitcode" 20000 >gate &
outer=$!
read -r _ <gate
pid=$(pgrep -P "$outer" jitcode)
# It also looks at the clock now and then.
for ((i = 0; i < 20; i++)); do
	tap 0 stack "$pid" >stacks.txt
	! grep -q 'in made at run time ()' stacks.txt || break
done
grep -q 'in made at run time ()' stacks.txt || fail "flametap stack: $(cat stacks.txt)"
addr=$(awk '/made at run time/ { print $2; exit }' stacks.txt)
"$FLAMETAP" symbolize -p "$pid" "$addr" | grep -q 'made at run time' || fail "flametap symbolize -p"
stop "$pid"
wait "$outer" 2>/dev/null
exit 0
