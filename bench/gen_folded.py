#!/usr/bin/env python3
"""Writes realistic folded stacks, the same for the same options.

A random call graph is made first: every function calls a few others, some far more often than the rest, so that stacks
share prefixes as those of a real program do. Stacks are walks through it; most of them leave the way of an earlier one
only near the leaf. (Profiles of real programs have about two tree nodes for each different stack; these have about four,
and with --fresh 1 about thirteen, a hard case for memory.) Names mix C, C++ with templates and spaces, Rust, kernel
functions with the suffix _[k], inlined ones with _[i], and frames without a symbol.

  gen_folded.py --bytes 31000000 > big.folded              unique stacks, sorted, like the output of stackcollapse
  gen_folded.py --stacks 10000 --order random > few.folded
  gen_folded.py --bytes 31000000 --order time > rec.folded  as recorded: stacks repeat, neighbours are alike
"""
import argparse
import bisect
import itertools
import random
import sys

WORDS = ("alloc buffer cache commit copy cursor decode dispatch encode entry event exec field file filter flush "
	 "frame get hash index init insert iter journal key list load lock lookup map match merge node open page "
	 "parse plan pool put query queue read record release reply row scan search seek send set sort split "
	 "state step stream string sync table tree update value visit walk write").split()
SPACES = "db net util core exec storage rpc json detail impl".split()
TYPES = ("int", "unsigned long", "char const*", "std::string", "void*", "double", "db::Row const&")
PROCESSES = ("postgres", "nginx", "python3", "java", "mysqld", "Web Content", "kworker/u8:2", "redis-server")


def type_name(rng, depth=0):
	"""A C++ type, perhaps a template of others."""
	if depth > 1 or rng.random() < 0.6:
		return rng.choice(TYPES)
	inner = ", ".join(type_name(rng, depth + 1) for _ in range(rng.randint(1, 2)))
	return f"{rng.choice(SPACES)}::{rng.choice(WORDS).title()}<{inner}>"


def user_name(rng):
	"""The name of a user-space function."""
	kind = rng.random()
	words = rng.sample(WORDS, 3)
	if kind < 0.55:
		return "_".join(words[: rng.randint(2, 3)])
	if kind < 0.85:
		args = ", ".join(type_name(rng) for _ in range(rng.randint(0, 2)))
		return f"{rng.choice(SPACES)}::{words[0].title()}<{type_name(rng)}>::{words[1]}({args})"
	if kind < 0.92:
		return f"<{rng.choice(SPACES)}::{words[0].title()} as core::iter::Iterator>::{words[1]}"
	if kind < 0.97:
		return f"{words[0]}_{words[1]}_[i]"
	return f"[lib{words[0]}.so.{rng.randint(0, 9)}+0x{rng.randint(0x1000, 0xfffff):x}]"


def unique_names(rng, count, make):
	"""So many different names."""
	names = {}
	while len(names) < count:
		name = make(rng)
		if name in names:
			name = f"{name}.{len(names)}" if not name.endswith("]") else f"x{len(names)}_{name}"
		names[name] = None
	return list(names)


class Graph:
	"""Who calls whom, and how often."""

	def __init__(self, rng, functions):
		self.rng = rng
		kernel = max(functions // 4, 4)
		self.names = unique_names(rng, functions - kernel, user_name)
		self.user = len(self.names)
		self.names += unique_names(rng, kernel, lambda r: "_".join(r.sample(WORDS, 2)) + "_[k]")
		self.calls = [self.callees(i) for i in range(functions)]

	def callees(self, caller):
		"""Some functions with cumulated weights; the kernel never calls user space."""
		count = self.rng.choice((1, 2, 2, 3, 4, 6, 9))
		low, high = (0, self.user) if caller < self.user else (self.user, len(self.names))
		targets = [self.rng.randrange(low, high) for _ in range(count)]
		return targets, list(itertools.accumulate(1 / (i + 1) ** 1.5 for i in range(count)))

	def called(self, caller):
		"""One of the caller's callees; now and then that is a system call."""
		rng = self.rng
		if caller < self.user and rng.random() < 0.02:
			return rng.randrange(self.user, len(self.names))
		targets, weights = self.calls[caller]
		return targets[bisect.bisect(weights, rng.random() * weights[-1])]

	def walk(self, depth):
		"""A process and the functions of a stack, down to the given depth or so."""
		rng = self.rng
		process = PROCESSES[min(int(rng.expovariate(1.2)), len(PROCESSES) - 1)]
		stack = [hash_text(process) % self.user]
		for _ in range(max(1, int(rng.gauss(depth, depth / 4)))):
			stack.append(self.called(stack[-1]))
		return process, stack

	def vary(self, process, stack):
		"""Another stack of the same process that differs in the last frames."""
		rng = self.rng
		stack = stack[: max(1, len(stack) - 1 - int(rng.expovariate(0.5)))]
		for _ in range(1 + int(rng.expovariate(0.6))):
			stack.append(self.called(stack[-1]))
		return process, stack

	def text(self, process, stack):
		"""The folded text of a stack."""
		return ";".join([process, "_start", "main"] + [self.names[at] for at in stack])


def hash_text(text):
	"""The same number in every run, which hash() is not."""
	value = 5381
	for byte in text.encode():
		value = (value * 33 + byte) & 0xFFFFFFFF
	return value


def lines(args):
	"""All lines, in the order asked for."""
	rng = random.Random(args.seed)
	graph = Graph(rng, args.functions)
	stacks, size = {}, 0
	sequence, made = [], []
	while size < args.bytes if args.bytes else len(stacks) < args.stacks:
		if not made or rng.random() < args.fresh:
			made.append(graph.walk(args.depth))
		else:
			made.append(graph.vary(*rng.choice(made)))
		stack = graph.text(*made[-1])
		if args.order == "time":
			repeats = 1 + int(rng.expovariate(0.5))
			sequence.extend([f"{stack} 1"] * repeats)
			size += repeats * (len(stack) + 3)
			stacks[stack] = 1
		else:
			if stack not in stacks:
				size += len(stack) + 4
			stacks[stack] = stacks.get(stack, 0) + 1 + int(rng.expovariate(0.05))
	if args.order == "time":
		return sequence
	result = [f"{stack} {weight}" for stack, weight in sorted(stacks.items())]
	if args.order == "random":
		rng.shuffle(result)
	return result


def main():
	"""Reads the options and writes to standard output."""
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--bytes", type=int, default=0, help="how much text, roughly")
	parser.add_argument("--stacks", type=int, default=10000, help="how many different stacks, without --bytes")
	parser.add_argument("--depth", type=int, default=22, help="frames in a stack, on average")
	parser.add_argument("--functions", type=int, default=4000, help="how many different functions")
	parser.add_argument("--fresh", type=float, default=0.1, help="share of stacks that do not vary an earlier one")
	parser.add_argument("--order", choices=("sorted", "random", "time"), default="sorted")
	parser.add_argument("--seed", type=int, default=1)
	args = parser.parse_args()
	if args.functions < 20:
		parser.error("--functions must be 20 at least")
	try:
		for line in lines(args):
			sys.stdout.write(line + "\n")
		sys.stdout.flush()
	except BrokenPipeError:
		sys.stderr.close()


if __name__ == "__main__":
	main()
