#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kvmesh/async.h>
#include <kvmesh/buckets.h>
#include <kvmesh/convert.h>
#include <kvmesh/message.h>
#include <kvmesh/operation.h>
#include <kvmesh/output.h>
#include <kvmesh/pid.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

namespace kvmesh {

class Watcher;
struct WatchOptions;

namespace remote {
class MeshPort;
class Connection;
class NodeWatches;
}  // namespace remote

/// A process that is known by name, on a node: a server.
struct ServerName {
  std::string name;  ///< "counter"
  std::string node;  ///< "foo@localhost"
};

/// Arguments whose number is known only at run time: call(node, function, ArgumentList{values})
/// passes each of them as an argument of its own, and they are all.
struct ArgumentList {
  Value::List values;
};

/// What a call may say beside its function and arguments. Goes first: call({.timeout = 1s}, ...).
struct CallOptions {
  /// How long the caller waits. A task that call() or route() starts is told to stop then.
  Timeout timeout = {};
  /// Where the output of the task goes; null: to the program's own stdout and stderr, and that of a
  /// task to whoever started it.
  std::shared_ptr<OutputSink> output = nullptr;
  /// How long a task may run that this starts; then its node tells it to stop, and it ends with
  /// kDeadlineExceeded. Zero: until it ends by itself or is told to. The shorter one holds of this,
  /// of the node's own setting tasks.time_limit_ms and, for call() and route(), of `timeout`.
  /// Negative: kInvalidArgument. Of no effect for functions that every node has of its own.
  std::chrono::milliseconds limit{0};
};

/// The mesh as a program sees it, or a task: functions on any node are called, tasks and processes
/// started, and messages exchanged. Arguments and results are C++ values (<kvmesh/convert.h>).
///
///     auto sum = mesh.call<std::int64_t>("foo@localhost", "hello.add", 1, 2);
///     auto pid = mesh.spawn_link("foo@localhost", "hello.ping");
///     auto sent = mesh.send(*pid, "ping");
///     auto answer = mesh.receive(1s);  // answer->body, or answer.status()
///
/// Functions of modules run as tasks; those that every node has of its own (kv.*, node.*, task.*,
/// process.*, server.*) are answered at once. An empty node is the one that the program is
/// connected to, or that the task runs on.
///
/// Every call can end with, beside what Client's can end with: kTaskFailed (it threw; the text is
/// the exception's), kCancelled, kDenied (the node's operator does not allow it; not executed),
/// kUndefinedFunction, kInvalidArgument (wrong number or types of arguments; not executed), and
/// what the function itself returns. kOutcomeUnknown also when the node goes while the task runs.
/// kDeadlineExceeded of a task: it did not end in time and was told to stop; it may have begun.
/// Whose time that was (the caller's, CallOptions::limit, the node's setting) is in the text.
///
/// Thread-safe; blocking methods must not be called in callbacks. In a task: on the task's own
/// fiber only.
class Mesh {
 public:
  /// On `port`. One that is given as a reference must outlive the Mesh.
  explicit Mesh(std::unique_ptr<remote::MeshPort> port);
  explicit Mesh(remote::MeshPort& port);
  /// Ends what was started and not awaited, see AsyncTask; processes of spawn() go on. No other
  /// thread may use the Mesh any more.
  virtual ~Mesh();
  Mesh(const Mesh&) = delete;
  Mesh& operator=(const Mesh&) = delete;

  /// Calls `function` on `node` and waits for its result, up to CallOptions::timeout or
  /// limits::kTimeoutDefault. What it prints appears before call() returns.
  template <typename R = Value, typename... Args>
  Answer<R> call(std::string_view node, std::string_view function, Args&&... args) {
    return call<R>(CallOptions{}, node, function, std::forward<Args>(args)...);
  }
  template <typename R = Value, typename... Args>
  Answer<R> call(const CallOptions& options, std::string_view node, std::string_view function,
                 Args&&... args) {
    return answer_as<R>(
        function, call_values(to_node(node), function, list(std::forward<Args>(args)...), options));
  }

  /// The same on the node that `bucket` belongs to.
  template <typename R = Value, typename... Args>
  Answer<R> route(std::string_view bucket, std::string_view function, Args&&... args) {
    return route<R>(CallOptions{}, bucket, function, std::forward<Args>(args)...);
  }
  template <typename R = Value, typename... Args>
  Answer<R> route(const CallOptions& options, std::string_view bucket, std::string_view function,
                  Args&&... args) {
    return answer_as<R>(function, call_values(to_bucket(bucket), function,
                                              list(std::forward<Args>(args)...), options));
  }

  /// Starts `function` and returns at once; every fault is told by await(). The task is stopped
  /// when its starter is gone, and has no time of its own but CallOptions::limit.
  /// CallOptions::timeout does not matter: await() has its own.
  template <typename R = Value, typename... Args>
  Async<R> async(std::string_view node, std::string_view function, Args&&... args) {
    return async<R>(CallOptions{}, node, function, std::forward<Args>(args)...);
  }
  template <typename R = Value, typename... Args>
  Async<R> async(const CallOptions& options, std::string_view node, std::string_view function,
                 Args&&... args) {
    return Async<R>{
        start_async(to_node(node), function, list(std::forward<Args>(args)...), true, options)};
  }
  template <typename R = Value, typename... Args>
  Async<R> async_route(std::string_view bucket, std::string_view function, Args&&... args) {
    return async_route<R>(CallOptions{}, bucket, function, std::forward<Args>(args)...);
  }
  template <typename R = Value, typename... Args>
  Async<R> async_route(const CallOptions& options, std::string_view bucket,
                       std::string_view function, Args&&... args) {
    return Async<R>{
        start_async(to_bucket(bucket), function, list(std::forward<Args>(args)...), true, options)};
  }
  /// The same for a task that goes on when its starter is gone or no longer waits.
  template <typename R = Value, typename... Args>
  Async<R> async_nolink(std::string_view node, std::string_view function, Args&&... args) {
    return async_nolink<R>(CallOptions{}, node, function, std::forward<Args>(args)...);
  }
  template <typename R = Value, typename... Args>
  Async<R> async_nolink(const CallOptions& options, std::string_view node,
                        std::string_view function, Args&&... args) {
    return Async<R>{
        start_async(to_node(node), function, list(std::forward<Args>(args)...), false, options)};
  }

  /// Starts `function` as a process and returns its pid as soon as it is known; its result is
  /// dropped. Its output appears at this Mesh as long as that lives; the process outlives it, and
  /// runs until it ends or is told to, or for CallOptions::limit.
  template <typename... Args>
  Result<Pid> spawn(std::string_view node, std::string_view function, Args&&... args) {
    return spawn(CallOptions{}, node, function, std::forward<Args>(args)...);
  }
  template <typename... Args>
  Result<Pid> spawn(const CallOptions& options, std::string_view node, std::string_view function,
                    Args&&... args) {
    return spawn_values(to_node(node), function, list(std::forward<Args>(args)...), false, options);
  }
  /// The same for a process that is stopped when its starter is gone, and whose end comes to this
  /// mailbox as a message kDown.
  template <typename... Args>
  Result<Pid> spawn_link(std::string_view node, std::string_view function, Args&&... args) {
    return spawn_link(CallOptions{}, node, function, std::forward<Args>(args)...);
  }
  template <typename... Args>
  Result<Pid> spawn_link(const CallOptions& options, std::string_view node,
                         std::string_view function, Args&&... args) {
    return spawn_values(to_node(node), function, list(std::forward<Args>(args)...), true, options);
  }

  /// Sends `body` to a process. The messages of one sender to one process arrive in their order, or
  /// not at all. OK when it is on its way: what cannot be delivered (the process has ended, its
  /// mailbox is full, its node is gone) comes back to this mailbox as kUndelivered. Does not block,
  /// but for opening the mailbox at first use. kInvalidArgument: an empty pid.
  template <typename T>
  Status send(const Pid& to, T&& body) {
    return send_value(to, to_value(std::forward<T>(body)));
  }
  template <typename T>
  Status send(const ServerName& to, T&& body) {
    return send_value(to, to_value(std::forward<T>(body)));
  }

  /// The pid of this mailbox, or of the task. A program's mailbox opens at first use, by this, by
  /// receive(), send() or monitor(): a failure to open is returned. One that was lost with its
  /// connection is told once by receive(); the next use opens another, with another pid.
  Result<Pid> self();
  /// The next message, oldest first. kDeadlineExceeded when none comes within `timeout`;
  /// kCancelled in a task that is told to stop; kInvalidArgument at once in a handler of a server,
  /// whose messages come to the handler that message() set. To let time pass: Task::sleep_for().
  Result<Message> receive(Timeout timeout = {});
  /// The next message if there is one; none ever in a handler of a server.
  std::optional<Message> try_receive();
  /// All messages that are there; none ever in a handler of a server.
  std::vector<Message> flush();

  /// Asks for the end of a process: it comes to this mailbox as a message kDown, at once when the
  /// process has ended already. Each monitor() gives one. A node that is gone counts as an end.
  Status monitor(const Pid& pid);

  /// Has the comings and goings of the peers of `node` told (empty: of the node that the program is
  /// connected to, or that the task runs on): each is a message kNodeUp or kNodeDown in this
  /// mailbox. The state of every peer at this moment is there when watch_nodes() returns, also of
  /// those that are down, so that no change can be missed. A peer is down from the moment at which
  /// requests no longer go to it: at once when its process ends or says that it stops, and after
  /// mesh.peer_timeout_ms when it is silent. No full mailbox loses these messages: of each node the
  /// last kNodeDown and the last kNodeUp after it always find room.
  ///
  /// When `node` itself is stopped or cannot be reached any more, that is a kNodeDown of `node`
  /// with an empty `seen_by`, and the watch is over: watch it again when it is back. A node that is
  /// only busy (kOverloaded) is asked again after a pause, and nothing is missed meanwhile.
  /// Watching a node that is watched already starts anew. Fails as call() does when `node` does not
  /// answer, and as self() does when there is no mailbox.
  Status watch_nodes(std::string_view node = {});
  /// Ends the watch of `node`, named as for watch_nodes(). What has come into the mailbox stays.
  void unwatch_nodes(std::string_view node = {});

  /// Calls a function of a named server, which handles one after the other. kUnavailable while it
  /// is being restarted, or when it was given up (not executed); kNotFound when there is none.
  template <typename R = Value, typename... Args>
  Answer<R> server_call(const ServerName& server, std::string_view function, Args&&... args) {
    return server_call<R>(CallOptions{}, server, function, std::forward<Args>(args)...);
  }
  template <typename R = Value, typename... Args>
  Answer<R> server_call(const CallOptions& options, const ServerName& server,
                        std::string_view function, Args&&... args) {
    return answer_as<R>(
        server.name + "." + std::string{function},
        server_values(Asks::kCall, server, function, list(std::forward<Args>(args)...), options));
  }
  /// The same for a function whose result nobody waits for: OK when it is in the server's mailbox.
  template <typename... Args>
  Status server_cast(const ServerName& server, std::string_view function, Args&&... args) {
    return server_cast(CallOptions{}, server, function, std::forward<Args>(args)...);
  }
  template <typename... Args>
  Status server_cast(const CallOptions& options, const ServerName& server,
                     std::string_view function, Args&&... args) {
    return server_values(Asks::kCast, server, function, list(std::forward<Args>(args)...), options)
        .status();
  }

  // Buckets with revisions, see <kvmesh/buckets.h>, as Client's methods of the same names; in a
  // task too. Keys alone are put and got by route(): functions kv.put and kv.get.

  Result<Entries> read(std::string_view bucket, const std::vector<std::string>& keys,
                       Timeout timeout = {});
  Result<Applied> apply(std::string_view bucket, const Apply& apply, Timeout timeout = {});
  Result<ScanPage> scan(std::string_view bucket, const ScanOptions& options = {},
                        Timeout timeout = {});
  Result<Events> changes(std::string_view bucket, std::uint64_t since,
                         const ChangesOptions& options = {}, Timeout timeout = {});
  /// Follows a bucket; include <kvmesh/watcher.h>. The watcher must not outlive this.
  Watcher watch(std::string bucket, WatchOptions options);

 protected:
  /// Waits for `time`, whatever messages come. False when the wait was ended before: the task is
  /// told to stop.
  bool pause(std::chrono::milliseconds time);

 private:
  friend class Watcher;
  struct Destination {
    Operation::For target = Operation::For::kHere;
    std::string name;
  };
  static Destination to_node(std::string_view node) {
    return {node.empty() ? Operation::For::kHere : Operation::For::kNode, std::string{node}};
  }
  static Destination to_bucket(std::string_view bucket) {
    return {Operation::For::kBucket, std::string{bucket}};
  }
  static Value::List list(ArgumentList args) { return std::move(args.values); }
  template <typename... Args>
  static Value::List list(Args&&... args) {
    Value::List values;
    values.reserve(sizeof...(args));
    (values.push_back(to_value(std::forward<Args>(args))), ...);
    return values;
  }

  Result<Value> call_values(Destination to, std::string_view function, Value::List args,
                            const CallOptions& options);
  AsyncTask start_async(Destination to, std::string_view function, Value::List args, bool linked,
                        const CallOptions& options);
  Result<Pid> spawn_values(Destination to, std::string_view function, Value::List args, bool linked,
                           const CallOptions& options);
  enum class Asks : std::uint8_t { kCall, kCast };
  Result<Value> server_values(Asks asks, const ServerName& server, std::string_view function,
                              Value::List args, const CallOptions& options);
  Status send_value(const Pid& to, Value body);
  Status send_value(const ServerName& to, Value body);
  Status send_value(std::string node, Value to, Pid receiver, Value body);
  Result<Value> request(Operation operation, const CallOptions& options);
  Outcome ask(Operation operation, Timeout timeout);

  std::shared_ptr<remote::Connection> connection_;
  std::unique_ptr<remote::NodeWatches> watches_;
};

}  // namespace kvmesh
