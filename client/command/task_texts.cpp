#include "client/command/task_texts.h"

#include <chrono>
#include <optional>
#include <utility>

#include "client/command/duration_text.h"
#include "client/command/info_text.h"
#include "client/command/json_lines.h"
#include "client/command/number_text.h"
#include "client/command/table.h"
#include "client/command/tsv.h"
#include "client/command/value_text.h"

namespace kvmesh::command {
namespace {

struct Function {
  std::string name;
  std::string parameters;
  std::uint64_t arity = 0;
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
    out.push_back({*name, *parameters, (*parts)[2].to_uint().value_or(0)});
  }
  return out;
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

std::string modules_text(const Value& modules) {
  std::string out;
  for (const auto& function : functions_of(modules)) {
    out += escape(function.name) + "(" + escape(function.parameters) + ")\n";
  }
  return out;
}

std::string modules_json(const Value& modules) {
  std::string out = "[";
  for (const auto& function : functions_of(modules)) {
    if (out.size() > 1) out += ",";
    out += "{\"function\":" + bytes_as_json(function.name) +
           ",\"parameters\":" + bytes_as_json(function.parameters) +
           ",\"arity\":" + std::to_string(function.arity) + "}";
  }
  return out + "]";
}

std::vector<std::string> module_functions(const Value& modules) {
  std::vector<std::string> out;
  for (auto& function : functions_of(modules)) out.push_back(std::move(function.name));
  return out;
}

std::string tasks_table(const Value& tasks, bool color) {
  Table rows({{"pid"},
              {"function"},
              {"state"},
              {"since", Table::Align::kRight},
              {"mailbox", Table::Align::kRight},
              {"for"}});
  const auto* list = tasks.get_if<Value::List>();
  for (const auto& task : list != nullptr ? *list : Value::List{}) {
    const std::chrono::milliseconds age{number_at(task, "age_ms")};
    rows.add({escape(text_at(task, "pid")), escape(text_at(task, "function")),
              escape(text_at(task, "state")), duration_text(age),
              grouped(number_at(task, "mailbox")), escape(text_at(task, "from"))});
  }
  return rows.to_string(color);
}

std::string message_text(const Message& message) {
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
  return "message" + (whom.empty() ? "" : " from" + whom) + ": " + value_text(message.body);
}

std::string message_json(const Message& message) {
  const std::string sender =
      message.sender.empty() ? "null" : bytes_as_json(message.sender.to_string());
  return "{\"kind\":\"" + std::string{kind_name(message.kind)} + "\",\"sender\":" + sender +
         ",\"body\":" + message.body.to_json() +
         (message.seen_by.empty() ? "" : ",\"seen_by\":" + bytes_as_json(message.seen_by)) + "}";
}

std::string output_json(const OutputChunk& chunk) {
  const bool err = chunk.stream == OutputStream::kErr;
  return std::string{"{\"stream\":\""} + (err ? "stderr" : "stdout") +
         "\",\"output\":" + bytes_as_json(chunk.bytes) + "}";
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
