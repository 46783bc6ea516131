#include "client/command/shell/entry.h"

#include <algorithm>
#include <utility>

namespace kvmesh::command::shell {
namespace {

constexpr std::string_view kSpace = " \t";

std::string title(const Entry& entry) {
  return std::string{entry.name} + (entry.usage.empty() ? "" : " ") + std::string{entry.usage};
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

std::vector<std::string> names_of(Names kind, std::span<const Entry> table, NameSource& source) {
  if (kind == Names::kNone) return {};
  if (kind != Names::kCommands) return source.names(kind);
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

}  // namespace

const Entry* find_entry(std::span<const Entry> table, std::string_view name) {
  const auto at = std::find_if(table.begin(), table.end(),
                               [&](const Entry& entry) { return entry.name == name; });
  return at == table.end() ? nullptr : &*at;
}

std::string help_text(std::span<const Entry> table) {
  std::size_t width = 0;
  for (const auto& entry : table) width = std::max(width, title(entry).size());
  std::string out;
  for (const auto& entry : table) {
    const std::string words = title(entry);
    out +=
        "  " + words + std::string(width - words.size() + 2, ' ') + std::string{entry.help} + "\n";
  }
  return out;
}

std::string usage_text(const Entry& entry) { return "usage: " + title(entry); }

Completion complete(std::string_view before, std::span<const Entry> table, NameSource& source) {
  auto parts = parts_of(before);
  std::string_view begun;
  if (!before.empty() && kSpace.find(before.back()) == std::string_view::npos) {
    begun = parts.back();
    parts.pop_back();
  }
  Names kind = Names::kCommands;
  if (!parts.empty()) {
    const Entry* entry = find_entry(table, parts.front());
    const std::size_t place = parts.size() - 1;
    if (entry == nullptr || place >= entry->completes.size()) return {};
    kind = entry->completes[place];
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
