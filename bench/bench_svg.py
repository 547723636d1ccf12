#!/usr/bin/env python3
"""The flame graph as a file and in a browser: size, speed of the writer, first paint, zoom, search.

Needs Node.js, npm, Chromium (Debian's); playwright-core is installed by npm into the folder of the run. Sizes are
checked, times are marked. flamegraph.pl's picture of 20,000 frames stands beside where it is in PATH or FLAMEGRAPH_PL.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time

import benchlib as b

ROUNDS = 5
# (stacks, MB at most, interactive ms, zoom ms, search ms); about 400,000 and 4,000,000 frames
SIZES = ((100500, 1.5, 600, 16, 30), (1090000, 6.0, 2500, 50, 160))
BOUND_PAINT_MS = 300
BOUND_FRAMES_S = 5000000
BOUND_BYTES_A_FRAME = 8
PEER_STACKS = 4500


def install():
	"""playwright-core where node finds it."""
	if not all(shutil.which(name) for name in ("node", "npm", "chromium")):
		b.skip("needs node, npm and chromium")
	done = subprocess.run(["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", ".",
			       "playwright-core"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	if done.returncode:
		b.skip("npm cannot install playwright-core")
	os.environ["NODE_PATH"] = os.path.join(os.getcwd(), "node_modules")


def timing(picture, rounds=ROUNDS):
	"""What svg_timing.js measures."""
	out = subprocess.run(["node", os.path.join(b.SOURCE, "bench", "svg_timing.js"), shutil.which("chromium"),
			      os.path.abspath(picture), str(rounds)], check=True, stdout=subprocess.PIPE)
	return json.loads(out.stdout)


def p95(numbers):
	"""The least number that 95 % do not exceed."""
	return sorted(numbers)[max(0, -(-len(numbers) * 95 // 100) - 1)]


def marked(figure, bound, digits=0, least=False):
	"""A figure with what stands behind it."""
	return f"{figure:.{digits}f} {b.mark(figure, bound, least)}"


def fold(stacks):
	"""Writes in.folded."""
	with open("in.folded", "wb") as out:
		subprocess.run([sys.executable, os.path.join(b.SOURCE, "bench", "gen_folded.py"), "--stacks", str(stacks)],
			       stdout=out, check=True)


def report(source, output):
	"""Seconds of flametap report."""
	begin = time.monotonic()
	subprocess.run([b.FLAMETAP, "report", "-q", source, "-o", output], check=True, stderr=subprocess.DEVNULL)
	return time.monotonic() - begin


def data_bytes(picture):
	"""How much base64 there is in a picture, and how many frames it says it has."""
	with open(picture, "rb") as file:
		text = file.read()
	# The first text of a profile has attributes, those that go on with it have none.
	size = sum(len(part) for part in re.findall(rb'<metadata class="ft-data"[^>]*>([^<]*)</metadata>', text))
	frames = int(re.search(rb">[^<]* \xc2\xb7 ([0-9,]+) frames \xc2\xb7", text)[1].replace(b",", b""))
	if not size:
		sys.exit(f"no data found in {picture}: has its form changed?")
	return size, frames


def write_speed():
	"""Seconds that the picture takes beyond reading the profile."""
	report("in.folded", "in.ftap")
	whole, reading = [], []
	for _ in range(ROUNDS):
		reading.append(b.time_reading("in.ftap"))
		whole.append(report("in.ftap", "out.svg"))
	return max(b.median(whole) - b.median(reading), 0.001)


def big():
	"""Rows of the table for generated profiles; whether a bound that counts was broken."""
	rows, broken = [], False
	for stacks, megabytes, interactive, zoom, search in SIZES:
		fold(stacks)
		seconds = write_speed()
		size = os.path.getsize("out.svg")
		_, frames = data_bytes("out.svg")
		got = timing("out.svg")
		broken |= size > megabytes * 1e6
		rows.append([f"{frames:,}", marked(size / 1e6, megabytes, 2),
			     marked(frames / seconds / 1e6, BOUND_FRAMES_S / 1e6, 1, True),
			     marked(b.median(got["paint"]), BOUND_PAINT_MS),
			     marked(b.median(got["interactive"]), interactive),
			     marked(p95(got["zooms"]["done"]), zoom), f"{p95(got['zooms']['painted']):.0f}",
			     marked(p95(got["searches"]["done"]), search)])
	return rows, broken


def peer():
	"""flamegraph.pl's picture, if it is there."""
	perl = os.environ.get("FLAMEGRAPH_PL") or shutil.which("flamegraph.pl")
	if not perl or not shutil.which("perl"):
		print("(no flamegraph.pl in PATH or FLAMEGRAPH_PL: its row is left out)")
		return []
	fold(PEER_STACKS)
	with open("peer.svg", "wb") as out:
		subprocess.run(["perl", perl, "in.folded"], stdout=out, check=True, stderr=subprocess.DEVNULL)
	got = timing("peer.svg", 1)
	return [[f"{got['frames']:,} (flamegraph.pl)", f"{os.path.getsize('peer.svg') / 1e6:.2f}", "",
		 f"{b.median(got['paint']):.0f}", "", f"{p95(got['zooms']['done']):.0f}",
		 f"{p95(got['zooms']['painted']):.0f}", ""]]


def real():
	"""A profile of a real program: python3 that compiles its library."""
	if os.geteuid() != 0:
		print("(not root: no real profile)")
		return False
	done = subprocess.run([b.FLAMETAP, "cpu", "-F", "997", "-o", "real.svg", "--", sys.executable, "-c",
			       "import compileall, sys, sysconfig\n"
			       "compileall.compile_dir(sysconfig.get_path('stdlib') + '/json', force=True, quiet=2, "
			       "ddir='x', optimize=2, legacy=False, stripdir=None)\n"
			       "import json\nfor i in range(20000): json.loads(json.dumps({'a': [1, 2, i]}, indent=1))"],
			      check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	if done.returncode not in (0, 3):
		print("(flametap cpu does not work here: no real profile)")
		return False
	size, frames = data_bytes("real.svg")
	print(f"real profile: {frames:,} frames, {size / frames:.2f} bytes of data each (at most {BOUND_BYTES_A_FRAME}), "
	      f"file {os.path.getsize('real.svg') / 1e3:.0f} kB")
	return frames >= 2000 and size / frames > BOUND_BYTES_A_FRAME


def main():
	"""Prints the table; fails when a size is beyond its bound."""
	install()
	broken = real()
	rows, too_big = big()
	b.table(["frames", "MB", "M frames/s written", "first paint ms", "interactive ms", "zoom p95 ms", "painted p95 ms",
		 "search p95 ms"], rows + peer())
	b.note_load()
	if broken or too_big:
		print("a size is beyond its bound")
		sys.exit(1)


if __name__ == "__main__":
	main()
