# Targets caf::core, caf::io and caf::openssl, which Debian's CAF 0.17 ships no CMake files for. It knows where the package
# puts its headers and libraries, and refuses any other release: 0.18 renamed half of what the actors use.
find_path(CAF_INCLUDE_DIR caf/config.hpp REQUIRED)
file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp caf_version_line REGEX "^#define CAF_VERSION [0-9]+")
string(REGEX MATCH "[0-9]+$" caf_version "${caf_version_line}")
if(NOT (caf_version GREATER_EQUAL 1700 AND caf_version LESS 1800))
  message(FATAL_ERROR "Keyrack needs CAF 0.17 (libcaf-dev of Debian 12); ${CAF_INCLUDE_DIR} has CAF_VERSION ${caf_version}")
endif()

foreach(part core io openssl)
  find_library(CAF_${part}_LIBRARY caf_${part} REQUIRED)
  add_library(caf::${part} UNKNOWN IMPORTED)
  set_target_properties(caf::${part} PROPERTIES IMPORTED_LOCATION ${CAF_${part}_LIBRARY}
                                                INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR})
endforeach()
set_target_properties(caf::core PROPERTIES INTERFACE_LINK_LIBRARIES Threads::Threads)
set_target_properties(caf::io PROPERTIES INTERFACE_LINK_LIBRARIES caf::core)
set_target_properties(caf::openssl PROPERTIES INTERFACE_LINK_LIBRARIES "caf::io;OpenSSL::SSL")
