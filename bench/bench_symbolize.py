#!/usr/bin/env python3
"""Addresses to names, inlined calls and lines: how fast, beside llvm-symbolizer, eu-addr2line and addr2line.

The program is C++ made of templates (gen_templates.py), with more than 50 MB of DWARF. Warm figures are
of the addresses beyond the first 100,000, which have everything read. Speed is marked, not checked.

The first answer, and the memory that answers take, are also measured on more than 500 MB of debug information: copies of
the program's units under other names, linked into a file that could not run.
"""
import os
import random
import re
import subprocess
import time

import benchlib as b

BOUND_FIRST_MS = 300
ADDRESSES = 100000
ROUNDS = 3
BOUND_INLINES = 200000
BOUND_ELF = 2000000
BOUND_PEERS = 5
# What the peers are given: they take long.
PEER_ADDRESSES = {"llvm-symbolizer": 20000, "eu-addr2line": 200, "addr2line": 200}
PEERS = {
	"llvm-symbolizer": ["llvm-symbolizer", "-i", "-e"],
	"eu-addr2line": ["eu-addr2line", "-f", "-i", "-e"],
	"addr2line": ["addr2line", "-f", "-i", "-e"],
}


def sections(path):
	"""Address and size of .text, and the bytes of all debug sections."""
	text = subprocess.run(["readelf", "-SW", path], capture_output=True, text=True, check=True).stdout
	rows = re.findall(r"\] (\S+) +\S+ +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)", text)
	sizes = {name: (int(addr, 16), int(size, 16)) for name, addr, size in rows}
	return (*sizes[".text"], sum(size for name, (_, size) in sizes.items() if name.startswith(".debug")))


def seconds(argv, path):
	"""How long a program takes to answer the addresses in a file."""
	with open(path, "rb") as file:
		begin = time.monotonic()
		subprocess.run(argv, stdin=file, stdout=subprocess.DEVNULL, check=True)
		return time.monotonic() - begin


def write(path, addresses):
	with open(path, "w", encoding="ascii") as file:
		file.writelines(f"{address:#x}\n" for address in addresses)


def warm(path):
	"""Addresses a second, of those beyond the first 100,000."""
	argv = [b.FLAMETAP, "symbolize", "-e", path]
	return 10 * ADDRESSES / (seconds(argv, "eleven") - seconds(argv, "one"))


def measure_huge(units, peers):
	"""The first answer, and what answers to more and more addresses take."""
	b.build_huge(units)
	start, size, debug = sections("huge")
	chooser = random.Random(2)
	address = hex(start + size // 2)
	candidates = {"flametap": [b.FLAMETAP, "symbolize", "-e"], **{name: PEERS[name] for name in peers}}
	rows = []
	for name, argv in candidates.items():
		runs = [b.peak([*argv, "huge", address], stdout=subprocess.DEVNULL) for _ in range(ROUNDS)]
		first = b.median([took for took, _ in runs]) * 1000
		rows.append([name, f"{first:.0f} ms", f"{runs[0][1] / 1e6:.0f} MB",
			     b.mark(first, BOUND_FIRST_MS) if name == "flametap" else ""])
	print(f"\n{debug / 1e6:.0f} MB of DWARF")
	b.table(["first answer", "time", "memory", f"<= {BOUND_FIRST_MS} ms"], rows)
	for count in (100, 1000, 10000):
		write("many", [start + chooser.randrange(size) for _ in range(count)])
		with open("many", "rb") as file:
			took, used = b.peak([b.FLAMETAP, "symbolize", "-e", "huge"], stdin=file, stdout=subprocess.DEVNULL)
		print(f"flametap, {count} random addresses: {took:.2f} s, {used / 1e6:.0f} MB")


def main():
	if not b.have("g++", "readelf", "strip")[2:]:
		b.skip("needs g++ and binutils")
	units = b.build_large()
	subprocess.run(["strip", "-g", "-o", "plain", "big"], check=True)
	start, size, debug = sections("big")
	chooser = random.Random(1)
	addresses = [start + chooser.randrange(size) for _ in range(ADDRESSES)]
	write("one", addresses)
	write("eleven", addresses * 11)
	print(f"{debug / 1e6:.0f} MB of DWARF")
	found = b.have(*PEERS)
	rates = {}
	for _ in range(ROUNDS):
		rates.setdefault("flametap, inlined calls, warm", []).append(warm("big"))
		rates.setdefault("flametap, ELF symbols, warm", []).append(warm("plain"))
		rates.setdefault("flametap, inlined calls, from the start", []).append(
			ADDRESSES / seconds([b.FLAMETAP, "symbolize", "-e", "big"], "one"))
		for name in found:
			write("few", addresses[:PEER_ADDRESSES[name]])
			rates.setdefault(name, []).append(PEER_ADDRESSES[name] / seconds([*PEERS[name], "big"], "few"))
	medians = {name: b.median(numbers) for name, numbers in rates.items()}
	fastest = max((medians[name] for name in found), default=0)
	bounds = {"flametap, inlined calls, warm": max(BOUND_INLINES, BOUND_PEERS * fastest),
		  "flametap, ELF symbols, warm": BOUND_ELF}
	b.table(["", "addresses/s", "bound", ""],
		[[name, f"{rate:,.0f}", f"{bounds[name]:,.0f}" if name in bounds else "",
		  b.mark(rate, bounds[name], least=True) if name in bounds else ""]
		 for name, rate in medians.items()])
	first = b.median([b.peak([b.FLAMETAP, "symbolize", "-e", "big", hex(addresses[0])], stdout=subprocess.DEVNULL)[0]
			  for _ in range(5)])
	print(f"first answer: {first * 1000:.0f} ms")
	measure_huge(units, found)
	b.note_load()


main()
