#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <kvmesh/callable.h>
#include <kvmesh/message.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

namespace kvmesh {

class Module;

/// What happens when a server or a permanent task ends. More than `max_restarts` within `period`:
/// it is given up, which the node logs and callers are told. One that is cancelled is started anew,
/// which counts as no restart.
struct RestartPolicy {
  enum class Kind : std::uint8_t {
    kPermanent,  ///< restarted whenever it ends
    kTransient,  ///< restarted when it fails
  };
  Kind kind = Kind::kPermanent;
  std::uint32_t max_restarts = 3;
  std::chrono::milliseconds period{5000};

  friend bool operator==(const RestartPolicy&, const RestartPolicy&) = default;
};

/// One function of a server, its types erased. An exception of the user's code passes through.
struct ServerHandler {
  callable::Role role;  // "counter.add"
  std::string doc;      // one line for people; empty: none
  std::function<Result<Value>(void* state, Task&, const Value::List&)> run;
};

/// A named process with state, its types erased: what a node needs to run it. All functions are
/// called on one process, one after the other.
struct ServerDefinition {
  using Handlers = std::map<std::string, ServerHandler, std::less<>>;

  std::string name;
  std::function<std::shared_ptr<void>()>
      make;  // a fresh state; may throw what its constructor does
  std::function<void(void* state, Task&)> started;                  // empty: nothing to do
  std::function<void(void* state, Task&, const Message&)> message;  // empty: messages are dropped
  Handlers calls;
  Handlers casts;
  RestartPolicy policy;

  /// Runs the call or cast `function`. kUndefinedFunction, naming those that there are;
  /// kInvalidArgument for arguments of a wrong number or type; else what the handler says.
  Result<Value> call(void* state, Task& task, std::string_view function,
                     const Value::List& args) const;
  Status cast(void* state, Task& task, std::string_view function, const Value::List& args) const;
  /// OK, or as cast() when there is no such function.
  Status check_cast(std::string_view function) const;
};

/// Says what a server of class State does; every method returns the builder again. A handler is a
/// member function of State, or a function or lambda that takes State& first. Then it may take
/// Task&, the server's own process; then arguments and a result as with Module::define().
/// Valid as long as its module stays where it is. Faults are told by Module::check().
///
///     module.server<Counter>("counter").call("add", &Counter::add).cast("reset", &Counter::reset);
template <typename State>
class ServerBuilder {
 public:
  /// `function` of Mesh::server_call(): the caller waits for its result.
  template <typename Handler>
  ServerBuilder& call(std::string_view function, Handler handler) {
    return add(definition_->calls, function, {}, std::move(handler));
  }
  /// The same with one line of text for people, as Module::define() takes it.
  template <typename Handler>
  ServerBuilder& call(std::string_view function, std::string_view doc, Handler handler) {
    return add(definition_->calls, function, doc, std::move(handler));
  }
  /// `function` of Mesh::server_cast(): nobody waits; a result is dropped.
  template <typename Handler>
  ServerBuilder& cast(std::string_view function, Handler handler) {
    return add(definition_->casts, function, {}, std::move(handler));
  }
  /// The same with one line of text for people.
  template <typename Handler>
  ServerBuilder& cast(std::string_view function, std::string_view doc, Handler handler) {
    return add(definition_->casts, function, doc, std::move(handler));
  }
  /// What to do with messages that are sent to the server, with what it sends itself by
  /// Task::send_after(), and with kDown and kUndelivered: handler(State&, Task&, const Message&).
  /// They come here only: receive() in any handler is kInvalidArgument at once.
  template <typename Handler>
  ServerBuilder& message(Handler handler) {
    constexpr bool kFits = std::is_invocable_v<const Handler&, State&, Task&, const Message&>;
    static_assert(
        kFits,
        "kvmesh: the handler of message() is called with (State&, Task&, const Message&): "
        "give a member function of the server's class that takes (Task&, const Message&), "
        "or a lambda of all three that is not mutable");
    if constexpr (kFits) {
      definition_->message = [handler = std::move(handler)](void* state, Task& self,
                                                            const Message& message) {
        std::invoke(handler, *static_cast<State*>(state), self, message);
      };
    }
    return *this;
  }
  /// Called once after each construction, before anything else: handler(State&, Task&).
  template <typename Handler>
  ServerBuilder& started(Handler handler) {
    constexpr bool kFits = std::is_invocable_v<const Handler&, State&, Task&>;
    static_assert(kFits,
                  "kvmesh: the handler of started() is called with (State&, Task&): give a member "
                  "function of the server's class that takes (Task&), or a lambda of both that is "
                  "not mutable");
    if constexpr (kFits) {
      definition_->started = [handler = std::move(handler)](void* state, Task& self) {
        std::invoke(handler, *static_cast<State*>(state), self);
      };
    }
    return *this;
  }

  ServerBuilder& max_restarts(std::uint32_t count) {
    definition_->policy.max_restarts = count;
    return *this;
  }
  /// In which max_restarts() count. REQUIRES: more than zero (Module::check()).
  ServerBuilder& period(std::chrono::milliseconds period) {
    definition_->policy.period = period;
    return *this;
  }
  ServerBuilder& permanent() { return kind(RestartPolicy::Kind::kPermanent); }
  ServerBuilder& transient() { return kind(RestartPolicy::Kind::kTransient); }

 private:
  friend class Module;
  ServerBuilder(ServerDefinition& definition, std::vector<std::string>& faults)
      : definition_(&definition), faults_(&faults) {}

  ServerBuilder& kind(RestartPolicy::Kind kind) {
    definition_->policy.kind = kind;
    return *this;
  }

  template <typename Handler>
  ServerBuilder& add(ServerDefinition::Handlers& handlers, std::string_view function,
                     std::string_view doc, Handler handler);

  ServerDefinition* definition_;
  std::vector<std::string>* faults_;
};

// Implementation only below here.

namespace callable {
/// Adds to `handlers`, or says in `faults` what is wrong with the name or the text.
void add_handler(ServerDefinition::Handlers& handlers, std::string_view server,
                 std::string_view function, ServerHandler handler,
                 std::vector<std::string>& faults);
}  // namespace callable

template <typename State>
template <typename Handler>
ServerBuilder<State>& ServerBuilder<State>::add(ServerDefinition::Handlers& handlers,
                                                std::string_view function, std::string_view doc,
                                                Handler handler) {
  static_assert(callable::HasSignature<Handler>,
                "kvmesh: the parameter types of a handler must be known: give a member function, a "
                "function, or a lambda without auto parameters");
  if constexpr (callable::HasSignature<Handler>) {
    using Split = callable::LeadingState<typename callable::Signature<Handler>::Parameters, State>;
    static_assert(Split::kThere,
                  "kvmesh: a handler must be a member function of its server's class, or take a "
                  "reference to that class as its first parameter");
    if constexpr (Split::kThere) {
      ServerHandler erased;
      erased.role = {definition_->name + "." + std::string{function},
                     callable::parameter_texts<typename Split::Rest>()};
      erased.doc = doc;
      erased.run = [role = erased.role, handler = std::move(handler)](
                       void* state, Task& task, const Value::List& args) mutable {
        return callable::run<typename Split::Rest>(role, handler, task, args,
                                                   *static_cast<State*>(state));
      };
      callable::add_handler(handlers, definition_->name, function, std::move(erased), *faults_);
    }
  }
  return *this;
}

}  // namespace kvmesh
