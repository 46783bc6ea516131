#include "client/command/transfer/import_format.h"

#include "client/command/transfer/record.h"

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

std::optional<Format> format_of_name(const std::string& name) {
  if (name.ends_with(".tsv")) return Format::kTsv;
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson") || name.ends_with(".json")) {
    return Format::kJsonLines;
  }
  return std::nullopt;
}

bool is_empty_line(std::string_view line, std::optional<Format> format) {
  if (format == Format::kTsv) return line.empty();                        // blanks may be a name
  const auto* const blanks = format == Format::kJsonLines ? " \t" : " ";  // a tab may be a record
  return line.find_first_not_of(blanks) == std::string_view::npos;
}

Status decide_format(std::string_view first_line, std::optional<Format>& format) {
  const bool has_tab = first_line.find('\t') != std::string_view::npos;
  const auto first = first_line.find_first_not_of(" \t");
  const bool braced = first != std::string_view::npos && first_line[first] == '{';
  if (!format) {
    if (braced && has_tab && !parse_json_line(first_line)) {
      return {StatusCode::kInvalidArgument,
              "may be TSV or JSON lines; write --format tsv or --format jsonl"};
    }
    const bool bracketed = first != std::string_view::npos && first_line[first] == '[' && !has_tab;
    format = braced || bracketed ? Format::kJsonLines : Format::kTsv;
  }
  if (format == Format::kJsonLines && is_part_of_json(first_line)) {
    return parse_json_line(first_line).status();
  }
  return {};
}

}  // namespace kvmesh::command
