// A module whose names are wrong.

#include <kvmesh/plugin.h>

namespace {

kvmesh::Module make() {
  kvmesh::Module wrong{"kv"};
  wrong.define("No name", [] {});
  return wrong;
}

}  // namespace

KVMESH_MODULE(make)
