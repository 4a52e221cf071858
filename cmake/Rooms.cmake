# tt_sources(RESULT)
#   Every C++ source of this folder and of those below it, in the order of their names.
function(tt_sources result)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" "*.cpp")
  list(SORT found)
  set(${result} ${found} PARENT_SCOPE)
endfunction()

# tt_room(NAME [SOURCES a.cpp ...] [PUBLIC target ...] [PRIVATE target ...])
#   One static library per room of the house, tt_NAME, included as "NAME/header.hpp". Without SOURCES, of all in its folder.
function(tt_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  if(NOT ARG_SOURCES)
    tt_sources(ARG_SOURCES)
  endif()
  add_library(tt_${name} STATIC ${ARG_SOURCES})
  target_include_directories(tt_${name} PUBLIC "${PROJECT_SOURCE_DIR}/lib")
  target_link_libraries(tt_${name} PUBLIC ${ARG_PUBLIC} PRIVATE tt_options ${ARG_PRIVATE})
  tt_compile_together(tt_${name})
endfunction()

# tt_compile_together(TARGET)
#   With TT_TOGETHER, the target's sources a few at a time as one: most of a compile is the code of libraries that
#   every source repeats (CLI11, nlohmann-json), and a clean build takes half as long.
function(tt_compile_together target)
  if(TT_TOGETHER)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # Classes may hold types of their own source; included by another file, gcc takes it for a header.
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
endfunction()

# tt_hardly_runs(TARGET)
#   Much code that runs for a moment (flags, JSON, pages): optimised lightly, it compiles a third faster, and compiled in
#   larger pieces, it repeats less of the libraries. Sums stay the same (-ffp-contract=off). Sanitized builds leave it
#   unoptimised.
function(tt_hardly_runs target)
  if(TT_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
  else()
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release,RelWithDebInfo>:-O1>)
  endif()
  if(TT_TOGETHER)
    set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE 12)
  endif()
endfunction()

# tt_spare_undefined(TARGET)
#   A test's own code is not what UndefinedBehaviorSanitizer is for, and takes it twice as long to compile with.
function(tt_spare_undefined target)
  if(TT_SANITIZE MATCHES "undefined")
    target_compile_options(${target} PRIVATE -fno-sanitize=undefined)
  endif()
endfunction()

# tt_test(NAME [SOURCES a.cpp ...] [LIBS target ...] [ALONE])
#   One test program per room, run by CTest from the source tree's root. ALONE: its sources use the same names, and are
#   not compiled together.
function(tt_test name)
  cmake_parse_arguments(ARG "ALONE" "" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_SOURCES)
    tt_sources(ARG_SOURCES)
  endif()
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE tt_options tt_test_support ${ARG_LIBS})
  target_compile_options(test_${name} PRIVATE -O1)  # most of a build is compiling tests; -O1 is half of it
  tt_spare_undefined(test_${name})
  if(TT_TOGETHER)
    if(NOT ARG_ALONE)
      set_target_properties(test_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
    endif()
    if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)  # else CMake warns of each
      target_precompile_headers(test_${name} REUSE_FROM tt_test_headers)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # gcc 12 sees copies out of bounds in its own std::string where that comes precompiled.
      target_compile_options(test_${name} PRIVATE -Wno-array-bounds -Wno-stringop-overflow)
    endif()
  endif()
  add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
endfunction()
