#!/usr/bin/env python3
"""From folded stacks to the picture: how fast, in how much memory.

The text is 31 MB in several shapes (see gen_folded.py). Memory is checked, speed is marked.
"""
import os
import shutil
import subprocess
import sys

import benchlib as b

ROUNDS = 5
BYTES = 31000000
BOUND_MBYTES_S = 300
BOUND_STACKS_S = 200000
# Less than half of what inferno 0.11 takes for such a text, though the picture holds every frame.
BOUND_PEAK_MB = 24
SHAPES = {
	"sorted": [],
	"random order": ["--order", "random"],
	"as recorded": ["--order", "time"],
	"hard": ["--fresh", "1"],
}


def peers():
	"""Command lines (with standard output to a file) by name."""
	found = {}
	perl = os.environ.get("FLAMEGRAPH_PL") or shutil.which("flamegraph.pl")
	if perl and shutil.which("perl"):
		found["flamegraph.pl"] = ["perl", perl]
	else:
		print("(no flamegraph.pl in PATH or FLAMEGRAPH_PL: its row is left out)")
	if b.have("inferno-flamegraph"):
		found["inferno-flamegraph"] = ["inferno-flamegraph"]
	return found


def make(shape):
	"""Writes the text; returns how many lines it has."""
	with open("in.folded", "wb") as out:
		subprocess.run([sys.executable, os.path.join(b.SOURCE, "bench", "gen_folded.py"), "--bytes", str(BYTES),
				*SHAPES[shape]], stdout=out, check=True)
	with open("in.folded", "rb") as file:
		return sum(1 for _ in file)


def measure(others, slow_too):
	"""(seconds, peak bytes) of all rounds by candidate. The slow ones run once, and not for every shape."""
	taken = {"flametap report": []}
	for number in range(ROUNDS):
		taken["flametap report"].append(b.peak([b.FLAMETAP, "report", "-q", "in.folded", "-o", "out.svg"],
						       stderr=subprocess.DEVNULL))
		for name, argv in others.items():
			if name == "flamegraph.pl" and (number or not slow_too):
				continue
			with open("peer.svg", "wb") as out:
				taken.setdefault(name, []).append(
					b.peak([*argv, "in.folded"], stdout=out, stderr=subprocess.DEVNULL))
	return taken


def shape_rows(shape, taken, size, lines):
	"""The rows of one shape."""
	rows = []
	base = b.median([seconds for seconds, _ in taken["flametap report"]])
	for name, runs in taken.items():
		seconds = b.median([seconds for seconds, _ in runs])
		peak_mb = max(peak for _, peak in runs) / 1e6
		own = name == "flametap report"
		marks = [b.mark(size / seconds / 1e6, BOUND_MBYTES_S, least=True),
			 b.mark(lines / seconds, BOUND_STACKS_S, least=True), b.mark(peak_mb, BOUND_PEAK_MB)]
		rows.append([f"{shape}: {name}", len(runs), f"{seconds * 1000:.0f}", b.ratio(seconds, base),
			     f"{size / seconds / 1e6:.1f}", marks[0] if own else "", f"{lines / seconds:.0f}",
			     marks[1] if own else "", f"{peak_mb:.1f}", marks[2] if own else ""])
	return rows, max(peak for _, peak in taken["flametap report"]) / 1e6


def main():
	"""All shapes, then the table."""
	others = peers()
	rows, worst = [], 0
	for shape in SHAPES:
		lines = make(shape)
		size = os.path.getsize("in.folded")
		more, peak_mb = shape_rows(shape, measure(others, shape == "sorted"), size, lines)
		rows += more
		worst = max(worst, peak_mb)
	b.table(["folded text to SVG", "runs", "ms", "ratio", "MB/s", f">= {BOUND_MBYTES_S}", "stacks/s", f">= {BOUND_STACKS_S}",
		 "peak MB", f"<= {BOUND_PEAK_MB}"], rows)
	b.note_load()
	if worst > BOUND_PEAK_MB:
		print(f"FAIL: a peak of memory is over {BOUND_PEAK_MB} MB")
		return 1
	return 0


if __name__ == "__main__":
	raise SystemExit(main())
