#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include <kvmesh/status.h>

#include "common/wire/buffer.h"

/// The words of the commands that take any bytes (common/PROTOCOL.md, 2.3): a word that begins with
/// a quote goes on to the next quote, and \n \r \t \" \\ \xHH in it stand for bytes; any other word
/// goes on to the next white space, as it is.
namespace kvmesh::line {

/// The words of one line. Keeps memory only for a line with quotes. Not thread-safe.
class Words {
 public:
  static constexpr std::size_t kMost = 10;  // SET bucket key value IF rev TTL ms ONCE id

  /// Takes `line` apart. kInvalidArgument, with the number of the word, when quotes are wrong.
  Status split(std::string_view line);
  /// How many there are; kMost + 1 when there are more.
  std::size_t size() const { return count_; }
  /// The first kMost of them. They point into the line, or into this object: valid until its next
  /// call.
  std::span<const std::string_view> all() const {
    return std::span{words_}.first(count_ < kMost ? count_ : kMost);
  }
  /// Gives memory back that only a long line needs; what all() gave is not valid any more.
  void give_back();
  /// The same after a secret, which is overwritten.
  void wipe();

 private:
  Status take_quoted(std::string_view& rest);

  std::array<std::string_view, kMost> words_;
  std::size_t count_ = 0;
  wire::Buffer bytes_;  // of the words that stood in quotes
};

/// Appends `bytes` as one word: in quotes when they are none, begin with a quote, or hold a blank
/// or a control character (up to 0x20, 0x7f); else as they are. One line in any case.
void append_word(wire::Buffer& out, std::string_view bytes);

}  // namespace kvmesh::line
