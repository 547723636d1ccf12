#!/usr/bin/env python3
"""Whether flametap and perf record see the same: shares of self time of the hottest functions of real programs.

  compare_perf.py [-v] [NAME...]     without names: every program below that is installed

Each program is recorded twice: by both at the same moment, and by one after the other, which shows how far two recordings
of the program differ at all. Compared are shares by (module, function) of the ten hottest in either; code without a name,
or with one that only one of them knows, is one function per module. Not among the benchmarks: what programs do in a second differs too much for a verdict.
"""
import argparse
import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import benchlib as b

SECONDS = 3
HERTZ = 999
TOP = 10

PYTHON = """
import json, re
def parse(n):
	return [json.loads(json.dumps({"a": list(range(n)), "b": str(i)})) for i in range(20)]
def match(text):
	return re.findall(r"[a-z]+(\\d+)", text)
while True:
	parse(50)
	match("abc123 def456 " * 200)
	sorted(str(i) for i in range(2000))
"""
PERL = r"""
while (1) { my %h; for my $i (1..20000) { $h{$i % 977} .= "x$i "; }
  my $n = 0; for (sort keys %h) { $n++ while $h{$_} =~ /x(\d+) /g } }
"""
NODE = """
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
for (;;) { fib(20); JSON.parse(JSON.stringify(Array.from({length: 2000}, (_, i) => ({i, s: String(i)}))));
  [...Array(5000).keys()].map(String).sort(); }
"""
SQLITE = """
create table t(a integer, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000)
insert into t select i % 1009, 'row ' || i, i * 0.5 from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000000)
select count(*) from (select n.i, (select count(*) from t where t.a = n.i % 1009 and t.b like '%9' || n.i % 10) from n);
"""


class Load:
	"""Programs that keep a target busy, ended together with it."""

	def __init__(self):
		self.runs = []

	def start(self, *argv, **popen):
		"""Starts one; returns its run."""
		run = b.Run(list(argv), **popen)
		self.runs.append(run)
		return run

	def end(self):
		"""Ends them all, the last first."""
		for run in reversed(self.runs):
			run.__exit__()


def endless_c(path, functions):
	"""C code that takes the compiler a while."""
	with open(path, "w", encoding="ascii") as file:
		for i in range(functions):
			file.write(f"int f{i}(int *a, int n) {{ int s = {i}; for (int i = 0; i < n; i++) {{ if (a[i] % {i + 2}) "
				   f"s += a[i] * {i}; else switch (a[i] & 7) {{ case 0: s ^= n; break; case 3: s -= a[i ^ 1]; "
				   f"break; case 5: return s; default: s *= 3; }} }} return s; }}\n")


def start_cc1(load):
	"""The compiler proper, without the driver, whose process does nothing."""
	endless_c("big.c", 30000)
	path = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True, check=True).stdout.strip()
	return load.start(path, "-quiet", "-O2", "big.c", "-o", "/dev/null").pid


def start_xz(load):
	"""Compresses what does not end."""
	with open("input", "wb") as file:
		for number in range(2000000):
			file.write(b"line %d of a file, %x\n" % (number, number * 2654435761 % 2 ** 32))
	return load.start("xz", "-9", "-T1", "-c", "input").pid


def start_sqlite3(load):
	"""A query without an index."""
	return load.start("sqlite3", ":memory:", SQLITE).pid


def start_redis(load):
	"""A server under the benchmark that comes with it."""
	server = load.start("redis-server", "--port", "0", "--unixsocket", os.path.abspath("redis.sock"), "--save", "")
	time.sleep(0.5)
	load.start("redis-benchmark", "-s", os.path.abspath("redis.sock"), "-l", "-q", "-P", "16", "-t", "set,get,lpush")
	return server.pid


NGINX = """
daemon off; master_process off; pid nginx.pid; error_log /dev/null; events { }
http { access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fast; uwsgi_temp_path uwsgi;
 scgi_temp_path scgi; server { listen 127.0.0.1:18099; root .; gzip on; gzip_types *; } }
"""


def start_nginx(load):
	"""One process that serves a file, packed, to ab."""
	with open("nginx.conf", "w", encoding="ascii") as file:
		file.write(NGINX)
	with open("page.txt", "w", encoding="ascii") as file:
		file.writelines(f"{i} bottles of beer\n" for i in range(2000))
	server = load.start("nginx", "-p", os.getcwd(), "-c", os.path.abspath("nginx.conf"))
	time.sleep(0.5)
	load.start("ab", "-q", "-k", "-c", "8", "-t", "60", "-n", "10000000", "-H", "Accept-Encoding: gzip",
		   "http://127.0.0.1:18099/page.txt")
	return server.pid


PROGRAMS = {
	"python3": (["python3"], lambda load: load.start(sys.executable, "-c", PYTHON).pid),
	"perl": (["perl"], lambda load: load.start("perl", "-e", PERL).pid),
	"node": (["node"], lambda load: load.start("node", "--perf-basic-prof", "-e", NODE).pid),
	"xz": (["xz"], start_xz),
	"cc1": (["gcc"], start_cc1),
	"sqlite3": (["sqlite3"], start_sqlite3),
	"redis": (["redis-server", "redis-benchmark"], start_redis),
	"nginx": (["nginx", "ab"], start_nginx),
}


def module_key(path, pid):
	"""A module by its file name; perf has brackets for some."""
	name = os.path.basename(path)
	if name in ("[kernel.kallsyms]", "[guest.kernel.kallsyms]"):
		return "[kernel]"
	if name.startswith((f"perf-{pid}.map", "[anon", "//anon", "anon")) or name in ("", "[unknown]"):
		return "[code]"
	return name


def function_key(name):
	"""A function as both would write it; None when it has no name."""
	name = re.sub(r"\+0x[0-9a-f]+$", "", name)
	if name in ("[unknown]", "") or re.fullmatch(r"\[.*\]", name) or re.fullmatch(r"0x[0-9a-f]+", name):
		return None
	# perf leaves out the versions of dynamic symbols, and of demangled names what the compiler made of the function.
	name = re.sub(r"( \[clone [^]]*\])+$", "", name)
	return re.sub(r"(@plt)|@@?.*$", r"\1", name)


def perf_shares(path, pid):
	"""Self time by function out of a perf.data."""
	text = subprocess.run(["perf", "script", "--no-inline", f"--pid={pid}", "-F", "ip,sym,dso", "-i", path], capture_output=True,
			      check=True).stdout.decode(errors="replace")
	counts = collections.Counter()
	for block in re.split(r"\n\s*\n", text):
		lines = block.strip().splitlines()
		found = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)$", lines[0]) if lines else None
		if found:
			counts[module_key(found[2], pid), function_key(found[1])] += 1
	return shares(counts, sum(counts.values()))


def flametap_shares(table, folded, pid, homes):
	"""Self time by function. Modules stand in the text table, which lists the hottest; for the others homes has them."""
	counts, leaves = collections.Counter(), collections.Counter()
	with open(folded, encoding="utf-8", errors="replace") as file:
		for line in file:
			stack, count = line.rstrip("\n").rsplit(" ", 1)
			leaves[stack.rsplit(";", 1)[-1]] += int(count)
	listed = set()
	with open(table, encoding="utf-8", errors="replace") as file:
		for line in file:
			# Self, its share, total, its share, module, function; at least two blanks behind the module.
			found = re.match(r" *(\d+) +[0-9.]+% +\d+ +[0-9.]+%  (.*?)  +(.*)$", line)
			if found and function_key(found[3]):
				counts[module_key(found[2], pid), function_key(found[3])] += int(found[1])
				listed.add(found[3])
	for leaf, count in leaves.items():
		if function_key(leaf) is None:
			counts[module_key(re.sub(r"\+0x[0-9a-f]+\]$|^\[", "", leaf), pid), None] += count
		elif leaf not in listed:
			counts[homes.get(function_key(leaf), homes[None]), function_key(leaf)] += count
	return shares(counts, sum(leaves.values()))


def shares(counts, total):
	"""Percent of all samples."""
	return {key: 100 * count / total for key, count in counts.items()}, total


def record(pid, both):
	"""Two recordings of the process, at the same moment or one after the other.

	perf records all processes, by events of the CPUs as flametap does: an event of the process alone starts its timer anew
	whenever the process gets the CPU, and then strikes in finish_task_switch far too often.
	"""
	flametap = ["-p", str(pid), "-F", str(HERTZ), "-e", "cpu-clock", "-o", "c.txt", "-o", "c.folded"]
	perf = ["-F", str(HERTZ), "-g", "-e", "cpu-clock", "-a", "-o", "c.data"]
	if both:
		with b.Perf(*perf) as second, b.Flametap(*flametap) as first:
			time.sleep(SECONDS)
			first.stop()
			second.stop()
	else:
		with b.Flametap(*flametap) as first:
			time.sleep(SECONDS)
			first.stop()
		with b.Perf(*perf) as second:
			time.sleep(SECONDS)
			second.stop()
	other, total = perf_shares("c.data", pid)
	homes = {function: module for module, function in other if function}
	# Where a function that only flametap saw belongs, most probably.
	homes[None] = max(other, key=other.get)[0] if other else ""
	return flametap_shares("c.txt", "c.folded", pid, homes), (other, total)


def merge_names(one, other):
	"""Where only one has a name (from a debug file, or an alias of the function), the function counts as nameless there.

	Returns both with common names only, and the names of at least half a percent that only the first, or the other, has.
	"""
	common = one.keys() & other.keys()
	merged = []
	for shares_of in (one, other):
		result = collections.Counter()
		for (module, function), share in shares_of.items():
			# The names of kernel functions have but one source.
			known = (module, function) in common or module == "[kernel]"
			result[module, function if known else None] += share
		merged.append(result)
	alone = [[f"{share:.1f} {key[0]} {key[1]}" for key, share in shares_of.items()
		  if key not in common and key[1] and share >= 0.5] for shares_of in (one, other)]
	return merged[0], merged[1], alone


def difference(left, right):
	"""The largest difference among the hottest functions of either, and rows that show them."""
	hottest = {key for one in (left, right) for key in sorted(one, key=one.get, reverse=True)[:TOP]}
	rows = sorted(((left.get(key, 0), right.get(key, 0), key) for key in hottest), key=lambda row: -max(row[:2]))
	return max((abs(mine - other) for mine, other, _ in rows), default=0), rows


def compare(name, verbose):
	"""The rows of one program."""
	rows = []
	load = Load()
	try:
		pid = PROGRAMS[name][1](load)
		time.sleep(1)
		for both in (True, False):
			(mine, my_total), (other, other_total) = record(pid, both)
			mine, other, alone = merge_names(mine, other)
			worst, details = difference(mine, other)
			widest = max(details, key=lambda row: abs(row[0] - row[1]), default=(0, 0, ("", "")))
			rows.append([name, "together" if both else "in turn", my_total, other_total, f"{worst:.1f}",
				     f"{widest[2][0]} {widest[2][1] or '(no name)'}"[:60], len(alone[0]), len(alone[1])])
			if verbose:
				print(f"-- {name}, {rows[-1][1]}: flametap %, perf %")
				for left, right, (module, function) in details:
					print(f"{left:6.1f} {right:6.1f}  {module} {function or '(no name)'}")
				for who, names in zip(("flametap", "perf"), alone):
					for text in names:
						print(f"  only {who} has: {text}")
	finally:
		load.end()
	return rows


def main():
	"""All programs, then the table."""
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("-v", "--verbose", action="store_true", help="show the functions")
	parser.add_argument("names", nargs="*", help=", ".join(PROGRAMS))
	args = parser.parse_args()
	b.need_root()
	if not shutil.which("perf"):
		b.skip("needs perf")
	rows = []
	with tempfile.TemporaryDirectory() as folder:
		os.chdir(folder)
		for name in args.names or PROGRAMS:
			missing = [need for need in PROGRAMS[name][0] if not shutil.which(need)]
			if missing:
				print(f"{name}: left out, there is no {missing[0]}")
				continue
			try:
				rows += compare(name, args.verbose)
			except RuntimeError as error:
				print(f"{name}: left out, {error}")
		os.chdir("/")
	b.table(["program", "recorded", "flametap", "perf", "worst, points", "where", "names of flametap alone", "of perf alone"], rows)
	b.note_load()
	return 0


if __name__ == "__main__":
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
	raise SystemExit(main())
