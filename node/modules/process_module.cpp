#include <cstdint>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/wire/pack.h"
#include "node/modules/task_modules.h"
#include "node/tasks/nesting.h"

namespace kvmesh::modules {
namespace {

using core::Call;
using tasks::Host;

void open(Host& host, Call& call) {
  const Arguments args{call.request(), functions::kProcessOpen};
  if (refuse(call, args.check())) return;
  const auto key = host.new_key();
  const auto id = host.processes().open(key, host.now());
  if (refuse(call, id.status())) return;
  wire::pack_array(call.result(), 3);
  wire::pack_str(call.result(), host.self().str());
  wire::pack_uint(call.result(), *id);
  wire::pack_uint(call.result(), key);
  call.succeed();
}

void receive(Host& host, Call& call) {
  Arguments args{call.request(), functions::kProcessReceive};
  const auto id = args.uint();
  const auto key = args.uint();
  const auto most = args.uint();
  const bool wants_messages = args.optional_bool(true);
  if (refuse(call, args.check())) return;
  const auto ticket = call.defer();
  if (!ticket) return;
  host.processes().receive(*ticket, id, key, most,
                           wants_messages ? tasks::Wants::kNews : tasks::Wants::kNothing,
                           host.now());
}

void close(Host& host, Call& call) {
  Arguments args{call.request(), functions::kProcessClose};
  const auto id = args.uint();
  const auto key = args.uint();
  if (refuse(call, args.check())) return;
  if (refuse(call, host.processes().close(id, key, host.now()))) return;
  call.succeed();
}

void send(Host& host, Call& call) {
  Arguments args{call.request(), functions::kProcessSend};
  const bool is_named = args.is_bytes_next();
  const auto name =
      is_named ? args.bytes({"name", limits::kFunctionNameBytesMax}) : std::string_view{};
  const auto id = is_named ? 0 : args.uint();
  auto from = read_from(args);
  const auto body = args.value();
  if (refuse(call, args.check()) || refuse(call, from.status())) return;
  if (refuse(call, is_named ? check_access(host, call, name)
                            : check_access(host, call, id, Act::kReach))) {
    return;
  }
  if (refuse(call, tasks::check_message(body))) return;
  tasks::Delivery message;
  message.kind = tasks::Delivery::Kind::kMessage;
  message.from = *std::move(from);
  message.body = body;
  auto& processes = host.processes();
  const auto status = is_named ? processes.send(name, std::move(message), host.now())
                               : processes.send(id, std::move(message), host.now());
  if (refuse(call, status)) return;
  call.succeed();
}

void monitor(Host& host, Call& call) {
  Arguments args{call.request(), functions::kProcessMonitor};
  const auto id = args.uint();
  if (refuse(call, args.check()) || refuse(call, check_access(host, call, id, Act::kReach))) return;
  const auto ticket = call.defer();
  if (!ticket) return;
  host.processes().monitor(*ticket, id, host.now());
}

}  // namespace

void define_process(core::FunctionRegistry& all, tasks::Host& host) {
  define_on(host, all, functions::kProcessOpen, open);
  define_on(host, all, functions::kProcessReceive, receive);
  define_on(host, all, functions::kProcessClose, close);
  define_on(host, all, functions::kProcessSend, send);
  define_on(host, all, functions::kProcessMonitor, monitor);
}

}  // namespace kvmesh::modules
