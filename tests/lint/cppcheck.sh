#!/usr/bin/env bash
# cppcheck.sh - warnings and portability. Suppress inline, with a reason: cppcheck-suppress id ; why
. "$(dirname "$0")/lib.sh"
need cppcheck

# Left to others, since cppcheck errs in them: uninitialized variables and leaks (clang's analyzer
# follows paths and knows sprintf; the sanitizers see every leak that a test runs into). Of no severity asked for here, but reported all the same: the order of checks of an
# index. A syntax tree that cppcheck itself could not build is its own trouble.
suppressed=(--suppress=missingInclude --suppress=missingIncludeSystem --suppress=uninitvar --suppress=memleak
	--suppress=arrayIndexThenCheck --suppress=internalAstError)

mapfile -t files < <(source_files '*.c' | grep -v '^sampler/bpf/')
[ ${#files[@]} -gt 0 ] || report "no sources found in $root"
text=$(cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
	-j "$(nproc)" "${suppressed[@]}" \
	'-DFT_VERSION="0"' -D_GNU_SOURCE -D__x86_64__ -I. "${files[@]}" 2>&1) || report "$text"
finish "cppcheck (${#files[@]} files)"
