#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "common/functions.h"
#include "common/wire/reader.h"
#include "node/core/function_registry.h"

namespace kvmesh::modules {

/// Reads the arguments of one call, packed or not, and remembers the first fault. A function reads
/// all that it wants, then asks check() once. Not thread-safe; lives during the call.
class Arguments {
 public:
  Arguments(const RequestView& request, const functions::Function& function)
      : in_(request.args),
        words_(request.words),
        function_(function),
        left_(request.is_packed() ? in_.read_array()
                                  : static_cast<std::uint32_t>(request.words.size())) {}

  /// Bytes of at most as many as `argument` may have; kTooLarge beyond.
  std::string_view bytes(const functions::Argument& argument);
  /// The same, or empty for nil and for an argument that is left out.
  std::optional<std::string_view> optional_bytes(const functions::Argument& argument);
  /// An unsigned integer, or `otherwise` when it is left out.
  std::uint64_t optional_uint(std::uint64_t otherwise);
  /// An unsigned integer; empty for nil, and when it is left out.
  std::optional<std::uint64_t> uint_or_nil();
  /// Any one value as it stands in msgpack, or empty when it is left out. REQUIRES, as all that
  /// follows: the request is packed, which it is for every function with a handler.
  std::string_view optional_value();

  /// The same when they must not be left out.
  std::uint64_t uint();
  std::string_view value();
  /// An array as it stands in msgpack; `elements` is how many it has.
  std::string_view array(std::uint32_t& elements);
  /// Opens an array that must not be left out: who asks reads its elements from there, all of them,
  /// or refuses the call.
  wire::Reader& open_array(std::uint32_t& elements);
  /// True or false, or `otherwise` when it is left out.
  bool optional_bool(bool otherwise);
  /// Whether the next argument is text or bytes.
  bool is_bytes_next() const;

  /// Remembers what is wrong with an argument that the function has read itself, if anything is.
  void refuse(const Status& status) {
    if (fault_.ok()) fault_ = status;
  }

  /// kInvalidArgument when an argument is missing, of a wrong type, or one too many; or what was
  /// found before.
  Status check() const;

 private:
  bool next();
  const ArgumentView* next_word();
  std::string_view checked(std::string_view bytes, const functions::Argument& argument);

  wire::Reader in_;
  std::span<const ArgumentView> words_;  // those of a request that is not packed, not read yet
  const functions::Function& function_;
  std::uint32_t left_;
  bool missing_ = false;
  Status fault_;
};

/// Fails the call unless `status` is OK; whether it did.
inline bool refuse(core::Call& call, const Status& status) {
  if (status.ok()) return false;
  call.fail(status);
  return true;
}

/// Fails a call that is for a bucket though its function is for nodes, or the other way round;
/// whether it did. REQUIRES: the function's target is not For::kEither.
bool refuse_target(const functions::Function& function, core::Call& call);

}  // namespace kvmesh::modules
