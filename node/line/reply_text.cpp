#include "node/line/reply_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/text.h"
#include "common/utf8.h"
#include "common/wire/reader.h"
#include "common/wire/record.h"
#include "node/line/words.h"

namespace kvmesh::line {
namespace {

constexpr std::string_view kEnd = "\r\n";

constexpr std::string_view kHelpEnd =
    "Commands are capital letters, with as many words as shown; any other line is UNKNOWN "
    "COMMAND\r\n"
    "Blanks separate words. From SET to ABORT a word may stand in quotes, which takes any bytes: "
    "\"two words\\n\";\r\n"
    "in it \\n \\r \\t \\\" \\\\ \\xHH stand for bytes. Replies to these show words in the same "
    "way\r\n"
    "OK\r\n";

const std::string& help_text() {
  static const std::string kText = [] {
    std::string out;
    for (const auto& form : functions::line_forms()) out += form.help;
    return out.append(kHelpEnd);
  }();
  return kText;
}

bool fits_a_line(std::string_view bytes) {
  // Two searches for one byte are far quicker than one for either.
  return bytes.find('\n') == std::string_view::npos && bytes.find('\r') == std::string_view::npos;
}

void append_number(wire::Buffer& out, std::uint64_t number) { out.append(std::to_string(number)); }

void append_malformed(wire::Buffer& out) {
  append_error(out, StatusCode::kProtocolError,
               "the node that answered sent a result of another form");
}

void append_value(wire::Buffer& out, const ReplyView& reply) {
  std::string_view value;
  if (reply.bytes) {
    value = *reply.bytes;
  } else {
    wire::Reader in{reply.result};
    in.peek() == wire::Reader::Type::kNil ? in.read_nil() : void(value = in.read_bytes());
    if (in.failed()) return append_malformed(out);
  }
  if (!fits_a_line(value)) {
    return append_error(out, StatusCode::kNotText,
                        "the value of " + std::to_string(value.size()) +
                            " bytes holds a line break; read it with the "
                            "kvmesh command or another client");
  }
  out.append(value);
  out.append("\r\nOK\r\n");
}

void append_keys(wire::Buffer& out, std::string_view result) {
  wire::Reader in{result};
  const auto before = out.size();
  if (in.read_array() != 2) in.fail();
  const bool more = in.read_bool();
  const auto count = in.read_array();
  append_number(out, count);
  out.append(kEnd);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    const auto key = in.read_bytes();
    if (!fits_a_line(key)) {
      out.truncate(before);
      return append_error(out, StatusCode::kNotText,
                          "the key " + in_quotes(key) +
                              " holds a line break; list these keys with the "
                              "kvmesh command or another client");
    }
    out.append(key);
    out.append(kEnd);
  }
  if (in.failed()) {
    out.truncate(before);
    return append_malformed(out);
  }
  out.append(more ? "OK MORE\r\n" : "OK\r\n");
}

void append_route(wire::Buffer& out, const ReplyView& reply) {
  const auto before = out.size();
  auto trace = reply.trace;
  for (auto rest = trace; const auto hop = wire::take_trace_hop(rest); trace = rest) {
    if (!fits_a_line(hop->node) || !fits_a_line(hop->entry) || !fits_a_line(hop->next)) break;
    out.append(hop->node);
    out.append(" ");
    out.append(hop->entry);
    out.append(" -> ");
    out.append(hop->next == hop->node ? "here" : hop->next);
    out.append(kEnd);
  }
  if (trace.empty()) return out.append("OK\r\n");
  // Something in it is no hop.
  out.truncate(before);
  append_malformed(out);
}

// What a reply to changes tells beside the revision.
enum class Applied : std::uint8_t {
  kRevision,  // nothing
  kSum,       // the number that is stored now
  kCheck,     // which of the checks does not hold
};

// Appends what `append(in)` reads of the result; nothing but an error when it is of another form.
template <typename Append>
void append_whole(wire::Buffer& out, std::string_view result, Append&& append) {
  const auto before = out.size();
  wire::Reader in{result};
  append(in);
  if (!in.failed()) return;
  out.truncate(before);
  append_malformed(out);
}

bool is_number(wire::Reader::Type type) {
  return type == wire::Reader::Type::kUnsigned || type == wire::Reader::Type::kSigned;
}

void append_conflict(wire::Buffer& out, wire::Reader& in, Applied what) {
  const auto check = in.read_uint();
  out.append("CONFLICT ");
  append_number(out, in.read_uint());
  if (what == Applied::kCheck) {
    out.push_back(' ');
    append_number(out, check + 1);
  }
  out.append(kEnd);
}

void append_changed(wire::Buffer& out, std::string_view result, Applied what) {
  append_whole(out, result, [&](wire::Reader& in) {
    const auto parts = in.read_array();
    const bool done = in.read_bool();
    const auto rev = in.read_uint();
    if (parts != (done ? 3U : 4U)) return in.fail();
    if (!done) return append_conflict(out, in, what);
    if (what == Applied::kSum) {
      if (in.read_array() != 1) return in.fail();
      if (in.peek() == wire::Reader::Type::kBool) {
        return append_error(out, StatusCode::kInvalidArgument,
                            "ONCE: a call of another kind was executed under this id");
      }
      if (!is_number(in.peek())) return in.fail();
      out.append(std::to_string(in.read_int()));
      out.append(kEnd);
    }
    out.append("OK ");
    append_number(out, rev);
    out.append(kEnd);
  });
}

void append_expiry(wire::Buffer& out, std::optional<std::uint64_t> ttl_ms) {
  if (!ttl_ms) return;
  out.append(" TTL ");
  append_number(out, *ttl_ms);
}

std::optional<std::uint64_t> read_expiry(wire::Reader& in) {
  if (in.peek() != wire::Reader::Type::kNil) return in.read_uint();
  in.read_nil();
  return std::nullopt;
}

void append_entry(wire::Buffer& out, std::string_view result) {
  append_whole(out, result, [&](wire::Reader& in) {
    if (in.read_array() != 2) return in.fail();
    (void)in.read_uint();
    if (in.read_array() != 1) return in.fail();
    if (in.peek() == wire::Reader::Type::kNil) return out.append("0 0\r\n\r\nOK\r\n");
    if (in.read_array() != 3) return in.fail();
    append_number(out, in.read_uint());
    const auto value = in.read_bytes();
    out.push_back(' ');
    append_number(out, read_expiry(in).value_or(0));
    out.append(kEnd);
    append_word(out, value);
    out.append("\r\nOK\r\n");
  });
}

void append_scan(wire::Buffer& out, std::string_view result) {
  append_whole(out, result, [&](wire::Reader& in) {
    if (in.read_array() != 3) return in.fail();
    const bool more = in.read_bool();
    const auto rev = in.read_uint();
    const auto count = in.read_array();
    append_number(out, count);
    out.append(kEnd);
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
      if (in.read_array() != 4) return in.fail();
      append_word(out, in.read_bytes());
      out.push_back(' ');
      append_number(out, in.read_uint());
      const auto ttl_ms = read_expiry(in);
      out.push_back(' ');
      append_word(out, in.read_bytes());
      append_expiry(out, ttl_ms);
      out.append(kEnd);
    }
    out.append(more ? "OK MORE " : "OK ");
    append_number(out, rev);
    out.append(kEnd);
  });
}

// What has happened, by the kinds of kv.changes, and how many parts tell it.
struct Happened {
  std::string_view word;
  std::uint32_t parts;
};
constexpr std::array<Happened, 5> kHappened{
    {{"PUT", 5}, {"DELETE", 3}, {"TOUCH", 4}, {"EXPIRE", 3}, {"DROP", 2}}};

void append_change(wire::Buffer& out, wire::Reader& in) {
  const auto parts = in.read_array();
  append_number(out, in.read_uint());
  const auto kind = in.read_uint();
  if (kind >= kHappened.size() || parts != kHappened[kind].parts) return in.fail();
  out.push_back(' ');
  out.append(kHappened[kind].word);
  if (parts > 2) {
    out.push_back(' ');
    append_word(out, in.read_bytes());
  }
  const auto ttl_ms = parts > 3 ? read_expiry(in) : std::nullopt;
  if (parts > 4) {
    out.push_back(' ');
    append_word(out, in.read_bytes());
  }
  append_expiry(out, ttl_ms);
  out.append(kEnd);
}

void append_changes(wire::Buffer& out, std::string_view result) {
  append_whole(out, result, [&](wire::Reader& in) {
    if (in.read_array() != 3) return in.fail();
    const bool reset = in.read_bool();
    const auto next = in.read_uint();
    const auto count = in.read_array();
    if (!reset) {
      append_number(out, count);
      out.append(kEnd);
      for (std::uint32_t i = 0; i < count && !in.failed(); ++i) append_change(out, in);
    }
    out.append(reset ? "RESET " : "OK ");
    append_number(out, next);
    out.append(kEnd);
  });
}

}  // namespace

void append_reply_text(wire::Buffer& out, Verb verb, const ReplyView& reply) {
  if (reply.code == StatusCode::kNotFound) return out.append("NOT FOUND\r\n");
  if (reply.code != StatusCode::kOk) return append_error(out, reply.code, reply.text);
  switch (functions::line_forms()[static_cast<std::size_t>(verb)].reply) {
    case functions::LineReply::kDone:
      return out.append("OK\r\n");
    case functions::LineReply::kValue:
      return append_value(out, reply);
    case functions::LineReply::kNames:
      return append_keys(out, reply.result);
    case functions::LineReply::kRoute:
      return append_route(out, reply);
    case functions::LineReply::kChanged:
      return append_changed(out, reply.result, Applied::kRevision);
    case functions::LineReply::kSum:
      return append_changed(out, reply.result, Applied::kSum);
    case functions::LineReply::kCommitted:
      return append_changed(out, reply.result, Applied::kCheck);
    case functions::LineReply::kEntry:
      return append_entry(out, reply.result);
    case functions::LineReply::kScan:
      return append_scan(out, reply.result);
    case functions::LineReply::kChanges:
      return append_changes(out, reply.result);
  }
}

void append_error(wire::Buffer& out, StatusCode code, std::string_view text) {
  out.append("ERROR ");
  out.append(to_string(code));
  out.push_back(' ');
  std::string line{utf8_beginning(text, limits::kErrorTextBytesMax)};
  std::ranges::replace_if(
      line, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  out.append(line);
  out.append(kEnd);
}

std::string_view own_reply(Verb verb) {
  switch (verb) {
    case Verb::kPing:
      return "PONG\r\n";
    case Verb::kHelp:
      return help_text();
    case Verb::kQuit:
    case Verb::kBegin:
    case Verb::kCheck:
    case Verb::kAbort:
    case Verb::kAuth:
      return "OK\r\n";
    default:
      return "UNKNOWN COMMAND\r\n";
  }
}

}  // namespace kvmesh::line
