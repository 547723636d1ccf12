#!/usr/bin/env bash
# A stripped file has the names of its debug file: by build-id, by .gnu_debuglink with its checksum, in
# the folders of --debug-dir and --symfs; and a debug file of another program is refused and named.
# needs: gcc nm objcopy strip readelf
set -eu

cat >prog.c <<'END'
volatile int number;
static inline __attribute__((always_inline)) void leaf(void)
{
	number++;
}
static __attribute__((noinline)) void outer(void)
{
	leaf();
}
int main(void)
{
	outer();
	return VALUE;
}
END

fail() {
	printf 'FAIL: %s\n' "$*" >&2
	exit 1
}

# names FILE OPTION...: the functions at the address of outer.
names() {
	local file=$1

	shift
	"$FLAMETAP" symbolize -e "$file" "$@" "$addr" 2>err | cut -f2 | tr '\n' ' '
}
build_id() {
	readelf -n "$1" | sed -n 's/.*Build ID: //p'
}

mkdir one two
gcc -O1 -g -no-pie -DVALUE=1 -o one/prog prog.c
gcc -O1 -g -no-pie -DVALUE=2 -o two/prog prog.c
addr=$(nm one/prog | awk '$3 == "outer" { print $1 }')
for folder in one two; do
	objcopy --only-keep-debug $folder/prog $folder/full.debug
done
id=$(build_id one/prog)
strip -o stripped one/prog
case $(names stripped) in
*leaf* | *outer*) fail "names out of nothing" ;;
esac

mkdir -p "debug/.build-id/${id:0:2}"
cp one/full.debug "debug/.build-id/${id:0:2}/${id:2}.debug"
[ "$(names stripped --debug-dir=debug)" = "leaf outer " ] || fail "by build-id: $(names stripped --debug-dir=debug)"
mkdir -p "root/usr/lib/debug"
cp -r debug/.build-id root/usr/lib/debug/
[ "$(names stripped --symfs=root)" = "leaf outer " ] || fail "by --symfs"

# The debug file of another program under that name.
cp two/full.debug "debug/.build-id/${id:0:2}/${id:2}.debug"
case $(names stripped --debug-dir=debug) in
*leaf* | *outer*) fail "names of another program" ;;
esac
grep -q "/.build-id/.* belongs to another file" err || fail "nothing said: $(cat err)"

# Only a symbol table in the debug file.
strip -g -o symbols.debug one/prog
objcopy --only-keep-debug symbols.debug "debug/.build-id/${id:0:2}/${id:2}.debug"
[ "$(names stripped --debug-dir=debug)" = "outer " ] || fail "a symbol table alone"

# By name and checksum, without build-ids.
mkdir linked linked/.debug
gcc -O1 -g -no-pie -DVALUE=3 -Wl,--build-id=none -o linked/prog prog.c
(
	cd linked
	objcopy --only-keep-debug prog .debug/prog.debug
	strip prog
	objcopy --add-gnu-debuglink=.debug/prog.debug prog
)
[ "$(names linked/prog)" = "leaf outer " ] || fail "by .gnu_debuglink: $(names linked/prog)"
mv linked/.debug/prog.debug linked/
[ "$(names linked/prog)" = "leaf outer " ] || fail "beside the file"
mkdir -p "debug$PWD/linked"
mv linked/prog.debug "debug$PWD/linked/"
[ "$(names linked/prog --debug-dir=debug)" = "leaf outer " ] || fail "below --debug-dir"
echo >>"debug$PWD/linked/prog.debug"
case $(names linked/prog --debug-dir=debug) in
*leaf* | *outer*) fail "a file with another checksum was used" ;;
esac
grep -q "belongs to another file" err || fail "nothing said: $(cat err)"
