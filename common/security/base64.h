#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// 32 bytes as text: base64url without padding (RFC 4648, section 5), by libsodium, in a time that
/// does not depend on the bytes.
namespace kvmesh::security {

inline constexpr std::size_t kTextBytes = 32;  // that are written so
inline constexpr std::size_t kTextChars = 43;

/// libsodium chooses its implementation; before anything else of it is called. Aborts when it
/// cannot. Thread-safe.
void begin_sodium();

/// `prefix` and the text of kTextBytes bytes.
std::string to_text(std::string_view prefix, const std::uint8_t* bytes);
/// False when `text` is not `prefix` and exactly that many bytes, in their only form.
bool from_text(std::string_view prefix, std::string_view text, std::uint8_t* bytes);

}  // namespace kvmesh::security
