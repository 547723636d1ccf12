#!/usr/bin/env python3
"""From Ctrl-C to the end of the program, the picture of more than 10,000 different stacks being written.

Every system call of the target is a sample, so that there are enough stacks within a second.
"""
import os
import subprocess
import time

import benchlib as b

ROUNDS = 5
WALKS = 16000
STACKS = 10000
BOUND_MS = 300
TRACEPOINT = "raw_syscalls:sys_enter"


class Walker(b.Run):
	"""The target; it begins its walks when told to."""

	def __init__(self, program):
		super().__init__([program, str(WALKS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

	def __exit__(self, *args):
		super().__exit__(*args)
		self.process.stdin.close()
		self.process.stdout.close()

	def walk(self):
		"""Lets it walk to the end."""
		self.process.stdin.write(b"\n")
		self.process.stdin.flush()
		self.wait_text(self.process.stdout, "done", 60)


def flametap(program, peaks, *outputs):
	"""Milliseconds from the signal to the end; its peak of memory goes to the list."""
	with Walker(program) as target:
		args = [text for name in outputs for text in ("-o", name)]
		with b.Flametap("-p", str(target.pid), "-e", f"tracepoint:{TRACEPOINT}", "-c", "1", *args,
				starter=b.peak_starter()) as run:
			target.walk()
			took = run.stop() * 1000
	_, peak_bytes, status = b.read_peak()
	if status not in (0, 3):
		raise RuntimeError(f"flametap ended with status {status}")
	peaks.append(peak_bytes / 1e6)
	return took


def count_lines(path, start=b""):
	"""How many lines of a file begin so; each is a different stack in a folded profile."""
	with open(path, "rb") as file:
		return sum(line.startswith(start) for line in file)


def perf(program):
	"""Milliseconds for perf to end and, after it, for perf script to print the stacks with names."""
	with Walker(program) as target:
		with b.Perf("-e", TRACEPOINT, "-c", "1", "-g", "-p", str(target.pid), "-o", "finish.data") as run:
			target.walk()
			ended = run.stop() * 1000
	begin = time.monotonic()
	with open("perf.txt", "wb") as out:
		subprocess.run(["perf", "script", "--no-inline", "-i", "finish.data"], stdout=out,
			       stderr=subprocess.DEVNULL, check=True)
	return ended, (time.monotonic() - begin) * 1000


def bpftrace(program):
	"""Milliseconds for bpftrace to print its map, with names."""
	with Walker(program) as target:
		text = f"tracepoint:{TRACEPOINT} /pid == {target.pid}/ {{ @[kstack, ustack] = count(); }}"
		with b.Bpftrace(text) as run:
			target.walk()
			return run.finish("bpftrace.txt") * 1000


def measure(program, peers):
	"""All rounds: milliseconds by candidate, how many stacks each profile had, flametap's peaks of memory in MB."""
	taken = {"flametap, to SVG": [], "flametap, to SVG and folded": []}
	stacks, peaks = [], []
	for _ in range(ROUNDS):
		taken["flametap, to SVG"].append(flametap(program, peaks, "finish.svg"))
		taken["flametap, to SVG and folded"].append(flametap(program, peaks, "finish.svg", "finish.folded"))
		stacks.append(count_lines("finish.folded"))
		if "perf" in peers:
			ended, printed = perf(program)
			taken.setdefault("perf record, its end alone", []).append(ended)
			taken.setdefault("perf record, then perf script", []).append(ended + printed)
		if "bpftrace" in peers:
			taken.setdefault("bpftrace, to text", []).append(bpftrace(program))
	return taken, stacks, peaks


def main():
	"""Rounds, then the table."""
	b.need_root()
	if not os.path.isdir("/sys/kernel/tracing/events/raw_syscalls"):
		b.skip("needs tracefs: mount -t tracefs none /sys/kernel/tracing")
	program = b.compile_bench("many_stacks.cc")
	taken, stacks, peaks = measure(program, b.have("perf", "bpftrace"))
	base = b.median(taken["flametap, to SVG"])
	rows = [[name, len(ms), f"{b.median(ms):.0f}", f"{b.spread(ms):.0f}", f"{min(ms):.0f}", f"{max(ms):.0f}",
		 b.ratio(b.median(ms), base), b.mark(b.median(ms), BOUND_MS) if name == "flametap, to SVG" else ""]
		for name, ms in taken.items()]
	b.table(["SIGINT to end, ms", "runs", "median", "+-", "min", "max", "ratio", f"<= {BOUND_MS}"], rows)
	print(f"different stacks in the profiles: {min(stacks)} at least; the picture has "
	      f"{os.path.getsize('finish.svg') / 1e6:.1f} MB; flametap's peak of memory {b.median(peaks):.1f} MB")
	if os.path.exists("bpftrace.txt"):
		print(f"bpftrace printed {count_lines('bpftrace.txt', b'@[')} different stacks")
	b.note_load()
	if min(stacks) < STACKS:
		print(f"FAIL: fewer than {STACKS} different stacks: this measures too little")
		return 1
	return 0


if __name__ == "__main__":
	raise SystemExit(main())
