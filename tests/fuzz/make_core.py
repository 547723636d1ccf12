#!/usr/bin/env python3
"""Writes tests/fuzz/corpus/core/: small core files (core(5)), sound and not, of x86-64."""
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "corpus/core"
STACK, CODE, VDSO = 0x7FFF0000, 0x400000, 0x7FFE0000


def note(kind, content, name=b"CORE\0"):
	"""A note, padded."""
	pad = lambda text: text + bytes(-len(text) % 4)
	return struct.pack("<III", len(name), len(content), kind) + pad(name) + pad(content)


def status(tid, pc, sp, fp):
	"""struct elf_prstatus: 112 bytes, 27 registers, and whether the floating point registers follow."""
	regs = [0] * 27
	regs[4], regs[16], regs[19] = fp, pc, sp
	return struct.pack("<iiih", 11, 0, 0, 11).ljust(32, b"\0") + struct.pack("<I", tid).ljust(80, b"\0") + \
		struct.pack("<27Q", *regs) + bytes(8)


def info(pid):
	"""struct elf_prpsinfo."""
	return bytes(24) + struct.pack("<I", pid) + bytes(12) + b"program".ljust(16, b"\0") + b"program".ljust(80, b"\0")


def files(*entries, page=4096):
	"""NT_FILE: entries of (start, end, offset in pages, path)."""
	head = struct.pack("<QQ", len(entries), page)
	return head + b"".join(struct.pack("<QQQ", *entry[:3]) for entry in entries) + \
		b"".join(entry[3] + b"\0" for entry in entries)


def core(notes, loads, **fields):
	"""An ELF file of type ET_CORE; loads are (address, bytes in memory, content, flags)."""
	count = 1 + len(loads)
	at = 64 + 56 * count
	heads = [struct.pack("<IIQQQQQQ", 4, 4, at, 0, 0, len(notes), 0, 4)]
	body = notes
	for addr, memory, content, flags in loads:
		heads.append(struct.pack("<IIQQQQQQ", 1, flags, at + len(body), addr, 0, len(content), memory, 4096))
		body += content
	header = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
		"<HHIQQQIHHHHHH", fields.get("kind", 4), fields.get("machine", 62), 1, 0, 64, 0, 0, 64, 56,
		fields.get("count", count), 64, 0, 0)
	return header + b"".join(heads) + body


def main():
	"""All of them."""
	chain = struct.pack("<QQ", STACK + 0x40, CODE + 0x20).rjust(0x30, b"\0") + bytes(16) + struct.pack("<QQ", 0, CODE + 8)
	stack = (STACK, 0x1000, chain.ljust(512, b"\0"), 6)
	code = (CODE, 0x1000, b"\x7fELF" + bytes(60), 5)
	threads = note(1, status(10, CODE + 16, STACK, STACK + 0x20)) + note(1, status(11, STACK, 0, 1))
	auxv = note(6, struct.pack("<QQQQ", 33, VDSO, 0, 0))
	mapped = note(0x46494C45, files((CODE, CODE + 0x1000, 0, b"/program"), (CODE + 0x2000, CODE + 0x3000, 2, b"/program")))
	sound = note(3, info(10)) + threads + auxv + mapped
	vdso = (VDSO, 0x1000, b"\x7fELF\2\1\1".ljust(64, b"\0"), 5)
	cases = {
		"sound": core(sound, [code, stack, vdso]),
		"no-threads": core(auxv + mapped, [code]),
		"no-files": core(threads, [code, stack]),
		"no-memory": core(sound, []),
		"overlapping": core(sound, [code, (CODE - 16, 1 << 62, b"x", 7), (0, 0, b"", 5), stack]),
		"many-files": core(threads + note(0x46494C45, struct.pack("<QQ", 1 << 60, 1 << 40) + bytes(64)), [stack]),
		"backwards": core(threads + note(0x46494C45, files((CODE + 99, CODE, 1 << 60, b""))), [code, stack]),
		"cut-note": core(struct.pack("<III", 5, 1 << 31, 1) + b"CORE\0\0\0\0", [stack]),
		"many-segments": core(sound, [stack], count=0xFFFF),
		"other-machine": core(sound, [stack], machine=183),
	}
	FOLDER.mkdir(parents=True, exist_ok=True)
	for name, content in cases.items():
		(FOLDER / name).write_bytes(content)


main()
