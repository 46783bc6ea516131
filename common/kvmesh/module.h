#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <kvmesh/callable.h>
#include <kvmesh/server.h>
#include <kvmesh/status.h>
#include <kvmesh/task.h>
#include <kvmesh/value.h>

namespace kvmesh {

/// A function that runs as a task, its types erased: what a node needs to run it.
struct TaskFunction {
  std::string name;                     // "hello.add"
  std::vector<std::string> parameters;  // their types: "int", "list of text"
  std::string doc;                      // one line for people; empty: none
  /// kInvalidArgument when number or types of the arguments are wrong, before the user's code
  /// begins; else what that returns. Its exceptions pass through. Thread-safe if the user's code
  /// is.
  std::function<Result<Value>(Task&, const Value::List&)> run;
};

/// A task that a node runs from its start on, and again when it ends.
struct PermanentTask {
  std::string function;  // "hello.watch"
  Value::List args;
  RestartPolicy policy;
};

/// Functions and servers under one name, which a node can be asked for once the module is loaded.
///
///     kvmesh::Module hello{"hello"};
///     hello.define("world", [](kvmesh::Task& self) { self.print("hello world"); });
///     hello.define("add", [](std::int64_t a, std::int64_t b) { return a + b; });
///
/// Names are lower-case letters, digits and `_`, and do not begin with a digit. What is wrong with
/// them is collected, so that calls may be chained, and told by check(), which a node asks when it
/// loads the module. A value: a copy has the same functions. Not thread-safe.
class Module {
 public:
  explicit Module(std::string_view name);

  const std::string& name() const { return name_; }

  /// Makes `callable` the function `name().function`. A function pointer or a class with one
  /// operator(), such as a lambda without auto parameters. It may take Task& first; the other
  /// parameters come from the caller's arguments, of the types that <kvmesh/convert.h> lists. It
  /// returns nothing (the caller gets nil), such a type, Status or Result<T>; or throws: the caller
  /// gets kTaskFailed with the exception's text. It is called by many tasks at the same time, on
  /// several threads.
  template <typename Callable>
  Module& define(std::string_view function, Callable callable);

  /// The same with one line of text for people, which `kvmesh modules` shows, as a server's call()
  /// and cast() take it too; no line end or other control character, and at most kDocBytesMax.
  template <typename Callable>
  Module& define(std::string_view function, std::string_view doc, Callable callable) {
    define(function, std::move(callable));
    return describe(function, doc);
  }
  static constexpr std::size_t kDocBytesMax = 200;

  /// Begins the server `name`, which Mesh::server_call({name, node}, ...) reaches. It is State{},
  /// or what `make` returns (std::shared_ptr<State>); made anew at each restart.
  template <typename State>
  ServerBuilder<State> server(std::string_view name);
  template <typename State, typename Make>
  ServerBuilder<State> server(std::string_view name, Make make);

  /// Runs `function`, which must be one of this module, with `args` from the node's start on, and
  /// again as `policy` says when it ends.
  template <typename... Args>
  Module& keep_running(std::string_view function, RestartPolicy policy, Args&&... args) {
    permanent_tasks_.push_back(
        {name_ + "." + std::string{function}, {to_value(std::forward<Args>(args))...}, policy});
    return *this;
  }

  /// OK, or kInvalidArgument with every fault, one a line.
  Status check() const;

  const std::vector<TaskFunction>& functions() const { return functions_; }
  const std::deque<ServerDefinition>& servers() const { return servers_; }
  const std::vector<PermanentTask>& permanent_tasks() const { return permanent_tasks_; }

 private:
  void add(std::string_view function, TaskFunction erased);
  Module& describe(std::string_view function, std::string_view doc);
  ServerDefinition& add_server(std::string_view name);

  std::string name_;
  std::vector<TaskFunction> functions_;
  std::deque<ServerDefinition> servers_;  // which builders point into
  std::vector<PermanentTask> permanent_tasks_;
  std::vector<std::string> faults_;
};

// Implementation only below here.

template <typename Callable>
Module& Module::define(std::string_view function, Callable callable) {
  static_assert(callable::HasSignature<Callable>,
                "kvmesh: the parameter types of a task function must be known: give a function, or "
                "a lambda without auto parameters");
  static_assert(!std::is_member_function_pointer_v<Callable>,
                "kvmesh: a member function needs an object: give a lambda that has one, or make a "
                "server of the class");
  static_assert(
      !callable::kIsMutable<Callable>,
      "kvmesh: a mutable lambda would be changed by tasks that run at the same time; keep "
      "state in a server, or share it with a lock of its own");
  if constexpr (callable::HasSignature<Callable> && !callable::kIsMutable<Callable> &&
                !std::is_member_function_pointer_v<Callable>) {
    using Parameters = typename callable::Signature<Callable>::Parameters;
    callable::Role role{name_ + "." + std::string{function},
                        callable::parameter_texts<Parameters>()};
    TaskFunction erased;
    erased.name = role.name;
    erased.parameters = role.parameters;
    erased.run = [role = std::move(role), callable = std::move(callable)](Task& task,
                                                                          const Value::List& args) {
      return callable::run<Parameters>(role, callable, task, args);
    };
    add(function, std::move(erased));
  }
  return *this;
}

template <typename State>
ServerBuilder<State> Module::server(std::string_view name) {
  static_assert(std::is_default_constructible_v<State>,
                "kvmesh: a server's class must be default-constructible, or come with a function "
                "that makes it: server<State>(name, make)");
  return server<State>(name, [] { return std::make_shared<State>(); });
}

template <typename State, typename Make>
ServerBuilder<State> Module::server(std::string_view name, Make make) {
  static_assert(std::is_convertible_v<std::invoke_result_t<const Make&>, std::shared_ptr<State>>,
                "kvmesh: the function that makes a server must return std::shared_ptr<State>");
  auto& definition = add_server(name);
  definition.make = [make = std::move(make)] {
    return std::static_pointer_cast<void>(std::shared_ptr<State>{make()});
  };
  return {definition, faults_};
}

}  // namespace kvmesh
