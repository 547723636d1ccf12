#!/usr/bin/env python3
"""From Ctrl-C to the picture of more than 10,000 different stacks of a large C++ program, with its inlined calls.

The program (gen_templates.py) has more than 50 MB of DWARF. Beside it the same without debug information, and perf, whose
script resolves inlined calls by itself; it is given one round and two minutes.
"""
import subprocess
import time

import benchlib as b
import bench_finish as finish

ROUNDS = 3
BOUND_MS = 1000
PERF_SECONDS = 120


def perf(program):
	"""Milliseconds for perf record to end and perf script to print, with inlined calls; None: it was given up."""
	with finish.Walker(program) as target:
		with b.Perf("-e", finish.TRACEPOINT, "-c", "1", "--call-graph", "dwarf,4096", "-p", str(target.pid),
			    "-o", "finish.data") as run:
			target.walk()
			ended = run.stop() * 1000
	begin = time.monotonic()
	try:
		subprocess.run(["perf", "script", "-i", "finish.data"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
			       check=True, timeout=PERF_SECONDS)
	except subprocess.TimeoutExpired:
		return None
	return ended + (time.monotonic() - begin) * 1000


def main():
	"""Rounds, then the table."""
	b.need_root()
	peers = b.have("perf")
	b.build_large()
	subprocess.run(["strip", "-g", "-o", "plain", "big"], check=True)
	taken, stacks, peaks = {}, [], []
	for _ in range(ROUNDS):
		taken.setdefault("flametap, to SVG", []).append(finish.flametap("./big", peaks, "finish.svg"))
		taken.setdefault("flametap, to SVG, no debug information", []).append(
			finish.flametap("./plain", [], "plain.svg"))
		finish.flametap("./big", [], "finish.folded")
		stacks.append(finish.count_lines("finish.folded"))
	rows = [[name, len(ms), f"{b.median(ms):.0f}", f"{min(ms):.0f}", f"{max(ms):.0f}",
		 b.mark(b.median(ms), BOUND_MS) if name == "flametap, to SVG" else ""] for name, ms in taken.items()]
	if peers:
		took = perf("./big")
		rows.append(["perf record, then perf script", 1, f"{took:.0f}" if took else f"> {PERF_SECONDS * 1000}", "", "", ""])
	b.table(["SIGINT to end, ms", "runs", "median", "min", "max", f"<= {BOUND_MS}"], rows)
	print(f"different stacks in the profiles: {min(stacks)} at least; flametap's peak of memory {b.median(peaks):.0f} MB")
	b.note_load()
	if min(stacks) < finish.STACKS:
		print(f"FAIL: fewer than {finish.STACKS} different stacks: this measures too little")
		return 1
	return 0


if __name__ == "__main__":
	raise SystemExit(main())
