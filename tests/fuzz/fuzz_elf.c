/*
 * fuzz_elf.c - arbitrary bytes as an ELF file, through everything that reads one.
 *
 * An input that begins with the ELF magic is taken as it is. Any other is a list of changes to a
 * small sound image (tests/unit/elf_image.h): four bytes each, place (16 bits), how (8 bits), value
 * (8 bits). So the corpus needs no binary files of others, and the fuzzer starts behind the first
 * checks.
 *
 * Beyond not crashing: the result must hold every frame once, and a second run over the same bytes,
 * read from a descriptor instead of memory, must give the same names.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbolizer/source.h"
#include "tests/unit/elf_image.h"

#define INPUT_MAX (64 * 1024)
#define WANTS 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void image_change(u8 *image, const uint8_t *data, size_t size)
{
	for (; size >= 4; data += 4, size -= 4) {
		size_t at = (size_t)(data[0] | data[1] << 8) % IMAGE_BYTES;

		switch (data[2] % 4) {
		case 0:
			image[at] = data[3];
			break;
		case 1:
			image[at] ^= data[3];
			break;
		case 2: /* a whole word of one byte: sizes and offsets of all ones */
			memset(image + at, data[3], IMAGE_BYTES - at < 8 ? IMAGE_BYTES - at : 8);
			break;
		default: /* a copy of another place: tables in tables */
			memmove(image + at, image + (data[3] * 64) % (IMAGE_BYTES - 64),
				IMAGE_BYTES - at < 64 ? IMAGE_BYTES - at : 64);
		}
	}
}

static u8 *image_of(const uint8_t *data, size_t size, size_t *len)
{
	static const struct image_symbol symbols[] = {
		{"puts", 0, 0, STT_FUNC, STB_GLOBAL, true},
		{"_ZNSt6vectorIiSaIiEE9push_backERKi", 0x11000, 0x40, STT_FUNC, STB_GLOBAL, false},
		{"label", 0x11040, 0, STT_NOTYPE, STB_LOCAL, false},
		{"alias", 0x11080, 0x40, STT_FUNC, STB_GLOBAL, false},
		{"__alias@@V1", 0x11080, 0x40, STT_FUNC, STB_WEAK, false},
		{"exported", 0x11200, 0x40, STT_FUNC, STB_GLOBAL, true},
	};
	bool whole = size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
	u8 *image;

	*len = whole ? size : IMAGE_BYTES;
	image = malloc(*len); /* of the exact size, so that a sanitizer sees a read past the end */
	check(image != NULL);
	if (whole) {
		memcpy(image, data, size);
		return image;
	}
	image_build(image, size % 2 ? EM_AARCH64 : EM_X86_64, symbols, FT_ARRAY_LEN(symbols));
	image_change(image, data, size);
	return image;
}

static void run_sources(struct ft_elf *elf)
{
	struct ft_symbolize_notes notes = {0};
	struct ft_sym sym = {.notes = &notes, .profile = ft_profile_new()};
	struct ft_module module = {.kind = FT_MODULE_FILE, .fd = -1};
	struct ft_want wants[WANTS] = {0};
	struct ft_group group = {.kind = FT_GROUP_FILE,
				 .module = &module,
				 .wants = wants,
				 .count = WANTS,
				 .elf = elf,
				 .fd = -1};
	u64 start, end;

	check(sym.profile != NULL);
	for (u32 i = 0; i < WANTS; i++)
		wants[i] = (struct ft_want){.addr = 0x11000 + i * 0x34, .mapped = true};
	check(!ft_source_elfsym.resolve(&sym, &group));
	check(!ft_source_plt.resolve(&sym, &group));
	check(!ft_source_fde.resolve(&sym, &group));
	for (u32 i = 0; i < WANTS; i++) {
		check(!wants[i].named || ft_strtab_len(sym.profile->strings, wants[i].name) > 0);
		if (ft_fde_find(elf, wants[i].addr, &start, &end))
			check(start <= wants[i].addr && wants[i].addr < end);
	}
	ft_map64_fini(&group.symbols);
	ft_profile_free(sym.profile);
}

/* The names of a whole run through a descriptor, one after the other. */
static struct ft_profile *symbolize(const u8 *image, size_t len)
{
	struct ft_module module = {.kind = FT_MODULE_FILE, .path = strdup("/x/lib.so"), .fd = -1};
	struct ft_raw *raw = ft_raw_new();
	struct ft_profile *profile = NULL;
	struct ft_err err;
	u32 node = FT_TREE_ROOT;

	module.fd = memfd_create("image", MFD_CLOEXEC);
	check(raw && module.fd >= 0 && write(module.fd, image, len) == (ssize_t)len);
	check(ft_raw_module(raw, &module) == 0);
	for (u32 i = 0; i < WANTS; i++) {
		struct ft_location place = {.kind = FT_LOCATION_USER, .addr = 0x1000 + i * 0x34};

		node = ft_tree_child(raw->tree, node, ft_raw_location(raw, &place));
		ft_tree_add(raw->tree, node, 1);
	}
	check(!ft_symbolize(raw, NULL, NULL, &profile, &err));
	check(profile->quality.frames == WANTS * (WANTS + 1) / 2);
	check(profile->quality.frames_named <= profile->quality.frames);
	ft_raw_free(raw);
	return profile;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ft_profile *first, *second;
	u8 build_id[FT_ELF_BUILD_ID_MAX];
	struct ft_elf *elf;
	size_t len;
	u8 *image;

	if (size > INPUT_MAX)
		return 0;
	image = image_of(data, size, &len);
	if (!ft_elf_open_memory(image, len, &elf)) {
		check(ft_elf_build_id_of(elf, build_id) <= FT_ELF_BUILD_ID_MAX);
		run_sources(elf);
		ft_elf_close(elf);
	}
	first = symbolize(image, len);
	second = symbolize(image, len);
	check(ft_strtab_count(first->strings) == ft_strtab_count(second->strings));
	for (u32 i = 0; i < ft_strtab_count(first->strings); i++)
		check(!strcmp(ft_strtab_str(first->strings, i), ft_strtab_str(second->strings, i)));
	ft_profile_free(first);
	ft_profile_free(second);
	free(image);
	return 0;
}
