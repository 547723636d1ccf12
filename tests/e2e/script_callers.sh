#!/usr/bin/env bash
# caller(), callers(), stack() and their kin: of a program with known calls, and of the kernel at a tracepoint, without the
# frames of the programs there.
# needs: kernel
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >calls.c <<'END'
#include <stdio.h>
__attribute__((noinline)) int inner(int a) { __asm__ volatile(""); return a + 1; }
__attribute__((noinline)) int outer(int a) { int r = inner(a); __asm__ volatile(""); return r + 1; }
int main(void) { printf("%d\n", outer(3)); return 0; }
END
"$FT_CC" -O1 -o calls calls.c || fail "cannot compile"
cat >calls.stp <<'END'
probe process("./calls").function("inner") {
	println("caller ", caller())
	println("addr ", sprintf("0x%x", caller_addr()))
	println("user ", ucallers(1))
	println("main ", usymname(ustack(2)))
	println("frame ", usymname(ustack(0)), " ", probemod(), " ", stack_size() >= 8192)
	try { println(ustack(500)) } catch (e) { println(e) }
	print_regs()
}
probe process("./calls").function("inner").return { println("returned ", returnstr(1), " ", returnstr(2)) }
probe kernel.trace("sched_process_exit") {
	if (pid() == target())
		println("kernel ", symname(stack(0)), " ", probemod(), " ", callers(0) == __word(callers(-1), 0, " "))
}
END
tap 0 run -c ./calls calls.stp >out
for line in 5 'main main' 'frame inner <unknown> 1' 'unavailable: there is no frame 500' 'returned 4 0x4'; do
	grep -qxF "$line" out || { cat out && fail "no line: $line"; }
done
addr=$(sed -n 's/^addr //p' out)
grep -qx "caller outer $addr" out || { cat out && fail "caller()"; }
grep -qE "^user 0x[0-9a-f]+ $addr\$" out || { cat out && fail "ucallers()"; }
grep -qE '^kernel (do_exit|__.*do_exit|make_task_dead).* kernel 1$' out || { cat out && fail "the kernel's stack"; }
case $(uname -m) in
x86_64) grep -qE '^RDX: [0-9a-f]{16} RSI: [0-9a-f]{16} RDI: 0000000000000003$' out || { cat out && fail "print_regs()"; } ;;
esac
