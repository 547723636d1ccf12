#!/usr/bin/env python3
"""Whole user stacks without frame pointers: how many there are, what they cost.

  bench_unwind.py [PART...]     parts: cost roots shares perf table memory start; without: all

Every table has the figure asked for beside the one measured. Nothing here fails because the machine is slow; the benchmark
fails when fewer stacks than asked reach their root, or shares differ.
"""
import ctypes
import json
import os
import platform
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

import benchlib as b
import compare_perf as c
import unwind_targets as t

HERTZ = 999
DEPTHS = (10, 30, 100)
COST_SECONDS = {99: 2.2, 4999: 0.8}
COST_IDLE_SECONDS = {99: 1.0, 4999: 0.3}
COST_ROUNDS = 3
START_ROUNDS = 5
SYS_BPF = {"x86_64": 321, "aarch64": 280}
BPF_ENABLE_STATS = 32
# What the table says, by what flametap's quality line says.
SHORT_REASONS = {"cut at the depth limit": "DEPTH", "cut: no unwind information": "NO_TABLE",
		 "cut: unusable unwind information": "BAD_RULE", "cut: stack memory not resident": "FAULT",
		 "cut: JIT code without frame pointers": "JIT", "cut: no room for unwind tables": "NO_ROOM",
		 "cut: mappings not known in time": "NOT_READY",
		 "cut: no frame pointer": "BROKEN_FP", "not walked, as asked": "LEAF_ONLY"}


class Stats:
	"""The kernel counts the time in BPF programs while this descriptor is open, as with kernel.bpf_stats_enabled=1.

	Unlike that switch it is counted, so that others may turn theirs off, and gone with this process however that ends.
	"""

	def __enter__(self):
		number = SYS_BPF.get(platform.machine())
		attr = ctypes.create_string_buffer(struct.pack("I", 0), 128)  # BPF_STATS_RUN_TIME
		libc = ctypes.CDLL(None, use_errno=True)
		self.fd = libc.syscall(number, BPF_ENABLE_STATS, attr, len(attr)) if number else -1
		if self.fd < 0:
			raise RuntimeError("cannot switch on the kernel's BPF statistics")
		return self

	def __exit__(self, *_):
		os.close(self.fd)


def program_stats(pid):
	"""Nanoseconds and runs of the process's BPF program that ran most: that of the samples."""
	programs = {}
	for fields in descriptors(pid):
		if "run_cnt" in fields:
			programs[fields["prog_id"]] = (int(fields["run_time_ns"]), int(fields["run_cnt"]))
	return max(programs.values(), key=lambda program: program[1])


def descriptors(pid):
	"""What the kernel says about the open files of a process, each as a dictionary."""
	folder = f"/proc/{pid}/fdinfo"
	for name in os.listdir(folder):
		with open(os.path.join(folder, name), encoding="ascii") as file:
			yield dict((field.strip() for field in line.split(":", 1)) for line in file if ":" in line)


class Quality:
	"""flametap's quality line."""

	def __init__(self, text):
		found = re.search(r"quality: (\d+) samples; (?:user stacks (\d+): (.*?); )?[0-9.]+ % of frames .*?"
				  r"lost: (.*); cost: ([0-9.]+) %", text)
		if not found:
			raise RuntimeError(f"no quality line in: {text}")
		self.samples, self.stacks = int(found[1]), int(found[2] or 0)
		self.lost, self.cost = found[4], float(found[5])
		self.root, self.reasons, self.blamed = 0.0, [], ""
		ends, _, self.blamed = (found[3] or "").partition(", in ")
		for end in ends.split(", "):
			share, _, reason = end.partition(" % ")
			if reason == "reached their root":
				self.root = float(share)
			elif reason:
				self.reasons.append(f"{SHORT_REASONS.get(reason, reason)} {share}")

	def shown_root(self):
		"""The percentage, which flametap rounds."""
		return "> 99.9" if self.root == 100 and self.reasons else f"{self.root:.1f}"


def kind(text):
	"""A heading between tables."""
	print(f"\n{text}", flush=True)


# Cost


def cost_candidate(name, paths, depth):
	"""The program that is the target, and how to start who samples it, by the candidate's name."""
	target = [paths["without" if name == "flametap" else "with"], str(depth)]

	def start(pid, hertz):
		if name == "get_stackid":
			run = b.Run([paths["stackid"], str(hertz), str(pid)], stderr=subprocess.PIPE)
			run.wait_text(run.process.stderr, "counting")
			return run
		how = ["--unwind", "fp"] if name == "flametap fp" else []
		return b.Flametap("-p", str(pid), "-F", str(hertz), "-e", "cpu-clock", *how, "-o", "cost.folded")

	return target, start


def frames_of(folded):
	"""Frames of the user stacks in folded text, in the median; the first field is the process, kernel frames count too."""
	depths = []
	with open(folded, encoding="utf-8", errors="replace") as file:
		for line in file:
			stack, count = line.rsplit(" ", 1)
			depths += [stack.count(";")] * int(count)
	return b.median(depths)


def cost_run(name, paths, depth, hertz):
	"""One measurement: (ns a sample, samples, frames, ns a sample by the quality line, ns a run beside, percent of runs).

	Runs of the program for other processes, or none, are much cheaper: the second part, in which the target stands still, says
	how cheap. The target has a thread on every CPU and takes precedence, so that there are few of them.
	"""
	argv, start = cost_candidate(name, paths, depth)
	with b.Run(["nice", "-n", "-5", *argv]) as target:
		time.sleep(0.15)
		with start(target.pid, hertz) as run:
			begin = time.monotonic()
			time.sleep(COST_SECONDS[hertz])
			# From here on its samples do not change any more.
			target.process.send_signal(signal.SIGSTOP)
			time.sleep(0.02)
			spent, runs = program_stats(run.pid)
			time.sleep(COST_IDLE_SECONDS[hertz])
			spent_beside, runs_beside = (later - before for later, before in zip(program_stats(run.pid), (spent, runs)))
			seconds = time.monotonic() - begin
			run.stop()
			if name == "get_stackid":
				text = run.process.stderr.read().decode()
				run.process.stderr.close()
				samples, failed, frames = map(int, re.search(r"samples (\d+) failed (\d+) frames (\d+)", text).groups())
				if failed:
					print(f"(get_stackid had no stack for {failed} of {samples} samples)")
				said = 0
			else:
				quality = Quality(run.text)
				samples, frames = quality.samples, frames_of("cost.folded")
				said = quality.cost / 100 * seconds * 1e9 / max(samples, 1)
	beside = spent_beside / max(runs_beside, 1)
	return (spent - (runs - samples) * beside) / max(samples, 1), samples, frames, said, beside, 100 * samples / max(runs, 1)


def part_cost():
	"""Nanoseconds a sample, in turn with the peer."""
	kind("1. Cost of a sample, by the kernel's statistics of the whole BPF program")
	paths = {"with": t.build("bench/depth.c", "depth_with", *t.WITH_FP),
		 "without": t.build("bench/depth.c", "depth_without", *t.WITHOUT_FP),
		 "stackid": b.compile_bench("stackid_prog.c", "-lbpf")}
	names = ("flametap", "get_stackid", "flametap fp")
	rows = []
	with Stats():
		for hertz in COST_SECONDS:
			for depth in DEPTHS:
				rows += cost_rows(names, paths, depth, hertz)
	b.table(["rate, depth", "sampler", "frames", "samples", "% of runs", "ns/run beside", "ns/sample", "+-", "ns/frame",
		 "cost line", "ratio", "asked"], rows)
	return True


def cost_rows(names, paths, depth, hertz):
	"""The rows of a depth and rate."""
	figures = {name: [] for name in names}
	for _ in range(COST_ROUNDS):
		for name in names:
			figures[name].append(cost_run(name, paths, depth, hertz))
	peer = b.median([ns for ns, *_ in figures["get_stackid"]])
	rows = []
	for name in names:
		ns, samples, frames, said, beside, share = (b.median(column) for column in zip(*figures[name]))
		rows.append([f"{hertz} Hz, {depth}", name, f"{frames:.0f}", f"{samples:.0f}", f"{share:.0f}", f"{beside:.0f}", f"{ns:.0f}",
			     f"{b.spread([figure[0] for figure in figures[name]]):.0f}", f"{ns / max(frames, 1):.0f}",
			     f"{said:.0f}" if said else "", f"{ns / peer:.2f}" if peer else "",
			     f"<= 1.00 {b.mark(ns, peer)}" if name == "flametap" and peer else ""])
	return rows


# Roots


def root_row(name, quality, least):
	"""The row of a program; whether it holds."""
	holds = least is None or quality.root >= least
	return [name, quality.samples, quality.stacks, quality.shown_root(),
		"-" if least is None else f">= {least} {b.mark(quality.root, least, least=True)}",
		", ".join(quality.reasons) + (f" in {quality.blamed}" if quality.blamed else ""),
		"" if quality.lost == "nothing" else quality.lost[:60]], holds


def root_program(program):
	"""Its row, and whether that holds."""
	load = c.Load()
	try:
		pid = program.start(load)
		time.sleep(program.warm)
		if load.runs[0].process.poll() is not None:
			return [program.name, "has ended at once: " + load.runs[0].said()[:80]], False
		with b.Flametap("-p", str(pid), "-F", str(HERTZ), "-e", "cpu-clock", "-o", "roots.folded") as run:
			time.sleep(program.seconds)
			run.stop()
		return root_row(program.name, Quality(run.text), program.least)
	finally:
		load.end()


def root_job():
	"""The parallel build, from its first moment; all its processes."""
	argv = [b.FLAMETAP, "cpu", "-F", str(HERTZ), "-e", "cpu-clock", "-o", "roots.folded", "--", *t.compile_job(60)]
	# A session of its own, so that its processes can be ended with it.
	with b.Run(argv, start_new_session=True) as run:
		try:
			run.process.wait(120)
			return root_row("gcc job, make -j4", Quality(run.said()), 99.5)
		finally:
			if run.process.poll() is None:
				os.killpg(run.pid, signal.SIGKILL)


def part_roots():
	"""All programs and the build."""
	kind(f"2. Stacks that reached their root, in percent, at {HERTZ} Hz")
	rows, good = [], True
	for program in t.PROGRAMS:
		lacking = t.missing(program)
		if lacking:
			print(f"({program.name}: left out, there is no {lacking[0]})")
			continue
		row, holds = root_program(program)
		print(f"({program.name}: {row[3] if len(row) > 3 else row[1]})", flush=True)
		rows.append(row)
		good = good and holds
	if shutil.which("make") and shutil.which("gcc"):
		for _ in range(2):
			row, holds = root_job()
			print(f"({row[0]}: {row[3]})", flush=True)
			rows.append(row)
			good = good and holds
	b.table(["program", "samples", "user stacks", "root %", "asked", "other ends, %", "lost"],
		[row + [""] * (7 - len(row)) for row in rows])
	return good


# Shares


def inclusive(folded):
	"""Share of samples below each path_ function, in percent."""
	counts, total = {}, 0
	with open(folded, encoding="utf-8", errors="replace") as file:
		for line in file:
			stack, count = line.rsplit(" ", 1)
			total += int(count)
			for name in set(re.findall(r"path_\w+", stack)):
				counts[name] = counts.get(name, 0) + int(count)
	return {name: 100 * count / max(total, 1) for name, count in counts.items()}


def part_shares():
	"""The same program with and without frame pointers."""
	kind("Shares of a program that spends 60, 30 and 10 percent in three functions")
	shares = {}
	for build, flags in (("with", t.WITH_FP), ("without", t.WITHOUT_FP)):
		path = t.build("tests/programs/shares.c", "shares_" + build, *flags)
		for how in ("auto", "fp"):
			with b.Run([path]) as target, b.Flametap("-p", str(target.pid), "-F", "4999", "--unwind", how, "-e", "cpu-clock",
								 "-o", "shares.folded") as run:
				time.sleep(2.5)
				run.stop()
			shares[f"{build} frame pointers, --unwind {how}"] = inclusive("shares.folded")
	names = ("path_sixty", "path_thirty", "path_ten")
	base = shares["with frame pointers, --unwind fp"]
	rows, good = [], True
	for title, share in shares.items():
		worst = max(abs(share.get(name, 0) - base.get(name, 0)) for name in names)
		judged = title.endswith("auto")
		good = good and (not judged or worst <= 3)
		rows.append([title, *(f"{share.get(name, 0):.1f}" for name in names), f"{worst:.1f}",
			     f"<= 3 {b.mark(worst, 3)}" if judged else "-"])
	b.table(["build", "sixty %", "thirty %", "ten %", "from the first by, points", "asked"], rows)
	return good


# perf


def first_function(path, pid):
	"""A check of a frame's address: whether it is in the function where the stacks of a program's first thread end.

	That function may have no name. perf prints addresses in the process or from the file's lowest one.
	"""
	with open(path, "rb") as file:
		header = file.read(64)
	entry, moves = struct.unpack_from("<Q", header, 24)[0], struct.unpack_from("<H", header, 16)[0] == 3
	with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
		lowest = next(int(line.split("-")[0], 16) for line in file if line.rstrip().endswith(path))
	running = entry + (lowest if moves else 0)
	begins = {running, running - lowest}
	return lambda addr: any(begin < addr < begin + 64 for begin in begins)


def perf_roots(data, path, is_first):
	"""perf's samples, and how many of their stacks end in the program's first function."""
	text = subprocess.run(["perf", "script", "--no-inline", "-F", "ip,sym,dso", "-i", data], capture_output=True,
			      check=True).stdout.decode(errors="replace")
	samples = roots = 0
	for block in re.split(r"\n\s*\n", text):
		frames = re.findall(r"^\s*([0-9a-f]+) (.*) \((.*)\)$", block, re.M)
		if frames:
			addr, _, module = frames[-1]
			samples += 1
			roots += module == path and is_first(int(addr, 16))
	return samples, roots


def part_perf():
	"""perf with all the stack it can copy, on the same process at the same time."""
	kind("Beside perf record --call-graph dwarf,65528 -F 99, user mode, 4 s at the same time")
	if not shutil.which("perf"):
		print("(left out: there is no perf)")
		return True
	rows = []
	for program in t.PROGRAMS:
		if not program.name.startswith(("perl", "cc1")) or t.missing(program):
			continue
		load = c.Load()
		try:
			pid = program.start(load)
			time.sleep(program.warm)
			path = os.readlink(f"/proc/{pid}/exe")
			is_first = first_function(path, pid)
			with b.Perf("--call-graph", "dwarf,65528", "-F", "99", "-e", "cpu-clock:u", "-p", str(pid), "-o", "p.data") as peer, \
					b.Flametap("-p", str(pid), "-F", "99", "-e", "cpu-clock", "-o", "p.folded") as run:
				time.sleep(4)
				peer.stop()
				run.stop()
		finally:
			load.end()
		begin = time.monotonic()
		samples, roots = perf_roots("p.data", path, is_first)
		took = time.monotonic() - begin
		quality = Quality(run.text)
		rows.append([program.name, quality.samples, quality.shown_root(), samples, f"{100 * roots / max(samples, 1):.1f}",
			     f"{os.path.getsize('p.folded') / 1024:.0f} KB", f"{os.path.getsize('p.data') / 1e6:.0f} MB", f"{took:.1f}"])
	b.table(["program", "flametap: samples", "root %", "perf: samples", "root %", "flametap's file", "perf's", "perf script, s"],
		rows)
	return True


# Table, memory, start


def part_table():
	"""The benchmark of the reader alone."""
	kind("3. Building tables (bench_cfi.sh): >= 150 MB/s on one core, cc1 <= 16 ms, 55 MB <= 400 ms on two cores, <= 0.6x")
	script = os.path.join(b.SOURCE, "bench", "bench_cfi.sh")
	if not os.path.exists(script):
		print("(left out: there is no bench_cfi.sh)")
		return True
	os.makedirs("cfi_work", exist_ok=True)
	sys.stdout.flush()
	process = subprocess.Popen(["bash", script], cwd="cfi_work", env={**os.environ, "FT_SOURCE": b.SOURCE},
				   start_new_session=True)
	try:
		process.wait()  # its bounds hang on the machine's speed, and it fails by itself
		return True
	finally:
		if process.poll() is None:
			os.killpg(process.pid, signal.SIGKILL)


def frame_bytes(path, known):
	"""Bytes of .eh_frame of a file."""
	if path not in known:
		text = subprocess.run(["readelf", "-SW", path], capture_output=True, check=False).stdout.decode(errors="replace")
		found = re.search(r" \.eh_frame +\S+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", text)
		known[path] = int(found[1], 16) if found else 0
	return known[path]


def executable_files(pids):
	"""Files of which some process has code mapped."""
	paths = set()
	for pid in pids:
		try:
			with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
				paths |= {line.split(None, 5)[5].rstrip("\n") for line in file if " r-xp " in line and "/" in line}
		except OSError:
			pass  # it has ended, or is not ours to see
	return {path for path in paths if os.path.isfile(path)}


def map_bytes(pid):
	"""Kernel memory of a process's BPF maps by name."""
	used = {}
	for fields in descriptors(pid):
		if "map_id" in fields and "memlock" in fields:
			used[fields["map_id"]] = int(fields["memlock"])
	names = {}
	for number, size in used.items():
		shown = subprocess.run(["bpftool", "-j", "map", "show", "id", number], capture_output=True, check=True).stdout
		name = json.loads(shown).get("name", "?")
		names[name] = names.get(name, 0) + size
	return names


def resident_bytes(pid):
	"""Memory of the process itself."""
	with open(f"/proc/{pid}/status", encoding="ascii") as file:
		return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) * 1024


def memory_row(name, args, files, known):
	"""What flametap with these arguments holds after two seconds."""
	frames = sum(frame_bytes(path, known) for path in files)
	with b.Flametap(*args, "-F", "99", "-e", "cpu-clock", "-o", "memory.folded") as run:
		time.sleep(2)
		sizes = map_bytes(run.pid)
		resident = resident_bytes(run.pid)
		run.stop()
	pool, spaces = sizes.get("pool", 0), sizes.get("spaces", 0)
	captures = sum(size for name, size in sizes.items() if name.startswith("capture"))
	total = sum(sizes.values())
	mib = [f"{size / 2**20:.2f}" for size in (frames, pool, spaces, captures, total - pool - spaces - captures, total, resident)]
	bound = f"all <= 60 MB {b.mark(total, 60e6)}" if name.startswith("-a") else f"pool <= 0.6 {b.mark(pool, 0.6 * frames)}"
	print(f"({name}: {Quality(run.text).shown_root()} % of stacks reached their root)")
	return [name, len(files), *mib, f"{pool / max(frames, 1):.2f}", bound]


def part_memory():
	"""One process, and a machine full of them."""
	kind("4. Kernel memory of the BPF maps, MiB")
	if not shutil.which("bpftool") or not shutil.which("readelf"):
		print("(left out: needs bpftool and readelf)")
		return True
	rows, known = [], {}
	for program in t.PROGRAMS:
		if not program.name.startswith(("cc1", "node")) or t.missing(program):
			continue
		load = c.Load()
		try:
			pid = program.start(load)
			time.sleep(program.warm)
			rows.append(memory_row(program.name, ["-p", str(pid)], executable_files([pid]), known))
		finally:
			load.end()
	load = c.Load()
	try:
		t.start_sleepers(load, 200)
		time.sleep(3)
		alive = sum(run.process.poll() is None for run in load.runs)
		pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
		rows.append(memory_row(f"-a, {alive} more processes", ["-a"], executable_files(pids), known))
	finally:
		load.end()
	b.table(["target", "files", ".eh_frame", "pool", "spaces", "captures", "other maps", "all maps", "flametap's RSS",
		 "pool/.eh_frame", "asked"], rows)
	return True


def part_start():
	"""Until it counts, without and with what an earlier run may have kept."""
	kind("5. Start to armed, ms")
	home = os.path.abspath("home")
	starter = ["env", f"HOME={home}", f"XDG_CACHE_HOME={home}/.cache"]
	rows = []
	programs = [("sleep", lambda load: load.start("sleep", "600").pid, 0.1)]
	programs += [(program.name, program.start, program.warm) for program in t.PROGRAMS
		     if program.name.startswith(("cc1", "node")) and not t.missing(program)]
	for name, start, warm in programs:
		armed = {"without cache": [], "second run": []}
		load = c.Load()
		try:
			pid = start(load)
			time.sleep(warm)
			for _ in range(START_ROUNDS):
				shutil.rmtree(home, ignore_errors=True)
				os.makedirs(home)
				for which in armed:
					with b.Flametap("-p", str(pid), "-e", "cpu-clock", "-o", "start.folded", starter=starter) as run:
						armed[which].append(run.armed * 1000)
						time.sleep(0.1)
						run.process.send_signal(signal.SIGINT)
						run.process.wait(60)  # with whatever status: sleep gives no samples
		finally:
			load.end()
		for which, ms in armed.items():
			bound = 60 if which == "without cache" else 30
			rows.append([name, which, len(ms), f"{b.median(ms):.1f}", f"{min(ms):.1f}", f"{max(ms):.1f}",
				     f"<= {bound} {b.mark(b.median(ms), bound)}"])
	b.table(["target", "which", "runs", "median", "min", "max", "asked"], rows)
	kept = [os.path.join(folder, name) for folder, _, names in os.walk(home) for name in names]
	print(f"files kept between runs: {len(kept)}, {sum(map(os.path.getsize, kept)) / 1e6:.1f} MB")
	return True


PARTS = {"cost": part_cost, "roots": part_roots, "shares": part_shares, "perf": part_perf, "table": part_table,
	 "memory": part_memory, "start": part_start}


def main():
	"""The parts asked for, in order."""
	b.need_root()
	unknown = [name for name in sys.argv[1:] if name not in PARTS]
	if unknown:
		print(f"no part \"{unknown[0]}\"; there are: {' '.join(PARTS)}", file=sys.stderr)
		return 2
	failed = []
	for name in sys.argv[1:] or PARTS:
		begin = time.monotonic()
		load_before = os.getloadavg()[0]
		if not PARTS[name]():
			failed.append(name)
		print(f"(part {name}: {time.monotonic() - begin:.0f} s, load average {load_before:.1f} before, "
		      f"{os.getloadavg()[0]:.1f} after)", flush=True)
	if failed:
		print(f"\nnot as asked: {', '.join(failed)}")
	return 1 if failed else 0


if __name__ == "__main__":
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
	raise SystemExit(main())
