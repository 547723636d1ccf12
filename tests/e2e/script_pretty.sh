#!/usr/bin/env bash
# $x$, $x$$ and $$vars as SystemTap prints them: structures of C and C++, what is masked, characters, what nobody can read.
# needs: kernel g++
# shellcheck disable=SC2016 # scripts of this language have dollars
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

cat >plain.c <<'END'
enum color { RED, GREEN = 5 };
struct plain {
	int x;
	char c;
	unsigned char u;
	short s[3];
	double d;
	struct {
		int inside;
		union { int whole; unsigned char bytes[4]; };
	};
	enum color color;
	unsigned bits : 3;
	void (*call)(void);
	const char *name;
	int *to;
	char text[4];
	int grid[2][3];
	char words[2][4];
};
__attribute__((noinline)) int look(struct plain *p, struct plain whole, int *n, int *none, char **names, double d)
{
	long locals[2] = {p->x, 8};

	return (int)locals[0] + whole.x + *n + (int)d + (none || !names);
}
int main(void)
{
	struct plain p = {3, 'q', 200, {4, 5, -6}, 2.5, {7, {0x04030201}}, GREEN, 6, 0, "a \"name\"", 0, "abcd", {{1, 2, 3}, {4, 5, 6}}, {"ab", "cd"}};
	char *names[] = {"first"};
	int n = 9;

	return look(&p, p, &n, 0, names, 1.5) < 0;
}
END
"$FT_CC" -g -O0 -o plain plain.c || fail "cannot compile"
"$FLAMETAP" run -T 0.01 -e 'probe process("./plain").function("look") { println(1) }' 2>log || {
	grep -q 'no probes on user functions' log && echo "SKIP: needs CONFIG_UPROBES" && exit 77
	fail "cannot attach"
}
tap 0 run -c ./plain -e 'probe process.function("look") {
	println($p$)
	println($p$$)
	println($whole$)
	printf("%s %s %s %s %s\n", $n$, $none$, $names$, $p->color$, $p->u$)
	i = 1
	printf("%d %d %d %s %s\n", $p->grid[1][2], $p->grid[i][i], &$p->grid[1] - &$p->grid, $p->grid[1]$, $whole->words[1]$)
	println($$vars)
}' >out
sed -E 's/(p|n|names)=0x[0-9a-f]{6,}/\1=ADDR/g' out >got
[ "$(cat got)" = '{.x=3, .c='\''q'\'', .u='\''\310'\'', .s=[...], .d=?, <class>={...}, .color=5, .bits=6, .call=0x0, .name="a \"name\"", .to=0x0, .text=[...], .grid=[...], .words=[...]}
{.x=3, .c='\''q'\'', .u='\''\310'\'', .s=[4, 5, -6], .d=?, <class>={.inside=7, <union>={.whole=67305985, .bytes="\001\002\003\004"}}, .color=5, .bits=6, .call=0x0, .name="a \"name\"", .to=0x0, .text="abcd", .grid=[[1, 2, 3], [4, 5, 6]], .words=["ab", "cd"]}
{.x=3, .c='\''q'\'', .u='\''\310'\'', .s=[...], .d=?, <class>={...}, .color=5, .bits=6, .call=0x0, .name="a \"name\"", .to=0x0, .text=[...], .grid=[...], .words=[...]}
9 ERROR "first" 5 '\''\310'\''
6 5 12 [4, 5, 6] "cd"
p=ADDR whole={...} n=ADDR none=0x0 names=ADDR d=0x3ff8000000000000 locals=[...]' ] || fail "$(cat got)"

# C++: base classes nearest first, each once, virtual ones where the object says that they are; what is masked by name;
# references; wide characters.
cat >objects.cc <<'END'
struct Root { int root; virtual ~Root() {} };
struct Left : virtual Root { int left; };
struct Right : virtual Root { int right; };
struct Both : Left, Right { int both; int own() { return both; } };
template <int N> struct Head { long head; };
struct Inner : Head<1> {};
struct Tuple : Inner, Head<0> {};
struct Wide { char16_t c; char32_t d; const char16_t *text; const char32_t *far; char16_t here[4]; };
volatile int sink;
__attribute__((noinline)) int look(Both &r, Root *p, const int &number, Tuple t, Wide &w, int (Both::*method)(), decltype(nullptr) np)
{
	sink++;
	return r.left + p->root + number + (int)t.Inner::head + w.c + (r.*method)() + (np == nullptr);
}
int main()
{
	Both b;
	Tuple t;
	Wide w = {u'z', U'\u0391', u"stap\u0391\u263a\U0001f608", U"far\U0001f608", u"abc"};

	b.root = 1, b.left = 2, b.right = 3, b.both = 4;
	t.Inner::head = 10, t.Head<0>::head = 20;
	return look(b, &b, 7, t, w, &Both::own, nullptr) < 0;
}
END
g++ -std=c++11 -g -O0 -o objects objects.cc || fail "cannot compile"
tap 0 run -c ./objects -e 'probe process.function("look") {
	println(user_string_utf16(0, "none"))
	println($r$)
	printf("%d %d %d\n", $r->root, $p->root, $r->left)
	printf("%d %s %s %s\n", $number$ == "7", $t$, $method$, $np$)
	println($w$$)
	println(user_string_utf16($w->text), " ", user_string_utf32($w->far))
}' >out
[ "$(cat out)" = 'none
{.both=4, .left=2, .right=3, .root=1}
1 1 2
1 {.head=20} ? ?
{.c='\''z'\'', .d='\''\u0391'\'', .text="stap\u0391\u263A\U0001F608", .far="far\U0001F608", .here="abc"}
stapΑ☺😈 far😈' ] || fail "$(cat out)"

# Vector registers cannot be read: said so, "?" among others, and not @defined.
cat >vector.c <<'END'
struct split { long n; double d; };
static void mark(double d)
{
	__asm__ volatile("990: nop\n"
			 ".pushsection .note.stapsdt,\"?\",\"note\"\n"
			 ".balign 4\n.4byte 992f-991f,994f-993f,3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"
			 "993: .8byte 990b\n.8byte 0\n.8byte 0\n.asciz \"floats\"\n.asciz \"mark\"\n"
			 ".asciz \"-4@$5 8f@%%xmm0 -8f@(%%rsp)\"\n994: .balign 4\n.popsection\n" : : "x"(d));
}
__attribute__((noipa)) int look(double d, int n, struct split s)
{
	mark(d);
	return (int)d + n + (int)s.d;
}
int main(void) { return look(2.5, 3, (struct split){4, 5.5}) < 0; }
END
if [ "$(uname -m)" = x86_64 ]; then
	"$FT_CC" -g -O2 -o vector vector.c || fail "cannot compile"
	tap 0 run -c ./vector -e '
probe process.function("look") { println($$parms, " ", $s$, @defined($d) ? " there" : " not there") }
probe process.mark("mark") { println($arg1, @defined($arg2) ? " there" : " not there"); println($$parms) }' >out
	sed -i -E 's/arg3=0x[0-9a-f]+/arg3=NUMBER/' out # both are at the function's first instruction
	[ "$(sort out)" = '$arg1=0x5 $arg2=? $arg3=NUMBER
5 not there
d=? n=0x3 s={...} {.n=4, .d=?} not there' ] || fail "$(cat out)"
	for point in 'function("look") { println($d) }' 'mark("mark") { println($arg2) }'; do
		tap 1 run -c ./vector -e "probe process.$point"
		says "it is in a vector register, which the kernel does not save at probes"
	done
fi
