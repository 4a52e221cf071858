# Warnings and sanitizers, carried by one interface target that every room links.
# No -ffast-math anywhere: it breaks the masking with -inf.
add_library(tt_options INTERFACE)
target_compile_options(tt_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wcast-align -Wimplicit-fallthrough -Wnull-dereference
  $<$<BOOL:${TT_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 reports null dereferences and overlapping copies inside its own standard library when it inlines at -O2
  # and above (GCC bug 105329).
  target_compile_options(tt_options INTERFACE -Wno-null-dereference -Wno-restrict)
endif()
# The same sums whatever the optimiser contracts: a fused multiply-add only where the source asks for one.
target_compile_options(tt_options INTERFACE -ffp-contract=off)
target_link_libraries(tt_options INTERFACE OpenMP::OpenMP_CXX)
if(TT_SANITIZE)
  list(JOIN TT_SANITIZE "," _tt_sanitizers)
  target_compile_options(tt_options INTERFACE -fsanitize=${_tt_sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  if(_tt_sanitizers MATCHES "undefined")
    # AddressSanitizer stops at null pointers and past the end of objects too; to check every access for these, and for
    # its object's type, would make compiling a quarter longer.
    target_compile_options(tt_options INTERFACE -fno-sanitize=null,object-size,vptr,nonnull-attribute,returns-nonnull-attribute)
  endif()
  target_link_options(tt_options INTERFACE -fsanitize=${_tt_sanitizers})
endif()
