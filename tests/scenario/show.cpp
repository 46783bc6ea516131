#include "tests/scenario/show.h"

#include <charconv>

#include "common/text.h"
#include "common/wire/reader.h"
#include "common/wire/record.h"

namespace kvmesh::scenario {
namespace {

std::string next_value(wire::Reader& in) {
  using Type = wire::Reader::Type;
  switch (in.peek()) {
    case Type::kNil:
      in.read_nil();
      return "nil";
    case Type::kUnsigned:
      return std::to_string(in.read_uint());
    case Type::kStr:
    case Type::kBin:
      return in_quotes(in.read_bytes());
    case Type::kArray: {
      std::string out = "[";
      const auto count = in.read_array();
      for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        out.append(i > 0 ? ", " : "").append(next_value(in));
      }
      return out + "]";
    }
    default:
      in.fail();
      return "?";
  }
}

std::uint32_t read_number(std::string_view text) {
  std::uint32_t out = 0xffffffff;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace

std::string show(RequestId id) {
  return "#" + std::to_string(id.value & 0xffffffff) + "." + std::to_string(id.value >> 32);
}

RequestId read_id(std::string_view text) {
  const auto dot = text.find('.');
  if (!text.starts_with('#') || dot == std::string_view::npos) return {~std::uint64_t{0}};
  return {std::uint64_t{read_number(text.substr(dot + 1))} << 32 |
          read_number(text.substr(1, dot - 1))};
}

std::string show(const Target& target) {
  switch (target.kind) {
    case Target::Kind::kHere:
      return "here";
    case Target::Kind::kBucket:
      return "bucket " + in_quotes(target.name);
    case Target::Kind::kNode:
      return "node " + std::string{target.name};
  }
  return "?";
}

std::string show_value(std::string_view msgpack) {
  if (msgpack.empty()) return "nil";
  wire::Reader in{msgpack};
  return next_value(in);
}

std::string show(const ReplyView& reply) {
  if (reply.code == StatusCode::kOk) return "ok " + show_value(reply.result);
  return std::string{to_string(reply.code)} + ": " + std::string{reply.text};
}

std::string show_path(std::string_view path) {
  std::string out;
  while (const auto step = wire::take_path_step(path)) {
    out.append(out.empty() ? "" : ", ").append(step->node);
    if (!step->entry.empty()) out.append(" (").append(step->entry).append(")");
  }
  return out;
}

std::string show_trace(std::string_view trace) {
  std::string out;
  while (const auto hop = wire::take_trace_hop(trace)) {
    out.append("    ").append(hop->node);
    if (!hop->entry.empty()) out.append(" (").append(hop->entry).append(")");
    if (!hop->next.empty()) out.append(" -> ").append(hop->next);
    if (hop->link > 0) out.append(" #").append(std::to_string(hop->link));
    out.append(": ").append(std::to_string(hop->elapsed_us)).append(" us");
    if (hop->queue_us > 0)
      out.append(", queue ").append(std::to_string(hop->queue_us)).append(" us");
    if (hop->executed_us > 0)
      out.append(", executed ").append(std::to_string(hop->executed_us)).append(" us");
    out.append("\n");
  }
  return out;
}

}  // namespace kvmesh::scenario
