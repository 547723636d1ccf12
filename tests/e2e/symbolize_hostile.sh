#!/usr/bin/env bash
# Files that lie: ELF tables, debug information, packed symbols, links in circles, perf maps and jitdump files. Each costs
# its own names, and where it can be told, one warning; never the program, much memory or time.
# needs: gcc objcopy strip readelf nm python3
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >p.c <<'END'
int f(int n) { return n * 3 + 1; }
int main(int c, char **v) { return f(c) + !v; }
END
gcc -O1 -g -Wl,--build-id -o whole p.c && cp whole stripped && strip stripped || exit 1
cat >lie.py <<'END'
"""Variants of "whole" with lies in its tables and in its debug sections; the same every time."""
import lzma, random, struct
good = open("whole", "rb").read()
table = struct.unpack_from("<Q", good, 0x28)[0]
count = struct.unpack_from("<H", good, 0x3c)[0]
rows = [table + i * 64 for i in range(count)]
strings = struct.unpack_from("<Q", good, rows[struct.unpack_from("<H", good, 0x3e)[0]] + 24)[0]
name = lambda row: good[strings + struct.unpack_from("<I", good, row)[0]:].split(b"\0")[0].decode()

def write(path, *changes):
    data = bytearray(good)
    for at, form, value in changes:
        struct.pack_into(form, data, at, value)
    open(path, "wb").write(data)

most = 2**64 - 1
write("lie-no-sections", (0x3c, "<H", 0))
write("lie-sections-in-row-0", (0x3c, "<H", 0), (rows[0] + 32, "<Q", 2**48 - 1))
write("said-many-sections", (0x3c, "<H", 0xffff))
write("said-sections-beyond", (0x28, "<Q", most - 15))
write("said-segments-beyond", (0x20, "<Q", most - 15))
write("lie-names", (0x3e, "<H", 0xfffe))
write("said-overlapping", *[(row + at, "<Q", value) for row in rows[1:] for at, value in ((24, 0), (32, len(good)))])
write("said-sizes", *[(row + 32, "<Q", most) for row in rows[1:]])
write("lie-entries-of-0", *[(row + 56, "<Q", 0) for row in rows[1:]])
write("lie-links-to-itself", *[(row + 40, "<I", i) for i, row in enumerate(rows)])
chooser = random.Random(3)
for row in rows:
    at, size = struct.unpack_from("<QQ", good, row + 24)
    if not name(row).startswith((".debug_", ".symtab", ".strtab", ".dynsym", ".eh_frame", ".rela", ".plt", ".note")):
        continue
    for n in range(4):
        write(f"lie{name(row)}-{n}", *[(at + chooser.randrange(size), "<B", chooser.choice((0, 255, 127, 128)))
                                       for _ in range(1 + n * 5)])
    said = name(row) in (".debug_info", ".debug_line", ".debug_abbrev")
    data = bytearray(good)
    data[at:at + size] = b"\xff" * size
    open(("said" if said and "abbrev" not in name(row) else "lie") + name(row) + "-ones", "wb").write(data)
    data[at:at + size] = b"\0" * size
    open(("said" if name(row) == ".debug_abbrev" else "lie") + name(row) + "-zeros", "wb").write(data)
bomb = lzma.compress(b"\0" * (150 << 20), preset=0)
open("bomb.xz", "wb").write(bomb)
open("cut.xz", "wb").write(lzma.compress(good)[:300])
open("alt", "wb").write(b"lie-alt\0" + b"\1" * 20)
END
python3 lie.py || fail "lie.py"
objcopy --add-section .gnu_debugdata=bomb.xz stripped said-bomb
objcopy --add-section .gnu_debugdata=cut.xz stripped said-cut
objcopy --add-section .gnu_debugaltlink=alt whole lie-alt
cp stripped lie-link && objcopy --add-gnu-debuglink=lie-link stripped linked && mv linked lie-link
f=0x$(nm whole | awk '$3 == "f" { print $1 }')
cat >measure.py <<'END'
"""measure.py FLAMETAP FILE... -- ADDRESS...: looks them up in each. measure.py FLAMETAP -p PID -- ADDRESS...: in a process."""
import os, subprocess, sys
flametap, dashes = sys.argv[1], sys.argv.index("--")
targets, addresses = sys.argv[2:dashes], sys.argv[dashes + 1:]
runs = [targets] if targets[0] == "-p" else [["-e", path] for path in targets]
for argv in runs:
    with open("out", "wb") as out, open("log", "wb") as log:
        run = subprocess.Popen([flametap, "symbolize", *argv, *addresses], stdout=out, stderr=log)
        _, status, used = os.wait4(run.pid, 0)
    said = open("log", errors="replace").read()
    seconds, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    if os.waitstatus_to_exitcode(status) not in (0, 1) or seconds > 10 or megabytes > 64 or "Sanitizer" in said:
        sys.exit(f"{argv}: status {status}, {seconds:.1f} s, {megabytes:.0f} MB: {said}")
    if argv[1].startswith("said") and said.count("is damaged") != 1:
        sys.exit(f"{argv}: it is not said: {said}")
    if argv[1] == "whole" and "is damaged" in said:
        sys.exit(f"{argv}: {said}")
END
rm -f lie.py
set -- lie* said* whole
[ $# -gt 60 ] || fail "$# files"
python3 measure.py "$FLAMETAP" "$@" -- "$f" 0 0x1000 0xffffffffffffffff || fail "files"

# ---- perf maps and jitdump files of a living process ----
start "$FT_PROGRAMS/jitmoves" 60000 1
until grep -q 'jit-[0-9]*.dump' "/proc/$pid/maps"; do sleep 0.02; done
code=$(awk '$2 == "rwxp" && $6 == "" { split($1, a, "-"); print a[1]; exit }' "/proc/$pid/maps")
map=/tmp/perf-$pid.map
trap 'rm -f "$map"' EXIT
put() {
	python3 - "$1" "$code" "$pid" <<'END'
import struct, sys
kind, code, pid = sys.argv[1], int(sys.argv[2], 16), sys.argv[3]
head = struct.pack("<IIIIIIQQ", 0x4A695444, 1, 40, 62, 0, int(pid), 0, 0)
load = lambda size, bytes, index=1: struct.pack("<IIQIIQQQQ", 0, size, 1, 1, 1, code, code, bytes, index) + b"name\0"
move = struct.pack("<IIQIIQQQQQ", 1, 64, 2, 1, 1, code, code, code, 2**64 - 1, 1)
lines = struct.pack("<IIQQQ", 2, 48, 1, code, 2**64 - 1) + b"\0" * 16
maps = {
    "map-no-end": b"%x 100 " % code + b"n" * (20 << 20),
    "map-overlap": b"".join(b"%x %x name%d\n" % (code - i % 4096, 2**63, i) for i in range(50000)),
    "map-reversed": b"".join(b"%x -%x x\n%x ffffffffffffffff y\n" % (code, i, 2**64 - 1 - i) for i in range(1, 50000)),
    "map-bytes": bytes(range(256)) * 10000,
    "map-empty": b"",
}
dumps = {
    "dump-0": head + load(0, 16),
    "dump-short": head + load(4, 16) * 3,
    "dump-huge": head + load(2**32 - 1, 2**64 - 1),
    "dump-many": head + load(61, 2**64 - 1) * 100000,
    "dump-moves": head + (load(61, 2**63) + move) * 40000,
    "dump-lines": head + (lines + load(61, 2**64 - 1)) * 20000,
    "dump-head": head[:20],
}
path = f"/tmp/perf-{pid}.map" if kind in maps else f"jit-{pid}.dump"
with open(path, "r+b" if kind in dumps else "wb") as file:
    file.truncate(0)
    file.write(maps[kind] if kind in maps else dumps[kind])
END
}
for kind in dump-{0,short,huge,many,moves,lines,head} map-{no-end,overlap,reversed,bytes,empty}; do
	put "$kind" || fail "$kind"
	python3 measure.py "$FLAMETAP" -p "$pid" -- "0x$code" 0 0xffffffffffffffff || fail "$kind"
	grep -qi "$code" out || fail "$kind: no answer"
	case $kind in
	dump-huge | dump-many | dump-moves | map-overlap) grep -q name out || fail "$kind: $(cat out)" ;;
	esac
done
stop "$pid"
exit 0
