"""What the benchmarks share: starting things, timing them, medians, tables.

A benchmark measures in rounds: in each, every candidate once, one after the other (A B C A B C), so that a machine that
slows down or speeds up meets them all. Figures are medians of the rounds. A figure that hangs on the machine's speed is
marked "over" in the table; only one that does not makes the benchmark fail.
"""
import os
import select
import selectors
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("FT_SOURCE") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HUGE = 500e6
FLAMETAP = os.environ.get("FLAMETAP") or os.path.join(SOURCE, "build", "flametap")


def skip(text):
	"""Ends the benchmark: something that it cannot do without is missing."""
	print(text)
	sys.exit(77)


def need_root():
	"""Most of what is measured here asks the kernel for more than a user may have."""
	if os.geteuid() != 0:
		skip("needs root")


def have(*programs):
	"""Those of the named programs that are installed, and a note about the others."""
	found = []
	for name in programs:
		if shutil.which(name):
			found.append(name)
		else:
			print(f"(no {name} here: its row is left out)")
	return found


def compile_bench(source, *flags):
	"""Compiles a program of bench/ into the current folder; returns its path."""
	path = os.path.join(os.getcwd(), os.path.splitext(source)[0])
	compiler = "g++" if source.endswith(".cc") else "gcc"
	if not shutil.which(compiler):
		skip(f"needs {compiler}")
	subprocess.run([compiler, "-O2", "-g", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-fno-omit-frame-pointer",
			"-mno-omit-leaf-frame-pointer", "-fno-optimize-sibling-calls", "-o", path,
			os.path.join(SOURCE, "bench", source), *flags], check=True)
	return path


def build_large():
	"""
	Compiles the large C++ program of gen_templates.py as "big" into the current folder, 2 units at a time. 16 units
	(FT_BENCH_UNITS) are more than 50 MB of DWARF. Returns the names of the units.
	"""
	if not shutil.which("g++"):
		skip("needs g++")
	count = int(os.environ.get("FT_BENCH_UNITS", "16"))
	names = [*(f"unit{i}" for i in range(count)), "main"]
	subprocess.run([sys.executable, os.path.join(SOURCE, "bench", "gen_templates.py"), ".", str(count)], check=True)
	subprocess.run(["xargs", "-P2", "-I{}", "g++", "-std=c++17", "-O2", "-g", "-c", "{}.cc"],
		       input="\n".join(names).encode(), check=True)
	subprocess.run(["g++", "-o", "big", *(f"{name}.o" for name in names)], check=True)
	return names[:-1]


def build_huge(units):
	"""Copies of the units, with all symbols renamed, linked as "huge" until there are HUGE bytes of debug information."""
	objects, total, number = [], 0, 0
	while total < HUGE * 3.2: # two thirds of an object are relocations
		for unit in units:
			name = f"copy-{number}-{unit}.o"
			subprocess.run(["objcopy", f"--prefix-symbols=c{number}_", f"{unit}.o", name], check=True)
			total += os.path.getsize(name)
			objects.append(name)
		number += 1
	subprocess.run(["ld", "-o", "huge", "--unresolved-symbols=ignore-all", "-e", "0", *objects], check=True,
		       stderr=subprocess.DEVNULL)
	for name in objects:
		os.unlink(name)


class Run:
	"""A program that runs until it is told to stop; ended in any case at the end of the with block."""

	def __init__(self, argv, cpus=None, **popen):
		self.messages = tempfile.TemporaryFile()
		popen.setdefault("stdin", subprocess.DEVNULL)
		popen.setdefault("stdout", subprocess.DEVNULL)
		popen.setdefault("stderr", self.messages)
		if cpus is not None:
			argv = ["taskset", "-c", cpus, *argv]
		self.argv = argv
		self.seen = b""
		self.begin = time.monotonic()
		self.process = subprocess.Popen(argv, **popen)
		self.pid = self.process.pid

	def __enter__(self):
		return self

	def __exit__(self, *_):
		if self.process.poll() is None:
			self.process.kill()
			self.process.wait()
		self.messages.close()

	def wait_text(self, stream, text, seconds=20):
		"""Waits for a text in what the program writes; returns the seconds since its start."""
		with selectors.DefaultSelector() as selector:
			selector.register(stream, selectors.EVENT_READ)
			while time.monotonic() < self.begin + seconds:
				if not selector.select(timeout=1):
					continue
				piece = os.read(stream.fileno(), 65536)
				self.seen += piece
				if text.encode() in self.seen:
					return time.monotonic() - self.begin
				if not piece:
					break
		raise RuntimeError(f"{' '.join(self.argv)} did not say '{text}' but: {self.seen.decode(errors='replace')}")

	def stop(self, number=signal.SIGINT, seconds=60):
		"""Sends a signal and waits for the end; returns how many seconds that took."""
		begin = time.monotonic()
		self.process.send_signal(number)
		self.process.wait(seconds)
		return time.monotonic() - begin

	def said(self):
		"""What it has written to standard error, where nobody asked for that pipe."""
		self.messages.seek(0)
		return self.messages.read().decode(errors="replace")


class Flametap(Run):
	"""flametap cpu, armed when the constructor returns; self.armed is how many seconds that took."""

	def __init__(self, *args, cpus=None, starter=()):
		super().__init__([*starter, FLAMETAP, "cpu", "-v", *args], cpus, stderr=subprocess.PIPE)
		self.text = ""
		try:
			self.armed = self.wait_text(self.process.stderr, "counting")
		except BaseException:
			self.__exit__()
			raise

	def __exit__(self, *args):
		super().__exit__(*args)
		self.process.stderr.close()

	def stop(self, number=signal.SIGINT, seconds=60):
		took = super().stop(number, seconds)
		self.text = (self.seen + self.process.stderr.read()).decode(errors="replace")
		if self.process.returncode not in (0, 3):
			raise RuntimeError(f"flametap ended with status {self.process.returncode}: {self.text}")
		return took


class Perf(Run):
	"""perf record, counting when the constructor returns; it says so on its control descriptor."""

	def __init__(self, *args, cpus=None):
		command, self.command = os.pipe()
		self.answer, answer = os.pipe()
		# Asked for before the start, so that it is answered as soon as everything is set up.
		os.write(self.command, b"enable\n")
		super().__init__(["perf", "record", "-D", "-1", f"--control=fd:{command},{answer}", *args], cpus,
				 pass_fds=(command, answer))
		os.close(command)
		os.close(answer)
		try:
			with os.fdopen(os.dup(self.answer), "rb", buffering=0) as stream:
				self.armed = self.wait_text(stream, "ack")
		except BaseException:
			self.__exit__()
			raise

	def __exit__(self, *args):
		super().__exit__(*args)
		for fd in (self.command, self.answer):
			if fd >= 0:
				os.close(fd)
		self.command = self.answer = -1


class Bpftrace(Run):
	"""bpftrace with a program; armed when the constructor returns."""

	def __init__(self, program, cpus=None):
		super().__init__(["bpftrace", "-e", 'BEGIN { printf("armed\\n"); } ' + program], cpus,
				 stdout=subprocess.PIPE, env={**os.environ, "BPFTRACE_MAX_MAP_KEYS": "65536"})
		try:
			self.armed = self.wait_text(self.process.stdout, "armed")
		except BaseException:
			self.__exit__()
			raise

	def __exit__(self, *args):
		super().__exit__(*args)
		self.process.stdout.close()

	def finish(self, path):
		"""Interrupts it and writes what it prints into a file; returns how many seconds that took.

		A signal before it waits for the first time is forgotten, so it is sent again while nothing comes.
		"""
		begin = time.monotonic()
		self.process.send_signal(signal.SIGINT)
		while not select.select([self.process.stdout], [], [], 2)[0]:
			self.process.send_signal(signal.SIGINT)
		with open(path, "wb") as out:
			shutil.copyfileobj(self.process.stdout, out)
		self.process.wait(60)
		return time.monotonic() - begin


def read_peak():
	"""What the program peak has written: seconds, bytes, exit status."""
	with open("peak.txt", encoding="ascii") as file:
		seconds, kbytes, status = file.read().split()
	return float(seconds), int(kbytes) * 1024, int(status)


def peak_starter():
	"""The words to put in front of a command line, for read_peak after its end."""
	if not os.path.exists("peak"):
		compile_bench("peak.c")
	return [os.path.abspath("peak"), "peak.txt"]


def peak(argv, **popen):
	"""Runs a program to its end. Returns seconds and the peak of its resident memory in bytes."""
	subprocess.run([*peak_starter(), *argv], check=True, **popen)
	seconds, used_bytes, status = read_peak()
	if status not in (0, 3):
		raise RuntimeError(f"{' '.join(argv)} ended with status {status}")
	return seconds, used_bytes


def median(numbers):
	"""The median, or None when there is nothing."""
	return statistics.median(numbers) if numbers else None


def spread(numbers):
	"""Half the distance between the quartiles: what a figure is worth."""
	if len(numbers) < 4:
		return (max(numbers) - min(numbers)) / 2
	low, _, high = statistics.quantiles(numbers, n=4)
	return (high - low) / 2


def ratio(number, base):
	"""How many times the base, as text."""
	return f"{number / base:.1f} x" if number and base else ""


def time_reading(archive):
	"""
	Seconds to read an archive made from folded text, and nothing else: that it tells no processes apart is said, and is
	the end, after all has been read. What any writer takes beyond that is its own.
	"""
	begin = time.perf_counter()
	done = subprocess.run([FLAMETAP, "report", "-q", archive, "--pid", "1", "-o", "none.txt"], check=False,
			      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
	took = time.perf_counter() - begin
	if done.returncode != 2 or b"tells neither processes" not in done.stderr:
		sys.exit("flametap report --pid 1 did not end after reading: its time says nothing")
	return took


def mark(figure, bound, least=False):
	"""What stands behind a figure that has a bound."""
	good = figure >= bound if least else figure <= bound
	return "ok" if good else "over" if not least else "under"


def table(head, rows):
	"""Prints rows of texts under their heads; the first column is left-aligned."""
	rows = [[str(cell) for cell in row] for row in rows]
	widths = [max(len(row[at]) for row in [list(head), *rows]) for at in range(len(head))]
	for row in [list(head), *rows]:
		print("  ".join(cell.ljust(width) if not at else cell.rjust(width)
				for at, (cell, width) in enumerate(zip(row, widths))).rstrip())


def note_load():
	"""Other work on the machine explains a lot."""
	print(f"load average at the end: {os.getloadavg()[0]:.1f}")
