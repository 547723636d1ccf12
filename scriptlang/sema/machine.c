/* machine.c - what conditions of a script ask about the machine; see compile.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

#include "base/file.h"
#include "scriptlang/sema/compile.h"

#define HZ_UNKNOWN 1000

#define CONFIG_BYTES_MAX (4u << 20)

void ft_machine_init(struct ft_machine *machine)
{
	struct utsname name;

	memset(machine, 0, sizeof(*machine));
	if (uname(&name))
		return;
	snprintf(machine->release, sizeof(machine->release), "%s", name.release);
	snprintf(machine->version, sizeof(machine->version), "%.*s",
		 (int)strcspn(name.release, "-"), name.release);
	snprintf(machine->arch, sizeof(machine->arch), "%s",
		 strcmp(name.machine, "aarch64") ? name.machine : "arm64");
}

/* The configuration that the kernel carries itself. 0 or -errno. */
static int read_own_config(char **text, size_t *len)
{
	gzFile file = gzopen("/proc/config.gz", "rbe");
	int got;

	*text = file ? malloc(CONFIG_BYTES_MAX) : NULL;
	if (!*text) {
		if (file)
			gzclose(file);
		return -ENOENT;
	}
	got = gzread(file, *text, CONFIG_BYTES_MAX);
	gzclose(file);
	*len = got > 0 ? (size_t)got : 0;
	return 0;
}

/* Distributions keep the configuration beside the kernel. */
static void read_config(struct ft_compile *compile)
{
	struct ft_machine *m = &compile->machine;
	char path[128], *text = NULL;
	size_t len;

	m->config_read = true;
	snprintf(path, sizeof(path), "/boot/config-%s", m->release);
	if (ft_file_read(path, CONFIG_BYTES_MAX, &text, &len) && read_own_config(&text, &len))
		return;
	m->config = ft_arena_copy(compile->arena, text, len);
	free(text);
}

const char *ft_machine_config(struct ft_compile *compile, const char *option)
{
	size_t len = strlen(option);
	const char *line;

	if (!compile->machine.config_read)
		read_config(compile);
	for (line = compile->machine.config; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, option, len) && line[len] == '=')
			return ft_arena_copy(compile->arena, line + len + 1,
					     strcspn(line + len + 1, "\n"));
	}
	return "";
}

bool ft_compatible_before(const struct ft_compile *compile, const char *version)
{
	return compile->compatible && strverscmp(compile->compatible, version) < 0;
}

u32 ft_machine_hz(struct ft_compile *compile)
{
	const char *text = ft_machine_config(compile, "CONFIG_HZ");
	u32 hz = text ? (u32)strtoul(text, NULL, 10) : 0;

	return hz ? hz : HZ_UNKNOWN;
}
