#!/usr/bin/env bash
# run.sh CASE_DIR - one golden test; the conventions are in docs/TESTING.md.
#
# Runs the case's "cmd" in an empty folder that holds copies of its in.* files, with $FLAMETAP set.
# The command's files out.*, its standard output (out.stdout), standard error (out.stderr) and exit
# status (out.status) must equal the case's out.* files byte for byte, and nothing else may appear.
# FT_BLESS=1 writes what was produced into the case instead of comparing.
set -u

case_dir=$(cd "$1" && pwd) || exit 1
: "${FLAMETAP:?set it to the program under test}"
export FLAMETAP LC_ALL=C.UTF-8 TZ=UTC

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/run"
for input in "$case_dir"/in.*; do
	[ -e "$input" ] && cp "$input" "$work/run/"
done

(cd "$work/run" && exec bash "$case_dir/cmd") </dev/null >"$work/stdout" 2>"$work/stderr"
printf '%d\n' $? >"$work/status"

failures=0
fail() {
	printf '%s\n' "$*"
	failures=$((failures + 1))
}

# Brings the three streams among the produced files under their golden names. Standard error is
# compared only where the case holds it; an empty output and exit status 0 need no file.
collect_streams() {
	[ -s "$work/stdout" ] && cp "$work/stdout" "$work/run/out.stdout"
	[ -e "$case_dir/out.stderr" ] && cp "$work/stderr" "$work/run/out.stderr"
	[ "$(cat "$work/status")" = 0 ] || cp "$work/status" "$work/run/out.status"
}

# Anything that is neither an input nor a declared output is a leftover of the program.
check_leftovers() {
	local name

	while IFS= read -r name; do
		case $name in
		in.* | out.*) ;;
		*) fail "left behind: $name" ;;
		esac
	done < <(cd "$work/run" && find . -mindepth 1 -printf '%P\n')
	for name in "$case_dir"/in.*; do
		[ ! -e "$name" ] || cmp -s "$name" "$work/run/$(basename "$name")" ||
			fail "changed its input $(basename "$name")"
	done
}

bless() {
	rm -f "$case_dir"/out.*
	for name in "$work"/run/out.*; do
		[ -e "$name" ] && cp "$name" "$case_dir/"
	done
	printf 'blessed %s\n' "$case_dir"
}

# Both directions: an expected file that is missing or different, and a produced one nobody expects.
compare() {
	local name

	for name in "$case_dir"/out.*; do
		[ -e "$name" ] || continue
		name=$(basename "$name")
		if [ ! -e "$work/run/$name" ]; then
			fail "not produced: $name"
		elif ! cmp -s "$case_dir/$name" "$work/run/$name"; then
			fail "differs: $name (- expected, + produced)"
			diff -u --text "$case_dir/$name" "$work/run/$name" | cut -c 1-400 | head -n 60
		fi
	done
	for name in "$work"/run/out.*; do
		[ ! -e "$name" ] || [ -e "$case_dir/$(basename "$name")" ] ||
			fail "produced, but the case does not expect it: $(basename "$name")"
	done
}

collect_streams
check_leftovers
if [ "${FT_BLESS:-}" = 1 ] && [ "$failures" -eq 0 ]; then
	bless
	exit 0
fi
compare
if [ "$failures" -gt 0 ]; then
	printf 'command: %s\n' "$(cat "$case_dir/cmd")"
	printf 'its standard error:\n'
	head -n 40 "$work/stderr"
	printf 'FT_BLESS=1 makes the new output the expected one; read that change like code\n'
	exit 1
fi
