# What `cmake --install` puts where: the server, the library, the headers that whoever extends it includes, and the package that
# find_package(beckon) finds. CAF has no package file of its own, so ours travels along.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/beckon)

install(TARGETS beckon RUNTIME)
install(TARGETS beckon_library EXPORT beckon LIBRARY)
install(TARGETS beckon_testing EXPORT beckon ARCHIVE)
install(DIRECTORY include/beckon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# Behind the public headers, which name them as the tree does: "actors/behaviour.hpp".
install(DIRECTORY protocol actors DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/beckon/inner FILES_MATCHING PATTERN "*.hpp")

install(DIRECTORY tests/kit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/beckon/inner/tests FILES_MATCHING PATTERN "*.hpp")

install(FILES net/application.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/beckon/inner/net)

install(EXPORT beckon NAMESPACE beckon:: FILE beckon-targets.cmake DESTINATION ${package_folder})
configure_package_config_file(cmake/beckon-config.cmake.in ${CMAKE_BINARY_DIR}/package/beckon-config.cmake
  INSTALL_DESTINATION ${package_folder})
# Below 1.0 every minor version may break: what was built against one is refused by another (BECKON_BEHAVIOUR_ABI).
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/beckon-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/beckon-config.cmake ${CMAKE_BINARY_DIR}/package/beckon-config-version.cmake
  cmake/FindCAF.cmake DESTINATION ${package_folder})
