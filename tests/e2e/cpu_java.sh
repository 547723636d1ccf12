#!/usr/bin/env bash
# --java-perfmap: compiled Java functions have names, without an agent and without a word to the Java process.
# needs: kernel java javac
set -u
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >Hot.java <<'END_OF_JAVA'
public class Hot {
	static volatile long sink;
	static long inner(long n) {
		long sum = 0;
		for (long i = 0; i < n; i++)
			sum += i % 7 * (i ^ sum);
		return sum;
	}
	public static void main(String[] arguments) {
		for (int i = 0; i < 20000; i++)
			sink += inner(1000);
		System.out.println("ready");
		for (;;)
			sink += inner(20000);
	}
}
END_OF_JAVA
javac Hot.java || fail "javac"
java -version 2>version
awk -F '[".]' '/version/ { exit $2 < 17 }' version || { echo "SKIP: needs a JDK of version 17"; exit 77; }

start java -XX:+PreserveFramePointer -cp . Hot >ready
while ! grep -qs ready ready; do sleep 0.05; done
trap 'rm -f /tmp/perf-"$pid".map /tmp/.java_pid"$pid"' EXIT

tap 0 cpu -p "$pid" -d 1 -o without.folded
[ "$(weight 'Hot\.inner' without.folded)" = 0 ] || fail "names without having asked"
tap 0 cpu -p "$pid" -d 1 --java-perfmap -o with.folded
[ $(($(weight 'Hot\.inner' with.folded) * 2)) -gt "$(weight . with.folded)" ] || fail "no names: $(cat with.folded)"
[ ! -e "/tmp/.attach_pid$pid" ] || fail "left behind: .attach_pid$pid"
kill -0 "$pid" || fail "the Java process has ended"
stop "$pid"
rm -f "/tmp/perf-$pid.map" "/tmp/.java_pid$pid"

# One that will not be asked is not harmed, and that is said.
rm -f ready
start java -XX:+DisableAttachMechanism -cp . Hot >ready
while ! grep -qs ready ready; do sleep 0.05; done
tap 0 cpu -p "$pid" -d 1 --java-perfmap -o with.folded
says "Java process $pid does not answer"
kill -0 "$pid" || fail "the Java process has ended"
stop "$pid"

# No Java process: nothing happens to it.
start "$FT_PROGRAMS/jitcode" 60000 >ready
tap 0 cpu -p "$pid" -d 1 --java-perfmap -o other.folded
kill -0 "$pid" || fail "another process has ended"
rm -f "/tmp/perf-$pid.map"
stop "$pid"
exit 0
