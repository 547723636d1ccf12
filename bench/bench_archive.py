#!/usr/bin/env python3
"""What archives cost: bytes for each frame of a real profile, the time to read a million samples, and to export.

Bounds: 20 bytes for each frame (node of the tree of stacks) of a real profile, names and build-ids included, and
200 ms to read 1,000,000 samples of 200,000 different stacks; 5,000,000 frames/s for each writer.
"""
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import benchlib

STACKS = 200_000
READ_MS = 200
WRITE_FRAMES_S = 5_000_000
FRAME_BYTES = 20


def run(*args):
	begin = time.perf_counter()
	done = subprocess.run([benchlib.FLAMETAP, *args], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	if done.returncode not in (0, 3):  # 3: written, some samples lost
		sys.exit(f"flametap {' '.join(args)}: exit status {done.returncode}")
	return time.perf_counter() - begin


def count_frames(path):
	"""How many nodes the tree of stacks has, and frames its stacks together."""
	nodes, frames = set(), 0
	with open(path, encoding="utf-8", errors="replace") as lines:
		for line in lines:
			stack = line.rsplit(" ", 1)[0].split(";")
			frames += len(stack)
			node = 0
			for name in stack:
				node = hash((node, name))
				nodes.add(node)
	return len(nodes), frames


def make(path):
	"""Folded text of 1,000,000 samples with 200,000 different stacks, 12 frames deep on average."""
	rng = random.Random(7)
	with open(path, "w", encoding="ascii") as out:
		for _ in range(STACKS):
			stack = [f"function_{int(rng.paretovariate(0.7)) % 4000}" for _ in range(rng.randrange(4, 17))]
			out.write(f"prog;main;{';'.join(stack)} 5\n")


def measure_size():
	"""A recording of a real program. True if it is within its bound, or cannot be made here."""
	if os.geteuid() != 0:
		print("(not root: no real profile is recorded)")
		return True
	worker = "import json\nfor _ in range(4000): json.loads(json.dumps(list(range(1000))))"
	run("cpu", "-F", "999", "-o", "real.ftap", "-o", "real.folded", "--", "python3", "-c", worker)
	nodes, _ = count_frames("real.folded")
	size = os.path.getsize("real.ftap")
	print(f"a recording of python3: {nodes} frames, {size} bytes, {size / nodes:.1f} bytes a frame "
	      f"(bound {FRAME_BYTES})")
	return size <= FRAME_BYTES * nodes


def measure_time():
	"""Reading, and what each writer adds to it."""
	make("in.folded")
	run("report", "-q", "in.folded", "-o", "in.ftap")
	nodes, frames = count_frames("in.folded")
	print(f"made up: {STACKS * 5} samples, {nodes} frames, {frames} in its stacks, "
	      f"{os.path.getsize('in.ftap') / nodes:.1f} bytes a frame")
	names = ["svg", "folded", "txt", "pb.gz", "speedscope.json", "firefox.json", "trace.json"]
	took = {name: [] for name in ["", *names]}
	for _ in range(7):
		took[""].append(benchlib.time_reading("in.ftap"))
		for name in names:
			took[name].append(run("report", "-q", "in.ftap", "-o", "out." + name))
	reading = statistics.median(took[""])
	print(f"reading alone                {reading * 1e3:6.0f} ms {benchlib.mark(reading * 1e3, READ_MS)} "
	      f"(bound {READ_MS} ms)")
	for name in names:
		whole = statistics.median(took[name])
		speed = nodes / max(whole - reading, 0.001) / 1e6
		print(f"read, and write .{name:16} {whole * 1e3:6.0f} ms; written at {speed:.1f} M frames/s "
		      f"{benchlib.mark(speed, WRITE_FRAMES_S / 1e6, True)}")


def main():
	with tempfile.TemporaryDirectory() as folder:
		os.chdir(folder)
		small = measure_size()
		measure_time()
		os.chdir("/")
	return 0 if small else 1


if __name__ == "__main__":
	sys.exit(main())
