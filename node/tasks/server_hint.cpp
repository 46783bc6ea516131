#include "node/tasks/server_hint.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include <kvmesh/value.h>

#include "common/text.h"
#include "common/wire/value_codec.h"

namespace kvmesh::tasks {
namespace {

constexpr std::size_t kWordsBytesMax = 200;

// A text that neither the shell nor the command takes for something else.
bool is_plain_word(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  constexpr std::array<std::string_view, 4> kJson = {"true", "false", "null", "nil"};
  return !text.empty() && kLetters.find(text.front()) != std::string_view::npos &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
             ".,:/@+-") == std::string_view::npos &&
         std::ranges::find(kJson, text) == kJson.end();
}

std::string in_single_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) c == '\'' ? out += "'\\''" : out += c;
  return out + "'";
}

std::string word_of(const Value& value) {
  if (value.is_nil()) return "nil";
  const auto* text = value.get_if<std::string>();
  if (text != nullptr && is_plain_word(*text)) return *text;
  const bool is_container = value.get_if<Value::List>() || value.get_if<Value::Map>();
  const auto json = value.to_json();
  return text != nullptr || is_container || value.get_if<Bytes>() ? in_single_quotes(json) : json;
}

std::string words_of(std::string_view args) {
  if (args.size() > kWordsBytesMax) return " ARGS...";
  const auto value = wire::unpack_value(args);
  const auto* list = value ? value->get_if<Value::List>() : nullptr;
  std::string out;
  if (list != nullptr) {
    for (const auto& element : *list) out += " " + word_of(element);
  }
  return out;
}

std::string handler_names(const ServerDefinition::Handlers& handlers) {
  std::string out;
  for (const auto& [name, handler] : handlers) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

}  // namespace

std::string server_hint(const ServerDefinition& server, std::string_view node,
                        std::string_view function, std::string_view args) {
  const auto all =
      "its calls: " + handler_names(server.calls) + "; its casts: " + handler_names(server.casts);
  if (function.empty()) return server.name + " is a server; " + all;
  const bool is_call = server.calls.contains(function);
  if (!is_call && !server.casts.contains(function)) {
    return server.name + " is a server, and has no function " + in_quotes(function) + "; " + all;
  }
  return server.name + " is a server; call it with: kvmesh server " + (is_call ? "" : "--cast ") +
         std::string{node} + " " + server.name + " " + std::string{function} + words_of(args);
}

}  // namespace kvmesh::tasks
