#include "common/security/base64.h"

#include <sodium.h>

#include <array>
#include <cstdlib>

namespace kvmesh::security {
namespace {

constexpr int kForm = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
static_assert(kTextChars == sodium_base64_ENCODED_LEN(kTextBytes, kForm) - 1);

}  // namespace

void begin_sodium() {
  if (sodium_init() < 0) std::abort();
}

std::string to_text(std::string_view prefix, const std::uint8_t* bytes) {
  std::array<char, kTextChars + 1> text{};
  sodium_bin2base64(text.data(), text.size(), bytes, kTextBytes, kForm);
  std::string out;
  out.reserve(prefix.size() + kTextChars);  // what grows leaves copies
  out.append(prefix).append(text.data(), kTextChars);
  sodium_memzero(text.data(), text.size());
  return out;
}

bool from_text(std::string_view prefix, std::string_view text, std::uint8_t* bytes) {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + kTextChars) return false;
  text.remove_prefix(prefix.size());
  std::size_t size = 0;
  const char* end = nullptr;
  return sodium_base642bin(bytes, kTextBytes, text.data(), text.size(), nullptr, &size, &end,
                           kForm) == 0 &&
         size == kTextBytes && end == text.data() + text.size();
}

}  // namespace kvmesh::security
