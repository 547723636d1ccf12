#!/usr/bin/env python3
"""Addresses to names, inlined calls and lines: how fast, beside llvm-symbolizer, eu-addr2line and addr2line.

The program is C++ made of templates (gen_templates.py), with more than 50 MB of DWARF. Warm figures are
of the addresses beyond the first 100,000, which have everything read. Speed is marked, not checked.
"""
import os
import random
import re
import subprocess
import sys
import time

import benchlib as b

UNITS = 16
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


def build():
	"""Compiles the program into the current folder; 2 units at a time."""
	subprocess.run([sys.executable, os.path.join(b.SOURCE, "bench", "gen_templates.py"), ".", str(UNITS)], check=True)
	names = [*(f"unit{i}" for i in range(UNITS)), "main"]
	subprocess.run(["xargs", "-P2", "-I{}", "g++", "-std=c++17", "-O2", "-g", "-c", "{}.cc"],
		       input="\n".join(names).encode(), check=True)
	subprocess.run(["g++", "-o", "big", *(f"{name}.o" for name in names)], check=True)
	subprocess.run(["strip", "-g", "-o", "plain", "big"], check=True)


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


def main():
	if not b.have("g++", "readelf", "strip")[2:]:
		b.skip("needs g++ and binutils")
	build()
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
	b.note_load()


main()
