#!/usr/bin/env bash
# A file with much debug information, looked at in many places: memory grows with the functions that are looked up, not
# with the units that they are in, nor with the file.
# needs: g++ objcopy ld python3
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >unit.cc <<'END'
#include <map>
#include <regex>
#include <string>
#include <vector>
long unit(const char *text)
{
	std::map<std::string, std::vector<long>> map;
	std::regex words("[a-z]+|[0-9]+");
	std::string all(text);
	for (std::sregex_iterator i(all.begin(), all.end(), words), end; i != end; ++i)
		map[i->str()].push_back(i->position());
	long sum = 0;
	for (const auto &[word, places] : map)
		sum += (long)(word.size() * places.size());
	return sum;
}
END
g++ -std=c++17 -O1 -g -c unit.cc || fail "g++"
for ((i = 0; i < 40; i++)); do
	objcopy --prefix-symbols="c${i}_" unit.o "copy$i.o"
done
ld -o large --unresolved-symbols=ignore-all -e 0 copy*.o 2>/dev/null || fail "ld"
rm copy*.o
cat >peak.py <<'END'
import subprocess, sys
symbols = subprocess.run(["nm", "large"], capture_output=True, text=True, check=True).stdout.split("\n")
places = [int(s.split()[0], 16) for s in symbols if s.endswith("_Z4unitPKc")]
run = subprocess.Popen([sys.argv[1], "symbolize", "-e", "large"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
found = 0
for place in places:
	run.stdin.write(f"{place:#x}\n")
	run.stdin.flush()
	while not (line := run.stdout.readline()).startswith("0x"):
		pass
	found += "\tunit(char const*)\t" in line or "\tunit\t" in line
status = open(f"/proc/{run.pid}/status").read()
field = lambda name: int(status.split(name + ":")[1].split()[0]) / 1024
print(len(places), found, int(field("RssAnon")), int(field("VmHWM")))
run.stdin.close()
sys.exit(run.wait())
END
python3 peak.py "$FLAMETAP" >figures || fail "no answer"
read -r places found anon peak <figures
bytes=$(($(stat -c %s large) / 1048576))
echo "$places units of a file of $bytes MB: $found answers, $anon MB, $peak MB with pages of the file"
[ "$places $found" = "40 40" ] || fail "$places functions"
if grep -q __asan_init "$FLAMETAP"; then
	echo "the sanitizer keeps what is released: only answers count"
	exit 0
fi
# Rows and calls of all 40 units would be 58 MB.
[ "$anon" -le 12 ] || fail "$anon MB"
[ "$peak" -le 80 ] || fail "$peak MB with pages of the file"
exit 0
