/*
 * vdso.c - the image of the vDSO, the kernel's page of code in every process.
 *
 * All 64-bit processes have the same one, so ours serves. A 32-bit process has another: its
 * build-id tells.
 */
#include <string.h>

#include "symbolizer/source.h"

static int vdso_open(struct ft_sym *sym, struct ft_group *group)
{
	const struct ft_module *module = group->module;
	u8 build_id[FT_ELF_BUILD_ID_MAX];
	int len;

	(void)sym;
	if (ft_elf_open_vdso(&group->elf))
		return 0;
	len = ft_elf_build_id_of(group->elf, build_id);
	if (module->build_id_len &&
	    (len != module->build_id_len || memcmp(build_id, module->build_id, (size_t)len))) {
		ft_elf_close(group->elf);
		group->elf = NULL;
	}
	return 0;
}

const struct ft_source ft_source_vdso = {
	.name = "vdso",
	.kinds = 1 << FT_GROUP_VDSO,
	.open = vdso_open,
};
