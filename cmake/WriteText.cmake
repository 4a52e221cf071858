# Run at build time: OUTPUT defines NAME of ROOM, declared in HEADER, as the text of INPUT.
file(READ "${INPUT}" text)
string(FIND "${text}" ")~~~\"" end)
if(NOT end EQUAL -1)
  message(FATAL_ERROR "${INPUT}: holds )~~~\", which ends the literal that it is put into")
endif()
file(WRITE "${OUTPUT}" "#include \"${HEADER}\"\n\nnamespace toptheta::${ROOM} {\n\nconst char* const ${NAME} = R\"~~~(${text})~~~\";\n\n}  // namespace toptheta::${ROOM}\n")
