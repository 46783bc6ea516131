#include "common/packed_operation.h"

#include <utility>

namespace kvmesh {

Result<PackedOperation> PackedOperation::make(const Operation& operation, Timeout timeout) {
  auto encoded = encode_request(operation);
  if (!encoded) return encoded.status();
  PackedOperation out;
  out.encoded_ = *std::move(encoded);
  if (operation.target != Operation::For::kHere) out.name_ = operation.name;
  out.function_ = operation.function;
  out.timeout_ms_ = static_cast<std::uint64_t>(bounded(timeout).count());
  out.flags_ = operation.trace ? RequestView::kFlagTrace : 0;
  return out;
}

RequestView PackedOperation::view() const {
  RequestView view;
  view.timeout_ms = timeout_ms_;
  view.flags = flags_;
  view.target = {encoded_.target, name_};
  view.function = function_;
  view.args = encoded_.body.view(encoded_.args_at);
  view.body = encoded_.body.view();
  return view;
}

}  // namespace kvmesh
