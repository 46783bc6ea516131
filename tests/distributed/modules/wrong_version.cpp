// A module of a kvmesh that is not this one.

#include <kvmesh/plugin.h>

extern "C" {
// NOLINTNEXTLINE(readability-identifier-naming): the name that the loader looks for
extern const kvmesh::PluginEntry kvmesh_module;
// NOLINTNEXTLINE(readability-identifier-naming)
const kvmesh::PluginEntry kvmesh_module{99, 1, "some other library", nullptr};
}
