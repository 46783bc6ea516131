#include "common/wire/frame.h"

#include <array>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"
#include "common/wire/reader.h"

namespace kvmesh::wire {
namespace {

// So many there must be; the rest were added since.
constexpr std::uint32_t kHelloFields = 5;
constexpr std::uint32_t kHelloFieldsOfClients = 7;  // who have no incarnation
constexpr std::uint32_t kHelloFieldsNow = 8;
constexpr std::uint32_t kWelcomeFields = 6;
constexpr std::uint32_t kWelcomeFieldsNow = 7;
constexpr std::uint32_t kRefusedFields = 2;
constexpr std::uint32_t kReadFields = 1;

// One of the fields that were added: 0 when the sender has none, or puts something else there.
std::uint64_t read_added(Reader& in, std::uint32_t fields, std::uint32_t field) {
  if (field >= fields) return 0;
  if (in.peek() == Reader::Type::kUnsigned) return in.read_uint();
  in.skip();
  return 0;
}

// Whether `in`, after the `known` of `fields` fields that are there, holds just the rest of them;
// `needed` must be there. Later versions may add fields after those that we know, so these are
// passed over.
bool ends_after(Reader& in, std::uint32_t fields, std::uint32_t needed, std::uint32_t known) {
  if (fields < needed) in.fail();
  for (auto i = known; i < fields && !in.failed(); ++i) in.skip();
  return !in.failed() && in.at_end();
}

// Names in HELLO and WELCOME go into logs and replies, so neither may be a frame long.
bool fit(std::string_view name, std::string_view software) {
  return name.size() <= limits::kNodeNameBytesMax && software.size() <= limits::kNodeNameBytesMax;
}

}  // namespace

std::string_view to_string(Refusal reason) {
  static constexpr std::array<std::string_view, kRefusalCount> kNames = {
      "empty",     "version",  "kind",     "truncated", "malformed", "oversize",
      "multipart", "identity", "no_hello", "flood",     "key"};
  return kNames[static_cast<std::size_t>(reason)];
}

FrameOrRefusal parse_frame(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes) return {std::nullopt, Refusal::kEmpty};
  if (bytes.size() > limits::kFrameBytesMax) return {std::nullopt, Refusal::kOversize};
  const auto version = static_cast<std::uint8_t>(bytes[0]);
  const auto kind = static_cast<std::uint8_t>(bytes[1]);
  const bool any_version = kind == static_cast<std::uint8_t>(FrameKind::kHello) ||
                           kind == static_cast<std::uint8_t>(FrameKind::kRefused);
  if (version != kProtocolVersion && !any_version) return {std::nullopt, Refusal::kVersion};
  if (kind == 0 || kind > kFrameKindLast) return {std::nullopt, Refusal::kKind};
  const Frame frame{static_cast<FrameKind>(kind), bytes.substr(kFrameHeaderBytes)};
  const bool echoed = frame.kind == FrameKind::kPing || frame.kind == FrameKind::kPong;
  if (echoed && frame.content.size() > limits::kPingBytesMax) {
    return {std::nullopt, Refusal::kOversize};
  }
  return {frame, Refusal::kEmpty};
}

void begin_frame(Buffer& out, FrameKind kind) {
  out.push_back(static_cast<char>(kProtocolVersion));
  out.push_back(static_cast<char>(kind));
}

void put_stamp(Buffer& frame, std::uint64_t stamp_us) {
  frame.put_u32(kFrameHeaderBytes, static_cast<std::uint32_t>(stamp_us >> 32));
  frame.put_u32(kFrameHeaderBytes + 4, static_cast<std::uint32_t>(stamp_us));
}

void append_stamp(Buffer& out, std::uint64_t stamp_us) {
  const auto at = out.skip(kStampBytes);
  out.put_u32(at, static_cast<std::uint32_t>(stamp_us >> 32));
  out.put_u32(at + 4, static_cast<std::uint32_t>(stamp_us));
}

std::optional<std::uint64_t> take_stamp(std::string_view& content) {
  if (content.size() < kStampBytes) return std::nullopt;
  const auto high = std::uint64_t{read_u32(content)};
  const auto low = read_u32(content.substr(4));
  content.remove_prefix(kStampBytes);
  return high << 32 | low;
}

std::optional<std::string_view> next_record(std::string_view& run,
                                            std::optional<Refusal>& refusal) {
  if (run.empty()) return std::nullopt;
  if (run.size() < kRecordPrefixBytes) {
    refusal = Refusal::kTruncated;
    return std::nullopt;
  }
  const std::size_t size = read_u32(run);
  if (size > limits::kRecordBytesMax) {
    refusal = Refusal::kOversize;
    return std::nullopt;
  }
  if (size > run.size() - kRecordPrefixBytes) {
    refusal = Refusal::kTruncated;
    return std::nullopt;
  }
  const auto record = run.substr(kRecordPrefixBytes, size);
  run.remove_prefix(kRecordPrefixBytes + size);
  return record;
}

void encode(Buffer& out, const Hello& hello) {
  begin_frame(out, FrameKind::kHello);
  const bool named = hello.incarnation > 0;
  const bool added = named || hello.clock_us > 0 || hello.tells_read;
  pack_array(out, named ? kHelloFieldsNow : added ? kHelloFieldsOfClients : kHelloFields);
  pack_uint(out, hello.version_min);
  pack_uint(out, hello.version_max);
  pack_str(out, hello.name);
  pack_str(out, hello.software);
  pack_uint(out, hello.table_epoch);
  if (!added) return;
  pack_uint(out, hello.clock_us);
  pack_uint(out, hello.tells_read ? 1 : 0);
  if (named) pack_uint(out, hello.incarnation);
}

std::optional<Hello> decode_hello(std::string_view content) {
  Reader in{content};
  Hello hello;
  const auto fields = in.read_array();
  hello.version_min = in.read_uint();
  hello.version_max = in.read_uint();
  hello.name = in.read_str();
  hello.software = in.read_str();
  hello.table_epoch = in.read_uint();
  hello.clock_us = read_added(in, fields, kHelloFields);
  hello.tells_read = (read_added(in, fields, kHelloFields + 1) & 1) != 0;
  hello.incarnation = read_added(in, fields, kHelloFields + 2);
  if (!ends_after(in, fields, kHelloFields, kHelloFieldsNow) || !fit(hello.name, hello.software))
    return std::nullopt;
  return hello;
}

void encode(Buffer& out, const Welcome& welcome) {
  begin_frame(out, FrameKind::kWelcome);
  pack_array(out, welcome.takes_timed ? kWelcomeFieldsNow : kWelcomeFields);
  pack_uint(out, welcome.version);
  pack_str(out, welcome.name);
  pack_str(out, welcome.software);
  pack_uint(out, welcome.table_epoch);
  pack_uint(out, welcome.in_flight_max);
  pack_uint(out, welcome.in_flight_bytes_max);
  if (welcome.takes_timed) pack_uint(out, 1);
}

std::optional<Welcome> decode_welcome(std::string_view content) {
  Reader in{content};
  Welcome welcome;
  const auto fields = in.read_array();
  welcome.version = in.read_uint();
  welcome.name = in.read_str();
  welcome.software = in.read_str();
  welcome.table_epoch = in.read_uint();
  welcome.in_flight_max = in.read_uint();
  welcome.in_flight_bytes_max = in.read_uint();
  welcome.takes_timed = (read_added(in, fields, kWelcomeFields) & 1) != 0;
  if (!ends_after(in, fields, kWelcomeFields, kWelcomeFieldsNow) ||
      !fit(welcome.name, welcome.software)) {
    return std::nullopt;
  }
  return welcome;
}

void encode(Buffer& out, const Read& read) {
  begin_frame(out, FrameKind::kRead);
  pack_array(out, kReadFields);
  pack_uint(out, read.bytes);
}

std::optional<Read> decode_read(std::string_view content) {
  Reader in{content};
  const auto fields = in.read_array();
  const Read read{in.read_uint()};
  if (!ends_after(in, fields, kReadFields, kReadFields)) return std::nullopt;
  return read;
}

void encode(Buffer& out, const Refused& refused) {
  begin_frame(out, FrameKind::kRefused);
  pack_array(out, kRefusedFields);
  pack_uint(out, static_cast<std::uint64_t>(refused.code));
  pack_str(out, refused.text);
}

std::optional<Refused> decode_refused(std::string_view content) {
  Reader in{content};
  const auto fields = in.read_array();
  const auto code = status_code_from_number(in.read_uint());
  const auto text = in.read_str();
  if (!ends_after(in, fields, kRefusedFields, kRefusedFields)) return std::nullopt;
  return Refused{code.value_or(StatusCode::kInternal), text};
}

}  // namespace kvmesh::wire
