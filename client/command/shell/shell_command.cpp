#include "client/command/shell/shell_command.h"

#include <algorithm>
#include <utility>

namespace kvmesh::command::shell {
namespace {

constexpr std::string_view kSpace = " \t";
constexpr std::size_t kTitleWidthMax = 40;

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
                                  NameSource& source, const Where& where) {
  if (kind == Names::kNone) return {};
  if (kind != Names::kCommands) return source.names(kind, where);
  std::vector<std::string> names;
  for (const auto& command : table) names.emplace_back(command.name);
  return names;
}

// What the words of a command of the shell's own name, and what the next one does. Options and a
// node may stand before a function or a server.
struct Reading {
  Where where;
  Names next = Names::kNone;
};

Reading read_words(const ShellCommand& command, std::span<const std::string_view> words) {
  Reading read;
  const bool of_functions = command.completes[0] == Names::kFunctionsOrNodes;
  const bool of_servers = command.completes[1] == Names::kServerFunctions;
  std::size_t place = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto word = words[i];
    const bool before_name = place == 0 && (of_functions || of_servers);
    if (before_name && (word == "--bucket" || word == "--limit")) {
      if (++i == words.size()) return read;
      if (word == "--bucket") read.where.bucket = words[i];
    } else if (before_name && read.where.node.empty() && read.where.bucket.empty() &&
               word.find('@') != std::string_view::npos) {
      read.where.node = word;
    } else if (!before_name || !word.starts_with("--")) {
      if (of_servers && place == 0) read.where.server = word;
      ++place;
    }
  }
  if (place >= command.completes.size()) return read;
  read.next = command.completes[place];
  const bool says_where = !read.where.node.empty() || !read.where.bucket.empty();
  if (of_functions && place == 0 && says_where) read.next = Names::kFunctions;
  return read;
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
  width = std::min(width, kTitleWidthMax);
  std::string out;
  std::string_view group;
  for (const auto& command : table) {
    if (command.group != group) {
      out += (out.empty() ? "" : "\n") + std::string{command.group} + ":\n";
      group = command.group;
    }
    const std::string words = title(command);
    const auto gap = words.size() > width ? "\n" + std::string(width + 4, ' ')
                                          : std::string(width - words.size() + 2, ' ');
    out += "  " + words + gap + std::string{command.help} + "\n";
  }
  return out;
}

std::string help_of(const ShellCommand& command, std::string_view examples) {
  std::string out = usage_text(command) + "\n  " + std::string{command.help} + "\n";
  if (!command.options.empty()) out += "options, anywhere after the command:\n";
  for (const auto& option : command.options) {
    out += "  " + std::string{option.name} + (option.value.empty() ? "" : " ") +
           std::string{option.value} + "  " + std::string{option.help} + "\n";
  }
  if (!examples.empty()) out += "for example:\n";
  while (!examples.empty()) {
    const auto end = std::min(examples.find('\n'), examples.size());
    out += "  " + std::string{examples.substr(0, end)} + "\n";
    examples.remove_prefix(std::min(end + 1, examples.size()));
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
  Where where;
  const ShellCommand* of_tree = nullptr;
  if (begun.starts_with('$')) {
    kind = Names::kVariables;
  } else if (goes_on) {
    return {};
  } else if (!parts.empty()) {
    const ShellCommand* command = find_command(table, parts.front());
    if (command == nullptr) return {};
    if (command->handler == nullptr) {
      of_tree = command;
    } else {
      auto read = read_words(*command, std::span{parts}.subspan(1));
      kind = read.next;
      where = std::move(read.where);
    }
  }
  std::vector<std::string> words{parts.begin(), parts.end()};
  words.emplace_back(begun);
  // A bucket is completed as that of a command which takes one.
  const bool is_bucket = of_tree == nullptr && parts.size() > 1 && parts.back() == "--bucket";
  if (is_bucket) words = {"count", std::string{begun}};
  auto names =
      of_tree != nullptr || is_bucket ? source.words(words) : names_of(kind, table, source, where);
  std::erase_if(names,
                [&](const auto& name) { return !name.starts_with(begun) || !is_plain(name); });
  if (names.empty()) return {};
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  Completion found{common_prefix(names).substr(begun.size()), {}};
  if (names.size() == 1) {
    if (!names.front().ends_with('/')) found.insert += ' ';  // a folder goes on
  } else {
    found.choices = std::move(names);
  }
  return found;
}

}  // namespace kvmesh::command::shell
