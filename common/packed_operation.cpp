#include "common/packed_operation.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <kvmesh/limits.h>

#include "common/names.h"
#include "common/text.h"
#include "common/wire/record.h"
#include "common/wire/value_codec.h"

namespace kvmesh {
namespace {

Status check_size(std::string_view what, std::size_t actual, std::size_t limit) {
  if (actual <= limit) return {};
  return {StatusCode::kTooLarge, over_limit(what, actual, limit)};
}

Status check_names(const Operation& operation) {
  if (operation.function.empty()) {
    return {StatusCode::kInvalidArgument, "a function name must not be empty"};
  }
  auto status =
      check_size("function name", operation.function.size(), limits::kFunctionNameBytesMax);
  if (!status.ok() || operation.target == Operation::For::kHere) return status;
  if (operation.target == Operation::For::kNode) return NodeName::parse(operation.name).status();
  if (operation.name.empty()) {
    return {StatusCode::kInvalidArgument, "a bucket name must not be empty"};
  }
  return check_size("bucket name", operation.name.size(), limits::kBucketNameBytesMax);
}

Target::Kind kind_of(Operation::For target) {
  switch (target) {
    case Operation::For::kBucket:
      return Target::Kind::kBucket;
    case Operation::For::kNode:
      return Target::Kind::kNode;
    case Operation::For::kHere:
      break;
  }
  return Target::Kind::kHere;
}

}  // namespace

Result<PackedOperation> PackedOperation::make(const Operation& operation, Timeout timeout) {
  if (auto status = check_names(operation); !status.ok()) return status;
  PackedOperation out;
  out.target_ = kind_of(operation.target);
  if (operation.target != Operation::For::kHere) out.name_ = operation.name;
  out.function_ = operation.function;
  Status packed;
  wire::make_request(out.body_, {out.target_, out.name_}, out.function_, [&](wire::Buffer& buffer) {
    out.args_at_ = buffer.size();
    packed = wire::pack_value(buffer, operation.args);
  });
  if (!packed.ok()) return packed;
  if (auto status = check_size("request", out.body_.size(), limits::kBodyBytesMax); !status.ok()) {
    return status;
  }
  const auto time = std::clamp<std::chrono::milliseconds>(
      timeout.duration, std::chrono::milliseconds{0}, limits::kTimeoutMax);
  out.timeout_ms_ = static_cast<std::uint64_t>(time.count());
  out.flags_ = operation.trace ? RequestView::kFlagTrace : 0;
  return out;
}

RequestView PackedOperation::view() const {
  RequestView view;
  view.timeout_ms = timeout_ms_;
  view.flags = flags_;
  view.target = {target_, name_};
  view.function = function_;
  view.args = body_.view(args_at_);
  view.body = body_.view();
  return view;
}

Outcome outcome_of(const ReplyView& reply) {
  Outcome outcome;
  if (reply.code != StatusCode::kOk) {
    outcome.status = {reply.code, std::string{reply.text.substr(0, limits::kErrorTextBytesMax)}};
    return outcome;
  }
  auto result = wire::unpack_value(reply.result);
  if (result) {
    outcome.result = *std::move(result);
  } else {
    outcome.status = {StatusCode::kOutcomeUnknown,
                      "the call was executed, but its result is lost: " + result.status().text()};
  }
  return outcome;
}

}  // namespace kvmesh
