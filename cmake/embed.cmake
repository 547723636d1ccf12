# ft_embed(TARGET FILE...) - text files as C strings. output/svg.js becomes the header "embed/svg.js.h" with
# static const char ft_embed_svg_js[] = "..."; (the file's bytes, NUL-terminated).
function(ft_embed target)
	set(dir ${CMAKE_BINARY_DIR}/generated/embed)
	foreach(file ${ARGN})
		get_filename_component(name ${file} NAME)
		string(MAKE_C_IDENTIFIER ${name} symbol)
		add_custom_command(OUTPUT ${dir}/${name}.h
			COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_SOURCE_DIR}/${file} -DOUTPUT=${dir}/${name}.h
				-DSYMBOL=ft_embed_${symbol} -P ${CMAKE_SOURCE_DIR}/cmake/embed_file.cmake
			DEPENDS ${CMAKE_SOURCE_DIR}/${file} ${CMAKE_SOURCE_DIR}/cmake/embed_file.cmake VERBATIM)
		target_sources(${target} PRIVATE ${dir}/${name}.h)
	endforeach()
	target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()
