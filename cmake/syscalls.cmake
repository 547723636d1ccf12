# ft_syscalls(TARGET) - names and numbers of this architecture's system calls, as the compiler's <asm/unistd.h> has
# them: the header "tables/syscalls.h" with lines {"read", 0}, for an array's initializer.
function(ft_syscalls target)
	set(dir ${CMAKE_BINARY_DIR}/generated/tables)
	file(MAKE_DIRECTORY ${dir})
	file(WRITE ${dir}/unistd.c "#include <asm/unistd.h>\n")
	execute_process(COMMAND ${CMAKE_C_COMPILER} -E -dM ${dir}/unistd.c OUTPUT_VARIABLE macros
		COMMAND_ERROR_IS_FATAL ANY)
	string(REGEX MATCHALL "#define __NR_[a-z0-9_]+ [^\n]+" macros "${macros}")
	list(SORT macros)
	set(lines "")
	foreach(macro ${macros})
		string(REGEX REPLACE "#define __NR_([a-z0-9_]+) .*" "\\1" name "${macro}")
		string(APPEND lines "{\"${name}\", __NR_${name}},\n")
	endforeach()
	file(CONFIGURE OUTPUT ${dir}/syscalls.h CONTENT "${lines}")
	target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()
