#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "node/stream/foreign.h"

namespace kvmesh::stream {

/// Finds the lines in the bytes of one connection, for codecs of text. A line over `line_bytes_max`
/// is reported once as too long, then thrown away up to its end, so the memory is bounded. A line
/// that shows another protocol is reported as such, and nothing after it is given out: so every
/// codec that reads lines is safe from web pages. Not thread-safe.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  /// For the lines that are not given out yet.
  void set_line_bytes_max(std::size_t bytes) { line_bytes_max_ = bytes; }

  struct Line {
    std::string_view text;  // without CR LF or LF; points into the input
    std::size_t too_long =
        0;  // bytes seen so far when the line is over the limit; text is empty then
    Foreign foreign = Foreign::kNone;  // else it was the last line, and text is empty
  };
  /// The next whole line of `input`, which begins with what the last call has not taken; empty when
  /// there is none yet. `taken` becomes how many bytes of it are done with.
  std::optional<Line> next(std::string_view input, std::size_t& taken);

  /// Inside a line that was reported as too long: what arrives is thrown away up to its end.
  bool is_skipping() const { return skipping_; }
  /// A line end and one byte more than the limit are enough to tell that a line is too long.
  std::size_t input_max() const { return skipping_ ? 0 : line_bytes_max_ + 2; }

 private:
  Line checked(std::string_view text);

  std::size_t line_bytes_max_;
  std::size_t searched_ = 0;  // so many bytes of the next input hold no line end
  bool skipping_ = false;
  bool is_first_ = true;  // the next line is
  bool is_foreign_ = false;
};

}  // namespace kvmesh::stream
