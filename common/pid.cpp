#include <kvmesh/pid.h>

#include <array>
#include <charconv>
#include <optional>

#include "common/names.h"
#include "common/text.h"

namespace kvmesh {
namespace {

constexpr std::size_t kDigitsMax = 16;

// Only the digits that to_string() writes, so that a process has one text.
std::optional<std::uint64_t> id_of(std::string_view digits) {
  if (digits.empty() || digits.size() > kDigitsMax) return std::nullopt;
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  std::uint64_t id = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), id, 16);
  return id;
}

}  // namespace

std::string Pid::to_string() const {
  std::array<char, kDigitsMax> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), id, 16).ptr;
  std::string out;
  out.reserve(node.size() + kDigitsMax + 3);
  out.append("<").append(node).append("/").append(digits.data(), end).append(">");
  return out;
}

Result<Pid> Pid::parse(std::string_view text) {
  const auto slash = text.rfind('/');
  if (text.size() > 2 && text.front() == '<' && text.back() == '>' &&
      slash != std::string_view::npos) {
    auto name = NodeName::parse(text.substr(1, slash - 1));
    const auto id = id_of(text.substr(slash + 1, text.size() - slash - 2));
    if (name && id) return Pid{name->str(), *id};
  }
  return Status{StatusCode::kInvalidArgument,
                in_quotes(text) + " is not a pid; a pid looks like <foo@localhost/1a2b3c>"};
}

}  // namespace kvmesh
