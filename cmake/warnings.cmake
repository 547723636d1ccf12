# The warnings of the house, as an interface library that every target of ours links privately.
add_library(ft_warnings INTERFACE)
target_compile_options(ft_warnings INTERFACE
	-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wundef -Wvla -Wformat=2
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wpointer-arith
	-Wimplicit-fallthrough -Wdouble-promotion
	$<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond>
	$<$<BOOL:${WERROR}>:-Werror>)
