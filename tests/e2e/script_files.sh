#!/usr/bin/env bash
# needs: kernel
# Files of a script (procfs probes): their text is made by a handler for each reader, what is written comes to a handler,
# and macros fill them for Prometheus and as JSON. Lines and characters of standard input.
set -eu

[ -e /dev/fuse ] || { echo "SKIP: needs /dev/fuse"; exit 77; }

# The test's own processes cannot share a folder with another script's.
name=ft_files_$$ folder=/run/flametap/ft_files_$$
started=
trap '[ -z "$started" ] || kill -INT "$started" 2>/dev/null || :' EXIT

expect() { # WHAT WANT GOT
	[ "$2" = "$3" ] || { printf 'FAIL: %s: wanted\n%s\nnot\n%s\n' "$1" "$2" "$3"; exit 1; }
}

start() { # SCRIPT: runs until it is interrupted
	rm -f err
	"$FLAMETAP" run -m "$name" "$1" >out 2>err &
	started=$!
	for ((i = 0; i < 500; i++)); do
		! grep -qs "files are in $folder" err || return 0
		kill -0 "$started" 2>/dev/null || { cat err; exit 1; }
		sleep 0.02
	done
	echo "FAIL: nothing was mounted at $folder"
	exit 1
}

finish() {
	kill -INT "$started"
	wait "$started"
	started=
	[ ! -e "$folder" ] || { echo "FAIL: $folder is still there"; exit 1; }
}

cat >files.stp <<'END'
global saved = "100\n", reads, counts
probe procfs("deep/er/value").read { $value = "value "; $value .= saved }
probe procfs("deep/er/value").write { saved = $value; printf("got %s", $value) }
probe procfs("big").read.maxsize(3000) { for (i = 0; i < 300; i++) $value .= sprintf("line %d\n", i) }
probe procfs("small").read { for (i = 0; i < 300; i++) $value .= "0123456789" }
probe procfs.umask(022).read { $value = sprintf("%d\n", ++reads) }
probe procfs("twice").write { printf("one %d\n", strlen($value)) }
probe procfs("twice").write { printf("two %s\n", $value) }
probe prometheus {
	@prometheus_dump_array2(counts, "things", "name", "size")
	@prometheus_dump_array2_map_unquoted(counts, "sizes", "name", "size", sprint, string_quoted, sprint)
}
probe begin { counts["a\"b", 1] = 5; counts["z", 2] = 6 }
END
start files.stp
expect tree ". ./__prometheus ./big ./command ./deep ./deep/er ./deep/er/value ./small ./twice" \
	"$(cd "$folder" && find . | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
expect modes "400 600 444 200" "$(cd "$folder" && stat -c %a big deep/er/value command twice | tr '\n' ' ' | sed 's/ $//')"
expect value "value 100" "$(cat "$folder/deep/er/value")"
echo 200 >"$folder/deep/er/value"
expect changed "value 200" "$(cat "$folder/deep/er/value")"
expect "more than a string" "300 line 299" "$(wc -l <"$folder/big") $(tail -n 1 "$folder/big")"
expect "a string at most" 511 "$(wc -c <"$folder/small")"
expect "each reader" "1 2 3" "$(cat "$folder/command" "$folder/command" "$folder/command" | tr '\n' ' ' | sed 's/ $//')"
expect prometheus 'things{name="a\"b",size="1"} 5
things{name="z",size="2"} 6
sizes{name="a\"b",size=1} 5
sizes{name="z",size=2} 6' "$(cat "$folder/__prometheus")"
printf 'text' >"$folder/twice"
printf '%600s' '' >"$folder/twice"
if (echo x >"$folder/big") 2>/dev/null || cat "$folder/twice" 2>/dev/null; then
	echo "FAIL: a file was used in a way that no probe is for"
	exit 1
fi
finish
expect output "got 200 one 4 two text one 511 two one 89 two" "$(tr -s ' \n' ' ' <out | sed 's/ $//')"

# What other programs read as JSON has to be JSON.
cat >json.stp <<'END'
probe begin {
	json_set_prefix("mine")
	json_add_numeric_metric("count", "how \"many\"", "things")
	json_add_string_metric("kind", "")
	json_add_array("list", "of some")
	json_add_array_numeric_metric("list", "size", "large", "bytes")
	json_add_array_string_metric("list", "path", "where")
}
probe json_data {
	@json_output_data_start
	@json_output_numeric_value("count", 3)
	@json_output_array_numeric_value("list", "a", "size", 1)
	@json_output_array_string_value("list", "a", "path", "/x\\y")
	@json_output_array_numeric_value("list", "b", "size", 2)
	@json_output_array_string_value("list", "b", "path", "")
	@json_output_string_value("kind", "a \"b\"")
	@json_output_data_end
}
END
start json.stp
for i in 1 2; do
	expect "data $i" '{"count": 3, "list": [{"__id": "a", "size": 1, "path": "/x\\y"}, {"__id": "b", "size": 2, "path": ""}], "kind": "a \"b\""}' \
		"$(python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))))' "$folder/data.json")"
done
expect metadata 'mine count,kind,list how "many" size,path' "$(python3 -c 'import json, sys
d = json.load(open(sys.argv[1])); m = d["metrics"]
print(d["prefix"], ",".join(x["name"] for x in m), m[0]["description"], ",".join(x["name"] for x in m[2]["metrics"]))' "$folder/metadata.json")"
finish

# Two scripts cannot have one folder.
start files.stp
if "$FLAMETAP" run -m "$name" -T 1 files.stp 2>second; then
	echo "FAIL: two scripts had one folder"
	exit 1
fi
grep -q "is there already" second || { cat second; exit 1; }
expect "the first goes on" "value 100" "$(cat "$folder/deep/er/value")"
finish

expect input 'line: one
x
line: twx
line: end' "$(printf 'one\ntwx\nend\nmore\n' | "$FLAMETAP" run -T 60 -e '
probe input.line { printf("line: %s", line); if (line == "end\n") exit() }
probe input.char { if (char == "x") println("x") }')"
