#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <kvmesh/status.h>

#include "common/deadline.h"
#include "common/request.h"
#include "common/wire/buffer.h"

namespace kvmesh::core {

/// One request in the hands of its handler. The handler answers it exactly once: succeed(), fail(),
/// or later through the ticket of defer(). Lives during the handler's call only.
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
  TimePoint deadline() const { return deadline_; }

  /// Where succeed()'s value goes: pack exactly one msgpack value, or none for nil. succeed()
  /// answers kTooLarge when it fits no record (limits::kBodyBytesMax).
  wire::Buffer& result() { return result_; }
  virtual void succeed() = 0;
  virtual void fail(const Status& status) = 0;
  /// kOverloaded when too many requests are under way already; the handler then need not answer.
  virtual Result<Ticket> defer() = 0;
  /// The same for work that waits for its turn: Core::on_begun() says when that has come. In a
  /// trace, the time until then is no execution.
  virtual Result<Ticket> defer_queued() = 0;

 protected:
  Call(const RequestView& request, TimePoint deadline, wire::Buffer& result)
      : request_(request), deadline_(deadline), result_(result) {}
  virtual ~Call() = default;

 private:
  const RequestView& request_;
  TimePoint deadline_;
  wire::Buffer& result_;
};

/// Runs a function that this node has. Must not block: what takes long is deferred. An exception
/// that it lets out becomes a kInternal answer with the exception's text.
using Handler = std::function<void(Call&)>;

/// Told of calls that come soon, so that what they need is fetched into the processor's cache while
/// others are still ahead: once for every call of a run in each stage. Must not change anything;
/// the request may be wrong in any way.
enum class HintStage : std::uint8_t { kPlace, kRecord };
using Hint = std::function<void(const RequestView&, HintStage)>;

/// How much of this thread's time a call may take: kMuch when it grows with what is stored.
enum class Cost : std::uint8_t { kLittle, kMuch };

/// One function: how it runs, and perhaps what it does before.
struct Function {
  Handler run;
  Hint expect;  // may be empty
  Cost cost = Cost::kLittle;
};

/// The functions of a node, by "module.function". Filled before the node runs; read-only after.
class Modules {
 public:
  /// REQUIRES: not defined yet.
  void define(std::string function, Handler handler, Hint hint = {}, Cost cost = Cost::kLittle);
  /// Null when there is no such function.
  const Function* find(std::string_view function) const;
  /// kUndefinedFunction: names `node`, the function and those that the node has.
  Status undefined(std::string_view node, std::string_view function) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>{}(name);
    }
  };
  std::unordered_map<std::string, Function, Hash, std::equal_to<>> functions_;
};

}  // namespace kvmesh::core
