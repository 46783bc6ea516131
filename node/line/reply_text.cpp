#include "node/line/reply_text.h"

#include <algorithm>
#include <string>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/text.h"
#include "common/utf8.h"
#include "common/wire/reader.h"
#include "common/wire/record.h"

namespace kvmesh::line {
namespace {

constexpr std::string_view kEnd = "\r\n";

constexpr std::string_view kHelpEnd =
    "Commands are capital letters, with as many words as shown; any other line is UNKNOWN "
    "COMMAND\r\n"
    "Blanks separate words, so no other name, key or value can hold one; kvmesh(1) takes any "
    "bytes\r\n"
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
      return "OK\r\n";
    default:
      return "UNKNOWN COMMAND\r\n";
  }
}

}  // namespace kvmesh::line
