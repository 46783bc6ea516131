#include "common/operation_codec.h"

#include <chrono>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/names.h"
#include "common/text.h"
#include "common/utf8.h"
#include "common/wire/record.h"
#include "common/wire/value_codec.h"

namespace kvmesh {
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

// Arguments that have a limit of their own need not travel to be refused.
Status check_arguments(const Operation& operation) {
  const auto* function = functions::find(operation.function);
  if (function == nullptr) return {};
  for (std::size_t i = 0; i < function->limited.size() && i < operation.args.size(); ++i) {
    const auto& limited = function->limited[i];
    const auto* bytes = operation.args[i].bytes_or_text();
    if (limited.name.empty() || bytes == nullptr) continue;  // what is no name the node judges
    auto status = check_size(limited.name, bytes->size(), limited.bytes_max);
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

std::vector<Hop> hops_of(std::string_view trace) {
  std::vector<Hop> hops;
  while (const auto hop = wire::take_trace_hop(trace)) {
    hops.push_back({std::string{hop->node}, std::string{hop->entry}, std::string{hop->next},
                    std::chrono::microseconds{hop->elapsed_us},
                    std::chrono::microseconds{hop->executed_us},
                    std::chrono::microseconds{hop->queue_us}, hop->link});
  }
  return hops;
}

}  // namespace

Result<EncodedRequest> encode_request(const Operation& operation) {
  if (auto status = check_target(operation); !status.ok()) return status;
  if (auto status = check_function(operation.function); !status.ok()) return status;
  if (auto status = check_arguments(operation); !status.ok()) return status;
  EncodedRequest out;
  const auto target = target_of(operation);
  out.target = target.kind;
  Status packed;
  wire::make_request(out.body, target, operation.function, [&](wire::Buffer& body) {
    out.args_at = body.size();
    packed = wire::pack_value(body, operation.args, limits::kBodyBytesMax);
  });
  if (!packed.ok()) return packed;
  if (auto status = check_size("request", out.body.size(), limits::kBodyBytesMax); !status.ok())
    return status;
  return out;
}

Outcome outcome_of(const ReplyView& reply) {
  Outcome outcome;
  outcome.trace = hops_of(reply.trace);
  if (reply.code != StatusCode::kOk) {
    outcome.status = {reply.code,
                      std::string{utf8_beginning(reply.text, limits::kErrorTextBytesMax)}};
    return outcome;
  }
  if (reply.bytes) {
    outcome.result = Bytes{std::string{*reply.bytes}};
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
