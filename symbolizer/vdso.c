/*
 * vdso.c - the image of the vDSO, the kernel's page of code in every process.
 *
 * All 64-bit processes have the same one, so ours serves. A 32-bit process has another: its
 * build-id tells.
 */
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

#include "symbolizer/source.h"

static int vdso_open(struct ft_sym *sym, struct ft_group *group)
{
	const u8 *image = (const u8 *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	const struct ft_module *module = group->module;
	u8 build_id[FT_ELF_BUILD_ID_MAX];
	Elf64_Ehdr header;
	int len;

	(void)sym;
	if (!image)
		return 0;
	memcpy(&header, image, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		return 0;
	/* The kernel made it: the section headers are the last thing in it. */
	if (ft_elf_open_memory(image, header.e_shoff + (size_t)header.e_shnum * sizeof(Elf64_Shdr),
			       &group->elf))
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
