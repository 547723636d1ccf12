#!/usr/bin/env python3
"""What recording waits costs at a context switch: two threads on one CPU that do little but wake each other.

In turn: the threads alone; beside flametap offcpu for another process; as its target; the same with bpftrace, which walks by frame
pointers (the program is built with them). The cost of a switch is the difference of the time for a round trip (two switches).
Beside it stands the time inside the BPF program by the kernel's statistics, which are off while round trips are measured. A
program that returns at once took 62 to 67 ns by them where this was written, and added 80 to 125 ns to a switch.
"""
import mmap
import os
import shutil
import struct
import subprocess
import time

import benchlib as b
from bench_unwind import Stats, program_stats

ROUNDS = 7
SECONDS = 0.8
SETTLE_SECONDS = 0.1
STATS_SECONDS = 0.3
# Off-CPU time by stack, in the usual form, for one process.
BPFTRACE = """
tracepoint:sched:sched_switch {
	if (pid == PID) { @start[tid] = nsecs; @us[tid] = ustack; @ks[tid] = kstack; }
	if (@start[args->next_pid]) {
		@sum[@ks[args->next_pid], @us[args->next_pid]] = sum(nsecs - @start[args->next_pid]);
		delete(@start[args->next_pid]);
	}
}
"""


class Target:
	"""The two threads on a CPU of their own; how fast they are."""

	def __init__(self, cpu):
		self.run = b.Run([b.compile_bench("pingpong.c", "-pthread"), "count"], cpu)
		time.sleep(0.3)
		with open("count", "rb") as file:
			self.count = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)

	def trip_ns(self):
		"""Nanoseconds for a round trip."""
		begin, count = time.monotonic(), struct.unpack("Q", self.count[:8])[0]
		time.sleep(SECONDS)
		return (time.monotonic() - begin) * 1e9 / max(struct.unpack("Q", self.count[:8])[0] - count, 1)


def beside(target, run):
	"""Nanoseconds for a round trip while a program of BPF runs, and those of its program a run."""
	time.sleep(SETTLE_SECONDS)
	trip = target.trip_ns()
	with Stats():
		time.sleep(STATS_SECONDS)
		spent, runs = program_stats(run.pid)
	return trip, spent / max(runs, 1)


def measure(target, other, cpu):
	"""One round: name to (ns a round trip, ns a run of the program)."""
	figures = {"nothing": (target.trip_ns(), 0)}
	for name, pid in (("flametap, another process", other), ("flametap, the target", target.run.pid)):
		with b.Run([b.FLAMETAP, "offcpu", "-v", "-p", str(pid), "-o", "waits.folded"], cpu, stderr=subprocess.PIPE) as run:
			with run.process.stderr:
				run.wait_text(run.process.stderr, "counting")
				figures[name] = beside(target, run)
				run.process.kill()
				run.process.wait()
	if shutil.which("bpftrace"):
		with b.Run(["bpftrace", "-e", BPFTRACE.replace("PID", str(target.run.pid))], cpu, stdout=subprocess.PIPE) as run:
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
	bounds = {"flametap, another process": 60, "flametap, the target": 5000}
	for name in rounds[0]:
		trips = [figures[name][0] for figures in rounds if name in figures]
		# Both of a round trip's switches, against the same round's trips without anything.
		added = b.median([(figures[name][0] - figures["nothing"][0]) / 2 for figures in rounds])
		inside = b.median([figures[name][1] for figures in rounds])
		bound = bounds.get(name)
		rows.append([name, len(trips), f"{b.median(trips):.0f}", f"{added:.0f}", f"{b.spread(trips) / 2:.0f}", f"{inside:.0f}",
			     f"<= {bound} {b.mark(added, bound)}" if bound else ""])
	b.table(["two threads on one CPU, and", "rounds", "ns/round trip", "added ns/switch", "+-", "ns/run inside", "asked"], rows)
	b.note_load()


if __name__ == "__main__":
	main()
