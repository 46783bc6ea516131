#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "node/modules/task_modules.h"

namespace kvmesh::modules {
namespace {

using core::Call;
using tasks::Host;

struct Request {
  std::string_view server;
  tasks::Processes::ServerRequest its;
};

// Empty when the call was refused.
std::optional<Request> read(Host& host, Call& call, const functions::Function& called) {
  Arguments args{call.request(), called};
  const auto server = args.bytes({"server name", limits::kFunctionNameBytesMax});
  const auto function = args.bytes({"function name", limits::kFunctionNameBytesMax});
  std::uint32_t count = 0;
  const auto values = args.array(count);
  auto from = read_from(args);
  if (refuse(call, args.check()) || refuse(call, from.status())) return std::nullopt;
  auto name = std::string{server}.append(".").append(function);
  if (refuse(call, check_allowed(host, name))) return std::nullopt;
  return Request{server,
                 {std::string{function}, std::string{values}, *std::move(from), call.deadline()}};
}

void call(Host& host, Call& call) {
  auto request = read(host, call, functions::kServerCall);
  if (!request) return;
  const auto ticket = call.defer_queued();
  if (!ticket) return;
  host.processes().server_call(*ticket, request->server, std::move(request->its), host.now());
}

void cast(Host& host, Call& call) {
  auto request = read(host, call, functions::kServerCast);
  if (!request) return;
  const auto status =
      host.processes().server_cast(request->server, std::move(request->its), host.now());
  if (refuse(call, status)) return;
  call.succeed();
}

}  // namespace

void define_server(core::FunctionRegistry& all, tasks::Host& host) {
  define_on(host, all, functions::kServerCall, call);
  define_on(host, all, functions::kServerCast, cast);
}

}  // namespace kvmesh::modules
