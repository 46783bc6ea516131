#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace kvmesh::mesh {

// libzmq makes routing ids of a zero byte and four of a counter; others were chosen by the far
// side.
inline constexpr std::size_t kRoutingIdBytes = 5;

inline std::optional<std::uint32_t> parse_routing_id(std::string_view bytes) {
  if (bytes.size() != kRoutingIdBytes || bytes[0] != 0) return std::nullopt;
  std::uint32_t id = 0;
  std::memcpy(&id, bytes.data() + 1, sizeof id);
  return id;
}

inline std::array<char, kRoutingIdBytes> routing_id_of(std::uint32_t id) {
  std::array<char, kRoutingIdBytes> out{};
  std::memcpy(out.data() + 1, &id, sizeof id);
  return out;
}

inline std::string_view view(const std::array<char, kRoutingIdBytes>& id) {
  return {id.data(), id.size()};
}

}  // namespace kvmesh::mesh
