#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Small helpers for texts that people read. Pure functions.
namespace kvmesh {

/// `bytes` between double quotes, with `"`, `\`, control and non-ASCII bytes escaped (\n, \x1b);
/// what is longer than `shown_max` bytes is cut and its length told. Safe for logs and one-line
/// errors whatever the bytes are.
std::string in_quotes(std::string_view bytes, std::size_t shown_max = 64);

/// `bytes` as a terminal or a log may show them, whatever wrote them: printable UTF-8 stays as it
/// is, and each byte of anything else becomes an escape (\n, \x1b). Characters of `kept` stay too:
/// "\n" where a text may have lines. For people: unlike in_quotes(), a backslash stays as it is.
std::string printable(std::string_view bytes, std::string_view kept = {});

/// "value of 1048577 bytes is over the limit of 1048576".
std::string over_limit(std::string_view what, std::size_t actual, std::size_t limit);

/// The parts, in their order, with `separator` between each two.
std::string joined(const std::vector<std::string>& parts, std::string_view separator);

/// How many bytes must be put in, taken out or replaced to make `b` of `a` (Levenshtein's
/// distance). Costs the product of their sizes.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// "0a".
std::string hex_byte(unsigned char byte);

/// A byte as 'a' (0x61), or 0x0a where it is not printable.
std::string byte_text(unsigned char byte);

}  // namespace kvmesh
