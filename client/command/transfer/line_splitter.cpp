#include "client/command/transfer/line_splitter.h"

namespace kvmesh::command {

void LineSplitter::push(std::string_view chunk) {
  buffer_.erase(0, start_);
  searched_ -= start_;
  start_ = 0;
  buffer_ += chunk;
}

LineSplitter::Line LineSplitter::make_line(std::size_t length, std::size_t taken) {
  Line line;
  std::string_view text{buffer_.data() + start_, length};
  if (text.ends_with('\r')) {
    text.remove_suffix(1);
  } else if (text.empty() && discarded_cr_) {
    --discarded_;  // the line's end was cut in two
  }
  line.number = ++number_;
  line.length = discarded_ + text.size();
  line.too_long = line.length > line_bytes_max_;
  if (!line.too_long) line.text = text;
  start_ += taken;
  searched_ = start_;
  consumed_ += taken;
  line.end = consumed_;
  discarded_ = 0;
  discarding_ = false;
  discarded_cr_ = false;
  return line;
}

std::optional<LineSplitter::Line> LineSplitter::next() {
  const auto end = buffer_.find('\n', searched_);
  if (end != std::string::npos) return make_line(end - start_, end - start_ + 1);
  searched_ = buffer_.size();
  const auto length = buffer_.size() - start_;
  // One byte over the limit may still be the CR of a line end.
  if (discarding_ || length > line_bytes_max_ + 1) {
    discarding_ = true;
    discarded_ += length;
    consumed_ += length;
    if (length > 0) discarded_cr_ = buffer_.back() == '\r';
    buffer_.clear();
    start_ = searched_ = 0;
  }
  if (!finished_ || (buffer_.size() == start_ && discarded_ == 0)) return std::nullopt;
  return make_line(buffer_.size() - start_, buffer_.size() - start_);
}

}  // namespace kvmesh::command
