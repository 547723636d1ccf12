/*
 * command.c - starts the program to be profiled and holds it until the probes are armed. See cli.h.
 *
 * The child waits on a pipe before it calls exec. A second pipe, closed by a successful exec,
 * brings back the error of a failed one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

static void child_run(char **argv, int release_fd, int exec_fd) __attribute__((noreturn));

static void child_run(char **argv, int release_fd, int exec_fd)
{
	sigset_t none;
	char go;
	int code;

	/* Signals that we take through a descriptor are not to be blocked in the program. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* while it is held; cleared below */
	if (read(release_fd, &go, 1) != 1)
		_exit(127);
	prctl(PR_SET_PDEATHSIG, 0);
	execvp(argv[0], argv);
	code = errno;
	if (write(exec_fd, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

int ft_command_start(char **argv, struct ft_command *command, struct ft_err *err)
{
	int release[2], exec[2];
	pid_t pid;

	if (pipe2(release, O_CLOEXEC))
		return ft_err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(exec, O_CLOEXEC)) {
		close(release[0]);
		close(release[1]);
		return ft_err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	}
	pid = fork();
	if (pid == 0) {
		close(release[1]);
		child_run(argv, release[0], exec[1]);
	}
	close(release[0]);
	close(exec[1]);
	if (pid < 0) {
		close(release[1]);
		close(exec[0]);
		return ft_err_set(err, -errno, "cannot start a process: %s", strerror(errno));
	}
	*command = (struct ft_command){.pid = pid, .release_fd = release[1], .exec_fd = exec[0]};
	command->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (command->pidfd < 0) {
		ft_err_set(err, -errno, "cannot watch the command: %s", strerror(errno));
		ft_command_fini(command);
		return -EIO;
	}
	return 0;
}

int ft_command_release(struct ft_command *command, const char *name, struct ft_err *err)
{
	int code = 0;
	ssize_t n;

	if (write(command->release_fd, "", 1) != 1)
		return ft_err_set(err, -ESRCH, "the command ended before it could start");
	close(command->release_fd);
	command->release_fd = -1;
	do
		n = read(command->exec_fd, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	if (n == sizeof(code)) {
		waitpid(command->pid, &command->wait_status, 0); /* it exits now */
		command->reaped = true;
		return ft_err_set(err, -code, "cannot run %s: %s", name, strerror(code));
	}
	return 0;
}

void ft_command_reap(struct ft_command *command)
{
	if (command->pid && !command->reaped &&
	    waitpid(command->pid, &command->wait_status, WNOHANG) == command->pid)
		command->reaped = true;
}

void ft_command_fini(struct ft_command *command)
{
	if (!command->pid)
		return;
	if (command->release_fd >= 0) {
		close(command->release_fd); /* a held child reads the end of the pipe, and exits */
		waitpid(command->pid, &command->wait_status, 0);
		command->reaped = true;
	}
	close(command->exec_fd);
	if (command->pidfd >= 0)
		close(command->pidfd);
	command->pid = 0;
}
