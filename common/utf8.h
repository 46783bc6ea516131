#pragma once

#include <cstddef>
#include <string_view>

/// Which bytes are well-formed UTF-8, and which of its characters may be shown. Pure functions.
namespace kvmesh {

/// The size of the well-formed UTF-8 sequence that `rest` begins with; 0 when there is none. No
/// overlong forms, surrogates or code points over 10FFFF (Unicode, table 3-7).
std::size_t utf8_sequence(std::string_view rest);

/// The first bytes of `text`, at most so many, without a part of a character at their end; of what
/// is no UTF-8 just so many.
std::string_view utf8_beginning(std::string_view text, std::size_t bytes_max);

/// Whether all of `bytes` are well-formed UTF-8.
bool is_utf8(std::string_view bytes);

/// Whether a well-formed sequence is a character that stays where it is put: no control character
/// (those of two bytes, U+0080 to U+009F, are obeyed by terminals like ESC sequences), no line or
/// paragraph separator, nothing that turns the direction of what stands beside it, and no byte
/// order mark.
bool is_plain_character(std::string_view sequence);

/// The byte order mark that some programs put before a text.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace kvmesh
