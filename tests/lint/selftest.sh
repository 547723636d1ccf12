#!/usr/bin/env bash
# selftest.sh - the lint scripts themselves: each must pass a small clean checkout, and fail it for
# every violation planted there. A check that finds nothing would otherwise look like a clean tree.
# shellcheck disable=SC2016 # what is planted is not for this shell to expand
set -u

lint=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tree=$work/tree
failures=0

export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@localhost GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@localhost
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null FT_BUILD_DIR=$tree/build FT_LINT_ROOT=$tree
unset FT_LINT_BASE

for tool in git clang-format git-clang-format clang-tidy cppcheck shellcheck gcc clang python3 groff; do
	command -v "$tool" >/dev/null && continue
	printf 'SKIP: needs %s\n' "$tool"
	exit 77
done

# A checkout with a header, a source and a script, all in order.
plant_tree() {
	rm -rf "$tree"
	mkdir -p "$tree"/{base,profile,sampler/bpf,symbolizer,output,scriptlang/bpf,cli,docs,build}
	cp "$lint/../../.clang-format" "$lint/../../.clang-tidy" "$tree/"
	printf '/build/\n' >"$tree/.gitignore"
	printf '#ifndef A_H\n#define A_H\n\nint ft_a(int count);\n\n#endif\n' >"$tree/base/a.h"
	printf '#include "base/a.h"\n\nint ft_a(int count)\n{\n\treturn count + 1;\n}\n' >"$tree/base/a.c"
	printf '/* nothing */\n' >"$tree/sampler/sampler.h"
	printf '/* nothing */\n' >"$tree/sampler/inner.h"
	printf '/* nothing */\n' >"$tree/output/output.h"
	printf '/* nothing */\n' >"$tree/base/x_private.h"
	printf '#!/bin/sh\necho "$1"\n' >"$tree/run.sh"
	printf '.TH X 1\n.SH NAME\nx \\- y\n' >"$tree/docs/flametap.1"
	printf '[{"directory": "%s", "file": "base/a.c", "command": "gcc -I. -c base/a.c"}]\n' \
		"$tree" >"$tree/build/compile_commands.json"
	git -C "$tree" init -q -b main
	git -C "$tree" add -A
	git -C "$tree" commit -q -m first
}

# expect STATUS SCRIPT WHAT [TEXT]: runs a lint script over the tree.
expect() {
	local want=$1 script=$2 what=$3 text=${4:-} out status

	out=$("$lint/$script.sh" 2>&1)
	status=$?
	if [ "$status" -ne "$want" ] || [[ $out != *"$text"* ]]; then
		printf '%s: %s: expected status %d and "%s", got %d:\n%s\n' \
			"$script" "$what" "$want" "$text" "$status" "$out"
		failures=$((failures + 1))
	fi
}

# violation SCRIPT TEXT FILE LINES: LINES appended to FILE must make SCRIPT fail, saying TEXT.
violation() {
	local script=$1 text=$2 file=$3 lines=$4

	plant_tree
	printf '%b' "$lines" >>"$tree/$file"
	expect 1 "$script" "planted in $file: $lines" "$text"
}

plant_tree
for script in layers headers format tidy cppcheck shellcheck text manpage; do
	expect 0 "$script" "clean tree" clean
done

violation layers 'base/ may not include sampler/' base/a.c '#include "sampler/sampler.h"\n'
violation layers 'sampler/ may not include output/' sampler/s.c '#include "output/output.h"\n'
violation layers 'scriptlang/ may not include output/' scriptlang/s.c '#include "output/output.h"\n'
violation layers 'is private to sampler/' cli/c.c '#include "sampler/inner.h"\n'
violation layers 'is private to base/' cli/c.c '#include "base/x_private.h"\n'
violation layers 'only sampler/ and scriptlang/ may include it' cli/c.c '#include "bpf/cpu.skel.h"\n'
violation layers 'relative to the root' base/a.c '#include "a.h"\n'
violation layers 'included with quotes' base/a.c '#include <base/a.h>\n'
violation layers 'the kernel side includes only' sampler/bpf/k.bpf.c '#include "base/a.h"\n'
violation layers 'the kernel side includes only scriptlang/bpf/' scriptlang/bpf/k.bpf.c '#include "sampler/bpf/k.bpf.h"\n'
violation layers 'only cli/ prints' base/a.c 'void f(void)\n{\n\tprintf("x");\n}\n'
violation layers 'only cli/ prints' profile/p.c '\tfprintf(stderr, "x");\n'
violation layers 'only cli/ prints' profile/p.c '\texit(1);\n'
violation headers 'does not compile alone' base/b.h 'u32 ft_b(void);\n'
violation headers 'does not compile alone' sampler/bpf/k.bpf.h 'u32 ft_b(void);\n'
violation format 'mend it with' base/a.c 'int  f( void );\n'
violation format 'mend it with' base/new.c 'int  f( void );\n'
violation tidy 'readability-function-size' base/a.c "int f(int x)\n{\n$(printf '\\tx++;\\n%.0s' {1..101})\treturn x;\n}\n"
violation tidy 'clang-analyzer-core' base/a.c 'int f(void)\n{\n\tint *x = 0;\n\n\treturn *x;\n}\n'
violation tidy 'bugprone-' base/a.c 'unsigned long f(int *x)\n{\n\treturn sizeof(sizeof(*x));\n}\n'
violation cppcheck 'nullPointer' base/a.c 'int f(void)\n{\n\tint *x = 0;\n\n\treturn *x;\n}\n'
violation shellcheck 'SC2086' run.sh 'rm $1\n'
violation shellcheck 'SC2086' tool '#!/usr/bin/env bash\nrm $1\n'
violation text 'open promise' base/a.c '/* TO''DO: more */\n'
violation text 'blanks at the end' base/a.c 'int x; \n'
violation text 'carriage return' base/a.c 'int x;\r\n'
violation text 'path of one machine' run.sh 'cd /ho''me/somebody/tree\n'
violation text 'path of this checkout' run.sh "cd $tree\n"
violation text 'no end' base/a.c 'int x;'
violation text 'columns' base/a.c "/* $(printf 'x%.0s' {1..100}) */\n"
violation text 'split it' base/a.c "$(printf '\\n%.0s' {1..800})"
violation manpage 'docs/flametap.1' docs/flametap.1 '.NOSUCH thing\n'

# Format looks at what changed: an old line may be wrong, and a committed one counts on a branch.
plant_tree
printf 'int  old( void );\n' >>"$tree/base/a.c"
git -C "$tree" commit -q -a -m old
printf 'int good(void);\n' >>"$tree/base/a.h"
git -C "$tree" commit -q -a -m new
expect 0 format "a wrong line of an older commit" clean
git -C "$tree" checkout -q -b topic
printf 'int  bad( void );\n' >>"$tree/base/a.h"
git -C "$tree" commit -q -a -m bad
printf 'int fine(void);\n' >>"$tree/base/a.h"
git -C "$tree" commit -q -a -m fine
expect 1 format "a wrong line of the branch" 'mend it with'

[ "$failures" -eq 0 ] || exit 1
printf 'selftest: every planted violation was found\n'
