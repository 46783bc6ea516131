#include "common/remote/requests.h"
#include "common/functions.h"

#include <array>
#include <type_traits>
#include <utility>
#include <variant>

#include <kvmesh/convert.h>

namespace kvmesh::remote {
namespace {

// As it comes over the wire: signed where it fits.
Value number(std::uint64_t value) { return to_value(value); }

Value text_or_nil(const std::optional<Pid>& pid) { return pid ? Value{pid->to_string()} : Value{}; }

Operation at_node(std::string node, std::string function, Value::List args) {
  const auto target = node.empty() ? Operation::For::kHere : Operation::For::kNode;
  return {target, std::move(node), std::move(function), std::move(args)};
}

// A list of `count` elements or more: later versions may add some after.
Value::List* list_of(Value& answer, std::size_t count) {
  auto* list = answer.get_if<Value::List>();
  return list != nullptr && list->size() >= count ? list : nullptr;
}
const Value::List* list_of(const Value& answer, std::size_t count) {
  const auto* list = answer.get_if<Value::List>();
  return list != nullptr && list->size() >= count ? list : nullptr;
}

std::optional<Ticket> ticket_of(const Value& node, const Value& id, const Value& key) {
  const auto* name = node.bytes_or_text();
  const auto process = id.to_uint();
  const auto secret = key.to_uint();
  if (name == nullptr || name->empty() || !process || !secret) return std::nullopt;
  return Ticket{{*name, *process}, *secret};
}

std::optional<OutputChunk> chunk_of(Value& answer) {
  auto* pair = list_of(answer, 2);
  if (pair == nullptr) return std::nullopt;
  const auto stream = (*pair)[0].to_uint();
  auto* bytes = (*pair)[1].get_if<Bytes>();
  if (!stream || bytes == nullptr) return std::nullopt;
  if (*stream != 1 && *stream != 2) return std::nullopt;
  return OutputChunk{*stream == 1 ? OutputStream::kOut : OutputStream::kErr,
                     std::move(bytes->data)};
}

std::optional<Message> message_of(Value& answer) {
  auto* parts = list_of(answer, 3);
  if (parts == nullptr) return std::nullopt;
  const auto kind = (*parts)[0].to_uint();
  if (!kind || *kind > static_cast<std::uint64_t>(MessageKind::kUndelivered)) return std::nullopt;
  Message message{static_cast<MessageKind>(*kind), {}, std::move((*parts)[2])};
  if (const auto* from = (*parts)[1].bytes_or_text()) {
    auto pid = Pid::parse(*from);
    if (!pid) return std::nullopt;
    message.sender = *std::move(pid);
  } else if (!(*parts)[1].is_nil()) {
    return std::nullopt;
  }
  return message;
}

}  // namespace

std::string_view to_string(Mode mode) {
  constexpr std::array<std::string_view, 5> kNames = {"call", "async", "nolink", "spawn",
                                                      "spawn_link"};
  return kNames[static_cast<std::size_t>(mode)];
}

bool is_linked(Mode mode) { return mode != Mode::kNolink && mode != Mode::kSpawn; }

bool is_built_in(std::string_view function) {
  constexpr std::array<std::string_view, 5> kModules = {"kv.", "node.", "process.", "server.",
                                                        "task."};
  for (const auto module : kModules) {
    if (function.starts_with(module)) return true;
  }
  return false;
}

Operation run_request(Destination to, std::string function, Value::List args, Mode mode,
                      std::chrono::milliseconds limit, const std::optional<Pid>& from) {
  return {to.target,
          std::move(to.name),
          functions::kTaskRun.str(),
          {std::move(function), std::move(args), std::string{to_string(mode)},
           std::int64_t{limit.count()}, text_or_nil(from)}};
}

Operation next_request(const Ticket& task, bool with_output) {
  Value::List args{number(task.pid.id), number(task.key)};
  if (!with_output) args.emplace_back(false);
  return at_node(task.pid.node, functions::kTaskNext.str(), std::move(args));
}
Operation cancel_request(const Pid& pid) {
  return at_node(pid.node, functions::kTaskCancel.str(), {number(pid.id)});
}

Operation open_request() { return at_node({}, functions::kProcessOpen.str(), {}); }
Operation receive_request(const Ticket& mailbox, std::uint32_t count_max, bool with_messages) {
  Value::List args{number(mailbox.pid.id), number(mailbox.key), count_max};
  if (!with_messages) args.emplace_back(false);
  return at_node(mailbox.pid.node, functions::kProcessReceive.str(), std::move(args));
}
Operation close_request(const Ticket& mailbox) {
  return at_node(mailbox.pid.node, functions::kProcessClose.str(),
                 {number(mailbox.pid.id), number(mailbox.key)});
}
Operation send_request(std::string node, Value to, const std::optional<Pid>& from, Value body) {
  return at_node(std::move(node), functions::kProcessSend.str(),
                 {std::move(to), text_or_nil(from), std::move(body)});
}
Operation monitor_request(const Pid& pid) {
  return at_node(pid.node, functions::kProcessMonitor.str(), {number(pid.id)});
}
Operation watch_request(std::string node, std::uint64_t seen) {
  return at_node(std::move(node), functions::kNodeWatch.str(), {number(seen)});
}
Operation server_request(std::string_view operation, std::string node, std::string server,
                         std::string function, Value::List args, const std::optional<Pid>& from) {
  return at_node(std::move(node), std::string{operation},
                 {std::move(server), std::move(function), std::move(args), text_or_nil(from)});
}

std::optional<Progress> progress_of(Value answer) {
  auto* parts = list_of(answer, 6);
  if (parts == nullptr) return std::nullopt;
  auto task = ticket_of((*parts)[0], (*parts)[1], (*parts)[2]);
  auto* output = (*parts)[3].get_if<Value::List>();
  const auto state = (*parts)[4].to_uint();
  if (!task || output == nullptr || !state || *state > 1) return std::nullopt;
  Progress progress{*std::move(task), {}, *state == 1, {}};
  progress.output.reserve(output->size());
  for (auto& element : *output) {
    auto chunk = chunk_of(element);
    if (!chunk) return std::nullopt;
    progress.output.push_back(*std::move(chunk));
  }
  if (progress.done) progress.result = std::move((*parts)[5]);
  return progress;
}

std::optional<Ticket> ticket_of(const Value& answer) {
  const auto* parts = list_of(answer, 3);
  if (parts == nullptr) return std::nullopt;
  return ticket_of((*parts)[0], (*parts)[1], (*parts)[2]);
}

std::optional<std::vector<Message>> messages_of(Value answer) {
  auto* list = answer.get_if<Value::List>();
  if (list == nullptr) return std::nullopt;
  std::vector<Message> messages;
  messages.reserve(list->size());
  for (auto& element : *list) {
    auto message = message_of(element);
    if (!message) return std::nullopt;
    messages.push_back(*std::move(message));
  }
  return messages;
}

std::optional<Life> life_of(const Value& answer) {
  const auto* parts = list_of(answer, 2);
  if (parts == nullptr) return std::nullopt;
  const auto* alive = (*parts)[0].get_if<bool>();
  const auto* reason = (*parts)[1].bytes_or_text();
  if (alive == nullptr || reason == nullptr) return std::nullopt;
  return Life{*alive, *reason};
}

Result<NodesTold> nodes_told_of(const Value& answer) {
  const Status wrong{StatusCode::kProtocolError,
                     "the node's answer to node.watch is not what it should be"};
  const auto* parts = list_of(answer, 3);
  if (parts == nullptr) return wrong;
  const auto* name = (*parts)[0].bytes_or_text();
  const auto seen = (*parts)[1].to_uint();
  const auto* changes = (*parts)[2].get_if<Value::List>();
  if (name == nullptr || !seen || changes == nullptr) return wrong;
  NodesTold told{*name, *seen, {}};
  told.changes.reserve(changes->size());
  for (const auto& element : *changes) {
    const auto* change = list_of(element, 3);
    if (change == nullptr) return wrong;
    const auto* node = (*change)[0].bytes_or_text();
    const auto* up = (*change)[1].get_if<bool>();
    const auto* why = (*change)[2].bytes_or_text();
    if (node == nullptr || up == nullptr || why == nullptr) return wrong;
    told.changes.push_back({*node, *up, *why});
  }
  return told;
}

std::string end_reason(const Status& status) {
  if (status.ok()) return "normal";
  if (status.code() == StatusCode::kTaskFailed) return "failed: " + status.text();
  return status.to_string();
}

std::size_t size_of(const Value& value) {
  return sizeof(Value) + std::visit(
                             [](const auto& held) -> std::size_t {
                               using Held = std::decay_t<decltype(held)>;
                               std::size_t bytes = 0;
                               if constexpr (std::is_same_v<Held, std::string>) {
                                 bytes = held.size();
                               } else if constexpr (std::is_same_v<Held, Bytes>) {
                                 bytes = held.data.size();
                               } else if constexpr (std::is_same_v<Held, Value::List>) {
                                 for (const auto& element : held) bytes += size_of(element);
                               } else if constexpr (std::is_same_v<Held, Value::Map>) {
                                 for (const auto& [key, element] : held) {
                                   bytes += sizeof(std::string) + key.size() + size_of(element);
                                 }
                               }
                               return bytes;
                             },
                             value.data());
}

}  // namespace kvmesh::remote
