#!/usr/bin/env bash
# Whole processes as probe points: their system calls, beginnings and ends; by number, by file, and without either the
# process of -c or -x with all that it and its children begin.
# needs: kernel strace
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

# has LINE... - the lines are in the file "out".
has() {
	for line; do grep -qxF -- "$line" out || { cat out && fail "no line: $line"; }; done
}

# lacks REGEX - none of the lines is like it.
lacks() {
	! grep -qE -- "$1" out || { cat out && fail "a line like: $1"; }
}

cat >family.sh <<'END'
#!/bin/sh
# One child that ends before its own child does, which is init's from then on.
sh -c '(until [ -e alone ]; do sleep 0.01; done; mkdir of-orphan; rmdir of-orphan; : >ended) & mkdir of-child'
: >alone
mkdir of-parent
until [ -e ended ]; do sleep 0.01; done
rm alone ended
rmdir of-child of-parent
END
chmod +x family.sh

# Each call by its number and arguments, and what it returned, beside strace.
script='
probe process("/bin/mkdir").syscall { if (name == "mkdir") printf("%d %s %o\n", $syscall, user_string($arg1), $arg2) }
probe process("/bin/mkdir").syscall.return { if (name == "mkdir") printf("%s %d %s %d %s\n", name, $return, retstr, $syscall, pp()) }'
tap 1 run -c '/bin/mkdir new . ' -e "$script" >out
mkdir=$(echo "#include <asm/unistd.h>" | "$FT_CC" -dM -E - | awk '$2 == "__NR_mkdir" { print $3 }')
has "$mkdir new 777" "mkdir 0 0 $mkdir process(\"$(realpath /bin/mkdir)\").syscall.return" \
	"mkdir -17 -17 (EEXIST) $mkdir process(\"$(realpath /bin/mkdir)\").syscall.return"
tap 1 run -c '/bin/mkdir new .' -e 'probe process.syscall { if (name == "mkdir") println(name, "(", argstr, ")") }' >out
has 'mkdir("new", 0777)' 'mkdir(".", 0777)'
tap 1 run -c '/bin/mkdir new .' -e 'global n probe process.syscall { n[name]++ } probe end { foreach (c in n) println(c, " ", n[c]) }' >out
strace -o traced /bin/mkdir new . 2>/dev/null
for call in openat close mprotect; do
	has "$call $(grep -c "^$call(" traced)"
done

# Without a path: the children, and those whose parent has ended. By path, only what runs that file.
names='{ if (name == "mkdir" || name == "rmdir") println(name, " ", user_string($arg1)) }'
tap 0 run -c ./family.sh -e "probe process.syscall $names" >out
has 'mkdir of-child' 'mkdir of-parent' 'mkdir of-orphan' 'rmdir of-orphan' 'rmdir of-parent'
tap 0 run -c ./family.sh -e "probe process(\"/bin/rmdir\").syscall $names" >out
has 'rmdir of-orphan' 'rmdir of-parent'
lacks mkdir

# What was there already: a child of a child, before the script begins. Others are not listened to.
sh -c 'sh -c "while ! [ -e go ]; do sleep 0.05; done; mkdir of-grandchild"; mkdir of-shell; touch done' &
family=$!
sh -c 'while ! [ -e done ]; do sleep 0.05; mkdir of-other; rmdir of-other; done' &
other=$!
tap 0 run -x "$family" -e "
global began
probe process.syscall $names
probe timer.ms(10) { if (!began++) system(\"touch go\") }
probe process.end { if (pid() == target()) exit() }" >out
has 'mkdir of-grandchild' 'mkdir of-shell'
lacks of-other
wait "$family" "$other"

# The ends of those that run a file, also such as were there before.
sleep 30 &
sleeper=$!
tap 0 run -c 'sh -c "true; /bin/true; sleep 0.1; kill '"$sleeper"'; sleep 0.5"' -e '
probe process("/bin/true").end { println(execname(), " ended") }
probe process("/bin/sleep").end { println(execname(), " ended ", pid() == '"$sleeper"') }
probe process("/bin/true").begin { if (execname() == "true") println(execname(), " began") }' >out
has 'true ended' 'true began' 'sleep ended 1' 'sleep ended 0'
lacks '^sh'

# Functions, too: of the children that run the program.
tap 0 run -c "sh -c '$FT_PROGRAMS/userfuncs 10; $FT_PROGRAMS/userfuncs 5; exit 0'" -e '
global n
probe process.library("libc.so.6").function("strtol") { n[execname()]++ }
probe end { foreach (name in n) println(name, " ", n[name]) }' >out
has 'userfuncs 2'

# Which arguments there are.
tap 0 run -L 'process("/bin/true").syscall' >out
has "process(\"$(realpath /bin/true)\").syscall \$syscall:long \$arg1:long \$arg2:long \$arg3:long \$arg4:long \$arg5:long \$arg6:long"
tap 0 run -L 'process("/bin/true").syscall.return' >out
has "process(\"$(realpath /bin/true)\").syscall.return \$syscall:long \$return:long"
tap 1 run -e 'probe process("/bin/true").syscall { println($return) }' >out
says 'unable to find local'
tap 1 run -e 'probe process("/bin/true").syscall.call { println(1) }' >out
says 'process.syscall, .syscall.return'
tap 1 run -e 'probe process.syscall.exported { println(1) }' -c /bin/true >out
says 'process.syscall, .syscall.return'
