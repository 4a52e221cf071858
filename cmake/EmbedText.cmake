# tt_embed_text(TARGET HEADER NAME FILE)
#   FILE's text in the target, as the C string toptheta::ROOM::NAME, which HEADER ("ROOM/x.hpp") declares. The source is
#   written again, at build time, when the file changes.
function(tt_embed_text target header name file)
  cmake_path(GET header PARENT_PATH room)
  cmake_path(ABSOLUTE_PATH file)
  set(source "${PROJECT_BINARY_DIR}/generated/${room}/${name}.cpp")
  add_custom_command(OUTPUT "${source}"
    COMMAND ${CMAKE_COMMAND} -DINPUT=${file} -DOUTPUT=${source} -DHEADER=${header} -DROOM=${room} -DNAME=${name}
            -P ${PROJECT_SOURCE_DIR}/cmake/WriteText.cmake
    DEPENDS "${file}" "${PROJECT_SOURCE_DIR}/cmake/WriteText.cmake"
    COMMENT "Embedding ${file}" VERBATIM)
  target_sources(${target} PRIVATE "${source}")
endfunction()
