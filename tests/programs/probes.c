/*
 * probes.c - says "ready", waits for SIGUSR1, passes statically defined probes in known numbers,
 * and ends: flametest:step 30 times in early and 70 times in late (two places), flametest:guarded
 * 50 times where its semaphore says that somebody listens; exit status 9 when nobody does.
 *
 * The notes are written by hand, in the form of <sys/sdt.h>; base/sdt.c says where it is
 * described.
 */
#include <signal.h>
#include <stdio.h>

/* An instruction to put a probe on, and the note about it. SEMAPHORE: a symbol, or 0. */
#define PROBE(NAME, SEMAPHORE)                                             \
	__asm__ volatile("77: nop\n"                                       \
			 ".pushsection .note.stapsdt, \"\", \"note\"\n"    \
			 ".balign 4\n"                                     \
			 ".4byte 8, 79f - 78f, 3\n"                        \
			 ".asciz \"stapsdt\"\n"                            \
			 "78: .8byte 77b, base_of_probes, " SEMAPHORE "\n" \
			 ".asciz \"flametest\"\n"                          \
			 ".asciz \"" NAME "\"\n"                           \
			 ".asciz \"\"\n"                                   \
			 "79: .balign 4\n"                                 \
			 ".popsection")

__asm__(".pushsection .stapsdt.base, \"a\", \"progbits\"\n"
	".hidden base_of_probes\n"
	"base_of_probes: .space 1\n"
	".popsection");

/* The kernel counts listeners here. */
__attribute__((section(".probes"), used)) volatile unsigned short guarded_semaphore;

__attribute__((noinline)) static void early(void)
{
	for (int i = 0; i < 30; i++)
		PROBE("step", "0");
}

__attribute__((noinline)) static void late(void)
{
	for (int i = 0; i < 70; i++)
		PROBE("step", "0");
}

__attribute__((noinline)) static int guarded(void)
{
	for (int i = 0; i < 50; i++) {
		if (!guarded_semaphore)
			return 9;
		PROBE("guarded", "guarded_semaphore");
	}
	return 0;
}

int main(void)
{
	sigset_t usr1;
	int number;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	printf("ready\n");
	fflush(stdout);
	sigwait(&usr1, &number);
	early();
	late();
	return guarded();
}
