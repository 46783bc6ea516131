#pragma once

#include <kvmesh/status.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/command/transfer/record.h"

namespace kvmesh::command {

/// Cuts a stream of bytes into numbered lines. A line ends in LF or CR LF, or with the stream. One
/// that is longer than the limit is given by its length alone; its bytes are discarded as they
/// come, so that memory stays within the limit and one chunk. One thread.
class LineSplitter {
 public:
  struct Line {
    std::uint64_t number = 0;  // from 1
    std::uint64_t length = 0;  // without the line end
    std::uint64_t end = 0;     // bytes of the stream up to and with the line end
    bool too_long = false;
    std::string_view text;  // empty when too_long; valid until the next push()
  };

  explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  /// REQUIRES: next() has returned empty since the last push().
  void push(std::string_view chunk);
  /// The stream is over: what follows the last line end is a line too.
  void finish() { finished_ = true; }
  /// The next whole line; empty when more bytes are needed, or at the end.
  std::optional<Line> next();

 private:
  Line make_line(std::size_t length, std::size_t taken);

  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t start_ = 0;        // of the line that is being read, in the buffer
  std::size_t searched_ = 0;     // up to where there is no line end
  std::uint64_t discarded_ = 0;  // bytes of the line that is being read which are gone
  std::uint64_t consumed_ = 0;
  std::uint64_t number_ = 0;
  bool discarding_ = false;
  bool discarded_cr_ = false;  // the last of them was CR
  bool finished_ = false;
};

// Which format the input of an import has. Pure functions.

/// The format that a file's name tells: .tsv; .jsonl, .ndjson, .json. Empty: another name.
std::optional<Format> format_of_name(const std::string& name);

/// Whether a line holds nothing that could be a record, in a format or, where none is known, in
/// any.
bool is_empty_line(std::string_view line, std::optional<Format> format);

/// Decides by the first line that is not empty, unless it is decided already. Both formats can hold
/// any bytes, so a line that may be either is not guessed at. kInvalidArgument, with what to do,
/// when the line may be of either, or begins a JSON document that has several lines.
Status decide_format(std::string_view first_line, std::optional<Format>& format);

}  // namespace kvmesh::command
