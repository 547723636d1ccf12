/*
 * hostile.c - a process whose own name and whose function's name try to break out of text, XML and
 * terminals. The name of the function is set by an assembler label, which takes any bytes in
 * quotes.
 */
#include <stdint.h>
#include <sys/prctl.h>

static volatile uint64_t sink;

__attribute__((noinline)) void hostile(void) __asm__("\"<script>alert(1)</script>'&;]]>\033[31m\"");

void hostile(void)
{
	for (int i = 0; i < 100000; i++)
		sink++;
}

int main(void)
{
	prctl(PR_SET_NAME, "<b>\001\377\"';&\n");
	for (;;)
		hostile();
}
