#include "client/command/transfer/tsv.h"

#include <algorithm>
#include <utility>

#include "client/command/base/escape.h"

namespace kvmesh::command {
namespace {

Status malformed_line(std::string text) { return {StatusCode::kInvalidArgument, std::move(text)}; }

}  // namespace

Result<Record> parse_tsv(std::string_view line) {
  const auto tabs = static_cast<std::size_t>(std::count(line.begin(), line.end(), '\t'));
  const auto first = line.find('\t');
  const bool bucket_only = tabs == 1 && first + 1 == line.size();
  if (tabs != 2 && !bucket_only) {
    return malformed_line("the line has " + std::to_string(tabs + 1) +
                          (tabs == 0 ? " field" : " fields") +
                          ", and must have 3: bucket TAB key TAB value; a tab within a field is "
                          "written \\t");
  }
  auto bucket = unescape(line.substr(0, first));
  if (!bucket) return malformed_line("bucket: " + bucket.status().text());
  if (bucket_only) return Record{*std::move(bucket), std::nullopt};
  const auto second = line.find('\t', first + 1);
  auto key = unescape(line.substr(first + 1, second - first - 1));
  if (!key) return malformed_line("key: " + key.status().text());
  auto value = unescape(line.substr(second + 1));
  if (!value) return malformed_line("value: " + value.status().text());
  return Record{*std::move(bucket), Record::KeyValue{*std::move(key), *std::move(value)}};
}

std::string format_tsv(const Record& record) {
  std::string line;
  // What tells the other format, and what editors cut off.
  std::string_view bucket = record.bucket;
  for (const auto& [first, escaped] : {std::pair{' ', "\\x20"}, std::pair{'{', "\\x7b"}}) {
    if (!bucket.starts_with(first)) continue;
    line = escaped;
    bucket.remove_prefix(1);
    break;
  }
  line += escape(bucket) + '\t';
  if (record.pair) line += escape(record.pair->key) + '\t' + escape(record.pair->value);
  return line;
}

}  // namespace kvmesh::command
