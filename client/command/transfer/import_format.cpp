#include "client/command/transfer/import_format.h"

#include "client/command/transfer/json_lines.h"

namespace kvmesh::command {

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
