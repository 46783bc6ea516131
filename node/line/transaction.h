#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "common/request.h"
#include "common/wire/buffer.h"
#include "node/line/data_command.h"

namespace kvmesh::line {

/// The lines between BEGIN and COMMIT of one connection: checks and changes of one bucket, as the
/// one kv.apply that they become. Bounded as that is. The first line that is wrong makes it fail:
/// it keeps nothing more, so nothing of it can be executed, and COMMIT tells that line's fault. Not
/// thread-safe.
class Transaction {
 public:
  explicit Transaction(std::string_view bucket) : bucket_(bucket) {}

  /// Takes a CHECK or a change. kTooLarge when it is one too many, or has more bytes than there is
  /// room for; then, and when it had failed before, the transaction has failed.
  Status add(const DataCommand& command);
  /// A line could not be taken. Does nothing when it has failed already.
  void fail(const Status& fault);

  /// All of it as one request, in `scratch`; or the fault with which it has failed. It is over
  /// then.
  Result<RequestView> commit(std::optional<std::string_view> once, wire::Buffer& scratch) const;

  /// Memory that it keeps.
  std::size_t bytes() const {
    return sizeof *this + bucket_.capacity() + checks_.capacity() + changes_.capacity();
  }

 private:
  std::string bucket_;
  wire::Buffer checks_;  // packed, without the head of their array
  wire::Buffer changes_;
  std::size_t checks_count_ = 0;
  std::size_t changes_count_ = 0;
  std::size_t changed_bytes_ = 0;  // keys and values
  std::size_t lines_ = 0;
  Status fault_;
};

}  // namespace kvmesh::line
