# Run at build time: OUTPUT defines version() and commit() of SOURCE_DIR.
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty --abbrev=12 --exclude=*
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit "unknown")
endif()
set(text "#include \"core/provenance.hpp\"\n\nnamespace toptheta {\n\nstd::string version() { return \"${VERSION}\"; }\nstd::string commit() { return \"${commit}\"; }\n\n}  // namespace toptheta\n")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
