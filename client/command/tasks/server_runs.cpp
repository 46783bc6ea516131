#include "client/command/tasks/server_runs.h"

#include <utility>

#include "client/command/base/exit_status.h"
#include "common/functions.h"

namespace kvmesh::command {

int run_server(Session& session, Mesh& mesh, ServerCall call) {
  const CallOptions options{session.timeout(), nullptr};
  ArgumentList args{std::move(call.args)};
  if (call.cast) {
    return session.finish_silent(
        mesh.server_cast(options, call.server, call.function, std::move(args)));
  }
  const auto result = mesh.server_call<Value>(options, call.server, call.function, std::move(args));
  if (!result) return session.fail(result.status());
  session.print_value(*result);
  session.result = *result;
  return kExitOk;
}

int restart_server(const Session& session, Mesh& mesh, const ServerName& server) {
  const auto pid = mesh.call({session.timeout(), nullptr}, server.node,
                             functions::kServerRestart.name, server.name);
  if (!pid) return session.fail(pid.status());
  if (session.json()) {
    session.print_json(Value::Map{{"pid", *pid}});
  } else if (const auto* text = pid->bytes_or_text()) {
    session.print_line(*text);
  } else {
    session.print_line("it starts anew as soon as it has ended and the node has room for it");
  }
  return kExitOk;
}

int send_to_server(const Session& session, Mesh& mesh, const ServerName& to, Value from,
                   Value value) {
  return session.finish_silent(mesh.call<void>({session.timeout(), nullptr}, to.node,
                                               functions::kProcessSend.name, to.name,
                                               std::move(from), std::move(value)));
}

}  // namespace kvmesh::command
