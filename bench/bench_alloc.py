#!/usr/bin/env python3
"""What a recording of allocations costs: one thread that does nothing but malloc and free, 25 calls deep.

In turn: the thread alone; beside flametap alloc for another process; as its target; as its target with --sample, so that nearly no
allocation is recorded and what is left is the way into the kernel; and bpftrace with the usual script for outstanding memory. A pair
of calls hits three probes: malloc's entry and return, and free. Beside the time that they add stands the time inside the BPF programs
by the kernel's statistics, which are off while pairs are counted.
"""
import mmap
import os
import shutil
import struct
import subprocess
import time

import benchlib as b
from bench_unwind import Stats, descriptors

ROUNDS = 5
SECONDS = 0.6
SETTLE_SECONDS = 0.1
STATS_SECONDS = 0.3
# Outstanding bytes by stack, for one process; bpftrace walks by frame pointers, which the program keeps.
BPFTRACE = """
uprobe:LIBC:malloc /pid == PID/ { @size[tid] = arg0; }
uretprobe:LIBC:malloc /pid == PID && @size[tid]/ {
	@bytes[retval] = @size[tid]; @stack[retval] = ustack; delete(@size[tid]);
}
uprobe:LIBC:free /pid == PID/ { delete(@bytes[arg0]); delete(@stack[arg0]); }
"""


class Target:
	"""The thread on a CPU of its own; how fast it is."""

	def __init__(self, cpu):
		self.run = b.Run([b.compile_bench("mallocs.c"), "count", "64"], cpu)
		time.sleep(0.3)
		with open("count", "rb") as file:
			self.count = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)

	def pairs(self):
		"""How many pairs of calls it has made."""
		return struct.unpack("Q", self.count[:8])[0]

	def pair_ns(self):
		"""Nanoseconds for a pair."""
		begin, pairs = time.monotonic(), self.pairs()
		time.sleep(SECONDS)
		return (time.monotonic() - begin) * 1e9 / max(self.pairs() - pairs, 1)

	def libc(self):
		"""The file that it has its malloc from."""
		with open(f"/proc/{self.run.pid}/maps", encoding="utf-8") as maps:
			return next(line.split()[-1] for line in maps if "/libc.so" in line)


def programs_ns(pid):
	"""Nanoseconds inside all BPF programs of a process."""
	return sum({fields["prog_id"]: int(fields["run_time_ns"]) for fields in descriptors(pid) if "run_cnt" in fields}.values())


def beside(target, run):
	"""Nanoseconds for a pair while a program of BPF runs, and those of its programs a pair."""
	time.sleep(SETTLE_SECONDS)
	pair = target.pair_ns()
	with Stats():
		pairs = target.pairs()
		time.sleep(STATS_SECONDS)
		spent = programs_ns(run.pid)
		pairs = target.pairs() - pairs
	return pair, spent / max(pairs, 1)


def measure(target, other, cpu):
	"""One round: name to (ns a pair, ns of it inside the programs)."""
	figures = {"nothing": (target.pair_ns(), 0)}
	for name, args in (("flametap, another process", ["-p", str(other)]),
			   ("flametap, the target", ["-p", str(target.run.pid)]),
			   ("flametap, --sample 1M", ["-p", str(target.run.pid), "--sample", "1M"])):
		with b.Run([b.FLAMETAP, "alloc", "-v", *args, "-o", "alloc.folded"], cpu, stderr=subprocess.PIPE) as run:
			with run.process.stderr:
				run.wait_text(run.process.stderr, "counting")
				figures[name] = beside(target, run)
				run.process.kill()
				run.process.wait()
	if shutil.which("bpftrace"):
		script = BPFTRACE.replace("PID", str(target.run.pid)).replace("LIBC", target.libc())
		with b.Run(["bpftrace", "-e", script], cpu, stdout=subprocess.PIPE) as run:
			with run.process.stdout:
				run.wait_text(run.process.stdout, "Attaching")
				time.sleep(1)
				figures["bpftrace, the target"] = beside(target, run)
				run.process.kill()
				run.process.wait()
	return figures


def main():
	"""All rounds, then the table."""
	b.need_root()
	if not shutil.which("taskset") or os.cpu_count() < 2:
		b.skip("needs taskset and two CPUs")
	target = Target("0")
	other = b.Run(["sleep", "600"], "1")
	rounds = []
	try:
		for _ in range(ROUNDS):
			rounds.append(measure(target, other.pid, "1"))
	finally:
		other.__exit__()
		target.run.__exit__()
	rows = []
	for name in rounds[0]:
		pairs = [figures[name][0] for figures in rounds if name in figures]
		added = b.median([figures[name][0] - figures["nothing"][0] for figures in rounds if name in figures])
		inside = b.median([figures[name][1] for figures in rounds if name in figures])
		rows.append([name, len(pairs), f"{b.median(pairs):.0f}", f"{added:.0f}", f"{b.spread(pairs):.0f}", f"{inside:.0f}",
			     f"{(added - inside) / 3:.0f}" if inside else ""])
	b.table(["malloc and free, and", "rounds", "ns/pair", "added", "+-", "inside the programs", "way in and out, each"], rows)
	b.note_load()


if __name__ == "__main__":
	main()
