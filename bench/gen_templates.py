#!/usr/bin/env python3
"""gen_templates.py FOLDER UNITS: C++ units whose code is mostly templates over types of their own.

What a large C++ program looks like to a symbolizer: deep chains of inlined calls, long names, and
every unit with types of its own, so that the linker can merge little of it.

The program, main, works for a while. With a number as argument it is a target with ever new stacks instead, like
many_stacks.cc: it waits for a line, does so many random walks through the units, by way of the library's templates, each
ending in a system call, says "done", and waits for a signal.
"""
import pathlib
import sys

UNIT = """\
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>
#include <unistd.h>

typedef long (*hop)(unsigned long &, int);
extern const hop hops[];
extern const unsigned hop_count;

namespace unit@ {
template <int N> struct value {
	int number = N;
	std::string text = std::to_string(N);
	bool operator<(const value &o) const
	{
		return std::tie(number, text) < std::tie(o.number, o.text);
	}
	bool operator==(const value &o) const { return number == o.number && text == o.text; }
};
struct hash {
	template <int N> size_t operator()(const value<N> &v) const
	{
		return std::hash<std::string>()(v.text) ^ (size_t)v.number;
	}
};
template <int N> long containers(int n)
{
	std::map<value<N>, std::vector<value<N + 1>>> map;
	std::unordered_map<value<N>, std::set<value<N + 2>>, hash> table;
	std::deque<std::variant<value<N>, std::string, int>> queue;
	std::mt19937_64 random((unsigned)n);
	for (int i = 0; i < n; i++) {
		value<N> key;
		key.number = (int)(random() % 97);
		map[key].push_back({i, "x"});
		table[key].insert({i, "y"});
		queue.emplace_back(key);
	}
	std::vector<std::pair<value<N>, long>> sums;
	for (auto &[key, values] : map) {
		std::sort(values.begin(), values.end());
		sums.emplace_back(key, std::accumulate(values.begin(), values.end(), 0L,
			[](long sum, const auto &v) { return sum + v.number; }));
	}
	std::stable_sort(sums.begin(), sums.end(),
		[](const auto &a, const auto &b) { return a.second < b.second; });
	std::function<long(size_t)> at = [&](size_t i) { return sums[i % sums.size()].second; };
	long sum = 0;
	for (auto &item : queue)
		sum += std::visit([](auto &v) { return (long)sizeof(v); }, item);
	return sum + at((size_t)n) + (long)table.size();
}
struct letter_traits : std::regex_traits<char> {};
long words(const std::string &text)
{
	std::basic_regex<char, letter_traits> word("([a-z]+)|([0-9]{2,})[@]?");
	std::match_results<std::string::const_iterator> match;
	long count = 0;
	for (auto at = text.begin(); std::regex_search(at, text.end(), match, word);
	     at = match[0].second)
		count++;
	return count;
}
}

long hop@(unsigned long &dice, int depth)
{
	long sum = 0;
	std::vector<unit@::value<30>> two(2);
	std::variant<unit@::value<31>, int> either = 1;
	std::map<unit@::value<32>, long> map;
	std::function<long()> next = [&] {
		dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
		return depth ? hops[(dice >> 16) % hop_count](dice, depth - 1)
			     : (long)lseek(0, 0, SEEK_CUR);
	};
	switch (dice >> 40 & 3) {
	case 0:
		std::sort(two.begin(), two.end(), [&](const auto &a, const auto &b) {
			sum += sum ? 0 : next() | 1;
			return a < b;
		});
		break;
	case 1:
		std::for_each(two.begin(), two.begin() + 1, [&](auto &v) { sum += next() + v.number; });
		break;
	case 2:
		std::visit([&](auto &v) { sum += next() + (long)sizeof(v); }, either);
		break;
	default:
		map[two[0].number ? unit@::value<32>() : unit@::value<32>{1, "z"}] = next();
		sum = map.begin()->second;
	}
	return sum + 1;
}
long run@(int n)
{
	return unit@::containers<1>(n) + unit@::containers<10>(n) + unit@::containers<20>(n) +
	       unit@::words("some text with 42 words" + std::to_string(n));
}
"""


def main():
    folder, units = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    for i in range(units):
        (folder / f"unit{i}.cc").write_text(UNIT.replace("@", str(i)))
    names = [f"run{i}" for i in range(units)]
    (folder / "main.cc").write_text(
        "#include <cstdio>\n#include <cstdlib>\n#include <unistd.h>\ntypedef long (*hop)(unsigned long &, int);\n"
        + "".join(f"long {name}(int);\nlong hop{i}(unsigned long &, int);\n" for i, name in enumerate(names))
        + f"extern const hop hops[{units}] = {{{', '.join(f'hop{i}' for i in range(units))}}};\n"
        + f"extern const unsigned hop_count = {units};\n"
        + "static int walk(long count)\n{\n\tunsigned long dice = 88172645463325252;\n\tlong sum = 0;\n"
        + "\talarm(600);\n\tgetc(stdin);\n\twhile (count--)\n\t\tsum += hops[count % hop_count](dice, 3 + count % 5);\n"
        + "\tputs(\"done\");\n\tfflush(stdout);\n\tpause();\n\treturn sum == 42;\n}\n"
        + "int main(int argc, char **argv)\n{\n\tlong sum = 0;\n\tif (argc == 2)\n\t\treturn walk(atol(argv[1]));\n"
        + "\tfor (int round = 0; round < 1000 * argc; round++)\n\t\tsum += "
        + " + ".join(f"{name}(200)" for name in names)
        + ";\n\treturn sum == 42;\n}\n"
    )


main()
