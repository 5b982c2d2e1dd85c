# Writes the files of cmake/new_behaviour into a source file, from which `beckon new-behaviour` writes them out. my_behaviour stands for the
# name of the behaviour, in the files' names as in the files.
set(templates CMakeLists.txt my_behaviour.cpp my_behaviour_test.cpp README.md)
set(new_behaviour_files "")
foreach(template IN LISTS templates)
  set(path ${CMAKE_CURRENT_SOURCE_DIR}/cmake/new_behaviour/${template})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  file(READ ${path} text)
  string(APPEND new_behaviour_files "    {\"${template}\", R\"beckon(${text})beckon\"},\n")
endforeach()
configure_file(cmake/new_behaviour_files.cpp.in ${CMAKE_BINARY_DIR}/new_behaviour_files.cpp @ONLY)
target_sources(beckon_net PRIVATE ${CMAKE_BINARY_DIR}/new_behaviour_files.cpp)
