#include "client/command/shell/shell_command.h"

#include <algorithm>
#include <utility>

namespace kvmesh::command::shell {
namespace {

constexpr std::string_view kSpace = " \t";

std::string title(const ShellCommand& command) {
  return std::string{command.name} + (command.usage.empty() ? "" : " ") +
         std::string{command.usage};
}

// Words as white space parts them: names that are completed have none.
std::vector<std::string_view> parts_of(std::string_view line) {
  std::vector<std::string_view> parts;
  std::size_t at = line.find_first_not_of(kSpace);
  while (at != std::string_view::npos) {
    const auto end = line.find_first_of(kSpace, at);
    parts.push_back(line.substr(at, end - at));
    at = end == std::string_view::npos ? end : line.find_first_not_of(kSpace, end);
  }
  return parts;
}

// Would have to be quoted.
bool is_plain(const std::string& name) {
  return !name.empty() && std::string_view{"'\"[{#"}.find(name[0]) == std::string_view::npos &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

std::string common_prefix(const std::vector<std::string>& names) {
  std::string prefix = names.front();
  for (const auto& name : names) {
    const auto end = std::mismatch(prefix.begin(), prefix.end(), name.begin(), name.end()).first;
    prefix.erase(end, prefix.end());
  }
  return prefix;
}

std::vector<std::string> names_of(Names kind, std::span<const ShellCommand> table,
                                  NameSource& source) {
  if (kind == Names::kNone) return {};
  if (kind != Names::kCommands) return source.names(kind);
  std::vector<std::string> names;
  for (const auto& command : table) names.emplace_back(command.name);
  return names;
}

}  // namespace

const ShellCommand* find_command(std::span<const ShellCommand> table, std::string_view name) {
  const auto at = std::find_if(table.begin(), table.end(),
                               [&](const ShellCommand& command) { return command.name == name; });
  return at == table.end() ? nullptr : &*at;
}

std::string help_text(std::span<const ShellCommand> table) {
  std::size_t width = 0;
  for (const auto& command : table) width = std::max(width, title(command).size());
  std::string out;
  for (const auto& command : table) {
    const std::string words = title(command);
    out += "  " + words + std::string(width - words.size() + 2, ' ') + std::string{command.help} +
           "\n";
  }
  return out;
}

std::string usage_text(const ShellCommand& command) { return "usage: " + title(command); }

Completion complete(std::string_view before, std::span<const ShellCommand> table,
                    NameSource& source, bool goes_on) {
  auto parts = parts_of(before);
  std::string_view begun;
  if (!before.empty() && kSpace.find(before.back()) == std::string_view::npos) {
    begun = parts.back();
    parts.pop_back();
  }
  if (parts.size() > 1 && parts[1] == "=") parts.erase(parts.begin(), parts.begin() + 2);
  Names kind = Names::kCommands;
  if (begun.starts_with('$')) {
    kind = Names::kVariables;
  } else if (goes_on) {
    return {};
  } else if (!parts.empty()) {
    const ShellCommand* command = find_command(table, parts.front());
    std::size_t place = parts.size() - 1;
    if (command == nullptr) return {};
    const bool after_node = place == 1 && command->completes[0] == Names::kFunctionsOrNodes &&
                            parts[1].find('@') != std::string_view::npos;
    if (after_node) place = 0;
    if (place >= command->completes.size()) return {};
    kind = after_node ? Names::kFunctions : command->completes[place];
  }
  auto names = names_of(kind, table, source);
  std::erase_if(names,
                [&](const auto& name) { return !name.starts_with(begun) || !is_plain(name); });
  if (names.empty()) return {};
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  Completion found{common_prefix(names).substr(begun.size()), {}};
  if (names.size() == 1) {
    found.insert += ' ';
  } else {
    found.choices = std::move(names);
  }
  return found;
}

}  // namespace kvmesh::command::shell
