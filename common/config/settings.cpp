#include "common/config/settings.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kvmesh {
namespace {

constexpr std::array kDurabilities{
    std::pair{Durability::kAlways, std::string_view{"always"}},
    std::pair{Durability::kEverySecond, std::string_view{"everysec"}},
    std::pair{Durability::kNone, std::string_view{"none"}},
};

}  // namespace

std::string_view to_string(Durability durability) {
  return std::ranges::find(kDurabilities, durability,
                           &std::pair<Durability, std::string_view>::first)
      ->second;
}

std::optional<Durability> parse_durability(std::string_view text) {
  const auto found =
      std::ranges::find(kDurabilities, text, &std::pair<Durability, std::string_view>::second);
  if (found == kDurabilities.end()) return std::nullopt;
  return found->first;
}

}  // namespace kvmesh
