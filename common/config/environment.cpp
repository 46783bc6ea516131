#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "common/config/load.h"

namespace kvmesh {
namespace {

constexpr std::string_view kPrefix = "KVMESH_";

// Variables of ours that are no settings of a node: the client's, and those of the tests and of
// ./dev.
constexpr std::array<std::string_view, 2> kOtherNames = {"KVMESH_NODE", "KVMESH_KEY"};
constexpr std::array<std::string_view, 2> kOtherPrefixes = {"KVMESH_TEST_", "KVMESH_DEV_"};

bool is_setting(std::string_view name) {
  if (!name.starts_with(kPrefix)) return false;
  if (std::ranges::find(kOtherNames, name) != kOtherNames.end()) return false;
  return std::ranges::none_of(kOtherPrefixes,
                              [&](std::string_view other) { return name.starts_with(other); });
}

}  // namespace

std::vector<std::pair<std::string, std::string>> settings_environment() {
  std::vector<std::pair<std::string, std::string>> out;
  for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || !is_setting(text.substr(0, equals))) continue;
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  // The order of a process's environment is nobody's intention; sorted, the same variables always
  // mean the same.
  std::ranges::sort(out);
  return out;
}

}  // namespace kvmesh
