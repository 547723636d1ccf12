#!/usr/bin/env bash
# run.sh BUILD_DIR SECONDS [NAME] - fuzzes every tests/fuzz/fuzz_NAME.c, or one, for SECONDS each.
#
# Starts from tests/fuzz/corpus/NAME; what the fuzzer finds on its way stays in BUILD_DIR/corpus/NAME.
# An input that fails is left as BUILD_DIR/failing/NAME-...; once the parser is mended it belongs
# into tests/fuzz/corpus/NAME, where every test run replays it.
set -u

here=$(cd "$(dirname "$0")" && pwd)
build=$1
seconds=$2
only=${3:-}
failed=()
count=0

mkdir -p "$build/failing"
for source in "$here"/fuzz_*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz_}
	[ -z "$only" ] || [ "$only" = "$name" ] || continue
	count=$((count + 1))
	mkdir -p "$build/corpus/$name"
	printf '== %s for %s s\n' "$name" "$seconds"
	"$build/tests/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$build/failing/$name-" \
		"$build/corpus/$name" "$here/corpus/$name" || failed+=("$name")
done
if [ "$count" -eq 0 ]; then
	printf 'no fuzz target "%s"; there are:\n' "$only" >&2
	(cd "$here" && ls fuzz_*.c) >&2
	exit 2
fi
if [ ${#failed[@]} -gt 0 ]; then
	printf 'failed: %s; the inputs are in %s\n' "${failed[*]}" "$build/failing" >&2
	exit 1
fi
printf '%d fuzz targets ran for %s s each without a failure\n' "$count" "$seconds"
