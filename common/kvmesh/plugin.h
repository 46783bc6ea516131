#pragma once

#include <cstdint>

#include <kvmesh/module.h>

/// A module in a shared object, which a node loads at its start when its setting `modules` names
/// the file:
///
///     kvmesh::Module make_hello() {
///       kvmesh::Module hello{"hello"};
///       hello.define("add", [](std::int64_t a, std::int64_t b) { return a + b; });
///       return hello;
///     }
///     KVMESH_MODULE(make_hello)
///
/// Built with the headers of the same kvmesh and a compiler with the same standard library as the
/// node, against the CMake target kvmesh::module: add_library(hello MODULE hello.cpp). Without
/// CMake, compile it with -fstack-clash-protection: else a large local array may step over the
/// guard of its task's stack, and change another task's memory. The file has none of kvmesh's own
/// code in it; it finds that in the program that loads it, which is kvmesh-node or another one that
/// exports its symbols (ENABLE_EXPORTS). It is never unloaded.
namespace kvmesh {

/// Raised whenever something changes that both sides must see alike.
inline constexpr std::uint32_t kPluginVersion = 3;

#ifdef _GLIBCXX_RELEASE
#define KVMESH_STRING_(x) #x
#define KVMESH_TEXT_(x) KVMESH_STRING_(x)
inline constexpr const char* kPluginLibrary =
    "libstdc++, string ABI " KVMESH_TEXT_(_GLIBCXX_USE_CXX11_ABI);
#else
inline constexpr const char* kPluginLibrary = "another standard library than libstdc++";
#endif

/// What a node finds in the file by the name `kvmesh_module`. Plain, and its first members never
/// change, so that any node can read them.
struct PluginEntry {
  std::uint32_t version = kPluginVersion;
  std::uint32_t bytes_of_module = sizeof(Module);
  const char* library = kPluginLibrary;
  Module (*make)() = nullptr;
};

}  // namespace kvmesh

/// Makes `function`, which takes nothing and returns a kvmesh::Module, the entry of this file. Once
/// in a shared object, outside of namespaces. An exception of it is told by the node, which does
/// not start.
#define KVMESH_MODULE(function)                                                                 \
  extern "C" {                                                                                  \
  extern __attribute__((visibility("default"))) const ::kvmesh::PluginEntry kvmesh_module;      \
  const ::kvmesh::PluginEntry kvmesh_module{::kvmesh::kPluginVersion, sizeof(::kvmesh::Module), \
                                            ::kvmesh::kPluginLibrary, function};                \
  }
