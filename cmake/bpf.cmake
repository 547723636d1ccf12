# ft_bpf(TARGET FILE.bpf.c...) - BPF programs, compiled by clang and embedded as libbpf skeletons.
# sampler/bpf/cpu.bpf.c becomes the header "bpf/cpu.skel.h". Needs neither the running kernel's BTF nor its headers.
find_program(CLANG NAMES clang clang-14 clang-15 clang-16 REQUIRED)
find_program(LLVM_STRIP NAMES llvm-strip llvm-strip-14 REQUIRED)
find_program(LLVM_OBJCOPY NAMES llvm-objcopy llvm-objcopy-14 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
	set(FT_BPF_ARCH arm64)
else()
	set(FT_BPF_ARCH x86)
endif()

# The verifier takes a tenth longer to load programs that name their source lines, which only its messages show. So
# their length in the header of .BTF.ext (at byte 20: struct btf_ext_header of libbpf) becomes 0; Debug builds keep them.
function(ft_bpf_drop_lines out object)
	set(${out}
		COMMAND ${LLVM_OBJCOPY} --dump-section .BTF.ext=${object}.ext ${object}
		COMMAND dd if=/dev/zero of=${object}.ext bs=1 seek=20 count=4 conv=notrunc status=none
		COMMAND ${LLVM_OBJCOPY} --remove-section .BTF.ext --remove-section .rel.BTF.ext
			--add-section .BTF.ext=${object}.ext ${object}
		PARENT_SCOPE)
endfunction()

function(ft_bpf target)
	set(dir ${CMAKE_BINARY_DIR}/generated/bpf)
	file(MAKE_DIRECTORY ${dir})
	# Headers of the BPF side are few; a change in any rebuilds all programs.
	file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/*/bpf/*.h ${CMAKE_SOURCE_DIR}/*/wire.h
		${CMAKE_SOURCE_DIR}/base/types.h)
	# Freestanding: <stdint.h> is then clang's own. The C library's would want the 32-bit headers of this machine.
	foreach(file ${ARGN})
		get_filename_component(name ${file} NAME)
		string(REPLACE ".bpf.c" "" name ${name})
		set(drop_lines "")
		if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
			ft_bpf_drop_lines(drop_lines ${dir}/${name}.bpf.o)
		endif()
		add_custom_command(OUTPUT ${dir}/${name}.skel.h
			COMMAND ${CLANG} -target bpf -mcpu=v3 -O2 -g -std=gnu11 -ffreestanding -D__TARGET_ARCH_${FT_BPF_ARCH}
				-Wall -Wextra -Wshadow -Wno-missing-prototypes -I${CMAKE_SOURCE_DIR}
				-idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
				-c ${CMAKE_SOURCE_DIR}/${file} -o ${dir}/${name}.bpf.o
			COMMAND ${LLVM_STRIP} -g ${dir}/${name}.bpf.o
			${drop_lines}
			COMMAND ${BPFTOOL} gen skeleton ${dir}/${name}.bpf.o name ${name}_bpf > ${dir}/${name}.skel.h.new
			COMMAND ${CMAKE_COMMAND} -E rename ${dir}/${name}.skel.h.new ${dir}/${name}.skel.h
			DEPENDS ${CMAKE_SOURCE_DIR}/${file} ${headers} VERBATIM)
		target_sources(${target} PRIVATE ${dir}/${name}.skel.h)
	endforeach()
	target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()
