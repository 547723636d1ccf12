#!/usr/bin/env python3
"""From the start of a script to the moment when it counts, for points in a program with 500 MB of debug information.

The file is that of bench_symbolize.py, many copies of a program's units, which could not run: probes are attached to it all
the same, those of functions by debug information in each copy. Beside the time, the peak of memory; gdb is asked for a breakpoint.
"""
import subprocess

import benchlib as b

ROUNDS = 3
BOUND_MS = 1000
# what, the point and what its handler does
POINTS = (
	("a function, $x", '.function("c0__Z4run5i") { println($n) }'),
	("the same, its return", '.function("c0__Z4run5i").return { println($return) }'),
	("the same, a type and a variable", '.function("c0__Z4run5i") { println(@cast($n, "mbstate_t")->__count) }'),
	("a function of a namespace", '.function("unit5::words") { n++ }'),
	("inlined calls of a function", '.function("unit5::value<2>::operator<").inline { n++ }'),
	("all functions of a namespace", '.function("unit5::*") { c[ppfunc()]++ }'),
	("all functions of a source file", '.function("*@unit5.cc") { c[ppfunc()]++ }'),
	("the lines of a function", '.statement("words@unit5.cc:*") { n++ }'),
	("lines of any function", '.statement("*@unit5.cc:70-80") { n++ }'),
)


def main():
	b.need_root()
	b.have("g++", "objcopy", "ld")
	b.build_huge(b.build_large())
	took = {}
	for _ in range(ROUNDS):
		for what, point in POINTS:
			argv = [b.FLAMETAP, "run", "-w", "-e", f'global n, c probe process("huge"){point} probe begin {{ exit() }}']
			took.setdefault(what, []).append(b.peak(argv, stdout=subprocess.DEVNULL))
		if b.have("gdb"):
			argv = ["gdb", "-q", "-nx", "-batch", "-ex", "break unit5::words", "huge"]
			took.setdefault("gdb: break unit5::words", []).append(b.peak(argv, stdout=subprocess.DEVNULL))
	rows = []
	for what, runs in took.items():
		ms = b.median([seconds for seconds, _ in runs]) * 1000
		rows.append([what, f"{ms:.0f}", f"{b.median([used for _, used in runs]) / 1e6:.0f}",
			     "" if what.startswith("gdb") else b.mark(ms, BOUND_MS)])
	b.table(["start to armed, and the end", "ms", "peak MB", f"<= {BOUND_MS}"], rows)
	b.note_load()


main()
