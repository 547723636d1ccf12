#!/usr/bin/env bash
# needs: kernel python3
# cpu_hostile.sh - names of processes and functions that try to break out: the picture is XML, the text one stack a line.
. "$FT_SOURCE/tests/e2e/lib.bash"

start "$FT_PROGRAMS/hostile"
tap 0 cpu -p "$pid" -F 499 -d 1 -o hostile.svg -o hostile.folded -o hostile.txt
stop "$pid"
python3 - <<'PY' || fail "the picture is not what it should be"
import sys, xml.dom.minidom
doc = xml.dom.minidom.parse("hostile.svg")
scripts = doc.getElementsByTagName("script")
assert len(scripts) <= 1, "a script came from a name"
for element in doc.getElementsByTagName("*"):
    assert element.tagName != "b", "an element came from a name"
    for name, value in element.attributes.items():
        assert not name.startswith("on"), "an event handler: " + name
text = open("hostile.svg", encoding="utf-8").read()
assert "alert(1)" in text, "the function's name is missing"
for line in open("hostile.folded", encoding="utf-8", errors="surrogateescape"):
    stack, _, weight = line.rstrip("\n").rpartition(" ")
    assert stack and weight.isdigit(), line
    assert all(c >= " " for c in stack), "a control character in " + repr(line)
PY
grep -q $'\033' log hostile.txt && fail "an escape sequence reached the terminal"
exit 0
