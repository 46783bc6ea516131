#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "common/functions.h"
#include "node/core/function_registry.h"
#include "node/modules/arguments.h"
#include "node/tasks/host.h"

/// The functions of the modules task, process and server, and node.watch (common/PROTOCOL.md,
/// "Tasks and processes"). They belong on the node's first reactor, where all requests of the mesh
/// arrive: the host is its thread's alone. The others serve line protocol connections, whose
/// requests for this node are those of `kv` and `node` only. `host` must outlive the modules.
namespace kvmesh::modules {

void define_task(core::FunctionRegistry& modules, tasks::Host& host);
void define_process(core::FunctionRegistry& modules, tasks::Host& host);
void define_server(core::FunctionRegistry& modules, tasks::Host& host);
void define_watch(core::FunctionRegistry& modules, tasks::Host& host);

/// One function of theirs: `handler` runs it on the host.
void define_on(tasks::Host& host, core::FunctionRegistry& modules,
               const functions::Function& function, void (*handler)(tasks::Host&, core::Call&));

/// Reads who asks, a pid's text or nil: empty for nil, kInvalidArgument for what is no pid.
Result<std::string> read_from(Arguments& args);

/// Whether the one who calls may call `function`: by the setting tasks.allow, and by its permit
/// where there are principals.
bool allows(const tasks::Host& host, const core::Call& call, std::string_view function);
/// kDenied, unless it may.
Status check_allowed(const tasks::Host& host, const core::Call& call, std::string_view function);

/// What somebody wants of a process that may be another's.
enum class Act {
  kStop,   ///< of a client's mailbox: only who may do everything
  kReach,  ///< a message, or to be told its end: what mailboxes of clients are there for
};
/// kDenied, unless the caller may act on the process: callers from outside only when they may call
/// its function. What does not exist is no fault here.
Status check_access(tasks::Host& host, const core::Call& call, std::uint64_t id, Act act);
/// The same for a message to a process of that name.
Status check_access(tasks::Host& host, const core::Call& call, std::string_view name);

}  // namespace kvmesh::modules
