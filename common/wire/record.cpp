#include "common/wire/record.h"

#include <kvmesh/limits.h>

#include "common/utf8.h"
#include "common/wire/frame.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"

namespace kvmesh::wire {
namespace {

constexpr std::uint32_t kRequestFields = 7;  // id, timeout_ms, flags, path, target, function, args
constexpr std::uint32_t kRequestFieldsWho = 8;  // the same with who, after the path
constexpr std::uint32_t kReplyFields = 5;       // id, trace, code, text, result
constexpr std::uint32_t kTraceHopFields = 7;
constexpr std::uint32_t kTraceHopFieldsMin = 5;  // without queue_us and link
constexpr std::uint32_t kPathStringsPerHop = 2;

// Bytes between two positions of the same run.
std::string_view between(std::string_view from, std::string_view to) {
  return from.substr(0, from.size() - to.size());
}

Target read_target(Reader& in) {
  switch (in.peek()) {
    case Reader::Type::kNil:
      in.read_nil();
      return {Target::Kind::kHere, {}};
    case Reader::Type::kStr:
      return {Target::Kind::kNode, in.read_str()};
    case Reader::Type::kBin:
      return {Target::Kind::kBucket, in.read_bin()};
    default:
      in.fail();
      return {};
  }
}

void pack_target(Buffer& out, Target target) {
  switch (target.kind) {
    case Target::Kind::kHere:
      return pack_nil(out);
    case Target::Kind::kNode:
      return pack_str(out, target.name);
    case Target::Kind::kBucket:
      return pack_bin(out, target.name);
  }
}

// What the shortest form of a head takes, in msgpack.
std::size_t bin_head(std::size_t size) { return size < 256 ? 2 : (size < 65536 ? 3 : 5); }
std::size_t str_head(std::size_t size) {
  return size < 32 ? 1 : (size < 256 ? 2 : (size < 65536 ? 3 : 5));
}
std::size_t uint_bytes(std::uint64_t number) {
  if (number < 128) return 1;
  if (number < 256) return 2;
  return number < 65536 ? 3 : (number <= 0xffffffff ? 5 : 9);
}

std::size_t target_bytes(const Target& target) {
  if (target.kind == Target::Kind::kHere) return 1;
  const auto size = target.name.size();
  return size + (target.kind == Target::Kind::kNode ? str_head(size) : bin_head(size));
}

std::size_t packed_bytes(const ArgumentView& word) {
  switch (word.kind) {
    case ArgumentView::Kind::kNil:
      return 1;
    case ArgumentView::Kind::kBytes:
      return bin_head(word.bytes.size()) + word.bytes.size();
    case ArgumentView::Kind::kNumber:
      return uint_bytes(word.number);
  }
  return 0;
}

void pack_word(Buffer& out, const ArgumentView& word) {
  switch (word.kind) {
    case ArgumentView::Kind::kNil:
      return pack_nil(out);
    case ArgumentView::Kind::kBytes:
      return pack_bin(out, word.bytes);
    case ArgumentView::Kind::kNumber:
      return pack_uint(out, word.number);
  }
}

void pack_words(Buffer& out, const RequestView& request) {
  pack_array(out, request.words.size());
  for (const auto& word : request.words) pack_word(out, word);
}

void append_body(Buffer& out, const RequestView& request) {
  if (request.is_packed()) return out.append(request.body);
  begin_body(out, request.target, request.function);
  pack_words(out, request);
}

// Writes the length of all that was appended after the prefix at `at`.
void close_record(Buffer& out, std::size_t at) {
  out.put_u32(at, static_cast<std::uint32_t>(out.size() - at - kRecordPrefixBytes));
}

// `pack_timeout` is called where the time left stands.
template <typename PackTimeout>
void write_request(Buffer& out, const RequestView& request, RequestId id, const PathStep* step,
                   PackTimeout&& pack_timeout) {
  const auto at = out.skip(kRecordPrefixBytes);
  pack_array(out, request.who.empty() ? kRequestFields : kRequestFieldsWho);
  pack_uint(out, id.value);
  pack_timeout();
  pack_uint(out, request.flags);
  pack_array(out, kPathStringsPerHop * (request.hops + (step != nullptr ? 1 : 0)));
  out.append(request.path);
  if (step != nullptr) {
    pack_str(out, step->node);
    pack_str(out, step->entry);
  }
  if (!request.who.empty()) pack_str(out, request.who);
  append_body(out, request);
  close_record(out, at);
}

}  // namespace

void append_request(Buffer& out, const RequestView& request, RequestId id, std::uint64_t timeout_ms,
                    const PathStep* step) {
  write_request(out, request, id, step, [&] { pack_uint(out, timeout_ms); });
}

std::size_t append_open_request(Buffer& out, const RequestView& request, RequestId id,
                                const PathStep* step) {
  std::size_t timeout_at = 0;
  write_request(out, request, id, step, [&] { timeout_at = pack_open_uint(out); });
  return timeout_at;
}

void append_reply(Buffer& out, const ReplyView& reply, RequestId id) {
  const auto at = out.skip(kRecordPrefixBytes);
  pack_array(out, kReplyFields);
  pack_uint(out, id.value);
  pack_array(out, reply.trace_hops);
  out.append(reply.trace);
  if (!reply.body.empty()) {
    out.append(reply.body);
  } else {
    pack_uint(out, static_cast<std::uint64_t>(reply.code));
    pack_str(out, utf8_beginning(reply.text, limits::kErrorTextBytesMax));
    if (reply.bytes) {
      pack_bin(out, *reply.bytes);
    } else if (reply.result.empty()) {
      pack_nil(out);
    } else {
      out.append(reply.result);
    }
  }
  close_record(out, at);
}

std::optional<RequestView> decode_request(std::string_view record) {
  Reader in{record};
  RequestView request;
  const auto fields = in.read_array();
  request.id.value = in.read_uint();
  request.timeout_ms = in.read_uint();
  request.flags = in.read_uint();
  const auto strings = in.read_array();
  if (strings % kPathStringsPerHop != 0 || strings > kPathStringsPerHop * limits::kHopsMax)
    in.fail();
  request.hops = strings / kPathStringsPerHop;
  const auto path_at = in.rest();
  for (std::uint32_t i = 0; i < strings && !in.failed(); ++i) {
    // Bounded, so that a path of kHopsMax hops fits in the room that limits.h leaves for it.
    if (in.read_str().size() > limits::kNodeNameBytesMax) in.fail();
  }
  request.path = between(path_at, in.rest());
  if (fields == kRequestFieldsWho) {
    request.who = in.read_str();
    if (request.who.empty() || request.who.size() > limits::kNodeNameBytesMax) in.fail();
  } else if (fields != kRequestFields) {
    in.fail();
  }
  request.body = in.rest();
  request.target = read_target(in);
  request.function = in.read_str();
  request.args = in.rest();
  if (in.peek() != Reader::Type::kArray) in.fail();
  in.skip();
  if (in.failed() || !in.at_end()) return std::nullopt;
  return request;
}

std::optional<ReplyView> decode_reply(std::string_view record) {
  Reader in{record};
  ReplyView reply;
  const auto fields = in.read_array();
  reply.id.value = in.read_uint();
  reply.trace_hops = in.read_array();
  if (reply.trace_hops > limits::kHopsMax + 1) in.fail();
  const auto trace_at = in.rest();
  for (std::uint32_t i = 0; i < reply.trace_hops && !in.failed(); ++i) in.skip();
  reply.trace = between(trace_at, in.rest());
  if (reply.trace.size() > limits::kTraceBytesMax) in.fail();
  if (in.rest().size() > limits::kBodyBytesMax) in.fail();
  reply.body = in.rest();
  const auto code = status_code_from_number(in.read_uint());
  reply.text = in.read_str();
  reply.result = in.rest();
  in.skip();
  if (in.failed() || fields != kReplyFields || !in.at_end()) return std::nullopt;
  reply.code = code.value_or(StatusCode::kInternal);
  return reply;
}

void append_trace_hop(Buffer& out, const TraceHop& hop) {
  pack_array(out, kTraceHopFields);
  pack_str(out, hop.node);
  pack_str(out, hop.entry);
  pack_str(out, hop.next);
  pack_uint(out, hop.elapsed_us);
  pack_uint(out, hop.executed_us);
  pack_uint(out, hop.queue_us);
  pack_uint(out, hop.link);
}

std::optional<TraceHop> take_trace_hop(std::string_view& trace) {
  Reader in{trace};
  const auto fields = in.read_array();
  TraceHop hop;
  hop.node = in.read_str();
  hop.entry = in.read_str();
  hop.next = in.read_str();
  hop.elapsed_us = in.read_uint();
  hop.executed_us = in.read_uint();
  if (fields > kTraceHopFieldsMin) hop.queue_us = in.read_uint();
  if (fields > kTraceHopFieldsMin + 1) hop.link = in.read_uint();
  for (std::uint32_t i = kTraceHopFields; i < fields && !in.failed(); ++i) in.skip();
  if (in.failed() || fields < kTraceHopFieldsMin) return std::nullopt;
  trace = in.rest();
  return hop;
}

std::optional<PathStep> take_path_step(std::string_view& path) {
  Reader in{path};
  PathStep step;
  step.node = in.read_str();
  step.entry = in.read_str();
  if (in.failed()) return std::nullopt;
  path = in.rest();
  return step;
}

std::size_t body_bytes(const RequestView& request) {
  if (request.is_packed()) return request.body.size();
  auto bytes = target_bytes(request.target) + str_head(request.function.size()) +
               request.function.size() + 1;  // the head of few arguments
  for (const auto& word : request.words) bytes += packed_bytes(word);
  return bytes;
}

RequestView pack_request(Buffer& scratch, const RequestView& request) {
  auto out = request;
  const auto packed = make_request(scratch, request.target, request.function,
                                   [&](Buffer& args) { pack_words(args, request); });
  out.args = packed.args;
  out.body = packed.body;
  out.words = {};
  return out;
}

std::size_t result_bytes(const ReplyView& reply) {
  return reply.bytes ? bin_head(reply.bytes->size()) + reply.bytes->size() : reply.result.size();
}

std::string_view packed_result(Buffer& scratch, const ReplyView& reply) {
  if (!reply.bytes) return reply.result;
  scratch.clear();
  pack_bin(scratch, *reply.bytes);
  return scratch.view();
}

void begin_body(Buffer& scratch, Target target, std::string_view function) {
  pack_target(scratch, target);
  pack_str(scratch, function);
}

RequestView view_body(const Buffer& scratch, Target target, std::string_view function,
                      std::size_t args_at) {
  RequestView request;
  request.target = target;
  request.function = function;
  request.args = scratch.view(args_at);
  request.body = scratch.view();
  return request;
}

}  // namespace kvmesh::wire
