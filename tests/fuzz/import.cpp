// Files of an import: any bytes in any chunks are cut into the same lines, and a record that is
// read from a line comes out of what is written of it.

#include <kvmesh/value.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "client/command/base/escape.h"
#include "client/command/transfer/import_format.h"
#include "client/command/transfer/record.h"
#include "common/text.h"
#include "common/utf8.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"

namespace kvmesh::fuzz {
namespace {

using command::LineSplitter;
using command::Record;

struct Line {
  std::uint64_t length = 0, end = 0;
  bool too_long = false;
  std::string text;
  friend bool operator==(const Line&, const Line&) = default;
};

std::vector<Line> plain_lines(std::string_view text, std::size_t limit) {
  std::vector<Line> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at = std::min(end + 1, text.size());
    const bool too_long = line.size() > limit;
    out.push_back({line.size(), at, too_long, too_long ? "" : std::string{line}});
  }
  return out;
}

std::vector<Line> split_lines(std::string_view text, std::size_t limit, std::string_view steps) {
  LineSplitter splitter{limit};
  std::vector<Line> out;
  const auto take = [&] {
    while (const auto line = splitter.next()) {
      check(line->number == out.size() + 1, "lines are counted from 1");
      out.push_back({line->length, line->end, line->too_long, std::string{line->text}});
    }
  };
  for (std::size_t step = 0; !text.empty(); ++step) {
    const std::size_t size =
        steps.empty() ? 256 : static_cast<std::uint8_t>(steps[step % steps.size()]) + 1U;
    splitter.push(text.substr(0, size));
    text.remove_prefix(std::min(size, text.size()));
    take();
  }
  splitter.finish();
  take();
  return out;
}

void check_record(const Record& record) {
  const auto tsv = command::format_tsv(record);
  check(tsv.find_first_of("\r\n") == std::string::npos, "a record in TSV is one line", tsv);
  std::optional<command::Format> format;
  // A bucket without a name can be read, to be refused, but none is ever written.
  check(record.bucket.empty() ||
            (!command::is_empty_line(tsv, format) && command::decide_format(tsv, format).ok() &&
             format == command::Format::kTsv && !tsv.starts_with(kByteOrderMark)),
        "a record in TSV is taken for nothing else", tsv);
  const auto from_tsv = command::parse_tsv(tsv);
  check(from_tsv.ok() && *from_tsv == record, "TSV gives the record back", tsv);
  const auto json = command::format_json_line(record);
  check(json.find_first_of("\r\n") == std::string::npos, "a record in JSON is one line", json);
  format.reset();
  check(command::decide_format(json, format).ok() && format == command::Format::kJsonLines,
        "a record in JSON is taken for nothing else", json);
  const auto from_json = command::parse_json_line(json);
  check(from_json.ok() && *from_json == record, "JSON gives the record back", json);
}

void check_line(const std::string& line) {
  const auto tsv = command::parse_tsv(line);
  if (tsv) check_record(*tsv);
  const auto json = command::parse_json_line(line);
  if (json) check_record(*json);
  check(tsv.ok() || !tsv.status().text().empty(), "a refusal has a reason");
  check(json.ok() || !json.status().text().empty(), "a refusal has a reason");

  const auto escaped = command::escape(line);
  for (const char c : escaped) {
    check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "what is escaped is printable");
  }
  check(is_utf8(escaped), "what is escaped is UTF-8");
  check(printable(escaped) == escaped, "what is escaped is safe on a terminal", escaped);
  check(printable(printable(line)) == printable(line), "so is what is printable", line);
  const auto unescaped = command::unescape(escaped);
  check(unescaped.ok() && *unescaped == line, "escapes give the bytes back", escaped);
  check(nlohmann::json::accept(Value{Bytes{std::string{line}}}.to_json()), "any bytes can be JSON");
  // A JSON string takes just what is UTF-8 (and no quotes, backslashes or control bytes as they
  // are).
  if (line.find_first_of("\"\\") != std::string::npos) return;
  for (const char c : line) {
    if (static_cast<unsigned char>(c) < 0x20) return;
  }
  check(is_utf8(line) == nlohmann::json::accept('"' + line + '"'), "UTF-8 is what it is to others",
        escaped);
}

}  // namespace
}  // namespace kvmesh::fuzz

// The input: the limit of a line, sizes of chunks, then the file.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  Input input{data, size};
  const std::size_t limit = input.below(64) * 16U;
  const auto steps = input.bytes(input.below(8));
  const auto text = input.rest();
  const auto lines = plain_lines(text, limit);
  check(split_lines(text, limit, steps) == lines, "lines do not depend on chunks");
  for (const auto& line : lines) check_line(line.text);
  return 0;
}
