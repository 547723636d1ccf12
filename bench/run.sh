#!/usr/bin/env bash
# run.sh [NAME] - runs all benchmarks, or one. Each bench/bench_NAME.sh or .py is one.
#
# A benchmark gets FLAMETAP (the program) and FT_SOURCE (the checkout), runs in an empty folder of its
# own, prints its figures with the peers' beside them, and exits 0; 77 with a line that says what it
# misses; anything else is a failure, also a figure beyond the bound that it checks.
set -u

here=$(cd "$(dirname "$0")" && pwd)
FT_SOURCE=$(dirname "$here")
FLAMETAP=${FLAMETAP:-$FT_SOURCE/build/flametap}
export FLAMETAP FT_SOURCE LC_ALL=C.UTF-8
only=${1:-}
failed=()
count=0

[ -x "$FLAMETAP" ] || {
	printf 'no program at %s; run ./dev build\n' "$FLAMETAP" >&2
	exit 1
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

printf '%s, Linux %s, %s CPUs\n' "$("$FLAMETAP" --version)" "$(uname -r)" "$(nproc)"
for script in "$here"/bench_*.sh "$here"/bench_*.py; do
	[ -e "$script" ] || continue
	name=$(basename "$script")
	name=${name#bench_}
	name=${name%.*}
	[ -z "$only" ] || [ "$only" = "$name" ] || continue
	count=$((count + 1))
	printf '\n== %s\n' "$name"
	mkdir -p "$work/$name"
	case $script in
	*.py) runner=python3 ;;
	*) runner=bash ;;
	esac
	(cd "$work/$name" && exec "$runner" "$script")
	status=$?
	case $status in
	0) ;;
	77) printf '(skipped)\n' ;;
	*)
		printf '(FAILED: exit status %d)\n' "$status"
		failed+=("$name")
		;;
	esac
done
if [ "$count" -eq 0 ]; then
	printf 'no benchmark "%s"; there are:\n' "$only" >&2
	find "$here" -name 'bench_*.*' -printf '  %f\n' | sed 's/bench_//; s/\.[a-z]*$//' | sort >&2
	exit 2
fi
if [ ${#failed[@]} -gt 0 ]; then
	printf '\n%d benchmarks, failed: %s\n' "$count" "${failed[*]}"
	exit 1
fi
printf '\n%d benchmarks, none failed\n' "$count"
