# find_package(kvmesh [COMPONENTS client node]) gives kvmesh::client (the client library) and kvmesh::node (a node in your
# own program); without COMPONENTS both.
# The libraries are static, so what they use is needed to link a program: ZeroMQ and libsodium for a client; spdlog, Abseil and
# Boost.Context too for a node. kvmesh's headers include none of it.
include(CMakeFindDependencyMacro)

if(NOT kvmesh_FIND_COMPONENTS)
  set(kvmesh_FIND_COMPONENTS client node)
endif()
foreach(kvmesh_component IN LISTS kvmesh_FIND_COMPONENTS)
  if(NOT kvmesh_component MATCHES "^(client|node)$")
    set(kvmesh_FOUND FALSE)
    set(kvmesh_NOT_FOUND_MESSAGE "kvmesh has no component '${kvmesh_component}'; there are client and node")
    return()
  endif()
endforeach()

find_dependency(Threads)
find_dependency(cppzmq CONFIG)
find_dependency(PkgConfig)
pkg_check_modules(libsodium REQUIRED IMPORTED_TARGET libsodium)
if("node" IN_LIST kvmesh_FIND_COMPONENTS)
  find_dependency(OpenSSL)
  find_dependency(spdlog CONFIG)
  find_dependency(absl CONFIG)
  find_dependency(Boost CONFIG COMPONENTS context)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/kvmesh-targets.cmake)
