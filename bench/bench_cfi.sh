#!/usr/bin/env bash
# bench_cfi.sh - what building unwind tables costs: large programs on one thread, and 1,000 system files on two.
#
# Bounds: 150 MB of .eh_frame a second on one core, 0.4 s for 55 MB on two, packed tables 0.6 times .eh_frame.
set -u

: "${FT_SOURCE:?the checkout}"
compile() {
	"${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -O3 -I"$FT_SOURCE" "$@"
}

compile -o cfi "$FT_SOURCE"/bench/cfi.c "$FT_SOURCE"/sampler/cfi*.c \
	"$FT_SOURCE"/base/{alloc,elf,err}.c -lz -lzstd -lpthread || {
	printf 'needs gcc, zlib1g-dev and libzstd-dev\n'
	exit 77
}

large=()
for file in /usr/lib/gcc/x86_64-linux-gnu/*/cc1 "$(command -v node)" /usr/lib/x86_64-linux-gnu/libc.so.6 \
	/usr/lib/jvm/*/lib/server/libjvm.so; do
	[ ! -r "$file" ] || large+=("$(readlink -f "$file")")
done
./cfi files "${large[@]}" | tee large.txt || exit 1

find /usr/bin /usr/sbin /usr/lib -xdev -type f \( -perm -u+x -o -name '*.so*' \) -size +8k 2>/dev/null |
	LC_ALL=C sort | head -n 1500 >list.txt
for _ in 1 2 3; do
	./cfi all 2 <list.txt >all.txt || exit 1
	grep ' ms ' all.txt >>rounds.txt
done
cat all.txt
[ ! -s rounds.txt ] || printf 'three rounds:\n%s\n' "$(cat rounds.txt)"

# Fields: name, KB, "KB", ms, "ms", MB/s, ..., "0.50x". The best round counts: others may use the machine.
awk '
	FILENAME == "large.txt" && $2 > 1000 && $6 < 150 {
		printf "%s: %d MB/s on one core, the bound is 150\n", $1, $6
		failed = 1
	}
	FILENAME == "rounds.txt" {
		speed = $5 > speed ? $5 : speed
		for (i = 1; i <= NF; i++)
			if ($i ~ /^[0-9.]+x$/)
				ratio = $i + 0
	}
	END {
		if (speed < 55 / 0.4) {
			printf "%d MB/s on two cores, the bound is %d\n", speed, 55 / 0.4
			failed = 1
		}
		if (ratio > 0.6) {
			printf "packed tables are %.2f times .eh_frame, the bound is 0.6\n", ratio
			failed = 1
		}
		exit failed
	}' large.txt rounds.txt
