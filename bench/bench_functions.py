#!/usr/bin/env python3
"""What a probe of a function costs, beside gdb, ltrace and bpftrace.

A program calls functions as fast as it can and prints how long each call takes; what it takes more while it is traced is
the probe's cost. Of each kind of function, by its first instruction: one that the kernel emulates (a push), one where
that comes next (a test, and a jump), none at all, and a function of a library that is called through the linker's table.
"""
import os
import statistics
import subprocess

import benchlib as b

ROUNDS = 3
CALLS = {"flametap": 60000, "bpftrace": 20000, "gdb": 400, "ltrace": 1000}
FUNCTIONS = ("pushes", "tests", "leaf", "library")
# way, nanoseconds asked for
WAYS = (("flametap, counted by key", 1200), ("flametap, entry and return, histogram", 2500), ("bpftrace, counted by key", None),
	("bpftrace, entry and return, histogram", None), ("gdb, breakpoint that goes on", None), ("ltrace -c", None))


def places(function):
	"""The file, and the function in it."""
	return (libc(), "strtol") if function == "library" else (os.path.abspath("called"), function)


def libc():
	for line in subprocess.run(["ldd", "./called"], stdout=subprocess.PIPE, check=True, text=True).stdout.split("\n"):
		if "libc.so" in line:
			return os.path.realpath(line.split()[2])
	raise RuntimeError("called has no libc.so")


def command(way, function):
	file, name = places(function)
	called = f"{os.path.abspath('called')} {CALLS[way.split(',')[0].split()[0]]}"
	point = f'process("{file}").function("{name}")'
	if way.startswith("flametap, counted"):
		return [b.FLAMETAP, "run", "-o", os.devnull, "-c", called, "-e", f"global c probe {point} {{ c[tid()]++ }}"]
	if way.startswith("flametap"):
		return [b.FLAMETAP, "run", "-o", os.devnull, "-c", called, "-e",
			f"global t, h probe {point} {{ t[tid()] = gettimeofday_ns() }} "
			f"probe {point}.return {{ h <<< gettimeofday_ns() - t[tid()] }} probe end {{ print(@hist_log(h)) }}"]
	if way.startswith("bpftrace, counted"):
		return ["bpftrace", "-c", called, "-e", f"uprobe:{file}:{name} {{ @[tid] = count(); }}"]
	if way.startswith("bpftrace"):
		return ["bpftrace", "-c", called, "-e", f"uprobe:{file}:{name} {{ @t[tid] = nsecs; }} "
			f"uretprobe:{file}:{name} /@t[tid]/ {{ @ = hist(nsecs - @t[tid]); }}"]
	if way.startswith("gdb"):
		return ["gdb", "-q", "-nx", "-batch", "-ex", "set breakpoint pending on", "-ex", f"break {name}", "-ex",
			"ignore 1 1000000000", "-ex", "run", "--args", *called.split()]
	return ["ltrace", "-c", "-o", os.devnull, *([] if function == "library" else ["-L", "-x", name]),
		*(["-e", "strtol"] if function == "library" else []), *called.split()]


def call_ns(argv, function):
	"""Nanoseconds of a call, as the program says; None where the tracer did not let it run."""
	out = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False,
			     timeout=300, text=True).stdout
	for line in out.split("\n"):
		words = line.split()
		if len(words) == 2 and words[0] == function:
			return float(words[1])
	return None


def main():
	b.need_root()
	b.compile_bench("called.c", "-fomit-frame-pointer", "-momit-leaf-frame-pointer")
	found = ["flametap", *b.have("gdb", "ltrace", "bpftrace")]
	ways = [(way, asked) for way, asked in WAYS if way.split(",")[0].split()[0] in found]
	took = {}
	for _ in range(ROUNDS):
		for function in FUNCTIONS:
			alone = call_ns([os.path.abspath("called"), "100000"], function)
			for way, _ in ways:
				with_tracer = call_ns(command(way, function), function)
				if with_tracer is not None:
					took.setdefault((way, function), []).append(with_tracer - alone)
	rows = []
	for way, asked in ways:
		figures = [statistics.median(took[way, f]) if (way, f) in took else None for f in FUNCTIONS]
		rows.append([way, *(f"{n:.0f}" if n is not None else "-" for n in figures), asked or "",
			     b.mark(figures[0], asked) if asked and figures[0] is not None else ""])
	b.table(["added to a call, ns", "push", "test, jump", "neither", "in libc", "asked", "push"], rows)
	b.note_load()


main()
