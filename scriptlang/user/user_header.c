/* user_header.c - see user_header.h. */
#include "scriptlang/user/user_header.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

bool ft_user_is_header(const char *module)
{
	size_t len = strlen(module);

	return len > 2 && module[0] == '<' && module[len - 1] == '>' &&
	       !strpbrk(module, "\n\r\"\\");
}

/* Writes "#include <a>" for each of "<a><b>". */
static void write_source(int fd, const char *module)
{
	for (const char *at = module; *at == '<'; at = strchr(at, '>') + 1)
		dprintf(fd, "#include %.*s\n", (int)(strcspn(at, ">") + 1), at);
}

/* Runs the compiler on it. 0, or a negative errno: -ENOENT where there is none. */
static int compile_to(const char *compiler, const char *source, const char *object)
{
	/* a linked file: in an object debug information waits to be relocated */
	const char *const args[] = {compiler, "-shared", "-nostdlib",
				    "-w",     "-g",	 "-fno-eliminate-unused-debug-types",
				    "-x",     "c",	 "-o",
				    object,   source,	 NULL};
	posix_spawn_file_actions_t actions;
	int status = 0, code;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	code = posix_spawnp(&pid, compiler, &actions, NULL, (char *const *)args, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (code)
		return -code;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status ? -EINVAL : 0;
}

static int compile_header(const char *source, const char *object)
{
	static const char *const compilers[] = {"cc", "gcc", "clang"};
	int code = -ENOENT;

	for (size_t i = 0; i < FT_ARRAY_LEN(compilers) && code == -ENOENT; i++)
		code = compile_to(compilers[i], source, object);
	return code;
}

/* The file without a name, which its descriptor keeps. */
static struct ft_user_file *open_object(struct ft_compile *compile, const char *object,
					const char *module, char why[200])
{
	struct ft_user_file *file = ft_user_file_open(compile, object, module, why);

	if (!file)
		return NULL;
	file->path = ft_arena_printf(compile->arena, "/proc/self/fd/%d", file->fd);
	return file->path ? file : NULL;
}

struct ft_user_file *ft_user_header_open(struct ft_compile *compile, const char *module,
					 char why[200])
{
	const char *dir = getenv("TMPDIR");
	struct ft_user_file *file = NULL;
	char source[200], object[200];
	int source_fd, object_fd, code;

	for (u32 i = 0; i < compile->user_files.count; i++)
		if (!strcmp(compile->user_files.items[i]->shown, module))
			return compile->user_files.items[i];
	snprintf(source, sizeof(source), "%.120s/flametap-XXXXXX.c", dir && *dir ? dir : "/tmp");
	snprintf(object, sizeof(object), "%.120s/flametap-XXXXXX.so", dir && *dir ? dir : "/tmp");
	source_fd = mkostemps(source, 2, O_CLOEXEC);
	object_fd = source_fd < 0 ? -1 : mkostemps(object, 3, O_CLOEXEC);
	if (object_fd < 0) {
		snprintf(why, 200, "cannot write %.120s: %s", source_fd < 0 ? source : object,
			 strerror(errno));
	} else {
		write_source(source_fd, module);
		code = compile_header(source, object);
		if (!code)
			file = open_object(compile, object, module, why);
		else if (code == -ENOENT)
			snprintf(why, 200,
				 "the types of %.80s need a C compiler, and there is none: install "
				 "gcc, or name a program with debug information",
				 module);
		else
			snprintf(why, 200, "the C compiler does not take %.80s", module);
		unlink(object);
		close(object_fd);
	}
	if (source_fd >= 0) {
		unlink(source);
		close(source_fd);
	}
	return file;
}
