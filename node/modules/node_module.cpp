#include "node/modules/node_module.h"

#include <string>
#include <utility>

#include "common/functions.h"
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
  Arguments args{call.request(), functions::kNodePing};
  call.result().append(args.optional_value());
  finish(call, args);
}

}  // namespace

void define_node(core::FunctionRegistry& modules, const NodeName& self, PackInfo pack_info) {
  modules.define(functions::kNodePing, ping);
  modules.define(functions::kNodeName, [name = self.str()](Call& call) {
    const Arguments args{call.request(), functions::kNodeName};
    wire::pack_str(call.result(), name);
    finish(call, args);
  });
  modules.define(functions::kNodeInfo, [pack = std::move(pack_info)](Call& call) {
    const Arguments args{call.request(), functions::kNodeInfo};
    pack(call.result());
    finish(call, args);
  });
}

}  // namespace kvmesh::modules
