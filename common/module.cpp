#include <kvmesh/module.h>

#include <algorithm>
#include <array>

#include <kvmesh/limits.h>

#include "common/text.h"

namespace kvmesh {
namespace {

// What every node has of its own.
constexpr std::array<std::string_view, 5> kBuiltInModules = {"kv", "node", "process", "server",
                                                             "task"};

bool is_name(std::string_view text) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyz_";
  return !text.empty() && kFirst.find(text.front()) != std::string_view::npos &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == std::string_view::npos;
}

// What is wrong with a name, or an empty text.
std::string name_fault(std::string_view what, std::string_view name) {
  if (is_name(name)) return {};
  return std::string{what} + " " + in_quotes(name) +
         " is not a name; write lower-case letters, digits and '_', and no digit first";
}

// What is wrong with the line of text about a function, or an empty text.
std::string doc_fault(const std::string& owner, std::string_view function, std::string_view doc) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (doc.size() <= Module::kDocBytesMax && std::ranges::none_of(doc, is_control)) return {};
  return owner + ": the text of function " + in_quotes(function) + " must be one line of at most " +
         std::to_string(Module::kDocBytesMax) + " bytes";
}

std::string names_of(const ServerDefinition::Handlers& handlers) {
  std::vector<std::string> names;
  names.reserve(handlers.size());
  for (const auto& [name, handler] : handlers) names.push_back(name);
  return names.empty() ? "none" : joined(names, ", ");
}

// `others`: the handlers of the other kind.
Status undefined(std::string_view kind, const std::string& server, std::string_view function,
                 const ServerDefinition::Handlers& handlers,
                 const ServerDefinition::Handlers& others) {
  std::string text = "the server " + server + " has no " + std::string{kind} + " " +
                     in_quotes(function) + "; it has " + names_of(handlers);
  if (others.contains(function)) {
    text += "; " + in_quotes(function) + (kind == "call" ? " is a cast" : " is a call");
  }
  return {StatusCode::kUndefinedFunction, std::move(text)};
}

}  // namespace

namespace callable {

Result<Value> nil() {
  static const Value kNil;
  return kNil;
}

Status wrong_count(const Role& role, std::size_t given) {
  const auto count = role.parameters.size();
  std::string takes = count == 0 ? "no arguments" : std::to_string(count) + " argument";
  if (count > 1) takes += "s";
  if (count > 0) takes += " (" + joined(role.parameters, ", ") + ")";
  return {StatusCode::kInvalidArgument,
          role.name + " takes " + takes + ", got " + std::to_string(given)};
}

Status wrong_type(const Role& role, std::size_t position, const Mismatch& fault) {
  const auto place = fault.where.empty() ? std::string{} : ", " + fault.where + ",";
  return {StatusCode::kInvalidArgument, role.name + ": argument " + std::to_string(position + 1) +
                                            place + " must be " + fault.wanted + ", got " +
                                            fault.got};
}

void add_handler(ServerDefinition::Handlers& handlers, std::string_view server,
                 std::string_view function, ServerHandler handler,
                 std::vector<std::string>& faults) {
  const auto owner = "server " + std::string{server};
  auto fault = name_fault(owner + ": function", function);
  if (fault.empty()) fault = doc_fault(owner, function, handler.doc);
  if (fault.empty() && !handlers.emplace(function, std::move(handler)).second) {
    fault = owner + ": function " + in_quotes(function) + " is there twice";
  }
  if (!fault.empty()) faults.push_back(std::move(fault));
}

}  // namespace callable

Result<Value> ServerDefinition::call(void* state, Task& task, std::string_view function,
                                     const Value::List& args) const {
  const auto found = calls.find(function);
  if (found == calls.end()) return undefined("call", name, function, calls, casts);
  return found->second.run(state, task, args);
}

Status ServerDefinition::cast(void* state, Task& task, std::string_view function,
                              const Value::List& args) const {
  if (auto status = check_cast(function); !status.ok()) return status;
  return casts.find(function)->second.run(state, task, args).status();
}

Status ServerDefinition::check_cast(std::string_view function) const {
  if (casts.contains(function)) return {};
  return undefined("cast", name, function, casts, calls);
}

Module::Module(std::string_view name) : name_(name) {
  if (auto fault = name_fault("module", name); !fault.empty()) {
    faults_.push_back(std::move(fault));
  } else if (std::ranges::find(kBuiltInModules, name) != kBuiltInModules.end()) {
    faults_.push_back("module " + in_quotes(name) +
                      ": every node has its own; choose another name");
  }
}

void Module::add(std::string_view function, TaskFunction erased) {
  auto fault = name_fault("module " + name_ + ": function", function);
  if (fault.empty() && erased.name.size() > limits::kFunctionNameBytesMax) {
    fault = "module " + name_ + ": " +
            over_limit("function name", erased.name.size(), limits::kFunctionNameBytesMax);
  }
  if (fault.empty() &&
      std::ranges::find(functions_, erased.name, &TaskFunction::name) != functions_.end()) {
    fault = "module " + name_ + ": function " + in_quotes(function) + " is there twice";
  }
  if (!fault.empty()) {
    faults_.push_back(std::move(fault));
  } else {
    functions_.push_back(std::move(erased));
  }
}

// A function whose name is at fault is not there.
Module& Module::describe(std::string_view function, std::string_view doc) {
  if (auto fault = doc_fault("module " + name_, function, doc); !fault.empty()) {
    faults_.push_back(std::move(fault));
    return *this;
  }
  const auto name = name_ + "." + std::string{function};
  const auto found = std::ranges::find(functions_, name, &TaskFunction::name);
  if (found != functions_.end()) found->doc = doc;
  return *this;
}

ServerDefinition& Module::add_server(std::string_view name) {
  auto fault = name_fault("module " + name_ + ": server", name);
  if (fault.empty() &&
      std::ranges::find(servers_, name, &ServerDefinition::name) != servers_.end()) {
    fault = "module " + name_ + ": server " + in_quotes(name) + " is there twice";
  }
  if (!fault.empty()) faults_.push_back(std::move(fault));
  auto& definition = servers_.emplace_back();
  definition.name = name;
  return definition;
}

Status Module::check() const {
  auto faults = faults_;
  const auto check_policy = [&](const std::string& whose, const RestartPolicy& policy) {
    if (policy.period.count() > 0) return;
    faults.push_back("module " + name_ + ": " + whose +
                     ": the period of its restarts must be more than 0 ms");
  };
  for (const auto& server : servers_) check_policy("server " + server.name, server.policy);
  for (const auto& task : permanent_tasks_) {
    check_policy("permanent task " + task.function, task.policy);
    if (std::ranges::find(functions_, task.function, &TaskFunction::name) == functions_.end()) {
      faults.push_back("module " + name_ + ": the permanent task " + task.function +
                       " is no function of this module");
    }
  }
  if (faults.empty()) return {};
  return {StatusCode::kInvalidArgument, joined(faults, "\n")};
}

}  // namespace kvmesh
