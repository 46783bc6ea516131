#pragma once

#include <memory>
#include <string>
#include <vector>

#include <kvmesh/module.h>
#include <kvmesh/status.h>

namespace kvmesh {

/// A node of the mesh inside your program; `kvmesh-node` is little more than this class.
///
///     auto node = kvmesh::Node::start({.config_files = {"foo.toml"}});
///     if (!node) { std::cerr << node.status().text() << '\n'; return 2; }
///     return (*node)->run().ok() ? 0 : 1;
class Node {
 public:
  struct Options {
    /// Where the settings come from, weakest first: these files in order, then the environment
    /// (KVMESH_...), then assignments `key=value`. config/README.md explains every key.
    std::vector<std::string> config_files;
    std::vector<std::string> assignments;
    bool use_environment = true;
    /// SIGTERM and SIGINT stop the node, SIGHUP calls reload(); they are unblocked, and
    /// SIGPIPE is ignored unless the program handles it. Off: the program does as it likes.
    bool handle_signals = true;
    /// Starts although acknowledged changes are missing in the state_dir, and writes down there
    /// which (the file `losses`).
    bool accept_loss = false;
  };

  /// Reads the settings as start() would, and binds nothing. Loads the modules that they name
  /// (which stay loaded until the process ends), and starts none of their functions.
  /// kInvalidArgument with every fault found, one a line; those of modules only when there is no
  /// other. On success the warnings, one a line each; of tasks.allow too, where the modules that a
  /// program loads itself are not known.
  static Result<std::vector<std::string>> check(const Options& options);

  /// Reads the settings and binds the listening sockets. Names in their addresses are looked up
  /// meanwhile. With a state_dir it first reads what is there, for about a second for each million
  /// keys. From here on the program's log goes to standard error, by a thread that lasts as
  /// long as the process; what cannot be written is lost, and counted there. kInvalidArgument:
  /// settings with faults, all in the text, one a line, or one of its modules (the setting
  /// `modules`) cannot be loaded. kUnavailable: an address cannot be listened on, or the
  /// state_dir cannot be used, another node uses it, or it is damaged. kFull: what it has needs
  /// more than kv.memory_max. kInternal: the system has no more descriptors, sockets or memory.
  /// Raises the process's limit of open files (RLIMIT_NOFILE) to what the settings need.
  static Result<std::unique_ptr<Node>> start(const Options& options);

  /// Once a node has a module, a task that crashes is told in one line on standard error: SIGSEGV,
  /// SIGBUS, SIGFPE, SIGILL and SIGABRT are handled, then they take their course. What the program
  /// handles itself by then is left to it, but for a line about an overrun stack. exit() in a task
  /// ends the process with status 1.

  /// Makes the functions and servers of `module` those of this node, beside the modules that its
  /// settings name. Before run(). kInvalidArgument, and nothing is loaded: what Module::check()
  /// says; a name that is taken; run() was called.
  Status load(Module module);

  /// Serves until stop(), or a signal when handle_signals is on. Answers or fails what is under way
  /// before it returns, within two seconds; tasks and servers are told to stop and get one of them.
  /// Call once.
  Status run();

  /// After run(): the tasks and servers that were told to stop and did not end. The destructor
  /// waits for them, however long that takes; a program that will not wait leaves by
  /// std::quick_exit().
  const std::vector<std::string>& still_running() const;

  /// Makes run() return. Any thread.
  void stop();

  /// What reload() has done: lines, such as "peer bar@localhost removed".
  struct Reloaded {
    std::vector<std::string> changes;        ///< taken over
    std::vector<std::string> needs_restart;  ///< keys that have changed and are not
    std::vector<std::string> warnings;       ///< as of check()
  };
  /// Reads the settings anew from the same sources and takes over mesh.peers and kv.routing_table,
  /// and what mesh.key and mesh.security name, together and whole, moments after it returns.
  /// Connections whose keys are let in no longer end. Links of peers that stay, and requests under
  /// way over them, are not touched; those over a link that ends fail as if it was lost. The log is
  /// told the same as the caller. kInvalidArgument, and nothing changes: faults, as of start(), all
  /// in the text, one a line; or what cannot change without a restart (the name). Any thread.
  Result<Reloaded> reload();

  /// Where it listens: the mesh endpoint, and the line protocol's address (empty without
  /// kv_server).
  std::string mesh_endpoint() const;
  std::string line_endpoint() const;

  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

 private:
  class Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvmesh
