#!/usr/bin/env python3
"""Writes tests/fuzz/corpus/table_cache/: stored unwind tables, sound and not. Layout: sampler/table_image.h."""
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "corpus/table_cache"
MAGIC = 0x656C626174746600
X86_64, AARCH64 = 62, 183
NONE, BAD = bytes(16), bytes(12) + b"\6" + bytes(3)
RULE = struct.pack("<ihhhhBBBB", 16, 0, 0, -1, 0, 1 | 7 << 3, 0, 1, 0)


def checksum_of(block):
	"""ft_table_image_checksum."""
	mul, full = 0x9E3779B97F4A7C15, (1 << 64) - 1
	lanes, total = [1, 2, 3, 4], len(block)
	block += bytes(32 - len(block) % 32)
	for at in range(0, len(block), 32):
		for i, word in enumerate(struct.unpack_from("<4Q", block, at)):
			lanes[i] = (lanes[i] ^ word) * mul & full
			lanes[i] ^= lanes[i] >> 32
	for word in lanes:
		wide = (total ^ word ^ mul) * (word ^ 0xD6E8FEB86659FD93)
		total = (wide ^ wide >> 64) & full
	return (total ^ total >> 32) & 0xFFFFFFFF


def table(rules, granules, span=None, machine=X86_64, segments=((0, 4096, 0),), index=None):
	"""A block; granules are lists of (pc within it, code)."""
	rows = [pc << 8 | code for granule in granules for pc, code in granule]
	if index is None:
		index = [0]
		for granule in granules:
			index.append(index[-1] + len(granule))
	span = span or 256 * len(granules)
	body = b"".join(struct.pack("<QQQ", *s) for s in segments) + b"".join(rules)
	body += struct.pack(f"<{len(index)}I{len(rows)}H", *index, *rows)
	key = struct.pack("<QII20s20s", 1, 0, 0, b"", b"")
	rest = struct.pack("<QIIIIII", 0x1000, span, machine, len(segments), len(rules), len(index), len(rows))

	def header(checksum):
		return struct.pack("<QIIQ", MAGIC, 2, checksum, 112 + len(body)) + key + rest

	return header(checksum_of(header(0) + body)) + body


def main():
	"""Writes all of them."""
	few = [NONE, BAD, RULE]
	many = [NONE, BAD] + [RULE] * 300
	cases = {
		"sound": table(few, [[(0, 2), (9, 0)], [], [(255, 2)]]),
		"aarch64": table(few, [[(0, 2)]], machine=AARCH64, segments=()),
		"wide-codes": table(many, [[(0, 70), (0, 224)], [(1, 2), (7, 3), (7, 224)]]),
		"wide-code-alone": table(many, [[(0, 2)], [(1, 224)]]),
		"rule-beyond": table(few, [[(0, 2), (4, 3)]]),
		"no-first-row": table(few, [[(3, 2)]]),
		"empty-first-granule": table(few, [[], [(0, 2)]]),
		"pcs-fall": table(few, [[(0, 2), (9, 0), (4, 2)]]),
		"index-falls": table(few, [[(0, 2)], [(0, 0)]], index=[0, 2, 1]),
		"index-beyond": table(few, [[(0, 2)], [(0, 0)]], index=[0, 0xFFFF0000, 2]),
		"span-beyond": table(few, [[(0, 2)]], span=0xFFFFFFFF),
		"rules-without-fixed-ones": table([RULE, RULE], [[(0, 1)]]),
		"bad-checksum": table(few, [[(0, 2)]])[:-1] + b"\7",
		"cut": table(few, [[(0, 2)]])[:-2],
		"header-only": table(few, [[(0, 2)]])[:112],
	}
	FOLDER.mkdir(exist_ok=True)
	for name, data in cases.items():
		(FOLDER / name).write_bytes(data)


if __name__ == "__main__":
	main()
