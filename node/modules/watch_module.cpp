#include "common/functions.h"
#include "node/modules/task_modules.h"

namespace kvmesh::modules {

void define_watch(core::FunctionRegistry& modules, tasks::Host& host) {
  modules.define(functions::kNodeWatch, [&host](core::Call& call) {
    Arguments args{call.request(), functions::kNodeWatch};
    const auto seen = args.uint();
    if (refuse(call, args.check())) return;
    const auto ticket = call.defer();
    if (!ticket) return;
    host.watch().poll(*ticket, seen, host.now());
  });
}

}  // namespace kvmesh::modules
