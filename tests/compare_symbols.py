#!/usr/bin/env python3
"""compare_symbols.py [-n COUNT] FILE...: flametap symbolize against eu-addr2line and llvm-symbolizer.

COUNT random addresses of each file's text (1000) are looked up by all three, inlined calls
included. Where the two peers agree on all names of a chain, so must flametap, for 99.9 % of the
addresses of each file; the first differences are printed. The innermost line is compared, too.
Where the peers differ, it is counted why: "outermost only", eu-addr2line of elfutils 0.188 has no inlined
calls there (clang's units without .debug_aranges); "plain name", it has the plain name of a function that
has no linkage name in its debug information, and llvm-symbolizer the ELF symbol's; "other".
FLAMETAP is the program.
"""
import argparse
import collections
import os
import random
import re
import subprocess
import sys

BATCH = 2000  # addresses on one command line of eu-addr2line, which does not flush between answers
STOP = 0xFFFFFFFFFFFFFF00  # in no file: its answer tells where the one before ends


def text_addresses(path, count):
    """Random addresses in .text, the same in every run."""
    out = subprocess.run(["readelf", "-SW", path], capture_output=True, text=True, check=True).stdout
    match = re.search(r" \.text +PROGBITS +([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+)", out)
    start, size = int(match[1], 16), int(match[2], 16)
    chooser = random.Random(1)
    return [start + chooser.randrange(size) for _ in range(count)]


def ours(path, addresses):
    """Chains of (name, line), innermost first, by address."""
    lines = "".join(f"{a:x}\n" for a in addresses)
    out = subprocess.run(
        [os.environ["FLAMETAP"], "symbolize", "-e", path, "--no-demangle"],
        input=lines, capture_output=True, text=True, check=True,
    ).stdout
    chains, chain = [], []
    for line in out.splitlines():
        _, name, place, inlined = line.split("\t")
        chain.append((name, line_of(place)))
        if not inlined:
            chains.append(chain)
            chain = []
    return chains


def line_of(place):
    """The line in FILE:LINE[:COLUMN][ (discriminator N)]; 0 for none."""
    match = re.match(r".*?:(\d+|\?)(:\d+)?( \(.*\))?$", place)
    return int(match[1]) if match and match[1] != "?" else 0


def elfutils(path, addresses):
    chains = []
    for at in range(0, len(addresses), BATCH):
        batch = []
        for address in addresses[at : at + BATCH]:
            batch += [hex(address), hex(STOP)]
        out = subprocess.run(
            ["eu-addr2line", "-fi", "-e", path, *batch], capture_output=True, text=True, check=False
        ).stdout.splitlines()
        chain = []
        for name, place in zip(out[::2], out[1::2]):
            if name == "??" and place.startswith("??:0") and chain:
                chains.append(chain)
                chain = []
            elif name == "??" and place.startswith("??:0"):
                chain.append((name, 0))
            else:
                chain.append((name.split(" inlined at ")[0], line_of(place)))
        if chain:
            chains.append(chain)
    return chains


def llvm(path, addresses):
    lines = "".join(f"{hex(a)}\n" for a in addresses)
    out = subprocess.run(
        ["llvm-symbolizer", "--no-demangle", "-i", "-e", path],
        input=lines, capture_output=True, text=True, check=True,
    ).stdout
    chains = []
    for answer in out.rstrip("\n").split("\n\n"):
        rows = answer.split("\n")
        chains.append([(n, line_of(p)) for n, p in zip(rows[::2], rows[1::2])])
    return chains


def names(chain):
    """Names without gcc's marks: eu-addr2line and flametap have them from DWARF, which has no marks."""
    return [re.sub(r"(\.(cold|isra|part|constprop|lto_priv)(\.\d+)?)+$", "", name) for name, _ in chain]


def why_peers_differ(eu, ll):
    """The kind of a difference between the names of eu-addr2line and llvm-symbolizer."""
    if len(eu) < len(ll) and (eu == ll[-len(eu) :] or eu == ["??"]):
        return "outermost only"
    if len(eu) == len(ll) and all(a == b or not re.match("_[ZRD]", a) for a, b in zip(eu, ll)):
        return "plain name"
    return "other"


def compare(path, count, shown):
    addresses = text_addresses(path, count)
    a, b, c = ours(path, addresses), elfutils(path, addresses), llvm(path, addresses)
    if not len(a) == len(b) == len(c) == count:
        sys.exit(f"{path}: {len(a)}, {len(b)}, {len(c)} answers to {count} addresses")
    kinds = collections.Counter()
    for address, mine, eu, ll in zip(addresses, a, b, c):
        kinds["as elfutils"] += names(mine) == names(eu)
        kinds["as llvm"] += names(mine) == names(ll)
        if names(eu) != names(ll):
            kinds["peers differ"] += 1
            kinds[why_peers_differ(names(eu), names(ll))] += 1
            continue
        kinds["agree"] += 1
        kinds["equal"] += names(mine) == names(eu)
        if eu[0][1] == ll[0][1]:
            kinds["lines agree"] += 1
            kinds["lines equal"] += mine[0][1] == eu[0][1]
        if names(mine) != names(eu) and shown > 0:
            shown -= 1
            print(f"  {address:#x}\n    flametap {mine}\n    peers    {eu}")
    good = kinds["equal"] >= 0.999 * kinds["agree"] and kinds["agree"] > 0
    good = good and kinds["lines equal"] >= 0.999 * kinds["lines agree"]
    differ = ", ".join(f"{kinds[why]} {why}" for why in ("outermost only", "plain name", "other") if kinds[why])
    print(
        f"{'ok ' if good else 'BAD'} {os.path.basename(path)}: {kinds['equal']} of {kinds['agree']} "
        f"where the peers agree, {kinds['lines equal']} of {kinds['lines agree']} lines; of all "
        f"{count}: {kinds['as elfutils']} as eu-addr2line, {kinds['as llvm']} as llvm-symbolizer"
        f"{'; the peers differ: ' if differ else ''}{differ}"
    )
    return good, kinds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=1000)
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    results = [compare(path, options.n, options.show) for path in options.files]
    total = sum((kinds for _, kinds in results), collections.Counter())
    print(
        f"{options.n * len(results)} addresses of {len(results)} files: {total['equal']} of {total['agree']} equal "
        f"({100 * total['equal'] / total['agree']:.3f} %); {total['as llvm']} as llvm-symbolizer"
    )
    sys.exit(0 if all(good for good, _ in results) else 1)


if __name__ == "__main__":
    main()
