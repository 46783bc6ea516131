// A module that calls what nothing defines.

#include <kvmesh/plugin.h>

#include <string>

#include <kvmesh/module.h>

namespace mine {
std::string add_up(int a, int b);
}

namespace {

kvmesh::Module make() { return std::move(kvmesh::Module{"mine"}.define("add_up", mine::add_up)); }

}  // namespace

KVMESH_MODULE(make)
