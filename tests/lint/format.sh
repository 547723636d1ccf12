#!/usr/bin/env bash
# format.sh - clang-format on the lines that changed, never on what was there before.
#
# Changed is: against FT_LINT_BASE if that is set; on a branch, against the point where it left main;
# on main itself, the last commit. Changes not committed yet and new files always count.
. "$(dirname "$0")/lib.sh"
need git clang-format git-clang-format

if ! git rev-parse --git-dir >/dev/null 2>&1; then
	printf 'SKIP: needs a git checkout to know which lines changed\n'
	exit 77
fi

empty_tree=$(git hash-object -t tree /dev/null)

# The commit to compare with.
find_base() {
	local main base

	if [ -n "${FT_LINT_BASE:-}" ]; then
		printf '%s\n' "$FT_LINT_BASE"
		return
	fi
	for main in origin/main main; do
		base=$(git merge-base HEAD "$main" 2>/dev/null) || continue
		if [ "$base" != "$(git rev-parse HEAD)" ]; then
			printf '%s\n' "$base"
			return
		fi
	done
	if git rev-parse -q --verify 'HEAD^1' 2>/dev/null; then
		return
	fi
	# No parent: of a clone cut off here only what is not committed is known to be new;
	# in a whole history this is the first commit, and all of it is.
	if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
		git rev-parse HEAD
	else
		printf '%s\n' "$empty_tree"
	fi
}

base=$(find_base)
if [ "$base" = "$empty_tree" ]; then
	mapfile -t whole < <(source_files '*.c' '*.h')
else
	mapfile -t whole < <(git ls-files --others --exclude-standard -- '*.c' '*.h')
	# A file that is right as a whole is right, even if clang-format sees its changed lines otherwise when
	# it looks at them alone (aligned comments reach beyond them).
	mapfile -t suspects < <(git diff --name-only --diff-filter=d "$base" -- '*.c' '*.h' |
		while IFS= read -r file; do
			clang-format "$file" | cmp -s - "$file" || printf '%s\n' "$file"
		done)
	if [ ${#suspects[@]} -gt 0 ]; then
		text=$(git clang-format --diff --quiet --extensions c,h "$base" -- "${suspects[@]}" 2>&1)
		status=$?
		case $text in
		'' | 'no modified files to format' | 'clang-format did not modify any files')
			[ "$status" -eq 0 ] || report "git clang-format failed with status $status"
			;;
		*)
			report "$text"$'\n'"changed since $base; mend it with: git clang-format --extensions c,h $base"
			;;
		esac
	fi
fi
for file in ${whole[@]+"${whole[@]}"}; do
	text=$(clang-format "$file" | diff -u "$file" -) ||
		report "$text"$'\n'"mend it with: clang-format -i $file"
done
finish "format"
