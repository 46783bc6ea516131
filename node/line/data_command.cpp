#include "node/line/data_command.h"

#include <array>
#include <charconv>
#include <limits>
#include <string>

#include "common/number.h"
#include "common/text.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"

namespace kvmesh::line {
namespace {

using functions::LineOption;

constexpr auto kAnyNumber = std::numeric_limits<std::uint64_t>::max();
constexpr auto kTtlMax = static_cast<std::uint64_t>(limits::kTtlMax.count());
constexpr auto kWaitMax = static_cast<std::uint64_t>(limits::kChangesWaitMax.count());

// Kinds of changes, as kv.apply has them.
enum class Kind : std::uint8_t { kPut, kDelete, kAdd, kTouch };

Status wrong(std::string text) { return {StatusCode::kInvalidArgument, std::move(text)}; }

functions::LineOptions options_of(const functions::LineForm& form, bool inside) {
  const bool is_inner = inside && form.words == functions::LineWords::kChange;
  return is_inner ? form.inner_options : form.options;
}

bool has_bucket(const functions::LineForm& form, bool inside) {
  if (form.words == functions::LineWords::kChange) return !inside;
  return form.verb != Verb::kCheck && form.words_min > 1;
}

// "IF, TTL and ONCE".
std::string names_of(functions::LineOptions options) {
  std::string out;
  std::size_t left = options.size();
  for (std::size_t i = 0; i < functions::kLineOptions.size(); ++i) {
    if (!options.has(static_cast<LineOption>(i))) continue;
    out += functions::kLineOptions[i];
    --left;
    out += left > 1 ? ", " : left == 1 ? " and " : "";
  }
  return out;
}

// Reads the words of one line; remembers the first fault.
class LineReader {
 public:
  LineReader(const functions::LineForm& form, std::span<const std::string_view> words, bool inside)
      : form_(form), options_(options_of(form, inside)), rest_(words.subspan(1)) {
    out_.verb = form.verb;
    if (has_bucket(form, inside)) out_.bucket = next();
  }

  Result<DataCommand> read() {
    read_fixed();
    while (fault_.ok() && !rest_.empty()) read_option();
    if (!fault_.ok()) return fault_;
    return out_;
  }

 private:
  std::string_view next() {
    const auto word = rest_.front();
    rest_ = rest_.subspan(1);
    return word;
  }

  std::uint64_t number(std::string_view what, std::uint64_t min, std::uint64_t max) {
    const auto word = next();
    const auto fault = whole_number_fault(word, min, max);
    if (!fault.empty() && fault_.ok()) fault_ = wrong(std::string{what} + ": " + fault);
    return parse_whole_number(word).value_or(0);
  }

  void read_delta() {
    const auto word = next();
    const auto* const end = word.data() + word.size();
    const auto read = std::from_chars(word.data(), end, out_.delta);
    if (read.ec == std::errc{} && read.ptr == end) return;
    fault_ = wrong("delta: " + in_quotes(word) + " is no whole number from " +
                   std::to_string(std::numeric_limits<std::int64_t>::min()) + " to " +
                   std::to_string(std::numeric_limits<std::int64_t>::max()));
  }

  void read_fixed() {
    switch (form_.verb) {
      case Verb::kSet:
        out_.key = next();
        out_.value = next();
        break;
      case Verb::kUnset:
      case Verb::kRead:
        out_.key = next();
        break;
      case Verb::kAdd:
        out_.key = next();
        read_delta();
        break;
      case Verb::kTouch: {
        out_.key = next();
        const auto ms = number("ms", 0, kTtlMax);
        if (ms > 0) out_.ttl_ms = ms;
        break;
      }
      case Verb::kCheck:
        out_.key = next();
        out_.rev = number("rev", 0, kAnyNumber);
        break;
      case Verb::kChanges:
        out_.rev = number("rev", 0, kAnyNumber);
        break;
      default:
        break;
    }
  }

  void read_option() {
    const auto word = next();
    std::size_t i = 0;
    while (i < functions::kLineOptions.size() && functions::kLineOptions[i] != word) ++i;
    const auto option = static_cast<LineOption>(i);
    if (i == functions::kLineOptions.size() || !options_.has(option)) {
      const auto takes = names_of(options_);
      fault_ = wrong(std::string{form_.word} + " takes " +
                     (takes.empty() ? "nothing more" : takes) + " after its other words, not " +
                     in_quotes(word) + "; a word with blanks stands in quotes");
    } else if (seen_[i]) {
      fault_ = wrong(std::string{word} + " stands there twice");
    } else if (rest_.empty()) {
      fault_ = wrong("after " + std::string{word} + " a word is missing");
    } else {
      seen_[i] = true;
      read_value(option);
    }
  }

  void read_value(LineOption option) {
    const auto name = functions::kLineOptions[static_cast<std::size_t>(option)];
    switch (option) {
      case LineOption::kIf:
        out_.if_rev = number(name, 0, kAnyNumber);
        break;
      case LineOption::kTtl:
        out_.ttl_ms = number(name, 1, kTtlMax);
        break;
      case LineOption::kOnce:
        out_.once = next();
        if (out_.once->empty() || out_.once->size() > limits::kOnceIdBytes) {
          fault_ = wrong("ONCE: the id has " + std::to_string(out_.once->size()) +
                         " bytes; it has 1 to " + std::to_string(limits::kOnceIdBytes));
        }
        break;
      case LineOption::kPrefix:
        out_.prefix = next();
        break;
      case LineOption::kAfter:
        out_.after = next();
        break;
      case LineOption::kLimit:
        out_.limit = number(name, 1, limits::kPageItemsMax);
        break;
      case LineOption::kWait:
        out_.wait_ms = number(name, 0, kWaitMax);
        break;
    }
  }

  const functions::LineForm& form_;
  functions::LineOptions options_;
  std::span<const std::string_view> rest_;
  std::array<bool, functions::kLineOptions.size()> seen_{};
  DataCommand out_;
  Status fault_;
};

void pack_ttl(wire::Buffer& out, std::optional<std::uint64_t> ttl_ms) {
  ttl_ms ? wire::pack_uint(out, *ttl_ms) : wire::pack_nil(out);
}

void pack_kind(wire::Buffer& out, std::size_t parts, Kind kind, std::string_view key) {
  wire::pack_array(out, parts);
  wire::pack_uint(out, static_cast<std::uint64_t>(kind));
  wire::pack_bin(out, key);
}

// Its arguments, as those of the function of its form.
void pack_arguments(wire::Buffer& out, const DataCommand& command) {
  switch (command.verb) {
    case Verb::kRead:
      wire::pack_array(out, 1);
      wire::pack_array(out, 1);
      return wire::pack_bin(out, command.key);
    case Verb::kScan:
      wire::pack_array(out, 4);
      wire::pack_bin(out, command.prefix);
      command.after ? wire::pack_bin(out, *command.after) : wire::pack_nil(out);
      wire::pack_uint(out, command.limit);
      return wire::pack_bool(out, true);
    case Verb::kChanges:
      wire::pack_array(out, 4);
      wire::pack_bin(out, command.prefix);
      wire::pack_uint(out, command.rev);
      wire::pack_uint(out, command.limit);
      return wire::pack_uint(out, command.wait_ms);
    default:
      wire::pack_array(out, 3);
      wire::pack_array(out, command.if_rev ? 1 : 0);
      if (command.if_rev) pack_check(out, command.key, *command.if_rev);
      wire::pack_array(out, 1);
      pack_change(out, command);
      return pack_once(out, command.once);
  }
}

}  // namespace

bool takes_words(const functions::LineForm& form, std::size_t count, bool inside) {
  const bool no_bucket = inside && form.words == functions::LineWords::kChange;
  const auto least = form.words_min - (no_bucket ? 1 : 0);
  return count >= least && count <= least + 2 * options_of(form, inside).size();
}

Result<DataCommand> read_data_command(const functions::LineForm& form,
                                      std::span<const std::string_view> words, bool inside) {
  return LineReader{form, words, inside}.read();
}

void pack_change(wire::Buffer& out, const DataCommand& command) {
  switch (command.verb) {
    case Verb::kSet:
      pack_kind(out, 4, Kind::kPut, command.key);
      wire::pack_bin(out, command.value);
      return pack_ttl(out, command.ttl_ms);
    case Verb::kUnset:
      return pack_kind(out, 2, Kind::kDelete, command.key);
    case Verb::kAdd:
      pack_kind(out, 4, Kind::kAdd, command.key);
      wire::pack_int(out, command.delta);
      return pack_ttl(out, command.ttl_ms);
    default:
      pack_kind(out, 3, Kind::kTouch, command.key);
      return pack_ttl(out, command.ttl_ms);
  }
}

void pack_check(wire::Buffer& out, std::string_view key, std::uint64_t rev) {
  wire::pack_array(out, 2);
  wire::pack_bin(out, key);
  wire::pack_uint(out, rev);
}

void pack_once(wire::Buffer& out, std::optional<std::string_view> once) {
  if (!once) return wire::pack_nil(out);
  std::string id{*once};
  id.resize(limits::kOnceIdBytes, '\0');
  wire::pack_bin(out, id);
}

RequestView pointing_into_body(RequestView request) {
  request.target.name = wire::Reader{request.body}.read_bytes();
  return request;
}

RequestView to_request(const DataCommand& command, wire::Buffer& scratch) {
  return make_bucket_request(scratch, command.bucket, *function_of(command.verb),
                             [&](wire::Buffer& out) { pack_arguments(out, command); });
}

}  // namespace kvmesh::line
