#!/usr/bin/env python3
"""How much memory profiling one process takes, and how large the program is."""
import os
import shutil
import subprocess
import sys

import benchlib as b

ROUNDS = 3
SECONDS = 2
BOUND_MB = 30
BOUND_BINARY_MB = 3

# Works in the kernel too: the names of its functions are the largest table of all.
PYTHON = """
import json, os
def churn(depth):
	if depth:
		return churn(depth - 1)
	for _ in range(20):
		os.listdir("/proc/self")
	return json.loads(json.dumps([{str(i): [i, str(i)]} for i in range(200)]))
while True:
	churn(20)
"""


def recorders(pid, peers):
	"""Command lines by candidate."""
	seconds = str(SECONDS)
	made = {}
	for hertz in ("99", "999"):
		made[f"flametap cpu -F {hertz}"] = [b.FLAMETAP, "cpu", "-p", str(pid), "-F", hertz, "-d", seconds, "-o",
						    "memory.svg"]
		if "perf" in peers:
			made[f"perf record -g -F {hertz}"] = ["perf", "record", "-g", "-F", hertz, "-p", str(pid), "-o",
							      "memory.data", "sleep", seconds]
		if "bpftrace" in peers:
			made[f"bpftrace profile:hz:{hertz}"] = [
				"bpftrace", "-e",
				f"profile:hz:{hertz} /pid == {pid}/ {{ @[ustack] = count(); }} "
				f"interval:s:{seconds} {{ exit(); }}"]
	return made


def measure(name, argv, peers):
	"""Rows of the table for one target."""
	peaks = {}
	with b.Run(argv) as target:
		for _ in range(ROUNDS):
			for recorder, command in recorders(target.pid, peers).items():
				_, bytes_used = b.peak(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
						       stderr=subprocess.DEVNULL)
				peaks.setdefault(recorder, []).append(bytes_used / 1e6)
	base = {hertz: b.median(peaks[f"flametap cpu -F {hertz}"]) for hertz in ("99", "999")}
	rows = []
	for recorder, mbytes in peaks.items():
		own = recorder.startswith("flametap")
		rows.append([f"{name}: {recorder}", len(mbytes), f"{b.median(mbytes):.1f}", f"{max(mbytes):.1f}",
			     b.ratio(b.median(mbytes), base[recorder.rsplit(" ", 1)[-1].rsplit(":", 1)[-1]]),
			     b.mark(max(mbytes), BOUND_MB) if own else ""])
	return rows, max(base.values())


def stripped_mb():
	"""The program without symbols and debug information."""
	shutil.copyfile(b.FLAMETAP, "stripped")
	subprocess.run(["strip", "stripped"], check=True)
	return os.path.getsize("stripped") / 1e6


def main():
	"""Both targets, the table, the size."""
	b.need_root()
	peers = b.have("perf", "bpftrace")
	targets = {"C program": [b.compile_bench("work.c"), "count"], "python3": [sys.executable, "-c", PYTHON]}
	rows, worst = [], 0
	for name, argv in targets.items():
		more, highest = measure(name, argv, peers)
		rows += more
		worst = max(worst, highest)
	b.table(["peak of resident memory, MB", "runs", "median", "max", "ratio", f"<= {BOUND_MB}"], rows)
	binary = stripped_mb()
	print(f"the program, stripped: {binary:.2f} MB (<= {BOUND_BINARY_MB}: {b.mark(binary, BOUND_BINARY_MB)})")
	b.note_load()
	if worst > BOUND_MB or binary > BOUND_BINARY_MB:
		print("FAIL: a figure above is over its bound")
		return 1
	return 0


if __name__ == "__main__":
	raise SystemExit(main())
