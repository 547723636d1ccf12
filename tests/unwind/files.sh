# shellcheck shell=bash
# files.sh - sourced by tests here: system_files COUNT fills the array files with about that many ELF files of this
# machine: those with unusual unwind information where they are, and a regular choice of all others.

system_files() {
	local count=$1 all step i

	# ELF files of 64 bits for x86-64, to be run or to be linked; large ones take long and have nothing new.
	mapfile -t all < <(find /usr/bin /usr/sbin /usr/lib /usr/libexec -xdev -type f -size +8k -size -4000k \
		\( -perm -u+x -o -name '*.so*' \) -print0 2>/dev/null | python3 -c '
import sys
for name in sorted(sys.stdin.buffer.read().split(b"\0")):
	if not name or b"\n" in name:
		continue
	with open(name, "rb") as file:
		head = file.read(20)
	if head[:7] == b"\x7fELF\x02\x01\x01" and head[16] in (2, 3) and head[17:20] == b"\x00\x3e\x00":
		sys.stdout.buffer.write(name + b"\n")')
	step=$((${#all[@]} / count))
	((step > 0)) || step=1
	files=()
	for ((i = 0; i < ${#all[@]}; i += step)); do
		files+=("${all[i]}")
	done
	for i in /usr/lib/x86_64-linux-gnu/{libc.so.6,ld-linux-x86-64.so.2,libcrypto.so.3,libgcrypt.so.20,libm.so.6} \
		/usr/lib/gcc/x86_64-linux-gnu/*/cc1; do
		[[ ! -r $i ]] || files+=("$i")
	done
	if ((${#all[@]} < 200)); then
		printf 'SKIP: needs 200 ELF files for x86-64 under /usr; there are %d\n' "${#all[@]}"
		exit 77
	fi
}
