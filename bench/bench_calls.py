#!/usr/bin/env python3
"""What it costs to count or to trace the system calls of programs that are busy with them.

Each program runs alone, while all system calls are counted by their name, while they are traced with arguments
(flametap run syscall-trace), and under strace, one after the other. CPU time of the program, which others on the machine
change little, and the time by the clock, which also shows whether the tracer keeps up. dd with bs=1 does nothing but
system calls, of 0.2 us each: the worst there can be.
"""
import os
import resource
import statistics
import subprocess
import sys
import time

import benchlib as b

ROUNDS = 5
COUNT = "global c probe syscall_any { c[name]++ }"
COUNT_ASKED, TRACE_ASKED = 1.05, 2
PROGRAMS = (
	("find -size", "for i in 1 2 3; do find tree -size +2k; done"),
	("tar", "for i in 1 2; do tar cf - tree | cat; done"),
	("git status", "cd tree; for i in 1 2 3; do git status; done"),
	("gcc -c", "gcc -O2 -c -o x.o x.c"),
	("dd bs=1", "dd if=/dev/zero of=/dev/null bs=1 count=100000 status=none"),
)
INNER = """import resource, subprocess, sys, time
begin = time.monotonic()
subprocess.run(sys.argv[1], shell=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
took, used = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
open("took", "w").write(f"{took} {used.ru_utime + used.ru_stime}")
"""


def make_files():
	for folder in range(60):
		os.makedirs(f"tree/{folder}", exist_ok=True)
		for name in range(50):
			with open(f"tree/{folder}/{name}", "w", encoding="ascii") as file:
				file.write("x" * 1000)
	with open("x.c", "w", encoding="ascii") as file:
		file.write("#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n" +
			   "".join(f"int f{i}(int n) {{ return n * {i} + printf(\"%d\", n); }}\n" for i in range(300)))
	git = ["git", "-C", "tree", "-c", "user.name=x", "-c", "user.email=x"]
	for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
		subprocess.run([*git, *words], check=True)
	with open("inner.py", "w", encoding="ascii") as file:
		file.write(INNER)


def run(way, program):
	"""Seconds by the clock, and of CPU time."""
	inner = [sys.executable, "inner.py", program]
	text = f"{sys.executable} inner.py '{program}'"
	argv = {"alone": inner,
		"counted": [b.FLAMETAP, "run", "-o", os.devnull, "-e", COUNT, "-c", text],
		"traced": [b.FLAMETAP, "run", "-o", os.devnull, "syscall-trace", "-c", text],
		"strace -f": ["strace", "-f", "-o", os.devnull, *inner]}[way]
	subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
	with open("took", encoding="ascii") as file:
		return [float(word) for word in file.read().split()]


def main():
	b.need_root()
	ways = ["alone", "counted", "traced", *(["strace -f"] if b.have("strace") else [])]
	make_files()
	rows = []
	for name, program in PROGRAMS:
		ratios = {way: ([], []) for way in ways}
		for _ in range(ROUNDS):
			alone = run("alone", program)
			for way in ways[1:]:
				for at, figure in enumerate(run(way, program)):
					ratios[way][at].append(figure / max(alone[at], 1e-6))
		row = [name]
		for way in ways[1:]:
			clock, cpu = (statistics.median(figures) for figures in ratios[way])
			row.append(f"{clock:.2f} ({cpu:.2f})")
			if way == "counted":
				row.append(b.mark(cpu, COUNT_ASKED))
			elif way == "traced":
				row.append(b.mark(cpu, TRACE_ASKED))
		rows.append(row)
	b.table(["clock (CPU) against alone", "counted", "1.05", "traced", "2", *ways[3:]], rows)
	b.note_load()


main()
