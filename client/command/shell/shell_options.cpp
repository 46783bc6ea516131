#include "client/command/shell/shell_options.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "client/command/base/usage.h"

namespace kvmesh::command::shell {
namespace {

constexpr std::string_view kDashes = "--";

const ShellOption* find_option(const ShellCommand& command, std::string_view name) {
  const auto at = std::ranges::find(command.options, name, &ShellOption::name);
  return at == command.options.end() ? nullptr : &*at;
}

// How what `kvmesh` has as an option is had in the shell; empty: no such option.
std::string instead_of(std::string_view option, std::string_view command) {
  if (option == "--json" || option == "--node" || option == "--key") {
    return "start the shell with " + std::string{option};
  }
  if (option == "--detach" && command.starts_with("spawn")) {
    return "spawn starts what goes on after this shell";
  }
  if (option != "--timeout") return {};
  if (command == "await") return "write await TASK SECONDS";
  if (command == "receive") return "write receive SECONDS";
  const std::string start = "start the shell with --timeout";
  return command == "call" ? start + ", or use async and await TASK SECONDS" : start;
}

std::string options_of(const ShellCommand& command) {
  std::string out;
  for (const auto& option : command.options) {
    out += (out.empty() ? "" : ", ") + std::string{option.name};
  }
  return out;
}

Status unknown(const ShellCommand& command, std::string_view name) {
  std::vector<std::string> right{"--timeout", "--json", "--node", "--key", "--detach"};
  for (const auto& option : command.options) right.emplace_back(option.name);
  const auto meant = nearest(name, right);
  const auto fault = std::string{command.name} + " has no option " + std::string{name} + " here; ";
  if (find_option(command, meant) != nullptr) {
    return {StatusCode::kInvalidArgument, fault + "did you mean " + meant + "?"};
  }
  auto advice = instead_of(meant, command.name);
  if (advice.empty() && !command.options.empty()) advice = "it takes " + options_of(command);
  return {StatusCode::kInvalidArgument, fault + advice + (advice.empty() ? "" : "; ") +
                                            "for the text write '" + std::string{name} + "'"};
}

}  // namespace

Result<std::vector<Word>> options_first(const ShellCommand& command, std::vector<Word> words) {
  std::vector<Word> options;
  std::vector<Word> rest;
  bool only_words = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto& word = words[i];
    if (!word.is_bare() || !word.text.starts_with(kDashes)) {
      rest.push_back(std::move(word));
    } else if (only_words) {
      word.literal = true;
      rest.push_back(std::move(word));
    } else if (word.text == kDashes) {
      only_words = true;
    } else {
      const auto equals = std::min(word.text.find('='), word.text.size());
      const auto* option = find_option(command, word.text.substr(0, equals));
      const bool has_value = equals < word.text.size();
      if (option == nullptr || (has_value && option->value.empty())) {
        return unknown(command, word.text);
      }
      options.push_back({std::string{option->name}, false, word.at});
      if (option->value.empty()) continue;
      if (!has_value && i + 1 == words.size()) {
        return Status{StatusCode::kInvalidArgument,
                      word.text + " needs a value: " + std::string{option->value}};
      }
      options.push_back(has_value ? Word{word.text.substr(equals + 1), false, word.at}
                                  : std::move(words[++i]));
    }
  }
  std::ranges::move(rest, std::back_inserter(options));
  return options;
}

bool asks_for_help(const std::vector<Word>& words) {
  const auto end = std::ranges::find_if(words, [](const Word& word) { return word.is(kDashes); });
  return std::any_of(words.begin(), end, [](const Word& word) { return word.is("--help"); });
}

}  // namespace kvmesh::command::shell
