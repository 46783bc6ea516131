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

constexpr std::array kTlsClients{
    std::pair{TlsClients::kNone, std::string_view{"none"}},
    std::pair{TlsClients::kOptional, std::string_view{"optional"}},
    std::pair{TlsClients::kRequired, std::string_view{"required"}},
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

std::string_view to_string(TlsClients clients) {
  return std::ranges::find(kTlsClients, clients, &std::pair<TlsClients, std::string_view>::first)
      ->second;
}

std::optional<TlsClients> parse_tls_clients(std::string_view text) {
  const auto found =
      std::ranges::find(kTlsClients, text, &std::pair<TlsClients, std::string_view>::second);
  if (found == kTlsClients.end()) return std::nullopt;
  return found->first;
}

}  // namespace kvmesh
