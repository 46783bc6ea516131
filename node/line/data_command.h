#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <kvmesh/limits.h>
#include <kvmesh/status.h>

#include "common/request.h"
#include "common/wire/buffer.h"
#include "common/wire/record.h"
#include "node/line/command.h"

/// The commands from SET to ABORT (common/PROTOCOL.md, 2.3), whose words may stand in quotes and
/// whose options may follow them.
namespace kvmesh::line {

/// One of them, taken apart. The words point to what it was read from; what its form does not have
/// stays as it is here.
struct DataCommand {
  Verb verb = Verb::kUnknown;
  std::string_view bucket;  // empty between BEGIN and COMMIT
  std::string_view key;
  std::string_view value;
  std::int64_t delta = 0;
  std::uint64_t rev = 0;  // of CHECK and CHANGES
  std::optional<std::uint64_t> if_rev;
  std::optional<std::uint64_t> ttl_ms;   // of TOUCH too; empty: for ever
  std::optional<std::string_view> once;  // 1 to limits::kOnceIdBytes bytes
  std::string_view prefix;
  std::optional<std::string_view> after;
  std::uint64_t limit = 0;  // 0: not given
  std::uint64_t wait_ms = 0;

  /// SET, UNSET, ADD or TOUCH.
  bool is_change() const { return form_of(verb)->words == functions::LineWords::kChange; }
};

/// Can a line of this form have so many words? `inside` a transaction, a change names no bucket.
bool takes_words(const functions::LineForm& form, std::size_t count, bool inside);

/// Reads the words of a line. kInvalidArgument when a number or an option is none; the text names
/// it and says what it takes. REQUIRES: takes_words(form, words.size(), inside).
Result<DataCommand> read_data_command(const functions::LineForm& form,
                                      std::span<const std::string_view> words, bool inside);

/// Appends a change as kv.apply takes it. REQUIRES: command.is_change().
void pack_change(wire::Buffer& out, const DataCommand& command);
/// Appends [key, rev], as kv.apply takes it.
void pack_check(wire::Buffer& out, std::string_view key, std::uint64_t rev);
/// Appends the id of a call to execute once, shorter ones filled up with zero bytes; or nil.
void pack_once(wire::Buffer& out, std::optional<std::string_view> once);

/// `request` with the name of its target where its body has it. REQUIRES: it is packed.
RequestView pointing_into_body(RequestView request);

/// The request for `bucket` of a function whose arguments `pack_args(buffer)` packs as one array,
/// all of it in `scratch`.
template <typename PackArgs>
RequestView make_bucket_request(wire::Buffer& scratch, std::string_view bucket,
                                const functions::Function& function, PackArgs&& pack_args) {
  return pointing_into_body(wire::make_request(scratch, {Target::Kind::kBucket, bucket},
                                               function.name, std::forward<PackArgs>(pack_args)));
}

/// The request that a command stands for, in `scratch`: nothing points to its words any more.
/// REQUIRES: it is one of SET, UNSET, READ, ADD, TOUCH, SCAN and CHANGES, with its bucket.
RequestView to_request(const DataCommand& command, wire::Buffer& scratch);

}  // namespace kvmesh::line
