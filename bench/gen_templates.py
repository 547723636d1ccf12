#!/usr/bin/env python3
"""gen_templates.py FOLDER UNITS: C++ units whose code is mostly templates over types of their own.

What a large C++ program looks like to a symbolizer: deep chains of inlined calls, long names, and
every unit with types of its own, so that the linker can merge little of it.
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
        "".join(f"long {name}(int);\n" for name in names)
        + "int main(int argc, char **)\n{\n\tlong sum = 0;\n"
        + "\tfor (int round = 0; round < 1000 * argc; round++)\n\t\tsum += "
        + " + ".join(f"{name}(200)" for name in names)
        + ";\n\treturn sum == 42;\n}\n"
    )


main()
