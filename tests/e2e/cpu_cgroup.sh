#!/usr/bin/env bash
# needs: kernel
# cpu_cgroup.sh - a cgroup as target: what runs in or below it, and nothing else.
. "$FT_SOURCE/tests/e2e/lib.bash"

root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$root" ] || { echo "SKIP: needs a mounted cgroup2"; exit 77; }
group=$root/flametap-test-$$
mkdir "$group" "$group/below" 2>/dev/null || { echo "SKIP: cannot make a cgroup in $root"; exit 77; }
trap 'rmdir "$group/below" "$group"' EXIT

start "$FT_PROGRAMS/shares"
inside=$pid
echo "$inside" >"$group/below/cgroup.procs"
start "$FT_PROGRAMS/hostile"
outside=$pid
tap 0 cpu --cgroup "$group" -F 499 -d 1 -o absolute.folded
tap 0 cpu --cgroup "${group#"$root"/}" -F 499 -d 1 -o relative.folded
stop "$inside" "$outside"
for file in absolute.folded relative.folded; do
	[ "$(weight '^shares;.*path_sixty' $file)" -gt 0 ] || fail "$file: the process in the cgroup is missing"
	[ "$(weight alert $file)" = 0 ] || fail "$file: a process outside of it is there"
done
while [ -s "$group/below/cgroup.procs" ]; do sleep 0.05; done
