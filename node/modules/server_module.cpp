#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <kvmesh/limits.h>
#include <kvmesh/pid.h>

#include "common/functions.h"
#include "common/wire/pack.h"
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
  if (refuse(call, check_allowed(host, call, name))) return std::nullopt;
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
  // Nobody would learn of it later.
  const auto* server = host.catalogue().find_server(request->server);
  if (server != nullptr && refuse(call, server->check_cast(request->its.function))) return;
  const auto status =
      host.processes().server_cast(request->server, std::move(request->its), host.now());
  if (refuse(call, status)) return;
  call.succeed();
}

void list_servers(Host& host, Call& call) {
  const Arguments args{call.request(), functions::kServerList};
  if (refuse(call, args.check())) return;
  host.catalogue().list_servers(call.result(),
                                [&](std::string_view right) { return allows(host, call, right); });
  call.succeed();
}

void restart(Host& host, Call& call) {
  Arguments args{call.request(), functions::kServerRestart};
  const auto server = args.bytes({"server name", limits::kFunctionNameBytesMax});
  if (refuse(call, args.check()) || refuse(call, check_access(host, call, server))) return;
  const auto started = host.processes().restart(server, host.now());
  if (refuse(call, started.status())) return;
  if (const auto id = *started) {
    wire::pack_str(call.result(), Pid{host.self().str(), *id}.to_string());
  } else {
    wire::pack_nil(call.result());
  }
  call.succeed();
}

}  // namespace

void define_server(core::FunctionRegistry& all, tasks::Host& host) {
  define_on(host, all, functions::kServerCall, call);
  define_on(host, all, functions::kServerCast, cast);
  define_on(host, all, functions::kServerList, list_servers);
  define_on(host, all, functions::kServerRestart, restart);
}

}  // namespace kvmesh::modules
