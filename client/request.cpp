#include "client/request.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/names.h"
#include "common/request.h"
#include "common/text.h"
#include "common/wire/record.h"
#include "common/wire/value_codec.h"

namespace kvmesh::client {
namespace {

Status check_size(std::string_view what, std::size_t actual, std::size_t limit) {
  if (actual <= limit) return {};
  return {StatusCode::kTooLarge, over_limit(what, actual, limit)};
}

Status check_target(const Operation& operation) {
  switch (operation.target) {
    case Operation::For::kHere:
      return {};
    case Operation::For::kNode:
      return NodeName::parse(operation.name).status();
    case Operation::For::kBucket:
      if (operation.name.empty()) {
        return {StatusCode::kInvalidArgument, "a bucket name must not be empty"};
      }
      return check_size("bucket name", operation.name.size(), limits::kBucketNameBytesMax);
  }
  return {StatusCode::kInvalidArgument, "the operation's target is none of Operation::For"};
}

Status check_function(const std::string& function) {
  if (function.empty()) return {StatusCode::kInvalidArgument, "a function name must not be empty"};
  return check_size("function name", function.size(), limits::kFunctionNameBytesMax);
}

// The arguments of `kv` that have a limit of their own, so that they need not travel to be refused.
struct LimitedArgument {
  std::string_view function;
  std::size_t position;
  std::string_view what;
  std::size_t bytes_max;
};
constexpr std::array kLimitedArguments = {
    LimitedArgument{"kv.put", 0, "key", limits::kKeyBytesMax},
    LimitedArgument{"kv.put", 1, "value", limits::kValueBytesMax},
    LimitedArgument{"kv.get", 0, "key", limits::kKeyBytesMax},
    LimitedArgument{"kv.delete", 0, "key", limits::kKeyBytesMax},
    LimitedArgument{"kv.keys", 0, "key", limits::kKeyBytesMax},
    LimitedArgument{"kv.buckets", 0, "bucket name", limits::kBucketNameBytesMax},
};

Status check_arguments(const Operation& operation) {
  for (const auto& limited : kLimitedArguments) {
    if (operation.function != limited.function) continue;
    if (limited.position >= operation.args.size()) continue;
    const auto* bytes = operation.args[limited.position].bytes_or_text();
    if (bytes == nullptr) continue;  // what is no name is for the node to judge
    auto status = check_size(limited.what, bytes->size(), limited.bytes_max);
    if (!status.ok()) return status;
  }
  return {};
}

Target target_of(const Operation& operation) {
  switch (operation.target) {
    case Operation::For::kBucket:
      return {Target::Kind::kBucket, operation.name};
    case Operation::For::kNode:
      return {Target::Kind::kNode, operation.name};
    case Operation::For::kHere:
      break;
  }
  return {};
}

}  // namespace

Result<wire::Buffer> encode_request(const Operation& operation) {
  if (auto status = check_target(operation); !status.ok()) return status;
  if (auto status = check_function(operation.function); !status.ok()) return status;
  if (auto status = check_arguments(operation); !status.ok()) return status;
  wire::Buffer body;
  Status packed;
  wire::make_request(body, target_of(operation), operation.function,
                     [&](wire::Buffer& out) { packed = wire::pack_value(out, operation.args); });
  if (!packed.ok()) return packed;
  if (auto status = check_size("request", body.size(), limits::kBodyBytesMax); !status.ok())
    return status;
  return body;
}

}  // namespace kvmesh::client
