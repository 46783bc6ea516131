// A module of a kvmesh that is not this one.

#include <kvmesh/plugin.h>

extern "C" {
extern const kvmesh::PluginEntry kvmesh_module;
const kvmesh::PluginEntry kvmesh_module{99, 1, "some other library", nullptr};
}
