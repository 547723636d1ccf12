#!/usr/bin/env python3
"""From the start of the program to the moment when it counts, for one process."""
import benchlib as b

ROUNDS = 15
BOUND_MS = 30


def flametap(pid, armed):
	"""One start, into a list of milliseconds by candidate."""
	with b.Flametap("-p", str(pid), "-o", "start.svg") as run:
		armed["flametap cpu -p PID"].append(run.armed * 1000)


def bpftrace(pid, armed):
	"""The usual line; BEGIN runs when everything is attached, which itself is one attachment more."""
	with b.Bpftrace(f"profile:hz:99 /pid == {pid}/ {{ @[ustack] = count(); }}") as run:
		armed["bpftrace profile:hz:99"].append(run.armed * 1000)


def perf(pid, armed):
	"""Counting is enabled through its control descriptor, and it answers."""
	with b.Perf("-F", "99", "-g", "-p", str(pid), "-o", "start.data") as run:
		armed["perf record -g -p PID"].append(run.armed * 1000)
		run.stop()


def main():
	"""Rounds, then the table."""
	b.need_root()
	peers = b.have("bpftrace", "perf")
	armed = {"flametap cpu -p PID": []}
	if "bpftrace" in peers:
		armed["bpftrace profile:hz:99"] = []
	if "perf" in peers:
		armed["perf record -g -p PID"] = []
	with b.Run([b.compile_bench("work.c"), "count"]) as target:
		for _ in range(ROUNDS):
			flametap(target.pid, armed)
			if "bpftrace" in peers:
				bpftrace(target.pid, armed)
			if "perf" in peers:
				perf(target.pid, armed)
	base = b.median(armed["flametap cpu -p PID"])
	rows = [[name, len(ms), f"{b.median(ms):.1f}", f"{b.spread(ms):.1f}", f"{min(ms):.1f}", f"{max(ms):.1f}",
		 b.ratio(b.median(ms), base), b.mark(base, BOUND_MS) if ms is armed["flametap cpu -p PID"] else ""]
		for name, ms in armed.items()]
	b.table(["start to armed, ms", "runs", "median", "+-", "min", "max", "ratio", f"<= {BOUND_MS}"], rows)
	b.note_load()


if __name__ == "__main__":
	main()
