/*
 * fault.c - see fault.h.
 *
 * The handler is one for the process, installed when it is needed and not there, and never taken
 * away; which threads want it is per thread. What comes from elsewhere goes to whoever handled it
 * before.
 * sigaction(2), mmap(2); BUS_ADRERR is also what a read error of the disk gives.
 */
#include "base/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static _Thread_local volatile sig_atomic_t depth, missing;
static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;
static uintptr_t page_bytes;

static void on_bus(int number, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & ~(page_bytes - 1);

	(void)context;
	if (depth && info->si_code == BUS_ADRERR &&
	    mmap((void *)page, page_bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
		missing = 1;
		return;
	}
	/* The instruction is tried again, and the one before us gets it. */
	sigaction(number, &before, NULL);
}

static void install(void)
{
	struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_NODEFER};
	struct sigaction now;

	pthread_mutex_lock(&installing);
	sigaction(SIGBUS, NULL, &now);
	if (!(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != on_bus) {
		page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
		before = now;
		sigemptyset(&action.sa_mask);
		sigaction(SIGBUS, &action, NULL);
	}
	pthread_mutex_unlock(&installing);
}

void ft_fault_enter(void)
{
	if (depth++)
		return;
	missing = 0;
	install();
}

bool ft_fault_leave(void)
{
	depth--;
	return missing;
}
