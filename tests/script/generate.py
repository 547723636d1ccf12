#!/usr/bin/env python3
"""generate.py SEED - a random script that is well typed and ends: both back ends must print the same.

Handlers of begin compute with numbers, strings and arrays; what they print is all that there is to compare. Loops count
their rounds. What differs between two runs (time, ids) is not used.
"""
import random
import sys

NUMBERS = ["0", "1", "-1", "2", "7", "63", "64", "255", "4294967296", "-9223372036854775808", "9223372036854775807"]
TEXTS = ['""', '"a"', '"ab"', '"twelve bytes"', '"exactly sixteen."', '"a string of more than thirty-two bytes"']

SOUGHT = ['"a"', '"by"', '"wel"', '"string o"', '"of more than"', "t"]


class Script:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.depth = 0
        self.loops = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def number(self, depth=0):
        if depth > 2 or self.random.random() < 0.4:
            return self.pick(self.random.choice(NUMBERS), "a", "b", "g", "h", "i", f"m[{self.pick('a', 'i', '3')}]", "n[i, s]")
        left, right = self.number(depth + 1), self.number(depth + 1)
        return self.pick(
            f"({left} {self.pick('+', '-', '*', '&', '|', '^', '<<', '>>', '>>>')} {right})",
            f"({left} {self.pick('/', '%')} {self.pick('3', '-2', '7', 'a')})",
            f"({left} {self.pick('==', '!=', '<', '>', '<=', '>=', '&&', '||')} {right})",
            f"({left} ? {right} : {self.number(depth + 1)})",
            f"{self.pick('-', '!', '~')}({left})",
            f"(s {self.pick('==', '!=', '<', '>', '<=', '>=')} {self.text(depth + 1)})",
            f"strlen({self.text(depth + 1)})",
            f"isinstr({self.pick('s', 't')}, {self.random.choice(SOUGHT)})",
            f"{self.pick('twice', 'clamp', 'least')}({left}, {right})",
            f"([{left}] in m)",
            f"{self.pick('a', 'g')}{self.pick('++', '--')}",
        )

    def text(self, depth=0):
        if depth > 1 or self.random.random() < 0.7:
            return self.pick(self.random.choice(TEXTS), "s", "t", f"w[{self.pick('a', 'i', '1')}]")
        return self.pick(
            f"({self.text(depth + 1)} . {self.text(depth + 1)})",
            self.formatted(depth + 1),
            f"sprint({self.text(depth + 1)}, {self.number(3)}, {self.text(depth + 1)})",
            f"substr({self.pick('s', 't')}, {self.pick('0', '1', '3', 'i', '-1')}, {self.pick('0', '2', '9', '600', 'a')})",
        )

    def formatted(self, depth):
        number = self.pick("%d", "-%5d", "%05d", "%x:", "%-4u|", "%.3d", "%#x")
        text = self.pick("%s", "<%s>", "100%% %s", "%7s")
        return f'sprintf("{text}{number}!", {self.text(depth)}, {self.number(3)})'

    def assignment(self):
        operator = self.pick("=", "=", "+=", "-=", "*=", "^=", "|=")
        return self.pick(
            f"{self.pick('a', 'b', 'g', 'h')} {operator} {self.number()}",
            f"m[{self.number(3)}] {operator} {self.number()}",
            f"n[{self.pick('a', 'i', '2')}, {self.text()}]{self.pick('++', '--')}",
            f"{self.pick('s', 't')} = {self.text()}",
            f"w[{self.pick('a', 'i', '1')}] = {self.text()}",
            f"d <<< {self.number()}",
            f"e[{self.pick('i', '5', 'a & 3')}] <<< {self.number()}",
            f"delete m[{self.pick('a', 'i', '3')}]",
        )

    def statement(self):
        if self.depth > 2:
            return self.assignment()
        self.depth += 1
        kind = self.pick("assign", "assign", "assign", "if", "for", "try", "print")
        if kind == "assign":
            made = self.assignment()
        elif kind == "if":
            made = f"if ({self.number()}) {{ {self.block()} }} else {{ {self.block()} }}"
        elif kind == "for" and self.loops < 2:
            self.loops += 1
            leave = self.pick("", f"if ({self.number()}) break;", f"if ({self.number()}) continue;")
            made = f"for (i = 0; i < {self.pick('2', '5', '9')}; i++) {{ {leave} {self.block()} }}"
        elif kind == "try":
            made = f"try {{ {self.block()} }} catch (problem) {{ println(problem); {self.assignment()} }}"
        else:
            made = f'printf("%d %s %d\\n", {self.number()}, {self.text()}, i)'
        self.depth -= 1
        return made

    def block(self):
        return "; ".join(self.statement() for _ in range(self.random.randint(1, 3)))

    def make(self):
        return f"""global g = 5, h, m, n, w, d, e, s0 = "text"
function twice:long(x:long, y:long) {{ return x + x + y }}
function clamp:long(x:long, y:long) {{ if (x < y) return y; return x }}
function least:long(x:long, y:long) {{ for (k = 0; k < 3; k++) {{ if (x < y) return x; y++ }} return y }}
probe begin {{ s = s0; t = "" ; {self.block()}; {self.block()} }}
probe begin(1) {{
	println(g, " ", h)
	foreach (k+ in m) println("m ", k, " ", m[k])
	foreach ([k, x] in n) println("n ", k, " ", x, " ", n[k, x])
	foreach (k+ in w) println("w ", k, " ", w[k])
	foreach (k+ in e) println("e ", k, " ", @count(e[k]), " ", @sum(e[k]), " ", @min(e[k]), " ", @max(e[k]))
	println(@count(d), " ", @sum(d))
	if (@count(d)) {{ println(@min(d), " ", @max(d), " ", @avg(d), " ", @variance(d)); print(@hist_log(d)) }}
	exit()
}}
"""


print(Script(int(sys.argv[1])).make(), end="")
