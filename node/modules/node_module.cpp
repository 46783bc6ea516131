#include "node/modules/node_module.h"

#include <string>
#include <utility>

#include "common/wire/pack.h"
#include "node/modules/arguments.h"

namespace kvmesh::modules {
namespace {

using core::Call;

void finish(Call& call, const Arguments& args) {
  const auto status = args.check();
  status.ok() ? call.succeed() : call.fail(status);
}

void ping(Call& call) {
  Arguments args{call.request(), "node.ping [any value, or none]"};
  call.result().append(args.optional_value());
  finish(call, args);
}

}  // namespace

void define_node(core::Modules& modules, const NodeName& self, PackInfo pack_info) {
  modules.define("node.ping", ping);
  modules.define("node.name", [name = self.str()](Call& call) {
    const Arguments args{call.request(), "node.name []"};
    wire::pack_str(call.result(), name);
    finish(call, args);
  });
  modules.define("node.info", [pack = std::move(pack_info)](Call& call) {
    const Arguments args{call.request(), "node.info []"};
    pack(call.result());
    finish(call, args);
  });
}

}  // namespace kvmesh::modules
