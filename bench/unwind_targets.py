"""The programs whose stacks bench_unwind.py walks: how each is started, so that its process id is the program's own."""
import collections
import os
import shutil
import subprocess

import benchlib as b
import compare_perf as c

JAVA = """
public class Spin {
	static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
	public static void main(String[] args) {
		long sum = 0;
		for (int i = 0; ; i++) {
			java.util.HashMap<String, Integer> map = new java.util.HashMap<>();
			for (int k = 0; k < 500; k++) map.merge("key" + (k % 37), k, Integer::sum);
			sum += fib(15) + map.size();
			if (sum == 1) System.out.println(i);
		}
	}
}
"""

# least: the percentage of stacks that must reach their root, or None where that is only measured. warm: seconds before.
Program = collections.namedtuple("Program", "name needs start least warm seconds", defaults=(99.9, 0.7, 2))


def build(source, output, *flags):
	"""Compiles a file of the checkout (bench/, tests/programs/) into the current folder; returns its path."""
	path = os.path.abspath(output)
	compiler = "g++" if source.endswith(".cc") else "gcc"
	if not shutil.which(compiler):
		b.skip(f"needs {compiler}")
	subprocess.run([compiler, "-O2", "-g", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-fno-optimize-sibling-calls", "-o",
			path, os.path.join(b.SOURCE, source), *flags], check=True)
	return path


WITH_FP = ("-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer")
WITHOUT_FP = ("-fomit-frame-pointer",)


def data_file():
	"""Some tens of megabytes for the compressors."""
	if not os.path.exists("input"):
		with open("input", "wb") as file:
			for number in range(2000000):
				file.write(b"line %d of a file, %x\n" % (number, number * 2654435761 % 2 ** 32))
	return "input"


def start_java(load, *flags):
	"""A small program that computes and allocates."""
	if not os.path.exists("Spin.class"):
		with open("Spin.java", "w", encoding="ascii") as file:
			file.write(JAVA)
		subprocess.run(["javac", "Spin.java"], check=True)
	return load.start("java", *flags, "-cp", os.getcwd(), "Spin").pid


def start_way(load, way):
	"""One of the ways of ways.cc, without frame pointers."""
	path = os.path.abspath("ways")
	if not os.path.exists(path):
		build("bench/ways.cc", "ways", *WITHOUT_FP, "-pthread")
	return load.start(path, way).pid


def plain(*argv):
	"""A program with its arguments, as it is."""
	return lambda load: load.start(*argv).pid


def way(name):
	"""A way of ways.cc."""
	return lambda load: start_way(load, name)


def java(*flags):
	"""The Java program under a virtual machine with these flags."""
	return lambda load: start_java(load, *flags)


PROGRAMS = [
	Program("perl", ["perl"], plain("perl", "-e", c.PERL)),
	Program("python3", ["/usr/bin/python3"], plain("/usr/bin/python3", "-c", c.PYTHON), 99),
	Program("xz -9", ["xz"], lambda load: load.start("xz", "-9", "-T1", "-c", data_file()).pid),
	Program("gzip -9", ["gzip"], lambda load: load.start("gzip", "-9", "-c", *[data_file()] * 50).pid),
	Program("zstd -19", ["zstd"], lambda load: load.start("zstd", "-19", "-T1", "-c", data_file()).pid),
	Program("cc1 -O2", ["gcc"], c.start_cc1),
	Program("C++, 4 threads, exceptions", ["g++"], way("threads")),
	Program("node", ["node"], plain("node", "-e", c.NODE), 99),
	Program("java -Xint", ["java", "javac"], java("-Xint"), 99.9, 1.5),
	Program("java +PreserveFramePointer", ["java", "javac"], java("-XX:+PreserveFramePointer"), 99.9, 1.5),
	Program("java", ["java", "javac"], java(), None, 1.5),
	Program("dd", ["dd"], plain("dd", "if=/dev/zero", "of=/dev/null", "bs=4k")),
	Program("find", ["find"], plain("find", *["/usr"] * 1000, "-name", "*q*x*")),
	Program("openssl rsa, ec", ["openssl"], plain("openssl", "speed", "-seconds", "1", "rsa2048", "ecdsap256"), 99.9,
		0.3, 3.5),
	Program("openssl sha256, aes", ["openssl"], plain("openssl", "speed", "-seconds", "1", "sha256", "aes-128-cbc")),
	Program("sqlite3", ["sqlite3"], c.start_sqlite3),
	Program("signal handler", ["g++"], way("signal")),
	Program("alternate signal stack", ["g++"], way("altstack")),
	Program("qsort", ["g++"], way("qsort")),
	Program("makecontext", ["g++"], way("context"), 99.9),
]


def missing(program):
	"""What of a program's needs is not installed."""
	return [need for need in program.needs if not shutil.which(need)]


def compile_job(files):
	"""A parallel build: writes its files, returns its command."""
	names = []
	for number in range(files):
		names.append(f"job{number}")
		with open(f"job{number}.c", "w", encoding="ascii") as file:
			file.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n")
		c.endless_c("part.c", 6 + number % 7 * 4)
		with open("part.c", encoding="ascii") as part, open(f"job{number}.c", "a", encoding="ascii") as file:
			shutil.copyfileobj(part, file)
	with open("Makefile", "w", encoding="ascii") as file:
		file.write(f"all: {' '.join(name + '.o' for name in names)}\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\n")
	return ["make", "-s", "-j4"]


SLEEPERS = [
	["perl", "-e", "sleep 1 while 1"],
	["/usr/bin/python3", "-c", "import time, json, ssl, sqlite3\nwhile True: time.sleep(1)"],
	["bash", "-c", "read x; exit"], ["dash", "-c", "read x; exit"],
	["xz", "-c"], ["gzip", "-c"], ["zstd", "-c"], ["cat"], ["sort"], ["mawk", "{ n++ }"], ["sqlite3"], ["openssl", "sha256"],
	["sleep", "600"], ["tail", "-f", "/dev/null"], ["gdb", "-q", "-nx"], ["bc"],
	["node", "-e", "setInterval(() => 1, 1000)"],
]


def start_sleepers(load, count):
	"""Processes of different programs that do next to nothing; returns how many there are."""
	known = [argv for argv in SLEEPERS if shutil.which(argv[0])]
	for number in range(count):
		argv = known[number % len(known)]
		# Few of the largest.
		if argv[0] == "node" and number > 60:
			argv = ["sleep", "600"]
		load.start(*argv, stdin=subprocess.PIPE)
	return sum(run.process.poll() is None for run in load.runs)
