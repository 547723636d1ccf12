#!/usr/bin/env python3
"""What being profiled costs a program that is busy on one CPU.

Two figures. The first is what the target notices: pieces of work done in a second, compared with those while an empty BPF
program runs at the same clock. Time that the target spent waiting for its CPU is left out. Still it is a small difference of
large numbers: where the machine's noise is larger than the bound, the table says "noise". The second is the time that the kernel itself measures inside the BPF programs
(kernel.bpf_stats_enabled); it is steady, and leaves out only what every sampler pays for the clock.
"""
import math
import mmap
import os
import shutil
import struct
import subprocess
import time

import benchlib as b

ROUNDS = 15
SECONDS = 0.7
SETTLE_SECONDS = 0.05
RATES = {99: 0.1, 999: 0.7}
STATS = "/proc/sys/kernel/bpf_stats_enabled"


class Target:
	"""The busy program on a CPU of its own; how fast it is."""

	def __init__(self, cpu):
		self.run = b.Run([b.compile_bench("work.c"), "count"], cpu)
		time.sleep(0.3)
		with open("count", "rb") as file:
			self.count = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)

	def state(self):
		"""Pieces done, seconds of the clock that the target was not kept from its CPU."""
		with open(f"/proc/{self.run.pid}/schedstat", encoding="ascii") as file:
			waited = int(file.read().split()[1])
		return struct.unpack("Q", self.count[:8])[0], time.monotonic() - waited / 1e9

	def speed(self, seconds):
		"""Pieces a second."""
		pieces, begin = self.state()
		time.sleep(seconds)
		more, end = self.state()
		return (more - pieces) / (end - begin)


def program_stats(pid):
	"""Nanoseconds spent in, and calls of, the BPF programs that a process holds."""
	spent = calls = 0
	folder = f"/proc/{pid}/fdinfo"
	for name in os.listdir(folder):
		with open(os.path.join(folder, name), encoding="ascii") as file:
			fields = dict(line.split(":", 1) for line in file if ":" in line)
		spent += int(fields.get("run_time_ns", 0))
		calls += int(fields.get("run_cnt", 0))
	return spent, calls


class Candidates:
	"""Starts what is compared; each measures the target's speed while it runs."""

	def __init__(self, target, cpu, peers):
		self.target, self.cpu = target, cpu
		self.empty = b.compile_bench("empty_prog.c")
		self.names = ["nothing", "empty", "flametap"] + (["perf"] if "perf" in peers else [])
		self.costs, self.empty_costs = [], []  # (ns in the BPF program, its calls, seconds)

	def speed(self):
		"""After a moment, that of the target."""
		time.sleep(SETTLE_SECONDS)
		return self.target.speed(SECONDS)

	def run_nothing(self, _):
		"""The target alone."""
		return self.speed()

	def run_empty(self, hertz):
		"""An empty BPF program at the same clock."""
		with b.Run([self.empty, str(hertz)], self.cpu, stderr=subprocess.PIPE) as run:
			with run.process.stderr:
				run.wait_text(run.process.stderr, "counting")
			begin = time.monotonic()
			speed = self.speed()
			self.empty_costs.append((*program_stats(run.pid), time.monotonic() - begin))
			run.process.terminate()
			run.process.wait()
		return speed

	def run_flametap(self, hertz):
		"""The profiler."""
		pid = str(self.target.run.pid)
		with b.Flametap("-p", pid, "-F", str(hertz), "-e", "cpu-clock", "-o", "overhead.svg", cpus=self.cpu) as run:
			begin = time.monotonic()
			speed = self.speed()
			self.costs.append((*program_stats(run.pid), time.monotonic() - begin))
			run.stop()
		return speed

	def run_perf(self, hertz):
		"""The peer."""
		pid = str(self.target.run.pid)
		with b.Perf("-g", "-e", "cpu-clock", "-F", str(hertz), "-p", pid, "-o", "overhead.data", cpus=self.cpu) as run:
			speed = self.speed()
			run.stop()
		return speed


def measure(candidates, hertz):
	"""Speeds by candidate; each round begins with another one, so that none has a place of its own in the beat."""
	speeds = {name: [] for name in candidates.names}
	candidates.costs.clear()
	candidates.empty_costs.clear()
	for number in range(ROUNDS):
		at = number % len(candidates.names)
		for name in candidates.names[at:] + candidates.names[:at]:
			speeds[name].append(getattr(candidates, "run_" + name)(hertz))
	return speeds


def speed_rows(speeds, hertz, bound):
	"""What the target noticed, in rows: slower by so much than beside the empty program."""
	rows = []
	base = b.median(speeds["empty"])
	for name, numbers in speeds.items():
		# Each with the empty program of its own round.
		lost = [100 * (1 - mine / empty) for mine, empty in zip(numbers, speeds["empty"])]
		# The standard error of a median, were the rounds normally distributed.
		error = 1.86 * b.spread(lost) / math.sqrt(len(lost))
		verdict = "noise" if error > bound else b.mark(b.median(lost), bound)
		rows.append([f"{hertz} Hz, {name}", len(numbers), f"{b.median(numbers):.0f}",
			     f"{100 * (1 - b.median(numbers) / base):+.2f}", f"{b.median(lost):+.2f}", f"{error:.2f}",
			     verdict if name == "flametap" else ""])
	return rows


def cost_rows(candidates, hertz, bound):
	"""What the kernel measured inside the programs, and how much of it is beyond the empty one."""
	rows, floor = [], 0
	for name, costs in (("empty", candidates.empty_costs), ("flametap", candidates.costs)):
		share = b.median([100 * ns / 1e9 / seconds for ns, _, seconds in costs])
		if name == "empty":
			floor = share
		rows.append([f"{hertz} Hz, {name}", len(costs), f"{b.median([calls for _, calls, _ in costs]):.0f}",
			     f"{b.median([ns / calls for ns, calls, _ in costs if calls]):.0f}", f"{share:.3f}",
			     f"{share - floor:.3f}", b.mark(share - floor, bound) if name == "flametap" else ""])
	return rows


def main():
	"""Both rates, then the tables."""
	b.need_root()
	peers = b.have("perf")
	if not shutil.which("taskset") or os.cpu_count() < 2:
		b.skip("needs taskset and two CPUs")
	with open(STATS, encoding="ascii") as file:
		before = file.read()
	target = Target("0")
	rows, costs = [], []
	try:
		with open(STATS, "w", encoding="ascii") as file:
			file.write("1")
		candidates = Candidates(target, "1", peers)
		for hertz, bound in RATES.items():
			rows += speed_rows(measure(candidates, hertz), hertz, bound)
			costs += cost_rows(candidates, hertz, bound)
	finally:
		with open(STATS, "w", encoding="ascii") as file:
			file.write(before)
		target.run.__exit__()
	bounds = ", ".join(f"{bound} at {hertz} Hz" for hertz, bound in RATES.items())
	b.table(["slower than beside the empty program", "runs", "pieces/s", "of medians %", "median of rounds %", "+-",
		 "bound"], rows)
	print()
	b.table(["inside the BPF program, all CPUs", "runs", "calls", "ns/call", "% of a CPU", "beyond empty %", "bound"], costs)
	print(f"bounds, in percent: {bounds}")
	b.note_load()


if __name__ == "__main__":
	main()
