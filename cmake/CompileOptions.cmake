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

# Programs read files of strangers: addresses the dynamic linker has settled are read-only before main.
include(CheckLinkerFlag)
check_linker_flag(CXX "-Wl,-z,relro,-z,now" TT_HAVE_FULL_RELRO)
if(TT_HAVE_FULL_RELRO)
  target_link_options(tt_options INTERFACE -Wl,-z,relro,-z,now)
endif()
# What is linked from outside the system's folders is found where it was when built and installed alike. Otherwise CMake
# pads the programs' RUNPATH with an empty entry, which means the folder a program is started in.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)

# tt_hardened(TARGET)
#   For the rooms that parse files: overwritten stack frames and the C library's copies past a buffer's end stop the
#   program. Kernels go without, whose small arrays on the stack would be checked at every call. Sanitizers see more.
function(tt_hardened target)
  if(NOT TT_SANITIZE)
    target_compile_options(${target} PRIVATE -fstack-protector-strong
      $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  endif()
endfunction()
