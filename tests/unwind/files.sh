# shellcheck shell=bash
# files.sh - sourced by tests here: system_files COUNT fills the array files with about that many ELF files of this
# machine: those with unusual unwind information where they are, and a regular choice of all others.

system_files() {
	local count=$1 all step i

	mapfile -t all < <(find /usr/bin /usr/sbin /usr/lib /usr/libexec -xdev -type f -size +8k -size -40000k \
		\( -perm -u+x -o -name '*.so*' \) -printf '%p\n' 2>/dev/null | LC_ALL=C sort |
		while IFS= read -r file; do
			# An ELF file of 64 bits for x86-64, to be run or to be linked.
			[[ $(od -An -tx1 -N 20 -- "$file" | tr -d ' \n') == 7f454c460201*0[23]003e00 ]] &&
				printf '%s\n' "$file"
		done)
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
