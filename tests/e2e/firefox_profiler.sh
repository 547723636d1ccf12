#!/usr/bin/env bash
# The Firefox profiler's own code, as its command line (npm, Node.js 24), reads other functions or weights in our export
# than there were.
# needs: python3
. "$FT_SOURCE/tests/e2e/browser.bash"
set -eu

modules=$(npm_install npm-firefox @firefox-devtools/profiler-cli @firefox-devtools/profiler-cli@0.10)/node_modules || exit
node=node
if [ "$(node --version | tr -d v | cut -d. -f1)" -lt 24 ]; then
	node=$(npm_install npm-node24 node node@24)/node_modules/node/bin/node || exit
	"$node" --version >version 2>&1 || skip "Node.js 24 does not run here: $(cat version)"
fi
export PROFILER_CLI_SESSION_DIR=$PWD/s PROFILER_CLI_NO_SYMBOLICATE=1
cli() {
	"$node" "$modules/@firefox-devtools/profiler-cli/dist/profiler-cli.js" "$@"
}
trap 'cli stop --all >stopped 2>&1' EXIT

cat >in.folded <<'END'
app;main;alpha;work_one 40
app;main;alpha;work_two 20
app;main;beta;work_one 30
app;main;beta;other_[k] 10
tool;main;work_one;deep;work_one 50
tool;main;Zed::run(int) 51
tool;main;</script>"\ 7
END
"$FLAMETAP" report -q in.folded -o out.firefox.json

# A daemon loads the file; on a busy machine it is ready later than its caller waits.
for _ in $(seq 20); do
	! cli load "$PWD/out.firefox.json" >said 2>&1 || break
	cli profile info >said 2>&1 && break
	sleep 0.5
done
cli profile info --json >info.json
cli thread functions --thread t-0 --json --limit 0 >app.json
cli thread functions --thread t-1 --json --limit 0 >tool.json
python3 - <<'END'
import json
from collections import defaultdict

want = defaultdict(lambda: [0, 0])
with open("in.folded", encoding="ascii") as lines:
    for line in lines:
        stack, weight = line.rsplit(" ", 1)
        names = stack.replace("_[k]", "").split(";")
        for name in set(names):
            want[names[0], name][0] += int(weight)
        want[names[0], names[-1]][1] += int(weight)
found = {}
for program in ("app", "tool"):
    with open(program + ".json", encoding="utf-8") as file:
        for f in json.load(file)["functions"]:
            found[program, f["name"]] = [f["totalSamples"], f["selfSamples"]]
assert found == dict(want), f"{found} instead of {dict(want)}"
with open("info.json", encoding="utf-8") as file:
    names = [thread["name"] for process in json.load(file)["processes"] for thread in process["threads"]]
assert sorted(names) == ["app", "tool"], names
print(f"Firefox profiler: {len(found)} functions")
END
