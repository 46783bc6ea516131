#include "client/command/backup/backup_block.h"

#include <kvmesh/limits.h>

#include <utility>

#include "common/wire/pack.h"
#include "common/wire/reader.h"

namespace kvmesh::command {
namespace {

constexpr std::size_t kBlockParts = 8;
constexpr std::uint64_t kHash = 0;  // the only kind of bucket there is yet

Status wrong(std::string_view what) {
  return {StatusCode::kInvalidArgument, "a block of it is damaged: " + std::string{what}};
}

void pack_record(wire::Buffer& out, const BackupRecord& record) {
  wire::pack_array(out, record.expires_ms ? 4 : 3);
  wire::pack_bin(out, record.key);
  wire::pack_bin(out, record.value);
  wire::pack_uint(out, record.rev);
  if (record.expires_ms) wire::pack_int(out, *record.expires_ms);
}

bool read_record(wire::Reader& in, BackupRecord& out) {
  const auto parts = in.read_array();
  out.key = in.read_bin();
  out.value = in.read_bin();
  out.rev = in.read_uint();
  if (parts == 4) out.expires_ms = in.read_int();
  return !in.failed() && (parts == 3 || parts == 4) && out.rev > 0 &&
         out.rev <= limits::kRevisionMax && out.key.size() <= limits::kKeyBytesMax &&
         out.value.size() <= limits::kValueBytesMax;
}

// 1 to `most`, or nil.
std::optional<std::uint64_t> read_option(wire::Reader& in, std::uint64_t most) {
  if (in.peek() == wire::Reader::Type::kNil) {
    in.read_nil();
    return std::nullopt;
  }
  const auto number = in.read_uint();
  if (number == 0 || number > most) in.fail();
  return number;
}

}  // namespace

std::string pack_block(const BackupBlock& block) {
  wire::Buffer body;
  wire::pack_array(body, kBlockParts);
  wire::pack_uint(body, kHash);
  wire::pack_bin(body, block.bucket);
  wire::pack_uint(body, block.rev);
  wire::pack_uint(body, block.page);
  wire::pack_bool(body, block.more);
  wire::pack_array(body, block.records.size());
  for (const auto& record : block.records) pack_record(body, record);
  const auto pack_or_nil = [&](bool is_there, std::uint64_t number) {
    is_there ? wire::pack_uint(body, number) : wire::pack_nil(body);
  };
  const auto& [ttl, history] = block.options;
  pack_or_nil(ttl.has_value(), ttl ? static_cast<std::uint64_t>(ttl->count()) : 0);
  pack_or_nil(history.has_value(), history.value_or(0));
  const std::string_view bytes{body.data(), body.size()};
  std::string out;
  out.reserve(kBlockHeadBytes + bytes.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(bytes.size() >> shift)));
  }
  return out.append(bytes);
}

std::uint32_t length_of(std::string_view head) {
  std::uint32_t out = 0;
  for (const char byte : head.substr(0, kBlockHeadBytes)) {
    out = out << 8U | static_cast<std::uint8_t>(byte);
  }
  return out;
}

Result<BackupBlock> unpack_block(std::string_view bytes) {
  wire::Reader in{bytes};
  BackupBlock out;
  const auto parts = in.read_array();
  const auto kind = in.read_uint();
  out.bucket = in.read_bin();
  out.rev = in.read_uint();
  out.page = in.read_uint();
  out.more = in.read_bool();
  const auto count = in.read_array();
  if (in.failed() || parts != kBlockParts) return wrong("it is not of the form of a page");
  if (kind != kHash) {
    return wrong("its bucket is of kind " + std::to_string(kind) + ", which this kvmesh has not");
  }
  if (out.bucket.empty() || out.bucket.size() > limits::kBucketNameBytesMax) {
    return wrong("its bucket has no name that a bucket can have");
  }
  if (count > BackupBlock::kRecordsMax) return wrong("it has too many records");
  out.records.resize(count);
  const BackupRecord* last = nullptr;
  for (auto& record : out.records) {
    if (!read_record(in, record)) return wrong("a record of it is none");
    if (last != nullptr && last->key >= record.key) return wrong("its keys are not in order");
    last = &record;
  }
  const auto ttl = read_option(in, static_cast<std::uint64_t>(limits::kTtlMax.count()));
  out.options.history_bytes = read_option(in, limits::kEventRingsBytesMax);
  if (in.failed()) return wrong("its options are none");
  if (ttl) out.options.ttl = std::chrono::milliseconds{static_cast<std::int64_t>(*ttl)};
  if (!in.at_end()) return wrong("something follows its records");
  return out;
}

}  // namespace kvmesh::command
