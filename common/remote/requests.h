#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/message.h>
#include <kvmesh/operation.h>
#include <kvmesh/output.h>
#include <kvmesh/pid.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

/// The requests that tasks and processes consist of (common/PROTOCOL.md), and their answers. Pure
/// functions.
namespace kvmesh::remote {

/// What becomes of a task without its asker, as task.run names it.
enum class Mode : std::uint8_t { kCall, kAsync, kNolink, kSpawn, kSpawnLink };
std::string_view to_string(Mode mode);
/// False for those that go on when nobody asks for them.
bool is_linked(Mode mode);

/// Whom a request is for.
struct Destination {
  Operation::For target = Operation::For::kHere;
  std::string name;
};

/// True for the functions that every node has of its own, which are no tasks.
bool is_built_in(std::string_view function);

/// A process at its node, and the secret that only its asker has.
struct Ticket {
  Pid pid;
  std::uint64_t key = 0;
};

Operation run_request(Destination to, std::string function, Value::List args, Mode mode,
                      std::chrono::milliseconds limit, const std::optional<Pid>& from);
/// `with_output` false: only says that the asker is still there; the answer comes at the slice's
/// end and holds neither output nor the end.
Operation next_request(const Ticket& task, bool with_output);
Operation cancel_request(const Pid& pid);
Operation open_request();
/// `with_messages` false: only says that the mailbox is still wanted; the answer comes at the
/// slice's end and holds no messages.
Operation receive_request(const Ticket& mailbox, std::uint32_t count_max, bool with_messages);
Operation close_request(const Ticket& mailbox);
/// `to`: an id or a server's name.
Operation send_request(std::string node, Value to, const std::optional<Pid>& from, Value body);
Operation monitor_request(const Pid& pid);
Operation server_request(std::string_view operation, std::string node, std::string server,
                         std::string function, Value::List args, const std::optional<Pid>& from);

/// `seen`: the number in the last answer; 0 asks for the state of all.
Operation watch_request(std::string node, std::uint64_t seen);

/// What task.run and task.next answer.
struct Progress {
  Ticket task;
  std::vector<OutputChunk> output;
  bool done = false;
  Value result;  // nil unless done
};

// Empty when the answer is not what the protocol says.
std::optional<Progress> progress_of(Value answer);
std::optional<Ticket> ticket_of(const Value& answer);
std::optional<std::vector<Message>> messages_of(Value answer);

/// What process.monitor answers.
struct Life {
  bool alive = true;
  std::string reason;
};
std::optional<Life> life_of(const Value& answer);

/// What node.watch answers.
struct NodesTold {
  struct Change {
    std::string node;
    bool up = false;
    std::string why;  // it is down
  };
  std::string node;  // that answered
  std::uint64_t seen = 0;
  std::vector<Change> changes;
};
/// kProtocolError: it is no such answer.
Result<NodesTold> nodes_told_of(const Value& answer);

/// The reason of a kDown for a task that ended so.
std::string end_reason(const Status& status);

/// About what a value takes in memory.
std::size_t size_of(const Value& value);

}  // namespace kvmesh::remote
