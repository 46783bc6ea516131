#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <kvmesh/status.h>

#include "common/deadline.h"
#include "common/functions.h"
#include "common/request.h"
#include "common/wire/buffer.h"

namespace kvmesh::core {

/// When a call is executed, and until when an answer is of use.
struct CallTime {
  TimePoint now{};
  TimePoint deadline{};
};

/// One request in the hands of its function. The function answers it exactly once: succeed(),
/// succeed_with(), fail(), or later through the ticket of defer(). Lives until the function's
/// run has ended, no longer.
class Call {
 public:
  /// A promise to answer later through Core::complete(). Trivially copied; may be kept and sent to
  /// other threads.
  using Ticket = RequestId;

  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const RequestView& request() const { return request_; }
  /// The bucket that the request was routed by; empty when it was for a node.
  std::string_view bucket() const {
    return request_.target.kind == Target::Kind::kBucket ? request_.target.name
                                                         : std::string_view{};
  }
  TimePoint deadline() const { return time_.deadline; }
  /// When it is executed.
  TimePoint now() const { return time_.now; }
  /// Which of its runner's functions it calls.
  std::uint8_t number() const { return number_; }

  /// Where succeed()'s value goes, for all calls that are run together, one after the other: pack
  /// exactly one msgpack value, or none for nil. succeed() answers kTooLarge when it fits no record
  /// (limits::kBodyBytesMax).
  wire::Buffer& result() { return result_; }
  virtual void succeed() = 0;
  /// The result is these bytes; they are packed only when they leave for another node. As they are
  /// copied once, to where they are wanted, they may lie anywhere, and be guarded by a lock.
  virtual void succeed_with(std::string_view bytes) = 0;
  virtual void fail(const Status& status) = 0;
  /// kOverloaded when too many requests are under way already; that was the answer then.
  virtual Result<Ticket> defer() = 0;
  /// The same for work that waits for its turn: Core::on_begun() says when that has come. In a
  /// trace, the time until then is no execution.
  virtual Result<Ticket> defer_queued() = 0;

 protected:
  Call(const RequestView& request, std::uint8_t number, CallTime time, wire::Buffer& result)
      : request_(request), time_(time), result_(result), number_(number) {}
  virtual ~Call() = default;

 private:
  RequestView request_;
  CallTime time_;
  wire::Buffer& result_;
  std::uint8_t number_;
};

/// A call that passes on what becomes of it to another: a function that runs another function, or
/// watches it, answers with it. `outer` must outlive it.
class InnerCall : public Call {
 public:
  InnerCall(Call& outer, const RequestView& request, std::uint8_t number)
      : Call(request, number, {outer.now(), outer.deadline()}, outer.result()), outer_(outer) {}

  void succeed() override { outer_.succeed(); }
  void succeed_with(std::string_view bytes) override { outer_.succeed_with(bytes); }
  void fail(const Status& status) override { outer_.fail(status); }
  Result<Ticket> defer() override { return outer_.defer(); }
  Result<Ticket> defer_queued() override { return outer_.defer_queued(); }

 private:
  Call& outer_;
};

/// Runs a function that this node has. Must not block: what takes long is deferred. An exception
/// that it lets out becomes a kInternal answer with the exception's text.
using Handler = std::function<void(Call&)>;

/// Runs calls of a group of functions. Those that came together are run together.
class Runner {
 public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  virtual ~Runner() = default;

  /// Answers or defers each of `calls`, one after the other; they live until this returns. As a
  /// Handler it must not block; an exception is the answer to those that have none yet.
  virtual void run(std::span<Call* const> calls) = 0;
};

/// How much of this thread's time a call may take: kMuch when it grows with what is stored.
enum class Cost : std::uint8_t { kLittle, kMuch };

/// One function: it has a handler of its own, or a runner that has others as well.
struct Function {
  Handler handler;
  Runner* runner = nullptr;
  std::uint8_t number = 0;  // which of the runner's functions
  Cost cost = Cost::kLittle;
  const functions::Function* known = nullptr;  // in the table of those that all nodes know

  /// Does it administer this node? Asking for news does not.
  bool is_administration() const {
    return known != nullptr && known->needs == functions::Needs::kAdmin && !known->is_poll;
  }
};

/// The functions of a node, by "module.function". Filled before the node runs; read-only after.
class FunctionRegistry {
 public:
  /// REQUIRES: not defined yet.
  void define(std::string function, Handler handler, Cost cost = Cost::kLittle);
  void define(const functions::Function& function, Handler handler);
  /// The same for one of a runner's functions, which must outlive this; Call::number() says which.
  void define(std::string function, Runner& runner, std::uint8_t number, Cost cost = Cost::kLittle);
  void define(const functions::Function& function, Runner& runner, std::uint8_t number);
  /// Null when there is no such function.
  const Function* find(std::string_view function) const;
  /// How a function that is not in this table is called on this node, as the end of "it is ...";
  /// empty for a name that is unknown there too.
  using Advice = std::function<std::string(std::string_view function)>;
  void set_advice(Advice advice) { advice_ = std::move(advice); }
  /// kUndefinedFunction: names `node`, the function, and how to call it or those that the node has.
  Status undefined(std::string_view node, std::string_view function) const;

 private:
  void add(std::string name, Function function);

  // The names are the node's own, so nobody can choose them to collide: their length and ends tell
  // them apart, and every request looks for one.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      using Ends = std::uint32_t;
      if (name.size() < sizeof(Ends)) return name.size();
      Ends first, last;  // NOLINT: filled by the next calls
      std::memcpy(&first, name.data(), sizeof first);
      std::memcpy(&last, name.data() + name.size() - sizeof last, sizeof last);
      return (std::size_t{first} << 32 | last) + name.size();
    }
  };
  std::unordered_map<std::string, Function, Hash, std::equal_to<>> functions_;
  Advice advice_;  // may be empty
};

}  // namespace kvmesh::core
