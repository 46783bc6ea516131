#include "node/tasks/vain_patterns.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string_view>

#include "common/text.h"

namespace kvmesh::tasks {
namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::string_view kAll = ".*";

// What a pattern may be: each function and "module.*", of servers too.
Names known_names(const Catalogue& catalogue) {
  Names out;
  const auto add = [&out](const std::string& right) {
    out.insert(right);
    out.insert(right.substr(0, right.find('.')) + std::string{kAll});
  };
  for (const auto& module : catalogue.modules()) {
    for (const auto& function : module.functions()) add(function.name);
    for (const auto& server : module.servers()) {
      out.insert(server.name + std::string{kAll});
      for (const auto& [name, handler] : server.calls) add(handler.role.name);
      for (const auto& [name, handler] : server.casts) add(handler.role.name);
    }
  }
  return out;
}

// Near enough to be meant; empty: none is.
std::string nearest(std::string_view pattern, const Names& names) {
  const bool whole = pattern.ends_with(kAll);
  std::size_t best = 2 + pattern.size() / 4;
  std::string out;
  for (const auto& name : names) {
    if (name.ends_with(kAll) != whole) continue;
    const auto distance = edit_distance(pattern, name);
    if (distance >= best) continue;
    best = distance;
    out = name;
  }
  return out;
}

std::string what_there_is(std::string_view pattern, const Names& names) {
  if (const auto meant = nearest(pattern, names); !meant.empty()) {
    return "did you mean \"" + meant + "\"?";
  }
  if (names.empty()) return "no module is loaded; the setting \"modules\" says what to load";
  std::vector<std::string> modules;
  for (const auto& name : names) {
    if (name.ends_with(kAll)) modules.push_back("\"" + name + "\"");
  }
  constexpr std::size_t kShownMax = 10;
  const bool more = modules.size() > kShownMax;
  modules.resize(std::min(modules.size(), kShownMax));
  return "there is " + joined(modules, ", ") + (more ? ", ..." : "");
}

}  // namespace

std::vector<std::string> vain_patterns(const Allowed& allow, const std::string& place,
                                       const Catalogue& catalogue) {
  std::vector<std::string> out;
  const auto names = known_names(catalogue);
  for (const auto& pattern : allow.patterns()) {
    if (pattern == "*" || names.contains(pattern)) continue;
    const bool whole = pattern.ends_with(kAll);
    out.push_back(place + ": tasks.allow: " + in_quotes(pattern) +
                  " allows nothing, as no loaded " + (whole ? "module or server" : "function") +
                  " has that name; " + what_there_is(pattern, names));
  }
  return out;
}

}  // namespace kvmesh::tasks
