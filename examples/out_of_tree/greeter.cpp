// A module in a shared object. A node loads it when its settings say modules = ["greeter.so"].
#include <string>

#include <kvmesh/plugin.h>

namespace {

kvmesh::Module make() {
  kvmesh::Module module{"greeter"};
  module.define("greet", "Says hello.", [](const std::string& name) { return "hello " + name; });
  return module;
}

}  // namespace

KVMESH_MODULE(make)
