#!/usr/bin/env bash
# flametap symbolize on packages of split units (.dwp), sections compressed by zstd, and files that are truncated while
# they are read.
# needs: g++ clang++ objcopy readelf nm
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >one.cc <<'END'
#include <algorithm>
#include <string>
#include <vector>
static inline int twice(int n) { return n * 2 + (n >> 1); }
int one(int n)
{
	std::vector<std::string> v;
	for (int i = 0; i < n; i++)
		v.push_back(std::to_string(twice(i)));
	std::sort(v.begin(), v.end());
	int sum = 0;
	for (auto &text : v)
		sum += twice((int)text.size());
	return sum;
}
END
cat >two.cc <<'END'
#include <map>
int one(int n);
namespace { struct cell { int n; bool operator<(const cell &o) const { return n < o.n; } }; }
__attribute__((cold)) int two(int n)
{
	std::map<cell, int> map;
	for (int i = 0; i < n; i++)
		map[{i * 7 % 13}] += i;
	return map.begin()->second;
}
int main(int argc, char **argv) { return one(argc) + two(argc) + !argv; }
END

# addresses PROGRAM - 400 addresses of its text, spread evenly.
addresses() {
	readelf -SW "$1" | sed -nE 's/.* \.text +PROGBITS +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) .*/\1 \2/p' |
		while read -r start size; do
			for ((i = 0; i < 400; i++)); do printf '0x%x\n' $((0x$start + 0x$size * i / 400)); done
		done
}

# answers PROGRAM FILE - all names, inlined calls and lines.
answers() {
	addresses "$1" | tap 0 symbolize -e "$1" >"$2"
}

# ---- packages: the same answers as from the units' own files ----
package() {
	local name=$1 compiler=$2 version=$3 tool=$4

	command -v "$tool" >/dev/null || { printf '(no %s here)\n' "$tool"; return; }
	mkdir "$name"
	(
		cd "$name" || exit
		for unit in one two; do
			"$compiler" -std=c++17 -O2 "-gdwarf-$version" -gsplit-dwarf -c "../$unit.cc" -o "$unit.o" || exit
		done
		"$compiler" one.o two.o -o prog || exit
		answers prog split.txt
		timeout 60 "$tool" -e prog -o prog.dwp || exit
		mkdir aside && mv ./*.dwo aside
		answers prog package.txt
		cmp split.txt package.txt || fail "$name: a package answers otherwise"
		[ "$(grep -c 'inlined$' package.txt)" -gt 100 ] || fail "$name: no inlined calls"
		# With compressed sections, also of the units' own files.
		for how in zlib zstd; do
			objcopy --compress-debug-sections=$how prog.dwp packed.dwp 2>/dev/null || continue
			readelf -SW packed.dwp | grep -q ' [A-Z]*C[A-Z]* ' || fail "$name: nothing was compressed"
			mv prog.dwp plain.dwp && mv packed.dwp prog.dwp
			answers prog packed.txt
			cmp package.txt packed.txt || fail "$name: a package compressed by $how"
			mv plain.dwp prog.dwp
		done
		# Beside what was stripped, below the folder of debug files, in another root.
		objcopy --only-keep-debug prog prog.debug
		strip -g prog && objcopy --add-gnu-debuglink=prog.debug prog
		answers prog stripped.txt
		cmp package.txt stripped.txt || fail "$name: stripped"
		mkdir -p "dir$PWD" && mv prog.dwp "dir$PWD"
		addresses prog | tap 0 symbolize --debug-dir "$PWD/dir" -e "$PWD/prog" >dir.txt
		cmp package.txt dir.txt || fail "$name: --debug-dir"
		# Without it the addresses have the names of ELF symbols.
		answers prog none.txt
		! grep -q 'inlined$' none.txt || fail "$name: inlined calls from nowhere"
		# The units' own files, in another root; and those of another program there.
		mkdir -p "root$PWD" && cp aside/*.dwo "root$PWD"
		addresses prog | tap 0 symbolize --symfs "$PWD/root" -e "$PWD/prog" >roots.txt
		cmp split.txt roots.txt || fail "$name: units in another root"
		cp aside/one.dwo "root$PWD/two.dwo" && cp aside/two.dwo "root$PWD/one.dwo"
		addresses prog | tap 0 symbolize --symfs "$PWD/root" -e "$PWD/prog" >roots.txt
		cmp none.txt roots.txt || fail "$name: units of other files"
		# One of another program has no such units; one that is cut costs names, not us.
		cp "dir$PWD/prog.dwp" whole
		for bytes in 0 1 64 500 5000 20000 100000 "$(($(stat -c %s whole) / 2))"; do
			head -c "$bytes" whole >prog.dwp
			answers prog cut.txt
			[ "$(sort -u -k1,1 cut.txt | wc -l)" = 400 ] || fail "$name: a package cut after $bytes"
			[ "$bytes" -ge "$(stat -c %s whole)" ] || [ "$(grep -c 'is damaged' log)" = 1 ] ||
				fail "$name: a package cut after $bytes: it is not said"
		done
	) || fail "$name"
}
package gcc-4 g++ 4 dwp
package gcc-5 g++ 5 llvm-dwp
package clang-4 clang++ 4 llvm-dwp
package clang-5 clang++ 5 llvm-dwp
[ -s gcc-4/package.txt ] || [ -s gcc-5/package.txt ] || { echo "SKIP: needs dwp or llvm-dwp"; exit 77; }
if [ -d gcc-5 ] && [ -d clang-5 ]; then
	cp gcc-5/whole clang-5/prog.dwp
	answers clang-5/prog other.txt
	! grep -q 'inlined$' other.txt || fail "a package of another program was used"
fi

# ---- dwz: the supplementary file of two, where only --symfs has it ----
if command -v dwz >/dev/null; then
	g++ -std=c++17 -O2 -gdwarf-4 -o first one.cc two.cc && cp first second
	answers first before.txt
	mkdir -p root/nowhere
	dwz -m root/nowhere/common.debug -M /nowhere/common.debug first second 2>dwz.log || cat dwz.log
	if [ -e root/nowhere/common.debug ]; then
		addresses first | tap 0 symbolize --symfs "$PWD/root" -e "$PWD/first" >after.txt
		cmp before.txt after.txt || fail "dwz's supplementary file below --symfs"
		# Another file in its place is none.
		cp second root/nowhere/common.debug
		addresses first | tap 0 symbolize --symfs "$PWD/root" -e "$PWD/first" >other.txt
		! cmp -s before.txt other.txt || fail "the names of a supplementary file that is not there"
		[ "$(sort -u -k1,1 other.txt | wc -l)" = 400 ] || fail "without the supplementary file"
	fi
fi

# ---- zstd ----
g++ -std=c++17 -O2 -g -o plain one.cc two.cc
answers plain plain.txt
if objcopy --compress-debug-sections=zstd plain packed 2>/dev/null; then
	answers packed packed.txt
	cmp plain.txt packed.txt || fail "sections compressed by zstd"
	# A section whose size is a lie costs its own.
	at=$(readelf -SW packed | sed -nE 's/.* \.debug_info +PROGBITS +[0-9a-f]+ ([0-9a-f]+) .*/\1/p')
	for lie in '\x01' '\xff\xff\xff\xff' '\xff\xff\xff\xff\xff\xff\xff\xff'; do
		cp packed lying
		printf '%b' "$lie" | dd of=lying bs=1 seek=$((0x$at + 8)) conv=notrunc status=none
		answers lying lying.txt
		[ "$(sort -u -k1,1 lying.txt | wc -l)" = 400 ] || fail "a size that is a lie: $lie"
	done
else
	echo "(objcopy here knows no zstd)"
fi

# ---- a file that becomes shorter between two answers ----
for kind in plain packed gcc-5/prog.dwp; do
	[ -e "$kind" ] || continue
	case $kind in
	*.dwp)
		cp gcc-5/prog shrinking && cp gcc-5/prog.debug . && cp gcc-5/whole shrinking.dwp
		shrink=shrinking.dwp
		;;
	*)
		rm -f shrinking.dwp
		cp "$kind" shrinking
		shrink=shrinking
		;;
	esac
	addresses shrinking >all
	rm -f out in
	mkfifo in
	tap 0 symbolize -e shrinking <in >out &
	reader=$!
	exec 3>in
	nm shrinking | awk '$3 == "_Z3onei" { print $1 }' >&3
	while ! grep -qs . out; do sleep 0.02; done
	truncate -s 4096 "$shrink"
	cat all >&3
	exec 3>&-
	wait "$reader" || fail "$kind: truncated while it was read: status $?"
	[ "$(sort -u -k1,1 out | wc -l)" -ge 400 ] || fail "$kind: answers are missing"
	# What was packed has been unpacked by then.
	[ "$kind" = packed ] || grep -q 'became shorter while it was read' log || fail "$kind: it is not said"
done
exit 0
