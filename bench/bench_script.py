#!/usr/bin/env python3
"""What scripts cost: how soon they are armed, each event, much code, many elements.

Each script counts the system calls of everything while one program makes them as fast as it can. The time inside a
program is the kernel's by its BPF statistics, less that of a handler that does nothing, most of which is the statistics'
own. The whole cost is what a system call takes longer while they are off, beside bpftrace's script for the same. All of
it runs with real-time priority, and a system call takes what it took in the best of many short windows, before a script and
with it: so others that use the machine at the same time count little.

The program is started anew for each: once a tracer has ended, the kernel (RCU tasks trace) takes 20 ns more at each traced
system call of processes that were there, whoever traces them next.
"""
import mmap
import os
import re
import statistics
import struct
import subprocess
import time

import benchlib as b
from bench_unwind import Stats, descriptors

ROUNDS = 9
WINDOWS = 20
WINDOW_SECONDS = 0.02
PRIORITY = 10  # of SCHED_FIFO
STATS_SECONDS = 0.3
START_ROUNDS = 9
POINT = 'kernel.trace("sys_enter")'
TRACEPOINT = "tracepoint:raw_syscalls:sys_enter"
# name, globals, handler, nanoseconds asked for, bpftrace's handler for the same
SCRIPTS = (
	("nothing", "", "next", None, None),
	("c++", "global c", "c++", 10, None),
	("c[pid()]++", "global c", "c[pid()]++", 100, "@[pid] = count();"),
	("s[execname()] <<< 1", "global s", "s[execname()] <<< 1", 140, "@[comm] = count();"),
	("@hist_log(h)", "global h", "h <<< $id", 60, "@ = hist(args->id);"),
	("bts[ubacktrace()] <<< 1", "global bts", "if (pid() == target()) bts[ubacktrace()] <<< 1", None, "@[ustack] = count();"),
)
ENDS = {
	"s[execname()] <<< 1": "probe end { foreach (name in s-) println(name, @count(s[name])) }",
	"@hist_log(h)": "probe end { print(@hist_log(h)) }",
}


class Target:
	"""The program, on a CPU of its own; how fast it is."""

	def __init__(self):
		cpus = sorted(os.sched_getaffinity(0))
		self.run = b.Run([b.compile_bench("syscalls.c"), "count"], str(cpus[-1]))
		time.sleep(0.3)
		with open("count", "rb") as file:
			self.count = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)

	def window_ns(self):
		begin, count = time.monotonic(), struct.unpack("Q", self.count[:8])[0]
		time.sleep(WINDOW_SECONDS)
		return (time.monotonic() - begin) * 1e9 / max(struct.unpack("Q", self.count[:8])[0] - count, 1)

	def call_ns(self):
		return min(self.window_ns() for _ in range(WINDOWS))


class Script(b.Run):
	"""flametap with a script; armed when the constructor returns. Prints into a file."""

	def __init__(self, text, *args, starter=()):
		self.out = open("script.out", "w+b")
		super().__init__([*starter, b.FLAMETAP, "run", *args, "-e", text], stdout=self.out)
		end = time.monotonic() + 20
		while time.monotonic() < end and self.process.poll() is None:
			if os.path.getsize("script.out"):
				return
			time.sleep(0.002)
		self.__exit__()
		raise RuntimeError(f"the script '{text}' was not armed: {self.said()}")

	def __exit__(self, *args):
		if not self.messages.closed:
			super().__exit__(*args)
		self.out.close()


def text_of(entry):
	name, names, handler, _, _ = entry
	return f'{names} probe {POINT} {{ {handler} }} probe timer.s(1000) {{ println("") }} ' \
	       f'probe begin {{ println("armed") }} {ENDS.get(name, "")}'


def run_ns(pid):
	"""Nanoseconds that each run of the busiest program takes."""
	def sums():
		return {f["prog_id"]: (int(f["run_time_ns"]), int(f["run_cnt"])) for f in descriptors(pid) if "run_cnt" in f}
	with Stats():
		before = sums()
		time.sleep(STATS_SECONDS)
		after = sums()
	spent = [(after[p][0] - before.get(p, (0, 0))[0], after[p][1] - before.get(p, (0, 0))[1]) for p in after]
	time_ns, runs = max(spent, key=lambda s: s[1])
	return time_ns / max(runs, 1)


def measure_events(bpftrace):
	inside, added, peers, alone = {}, {}, {}, []

	def measure(costs, name, trace):
		target = Target()
		with target.run:
			alone.append(target.call_ns())
			costs.setdefault(name, []).append(trace(target) - alone[-1])

	for _ in range(ROUNDS):
		for entry in SCRIPTS:
			name, peer = entry[0], entry[4]

			def ours(target):
				with Script(text_of(entry), "-x", str(target.run.pid)) as script:
					time.sleep(0.1)
					took = target.call_ns()
					inside.setdefault(name, []).append(run_ns(script.pid))
					script.stop()
				return took

			def theirs(target):
				by_pid = f"/pid == {target.run.pid}/" if "ustack" in peer else ""
				with b.Bpftrace(f"{TRACEPOINT} {by_pid} {{ {peer} }}") as run:
					time.sleep(0.2)
					took = target.call_ns()
					run.finish(os.devnull)
				return took

			measure(added, name, ours)
			if peer and bpftrace:
				measure(peers, name, theirs)
	nothing = statistics.median(inside["nothing"])
	print(f"a system call alone: {statistics.median(alone):.0f} ns")
	print(f"{'script':26} {'ns inside':>10} {'asked':>6} {'ns added':>9} {'bpftrace':>9} {'ratio':>6} (asked: 0.33)")
	for name, _, _, asked, _ in SCRIPTS:
		spent = statistics.median(inside[name]) - (nothing if name != "nothing" else 0)
		cost, peer = statistics.median(added[name]), statistics.median(peers.get(name, [0]))
		beside = f"{peer:9.0f} {cost / peer:6.3f}" if peer else ""
		print(f"{name:26} {spent:10.1f} {asked or '':>6} {cost:9.0f} {beside}{'  over' if asked and spent > asked else ''}")


def armed_ms(command):
	"""Milliseconds up to the time that a command prints once everything is armed."""
	begin = time.time_ns()
	out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=60).stdout
	return (int(re.findall(rb"\d{15,}", out)[0]) - begin) / 1e6


def measure_start(bpftrace):
	"""The command of -c is started when all is armed; what it takes itself is measured, too."""
	ways = {"date alone": ["date", "+%s%N"]}
	for name, text in (("c[pid()]++", f"global c probe {POINT} {{ c[pid()]++ }}"),
			   ("by $args (BTF)", f"global h probe {POINT} {{ h <<< $id }} probe end {{ print(@hist_log(h)) }}"),
			   ("timer.profile with stacks", "global b probe timer.profile { b[ubacktrace()] <<< 1 }")):
		ways[name] = [b.FLAMETAP, "run", "-o", os.devnull, "-c", "date +%s%N", "-e", text]
	if bpftrace:
		ways["bpftrace, @[pid] = count()"] = ["bpftrace", "-c", "/bin/date +%s%N", "-e", f"{TRACEPOINT} {{ @[pid] = count(); }}"]
	took = {name: [] for name in ways}
	for _ in range(START_ROUNDS):
		for name, command in ways.items():
			took[name].append(armed_ms(command))
	print("\nfrom start to armed, ms (asked: 10; 40 with BTF)")
	for name, times in took.items():
		print(f"{name:28} {statistics.median(times):6.1f}   {' '.join('%.1f' % t for t in times)}")


def measure_load():
	"""A handler of 20,000 instructions and more."""
	lines = "\n".join(f"\tif (a == {i}) {{ b += {i} * a; c[{i}, a] += b }} else b -= a" for i in range(720))
	text = f'global c, b probe {POINT} {{ a = $id\n{lines} }} probe begin {{ println("armed") }}'
	code = subprocess.run([b.FLAMETAP, "run", "--dump=bpf", "-e", text], stdout=subprocess.PIPE, check=True).stdout
	arm, compile_only = [], []
	for _ in range(5):
		arm.append(armed_ms([b.FLAMETAP, "run", "-o", os.devnull, "-c", "date +%s%N", "-e", text]))
		begin = time.monotonic()
		subprocess.run([b.FLAMETAP, "run", "-p4", "-o", os.devnull, "-e", text], stdout=subprocess.DEVNULL, check=True)
		compile_only.append((time.monotonic() - begin) * 1e3)
	armed, compiled = statistics.median(arm), statistics.median(compile_only)
	print(f"\na handler of {len(code.splitlines())} instructions: armed in {armed:.1f} ms, {compiled:.1f} of them compiling "
	      f"and {armed - compiled:.1f} loading (asked: 100)")


def measure_elements():
	"""A million elements that the kernel counts, printed by their value at the end; and the memory that needs."""
	text = f'global c, n probe {POINT} {{ if (n < 1000000) c[n++] = n }} probe begin {{ println("armed") }} ' \
	       'probe end { foreach (k in c- limit 10) println(k, " ", c[k]) }'
	with Script(text, "-DMAXMAPENTRIES=1000000") as script:
		time.sleep(4)
		took = script.stop()
		with open("script.out", encoding="ascii") as file:
			lines = file.read().split("\n")
	print(f"\n1,000,000 elements, report by value: {took:.2f} s (asked: 2); {lines[1]}")
	with Script(text_of(SCRIPTS[3]), starter=b.peak_starter()) as script:
		time.sleep(0.5)
		script.stop()  # which peak passes on
	print(f"peak memory of s[execname()] <<< 1: {b.read_peak()[1] / 1e6:.1f} MB (asked: 15)")


def main():
	b.need_root()
	os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
	bpftrace = bool(b.have("bpftrace"))
	measure_events(bpftrace)
	with Target().run:
		measure_elements()
	measure_start(bpftrace)
	measure_load()


main()
