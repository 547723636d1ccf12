/* machine.c - what conditions of a script ask about the machine; see compile.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "scriptlang/compile.h"

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

/* Distributions keep the configuration beside the kernel. */
static void read_config(struct ft_compile *compile)
{
	struct ft_machine *m = &compile->machine;
	char path[128], *text = NULL;
	size_t len;

	m->config_read = true;
	snprintf(path, sizeof(path), "/boot/config-%s", m->release);
	if (ft_file_read(path, CONFIG_BYTES_MAX, &text, &len))
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
	return compile->machine.config ? "undefined" : NULL;
}
