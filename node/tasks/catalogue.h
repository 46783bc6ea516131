#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/module.h>
#include <kvmesh/status.h>

#include "common/wire/buffer.h"
#include "node/tasks/runtime.h"

namespace kvmesh::tasks {

/// The modules of a node: its task functions and servers. Filled before the node runs; read-only,
/// and thread-safe, after.
class Catalogue {
 public:
  /// kInvalidArgument with every fault, one a line: what Module::check() says, and names that are
  /// taken. Nothing is added then.
  Status add(Module module);

  std::optional<FunctionIndex> find(std::string_view function) const;
  const TaskFunction& at(FunctionIndex function) const { return *functions_[function.value]; }
  const ServerDefinition& at(ServerIndex server) const { return *servers_[server.value]; }
  std::uint32_t servers() const { return static_cast<std::uint32_t>(servers_.size()); }
  const std::deque<Module>& modules() const { return modules_; }
  bool empty() const { return functions_.empty() && servers_.empty(); }

  /// Null when there is none of this name.
  const ServerDefinition* find_server(std::string_view name) const;

  /// kUndefinedFunction: names the node, the function, how many arguments it was called with, and
  /// the functions with the nearest names; or says that it is a server's. `args`: the arguments,
  /// one msgpack array.
  Status undefined(std::string_view node, std::string_view function, std::size_t arguments,
                   std::string_view args = {}) const;
  /// How a function of a module or of a server is called, as the end of "it is ..."; empty when
  /// `function` is neither. Of a server only the name is looked at, "counter." of "counter.add".
  std::string how_to_call(std::string_view function) const;
  /// Whether the caller may see "module.function", "server.function", or all of a server:
  /// "server.*".
  using Visible = std::function<bool(std::string_view right)>;
  /// An array of [function, parameters as text, how many], in the order of their names; a fourth
  /// element is its line of text, if it has one. What may not be seen is left out.
  void list(wire::Buffer& out, const Visible& visible) const;
  /// An array of [server, calls, casts], in the order of their names; each of the two is an array
  /// as of list(). A server of which nothing may be seen is left out.
  void list_servers(wire::Buffer& out, const Visible& visible) const;

 private:
  std::deque<Module> modules_;
  std::deque<const TaskFunction*> functions_;  // in modules_
  std::deque<const ServerDefinition*> servers_;
  std::map<std::string_view, std::uint32_t, std::less<>> places_;  // in functions_
};

}  // namespace kvmesh::tasks
