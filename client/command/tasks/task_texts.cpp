#include "client/command/tasks/task_texts.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "client/command/base/escape.h"
#include "client/command/base/numbers.h"
#include "client/command/base/table.h"
#include "client/command/base/values.h"
#include "client/command/nodes/info_text.h"

namespace kvmesh::command {
namespace {

struct Function {
  std::string name;
  std::string parameters;
  std::uint64_t arity = 0;
  std::string doc;
};

std::vector<Function> functions_of(const Value& modules) {
  std::vector<Function> out;
  const auto* list = modules.get_if<Value::List>();
  if (list == nullptr) return out;
  for (const auto& element : *list) {
    const auto* parts = element.get_if<Value::List>();
    if (parts == nullptr || parts->size() < 3) continue;
    const auto* name = (*parts)[0].bytes_or_text();
    const auto* parameters = (*parts)[1].bytes_or_text();
    if (name == nullptr || parameters == nullptr) continue;
    const auto* doc = parts->size() > 3 ? (*parts)[3].bytes_or_text() : nullptr;
    out.push_back({*name, *parameters, (*parts)[2].to_uint().value_or(0), doc ? *doc : ""});
  }
  return out;
}

struct Server {
  std::string name;
  std::vector<Function> calls;
  std::vector<Function> casts;
};

std::vector<Server> servers_of(const Value& servers) {
  std::vector<Server> out;
  const auto* list = servers.get_if<Value::List>();
  if (list == nullptr) return out;
  for (const auto& element : *list) {
    const auto* parts = element.get_if<Value::List>();
    if (parts == nullptr || parts->size() < 3) continue;
    const auto* name = (*parts)[0].bytes_or_text();
    if (name == nullptr) continue;
    out.push_back({*name, functions_of((*parts)[1]), functions_of((*parts)[2])});
  }
  return out;
}

std::string function_text(const Function& function) {
  return escape(function.name) + "(" + escape(function.parameters) + ")" +
         (function.doc.empty() ? "" : "  " + escape(function.doc));
}

Value::List functions_json(const std::vector<Function>& functions) {
  Value::List out;
  for (const auto& function : functions) {
    Value::Map row{{"function", Bytes{function.name}},
                   {"parameters", Bytes{function.parameters}},
                   {"arity", function.arity}};
    if (!function.doc.empty()) row.emplace_back("doc", Bytes{function.doc});
    out.emplace_back(std::move(row));
  }
  return out;
}

// A server or permanent task, of task.list.
bool is_supervised(const Value& task) {
  const auto* map = task.get_if<Value::Map>();
  return map != nullptr &&
         std::ranges::any_of(*map, [](const auto& pair) { return pair.first == "restarts"; });
}

// "5 (2 of 3 in 5000 ms)": as the node's log counts them, where any count towards giving it up.
std::string restarts_text(const Value& task) {
  if (!is_supervised(task)) return {};
  auto out = grouped(number_at(task, "restarts"));
  const auto counted = number_at(task, "restarts_counted");
  if (counted == 0) return out;
  return out + " (" + grouped(counted) + " of " + grouped(number_at(task, "restarts_max")) +
         " in " + std::to_string(number_at(task, "restarts_period_ms")) + " ms)";
}

// The reason of a kDown, or why a message could not be delivered.
std::string reason_of(const Message& message) {
  const auto* reason = message.body.bytes_or_text();
  return reason != nullptr ? escape(*reason) : value_text(message.body);
}

std::string_view kind_name(MessageKind kind) {
  switch (kind) {
    case MessageKind::kDown:
      return "down";
    case MessageKind::kUndelivered:
      return "undelivered";
    case MessageKind::kNodeUp:
      return "node_up";
    case MessageKind::kNodeDown:
      return "node_down";
    case MessageKind::kMessage:
      break;
  }
  return "message";
}

}  // namespace

std::string modules_text(const Value& modules, const Value& servers) {
  std::string out;
  for (const auto& function : functions_of(modules)) out += function_text(function) + "\n";
  for (const auto& server : servers_of(servers)) {
    const auto title = "server " + escape(server.name) + ": ";
    for (const auto& its : server.calls) out += title + "call " + function_text(its) + "\n";
    for (const auto& its : server.casts) out += title + "cast " + function_text(its) + "\n";
    if (server.calls.empty() && server.casts.empty()) out += title + "messages only\n";
  }
  return out;
}

Value modules_json(const Value& modules, const Value& servers) {
  auto out = functions_json(functions_of(modules));
  for (const auto& server : servers_of(servers)) {
    out.emplace_back(Value::Map{{"server", Bytes{server.name}},
                                {"calls", functions_json(server.calls)},
                                {"casts", functions_json(server.casts)}});
  }
  return out;
}

std::vector<std::string> module_functions(const Value& modules) {
  std::vector<std::string> out;
  for (auto& function : functions_of(modules)) out.push_back(std::move(function.name));
  return out;
}

std::vector<std::string> server_names(const Value& servers) {
  std::vector<std::string> out;
  for (auto& server : servers_of(servers)) out.push_back(std::move(server.name));
  return out;
}

std::vector<std::string> server_functions(const Value& servers, const std::string& wanted) {
  std::vector<std::string> out;
  for (auto& server : servers_of(servers)) {
    if (!wanted.empty() && server.name != wanted) continue;
    for (auto& its : server.calls) out.push_back(std::move(its.name));
    for (auto& its : server.casts) out.push_back(std::move(its.name));
  }
  return out;
}

std::string tasks_table(const Value& tasks, bool color) {
  const auto* list = tasks.get_if<Value::List>();
  const Value::List none;
  const auto& all = list != nullptr ? *list : none;
  const bool has_supervised = std::ranges::any_of(all, is_supervised);
  std::vector<Table::Column> columns{{"pid"},
                                     {"function"},
                                     {"state"},
                                     {"since", Table::Align::kRight},
                                     {"mailbox", Table::Align::kRight},
                                     {"for"}};
  if (has_supervised) {
    columns.push_back({"restarts", Table::Align::kRight});
    columns.push_back({"why"});
  }
  Table rows(std::move(columns));
  for (const auto& task : all) {
    const std::chrono::milliseconds age{number_at(task, "age_ms")};
    std::vector<std::string> row{
        escape(text_at(task, "pid")),        escape(text_at(task, "function")),
        escape(text_at(task, "state")),      duration_text(age),
        grouped(number_at(task, "mailbox")), escape(text_at(task, "from"))};
    if (has_supervised) {
      row.push_back(restarts_text(task));
      row.push_back(escape(text_at(task, "why")));
    }
    rows.add(std::move(row));
  }
  return rows.to_string(color);
}

std::string message_text(const Message& message, std::size_t width) {
  const std::string whom = message.sender.empty() ? "" : " " + message.sender.to_string();
  switch (message.kind) {
    case MessageKind::kDown:
      return "down" + whom + ": " + reason_of(message);
    case MessageKind::kUndelivered:
      return "undelivered" + (whom.empty() ? "" : " to" + whom) + ": " + reason_of(message);
    case MessageKind::kNodeUp:
      return "node up " + escape(message.sender.node);
    case MessageKind::kNodeDown:
      return "node down " + escape(message.sender.node) + ": " + reason_of(message);
    case MessageKind::kMessage:
      break;
  }
  const std::string title = "message" + (whom.empty() ? "" : " from" + whom) + ": ";
  const auto left = width > title.size() ? width - title.size() : 0;
  // In several lines it may be as wide as the terminal, but for its first one.
  const std::string line = value_text(message.body, left);
  return title + (line.find('\n') == std::string::npos ? line : value_text(message.body, width));
}

Value message_json(const Message& message) {
  Value::Map out{{"kind", std::string{kind_name(message.kind)}},
                 {"sender", message.sender.empty() ? Value{} : Value{message.sender.to_string()}},
                 {"body", message.body}};
  if (!message.seen_by.empty()) out.emplace_back("seen_by", Bytes{message.seen_by});
  return out;
}

Value output_json(const OutputChunk& chunk) {
  return Value::Map{{"stream", chunk.stream == OutputStream::kErr ? "stderr" : "stdout"},
                    {"output", Bytes{chunk.bytes}}};
}

Status end_status(std::string_view reason) {
  constexpr std::string_view kFailed = "failed: ";
  if (reason == "normal") return {};
  if (reason.starts_with(kFailed)) {
    return {StatusCode::kTaskFailed, std::string{reason.substr(kFailed.size())}};
  }
  const auto colon = reason.find(':');
  const auto code = status_code_from_name(reason.substr(0, colon));
  if (!code || *code == StatusCode::kOk) return {StatusCode::kTaskFailed, std::string{reason}};
  if (colon == std::string_view::npos) return {*code, "the process ended"};
  const auto text = reason.substr(colon + 1);
  return {*code, std::string{text.substr(text.starts_with(' ') ? 1 : 0)}};
}

}  // namespace kvmesh::command
